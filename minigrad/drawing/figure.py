"""`draw`: the graph of a loss as a matplotlib Figure, from its leaves on the left to the loss.

A graph with many columns is broken into bands, as a text is into lines: a line that is cut at the
right end of a band goes on at the left end of the next, with the name of where it comes from. So does,
in a large graph, a line from a leaf to whoever does not stand beside it.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.drawing import paint
from minigrad.drawing.bands import Bands, break_into_bands
from minigrad.drawing.boxes import CONSTANT, LATER, LEAF, Graph
from minigrad.drawing.graph import named_by, read
from minigrad.drawing.layout import arrange
from minigrad.drawing.numbers import short
from minigrad.stepping.calls import Call
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Of larger graphs the norms along the arrows are told by their width alone, and far leaves by their names.
LABELLED = 150


def draw(loss: Tensor, names: Any = None, unfold: bool = False) -> Figure:
    """Draw the graph of `loss`: values, gradients, modules.

    A box is a value and the operation that made it; leaves have square corners, constants a dashed
    border, the output a bold one. An arrow is as wide as the norm of the gradient that flows back
    along it, which stands beside it where there is room; in a large graph a leaf's name stands for a long
    line from it. The gradients come from a backward pass of its own, which leaves `.grad` alone and frees
    nothing.

    Inside ``with minigrad.recording():`` all values and the modules of all nodes are kept to be shown;
    without it, those that can be told, for some nodes a module further out. A leaf that no rule kept is then
    shown as it is now, and the title says so. A recorded layer that is made of several operations, such as
    SpatialTransformer, is one box; so are, where there are more than a hundred boxes, as many recorded
    modules as let the picture be read at once.

    Parameters
    ----------
    loss : Tensor
        With a graph. Gradients are shown where it is a single number, and its graph was not freed.
    names : Module, or mapping from name to Tensor, array or Module
        What leaves, results and constants are called; without it the caller's variables are looked
        through. Parameters of a Module also tell which nodes belong to it: these stand on ground of one
        shade, with its name.
    unfold : bool
        Draw all that is in modules, however much it is: of some hundred boxes that is a wall chart, and
        ``step(loss).html("steps.html")`` is quicker to look at.

    Returns
    -------
    matplotlib.figure.Figure
        Of a size at which its text can be read; ``figure.savefig("graph.svg")`` keeps it sharp.

    Raises
    ------
    GraphError
        `loss` has no graph.
    """
    from matplotlib.figure import Figure

    graph = read(loss, named_by(names, sys._getframe(1)), unfold)
    places, bends = arrange(graph.edges(), _named(graph))
    bands = break_into_bands(places, bends)
    title = 0.45  # inches
    figure = Figure(figsize=(bands.width + 0.2, bands.height + title))
    axes = figure.add_axes((0, 0, 1, bands.height / (bands.height + title)))
    axes.set(xlim=(-0.1, bands.width + 0.1), ylim=(bands.height, 0))
    axes.set_axis_off()
    figure.text(0.02, 0.99, _title(graph), va="top", fontsize=9)
    _ground(axes, graph, places, bands)
    _arrows(axes, graph, places, bends, bands)
    paint.boxes(axes, [(bands.point(*places[key]), box) for key, box in graph.boxes.items()])
    return figure


def _title(graph: Graph) -> str:
    count = f"{len(graph.boxes)} values" if len(graph.boxes) > 1 else "a leaf"
    if any(isinstance(key, Call) for key in graph.boxes):
        count += ", modules folded (unfold=True draws all)"
    if graph.has_later:
        count += f"; {LATER}"
    return (
        f"{count}\n{graph.note or 'arrows: forward, width: norm of the gradient that flows back'}"
    )


def _ground(axes: Axes, graph: Graph, places: dict[Any, Any], bands: Bands) -> None:
    """Ground below the boxes of each module, of another shade than that of its neighbours."""
    members: dict[str, list[Any]] = {}
    for key, box in graph.boxes.items():
        if box.group:
            members.setdefault(box.group, []).append(bands.point(*places[key]))
    shades: dict[str, int] = {}
    for path, points in members.items():
        near = {shades[p] for p in shades if paint.touch(points, members[p])}
        free = [shade for shade in range(len(paint.GROUND)) if shade not in near]
        shades[path] = free[0] if free else 0
        paint.ground(axes, points, path, shades[path])


def _named(graph: Graph) -> set[Any]:
    """The leaves and constants of a large graph that nothing else is called like."""
    count = Counter(box.label for box in graph.boxes.values())
    boxes = graph.boxes.items() if len(graph.boxes) > LABELLED else ()
    return {key for key, box in boxes if box.kind in (LEAF, CONSTANT) and count[box.label] == 1}


def _arrows(
    axes: Axes, graph: Graph, places: dict[Any, Any], bends: dict[Any, Any], bands: Bands
) -> None:
    strokes = []
    widths, ports = _widths(graph), _ports(graph, places, bends)
    written: set[Any] = set()
    for (source, target), norm in graph.arrows.items():
        column, row = places[target]
        end = (column, row + ports[source, target])
        if _is_head(source, target, places, bends):
            pieces = [bands.head(end)]
        else:
            pieces = bands.pieces([places[source], *bends.get((source, target), ()), end])
        for piece in pieces:
            points = paint.between_boxes(piece)
            known = norm is not None
            strokes.append(paint.Stroke(points, widths[source, target], known, piece.last))
            if piece.last and norm is not None and len(graph.boxes) <= LABELLED:
                paint.norm(axes, points[-1], short(norm, 2))
            # Lines from one box share their bends, so one name serves them all.
            if not piece.first and (source, points[0]) not in written:
                written.add((source, points[0]))
                paint.continued(axes, points[0], graph.boxes[source].label)
    paint.arrows(axes, strokes)


def _is_head(source: Any, target: Any, places: dict[Any, Any], bends: dict[Any, Any]) -> bool:
    """Whether of a line there is but the end: it is long, and has no room on the way."""
    return (source, target) not in bends and places[target][0] > places[source][0] + 1


def _ports(graph: Graph, places: dict[Any, Any], bends: dict[Any, Any]) -> dict[Any, float]:
    """At which height, in rows from its centre, each arrow enters its box: in the order they come."""
    ports = {}
    for target, sources in graph.edges().items():
        last = {s: bends.get((s, target), [places[s]])[-1][1] for s in sources}
        last |= {s: -np.inf for s in sources if _is_head(s, target, places, bends)}
        ordered = sorted(sources, key=last.__getitem__)
        step = min(0.2, 0.5 / max(1, len(ordered) - 1))
        for k, source in enumerate(ordered):
            ports[source, target] = (k - (len(ordered) - 1) / 2) * step
    return ports


def _widths(graph: Graph) -> dict[Any, float]:
    """2.5 points for the largest norm and two thirds of a point less for each decade below it."""
    norms = [norm for norm in graph.arrows.values() if norm and np.isfinite(norm)]
    largest = max(norms, default=1.0)
    widths = {}
    for arrow, norm in graph.arrows.items():
        decades = np.log10(norm / largest) if norm and np.isfinite(norm) else -3.0
        widths[arrow] = max(0.5, 2.5 + decades * 2 / 3)
    return widths
