"""The marks of a drawing: boxes, arrows, ground. They differ in shape and shade, not in colour alone.

Marks of one kind are drawn as one collection, so that 500 boxes take a second, not ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigrad.drawing.bands import COLUMN, ROW, Piece
from minigrad.drawing.boxes import CONSTANT, LEAF, OPERATION, OUTPUT, Box
from minigrad.drawing.numbers import SMALL, brief

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]

WIDTH, HEIGHT, RUN_IN = 1.22, 0.47, 0.24
#: Characters that fit into a box, and beside one.
ROOM, TAG = 26, 9
GROUND = ("#EDEDED", "#D6E4F0", "#DCEBDD", "#F0E2EC")
INK, FLOW, SOFT = "#222222", "#0072B2", "#777777"
LOOKS: dict[str, dict[str, Any]] = {
    LEAF: {"facecolor": "#FFE9B8", "linewidth": 0.8},
    CONSTANT: {"facecolor": "white", "linewidth": 0.8, "linestyle": "--"},
    OPERATION: {"facecolor": "white", "linewidth": 0.8},
    OUTPUT: {"facecolor": "white", "linewidth": 2.2},
}


class Stroke(NamedTuple):
    """One piece of an arrow: the points it passes, its width, and whether its gradient is known.

    `head` says whether it ends at a box, or goes on in another band.
    """

    points: list[Point]
    width: float
    known: bool
    head: bool


def boxes(axes: Axes, contents: Sequence[tuple[Point, Box]]) -> None:
    """Boxes with their names, their values or shapes, and their gradients where these are known."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import FancyBboxPatch

    for kind, look in LOOKS.items():
        style = "square,pad=0" if kind in (LEAF, CONSTANT) else "round,pad=0,rounding_size=.08"
        patches = [
            FancyBboxPatch((x - WIDTH / 2, y - HEIGHT / 2), WIDTH, HEIGHT, boxstyle=style)
            for (x, y), box in contents
            if box.kind == kind
        ]
        if patches:
            axes.add_collection(
                PatchCollection(patches, edgecolor=INK, zorder=3, label=kind, **look)
            )
    for (x, y), box in contents:
        _write(axes, x, y, lines(box))


def _write(axes: Axes, x: float, y: float, written: list[str]) -> None:
    for k, text in enumerate(written):
        level = y + (k - (len(written) - 1) / 2) * HEIGHT / 3.3
        weight = "normal" if k else "bold"
        axes.text(x, level, _cut(text), ha="center", va="center", size=6, weight=weight, zorder=4)


def lines(box: Box) -> list[str]:
    """What a box says: its name, its value with its shape, its gradient."""
    written = [box.label]
    if box.value is not None:
        tiny = box.value.size == 1 or (box.value.ndim == 1 and box.value.size <= SMALL)
        written.append(brief(box.value) if tiny else f"{box.shape}  {brief(box.value)}")
    elif box.shape is not None:
        written.append(f"{box.shape}" if box.shape else "one number")
    if box.gradient is not None:
        written.append(f"grad {brief(box.gradient)}")
    return written


def _cut(text: str) -> str:
    return text if len(text) <= ROOM else text[: ROOM - 1] + "…"


def arrows(axes: Axes, strokes: Sequence[Stroke]) -> None:
    """Lines that are level where they pass a box; dotted where no gradient is known."""
    from matplotlib.collections import PathCollection

    for known in (True, False):
        chosen = [stroke for stroke in strokes if stroke.known is known]
        colour = FLOW if known else SOFT
        axes.add_collection(
            PathCollection(
                [_path(stroke.points) for stroke in chosen],
                facecolors="none",
                edgecolors=colour,
                linewidths=[stroke.width for stroke in chosen],
                linestyles="-" if known else ":",
                zorder=2,
                label="gradient known" if known else "gradient not known",
            )
        )
        heads = np.array([s.points[-1] for s in chosen if s.head]).reshape(-1, 2)
        axes.scatter(heads[:, 0] - 0.025, heads[:, 1], s=9, marker=">", color=colour, zorder=2)


def _path(points: list[Point]):
    from matplotlib.path import Path

    vertices, codes = [points[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        middle = (x0 + x1) / 2
        vertices += [(middle, y0), (middle, y1), (x1, y1)]
        codes += [Path.CURVE4] * 3
    return Path(vertices, codes)


def between_boxes(piece: Piece) -> list[Point]:
    """From the right side of a box to the left side of another; level across the cells between."""
    points = list(piece.points)
    if piece.first:
        points[0] = (points[0][0] + WIDTH / 2, points[0][1])
    if piece.last:
        points[-1] = (points[-1][0] - WIDTH / 2, points[-1][1])
    # The last bit is level, so that there is room above it for the norm.
    end = [(points[-1][0] - RUN_IN, points[-1][1])] if piece.last else []
    level = [points[0]]
    for x, y in points[1:-1]:
        level += [(x - WIDTH / 2, y), (x + WIDTH / 2, y)]
    return [*level, *end, points[-1]]


def norm(axes: Axes, head: Point, text: str) -> None:
    """The norm of a gradient, at the head of its arrow."""
    x, y = head[0] - 0.07, head[1] - 0.01
    axes.text(x, y, text, ha="right", va="bottom", size=5, color=FLOW, zorder=5)


def continued(axes: Axes, start: Point, label: str) -> None:
    """Where a line comes from that began elsewhere; of a path the end, which tells weight from bias."""
    text = label if len(label) <= TAG else "…" + label[1 - TAG :]
    axes.text(*start, text, va="bottom", size=5, color=SOFT, zorder=5)


def ground(axes: Axes, centres: Sequence[Point], path: str, shade: int) -> None:
    """Shade the cells of a module; neighbours run together. Its name stands once on each such patch."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    cells = [Rectangle((x - COLUMN / 2, y - ROW / 2), COLUMN, ROW) for x, y in centres]
    axes.add_collection(
        PatchCollection(cells, facecolor=GROUND[shade], edgecolor="none", zorder=0, label=path)
    )
    for patch in _patches(centres):
        x, y = min(patch)
        corner = x - WIDTH / 2, y - ROW / 2 + 0.01
        axes.text(*corner, path, va="top", size=5.5, style="italic", zorder=5)


def touch(some: Sequence[Point], others: Sequence[Point]) -> bool:
    """Whether any of the cells around some points meets one of those around others."""
    apart = np.abs(np.array(some)[:, None] - np.array(others))
    return bool((apart < (1.01 * COLUMN, 1.01 * ROW)).all(-1).any())


def _patches(centres: Sequence[Point]) -> list[list[Point]]:
    """The points whose cells touch, directly or by others between them, together."""
    patches: list[list[Point]] = []
    for point in centres:
        near = [patch for patch in patches if touch([point], patch)]
        patches = [patch for patch in patches if patch not in near]
        patches.append([point, *(other for patch in near for other in patch)])
    return patches
