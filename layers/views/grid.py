"""Inside an affine grid: one target at a time, its source, and what it adds to the gradient of θ.

The derivation stands at the head of layers/affine_grid.py; it is told with the numbers of one image of
the batch.
"""

from typing import Any

import numpy as np

from minigrad.stepping.svg import ACCENT, Board, fitted, spread
from minigrad.stepping.text import numbers, short
from minigrad.stepping.views import Frame, Shown, View, register

#: Targets up to which there is a frame for each.
FRAMES = 400
SIDE = 260
#: Places are drawn as far as this from the middle of the input, whose edges are at 1.
REACH = 1.5


@register("affine_grid")
def view(step: Any, shown: Shown) -> View | None:
    """A frame for each target (evenly spread ones, where they are many)."""
    theta, points = step.value("theta"), step.options.get("points")
    if theta is None or points is None or 0 in (theta.size, points.size):
        return None
    (example,), picked = shown.among(example=len(theta))
    theta, dgrid = theta[example], step.outputs[0].gradient[example]
    grid, dtheta = points @ theta.T, np.einsum("hwi,hwj->ij", dgrid, points)
    size = np.linalg.norm(dgrid, axis=-1)
    target = Board(
        size, (SIDE + 90, 40), fitted(size.shape, SIDE / 2), "|dgrid| comes in: click one", False
    )
    chosen = spread(size.shape, FRAMES)
    frames = []
    for at in chosen:
        words = _words(theta, points[at], grid[at], dgrid[at], dtheta, at)
        frames.append(Frame(words, _arrow(points[at], grid[at]) + target.outline(*at)))
    drawing = _input() + "".join(_dot(grid[at], 2.5, "fill='#2b8a3e'") for at in chosen)
    drawing += target.image + target.buttons((frame, *at) for frame, at in enumerate(chosen))
    start = int(np.argmax([size[at] for at in chosen]))
    title = "the grid, place by place: from the target in the output to the source in the input"
    return View(title, (round(1.5 * SIDE) + 180, SIDE + 60), drawing, frames, start, picked)


def _at(place: np.ndarray) -> tuple[float, float]:
    """Where x and y, from -1 to 1 in the input, fall on the drawing; what is far away, on its edge."""
    x, y = np.clip(place[:2], -REACH, REACH)
    return 40 + SIDE * (x + REACH) / (2 * REACH), 40 + SIDE * (y + REACH) / (2 * REACH)


def _input() -> str:
    """The edges of the input."""
    left, top = _at(np.array([-1.0, -1.0]))
    side = SIDE / REACH
    return (
        "<text x='40' y='32'>input: hollow target, filled source</text>"
        f"<rect x='{left:g}' y='{top:g}' width='{side:g}' height='{side:g}' fill='none' "
        "stroke='#868e96'/>"
    )


def _dot(place: np.ndarray, radius: float, attributes: str) -> str:
    x, y = _at(place)
    return f"<circle cx='{x:.2f}' cy='{y:.2f}' r='{radius:g}' {attributes}/>"


def _arrow(target: np.ndarray, source: np.ndarray) -> str:
    """A target, its source, and a line from one to the other."""
    (x1, y1), (x2, y2) = _at(target), _at(source)
    line = f"<line x1='{x1:.2f}' y1='{y1:.2f}' x2='{x2:.2f}' y2='{y2:.2f}' stroke='{ACCENT}'/>"
    hollow = _dot(target, 5, f"fill='none' stroke='{ACCENT}' stroke-width='2'")
    return line + hollow + _dot(source, 5, f"fill='{ACCENT}'")


def _words(
    theta: np.ndarray,
    target: np.ndarray,
    source: np.ndarray,
    d: np.ndarray,
    dtheta: np.ndarray,
    at: tuple[int, int],
) -> str:
    x, y = map(short, target[:2])
    lines = [f"output pixel [{at[0]}, {at[1]}] has the target x_t = {x}, y_t = {y}", ""]
    for name, row, value in zip("xy", theta, source):
        a, b, c = map(short, row)
        lines.append(f"{name}_s = {a} x_t + {b} y_t + {c} = {short(value)}")
    lines += ["", f"dx_s = {short(d[0])} and dy_s = {short(d[1])} come in", ""]
    for number, name in enumerate("xy"):
        share = numbers(d[number] * target)
        lines.append(f"dt{number + 1} += d{name}_s (x_t, y_t, 1) = {share}")
    whole = numbers(dtheta).replace("\n", "\n" + " " * 28)
    return "\n".join([*lines, "", f"from all places:   dtheta = {whole}"])
