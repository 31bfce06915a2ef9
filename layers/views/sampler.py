"""Inside the bilinear sampler: one output pixel, its four neighbours, their weights, and the slopes.

The derivation stands at the head of layers/grid_sample.py; here it is told with the numbers of one
place (u, v) in the image. Shown is one image of the batch; gradients of the place are summed over the
channels, and pictures and values are those of one of them.
"""

from typing import Any, NamedTuple

import numpy as np

from layers.grid_sample import to_pixels
from minigrad.stepping.svg import ACCENT, Board, fitted, spread
from minigrad.stepping.text import short
from minigrad.stepping.views import Frame, Shown, View, register

#: Output pixels up to which there is a frame for each.
FRAMES = 400
SIDE = 260
#: Pixels around the image in which places are drawn: those farther out see nothing of it.
RIM = (1, 1)


class Neighbour(NamedTuple):
    """One of the four pixels around a place: where it is, what it weighs, its slopes by u and by v."""

    row: int
    column: int
    values: np.ndarray
    weight: float
    slope_u: float
    slope_v: float


class Reading(NamedTuple):
    """What the sampler does at one place, for all channels.

    Attributes
    ----------
    u, v : column and row in pixels, after the border's clamp
    moves : whether u, and whether v, may move (outside of a repeated border they may not)
    neighbours : list of four Neighbour
    value : (C,) the output
    slope : (dV/du, dV/dv), each (C,)
    """

    u: float
    v: float
    moves: tuple[bool, bool]
    neighbours: list[Neighbour]
    value: np.ndarray
    slope: tuple[np.ndarray, np.ndarray]


def read(image: np.ndarray, u: float, v: float, border: bool) -> Reading:
    """Read `image` (C, H, W) at column `u` and row `v`, as the paper's equations say."""
    height, width = image.shape[1:]
    moves = (not border or 0 < u < width - 1, not border or 0 < v < height - 1)
    if border:
        u, v = float(np.clip(u, 0, width - 1)), float(np.clip(v, 0, height - 1))
    left, above = int(np.floor(u)), int(np.floor(v))
    neighbours = []
    for row in (above, above + 1):
        for column in (left, left + 1):
            inside = 0 <= row < height and 0 <= column < width
            values = image[:, row, column] if inside else np.zeros(len(image))
            by_u, by_v = 1 - abs(u - column), 1 - abs(v - row)
            # k' = -1 where m = floor(u), +1 where m = floor(u) + 1, 0 for every other m.
            slope_u = by_v * (-1 if column == left else 1) * moves[0]
            slope_v = by_u * (-1 if row == above else 1) * moves[1]
            neighbours.append(Neighbour(row, column, values, by_u * by_v, slope_u, slope_v))
    values = np.stack([n.values for n in neighbours], axis=-1)
    weights, slopes_u, slopes_v = np.transpose([n[3:] for n in neighbours])
    slope = (values @ slopes_u, values @ slopes_v)
    return Reading(u, v, moves, neighbours, values @ weights, slope)


@register("grid_sample")
def view(step: Any, shown: Shown) -> View | None:
    """A frame for each output pixel (evenly spread ones, where they are many)."""
    image, grid = step.value("image"), step.value("grid")
    if image is None or grid is None or step.options.get("mode") != "bilinear":
        return None
    if grid.size == 0 or image.size == 0:
        return None
    (example, channel), picked = shown.among(example=len(image), channel=image.shape[1])
    image, grid, size = image[example], grid[example], image.shape[2:]
    if not np.isfinite(grid).all():
        return None
    aligned, border = step.options["align_corners"], step.options["padding_mode"] == "border"
    places = to_pixels(grid.astype(float), size, aligned)
    title = "input, and the places that are read"
    source = Board(image[channel], (40, 40), fitted(size, SIDE, RIM), title, False, RIM)
    upstream = step.outputs[0].gradient[example]
    corner = (max(source.width, SIDE) + 80, 40)
    target = Board(
        upstream[channel],
        corner,
        fitted(upstream.shape[1:], SIDE / 2),
        "dV comes in: click a pixel",
    )
    chosen = spread(upstream.shape[1:], FRAMES)
    scale = tuple((n - 1) / 2 if aligned else n / 2 for n in reversed(size))
    inset = _Inset(corner[0], 60 + target.height, image[channel], channel)
    frames = []
    for at in chosen:
        u, v = places[at]
        reading = read(image, u, v, border)
        words = _words(reading, upstream[:, *at], at, scale, channel)
        marks = _marks(reading, source) + target.outline(*at) + inset.draw(reading)
        frames.append(Frame(words, marks))
    drawing = source.image + target.image + _dots(places, chosen, source)
    drawing += target.buttons((frame, *at) for frame, at in enumerate(chosen))
    start = int(np.argmax([np.sum(np.abs(upstream[:, *at])) for at in chosen]))
    drawn = (round(corner[0] + SIDE / 2 + 70), round(max(source.height + 60, inset.bottom)))
    title = "the sampler, pixel by pixel: four neighbours, their weights, the slopes case by case"
    return View(title, drawn, drawing, frames, start, picked)


def _dots(places: np.ndarray, chosen: list[tuple[int, int]], board: Board) -> str:
    """All places that are read, where they fall on the drawing."""
    dots = []
    for frame, (row, column) in enumerate(chosen):
        u, v = places[row, column]
        if board.holds(v, u):
            dots.append(board.dot(v, u, 2.5, f"fill='#2b8a3e' data-frame='{frame}'"))
    return "".join(dots)


def _marks(reading: Reading, board: Board) -> str:
    near = [n for n in reading.neighbours if board.holds(n.row, n.column)]
    marks = "".join(board.outline(n.row, n.column) for n in near)
    if board.holds(reading.v, reading.u):
        marks += board.dot(reading.v, reading.u, 4, f"fill='{ACCENT}' stroke='#fff'")
    return marks


class _Inset:
    """The four neighbours, enlarged, each in its grey and with its weight, and the place among them."""

    def __init__(self, left: float, top: float, image: np.ndarray, channel: int):
        self.channel = channel
        self.left, self.top, self.side = left, top, SIDE / 4
        self.bottom = top + 2 * self.side + 20
        self.low, self.range = image.min(), np.ptp(image) or 1

    def draw(self, reading: Reading) -> str:
        side, (first, *_) = self.side, reading.neighbours
        parts = [f"<text x='{self.left:g}' y='{self.top - 6:g}'>their weights</text>"]
        for n in reading.neighbours:
            x, y = (
                self.left + (n.column - first.column) * side,
                self.top + (n.row - first.row) * side,
            )
            grey = round(np.clip((n.values[self.channel] - self.low) / self.range, 0, 1) * 255)
            ink = "#000" if grey > 127 else "#fff"
            parts.append(
                f"<rect x='{x:.1f}' y='{y:.1f}' width='{side:g}' height='{side:g}' "
                f"fill='rgb({grey},{grey},{grey})' stroke='{ACCENT}'/><text x='{x + 6:.1f}' "
                f"y='{y + 16:.1f}' style='fill:{ink}'>{short(round(n.weight, 4))}</text>"
            )
        x = self.left + (reading.u - first.column + 0.5) * side
        y = self.top + (reading.v - first.row + 0.5) * side
        parts.append(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='5' fill='{ACCENT}' stroke='#fff'/>")
        return "".join(parts)


def _words(
    reading: Reading,
    upstream: np.ndarray,
    at: tuple[int, int],
    scale: tuple[float, ...],
    channel: int,
) -> str:
    """The derivation with the numbers of one place."""
    u, v, channels = reading.u, reading.v, len(upstream)
    lines = [
        f"output pixel [{at[0]}, {at[1]}] reads at column u = {short(u)}, row v = {short(v)}",
        f"a = u - floor u = {short(u - np.floor(u))},  b = v - floor v = {short(v - np.floor(v))}",
        *_cases(reading),
        "",
        "pixel      value     weight    k'(u-m) k(v-n)   k(u-m) k'(v-n)   dU += dV weight",
    ]
    for n in reading.neighbours:
        values = (n.values[channel], n.weight, n.slope_u, n.slope_v)
        cells = (*values, upstream[channel] * n.weight)
        name = f"[{n.row}, {n.column}]"
        text = "{:<9}  {:<8}  {:<8}  {:<15}  {:<15}  {}".format(
            name, *map(short, map(float, cells))
        )
        lines.append(text)
    summed = f", summed over {channels} channels" if channels > 1 else ""
    lines += [
        "every other pixel: weight 0, slope 0",
        "",
        f"V     = sum of value * weight         = {short(reading.value[channel])}",
        f"dV/du = sum of value * k'(u-m) k(v-n) = {short(reading.slope[0][channel])}",
        f"dV/dv = sum of value * k(u-m) k'(v-n) = {short(reading.slope[1][channel])}",
        f"dV    = {short(upstream[channel])} comes in"
        + (f" (channel {channel})" if channels > 1 else ""),
    ]
    for name, slope, factor in zip("xy", reading.slope, scale):
        place = "uv"["xy".index(name)]
        answer = float(upstream @ slope * factor)
        lines.append(
            f"d{name}    = dV dV/d{place} d{place}/d{name} = {short(answer)}   "
            f"(d{place}/d{name} = {short(factor)}{summed})"
        )
    return "\n".join(lines)


def _cases(reading: Reading) -> list[str]:
    """What is special about a place, for u and for v."""
    told = []
    for name, at, moves in zip("uv", (reading.u, reading.v), reading.moves):
        if not moves:
            told.append(f"{name} lies on or beyond the border, which is repeated: its slope is 0")
        elif at == np.floor(at):
            told.append(
                f"{name} is whole, a kink: any slope between the two sides is a subgradient;"
            )
            told.append("floor takes that to the right, as PyTorch does")
    return told
