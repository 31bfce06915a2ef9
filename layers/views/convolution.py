"""Inside a convolution: one window at a time, what it sums and what it sends back.

The derivation stands at the head of layers/conv.py. Shown are the first image of the batch and the
first filter; pictures and tables are those of the first channel that the filter sees.
"""

from typing import Any, NamedTuple

import numpy as np

from minigrad.stepping.svg import Board, fitted, spread
from minigrad.stepping.text import numbers, short
from minigrad.stepping.views import Frame, View, register

#: Windows up to which there is a frame for each.
FRAMES = 400
SIDE = 260


class Window(NamedTuple):
    """What filter 0 sees from one place: rows and columns in the image, some outside, and the values."""

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray


def window(x: np.ndarray, kernel: tuple[int, ...], at: tuple[int, int], options: Any) -> Window:
    """The part of `x` (C, H, W) under a filter of `kernel` (C, kh, kw) at output pixel `at`."""
    rows, columns = (
        at[k] * options["stride"][k]
        - options["padding"][k]
        + options["dilation"][k] * np.arange(kernel[k + 1])
        for k in (0, 1)
    )
    values = np.zeros(kernel)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                values[:, i, j] = x[: kernel[0], row, column]
    return Window(rows, columns, values)


@register("conv2d")
def view(step: Any) -> View | None:
    """A frame for each window (evenly spread ones, where they are many)."""
    x, w = step.value("x"), step.value("w")
    if x is None or w is None or not step.options or 0 in (x.size, w.size):
        return None
    x, w, bias, upstream = x[0], w[0], step.value("b"), step.outputs[0].gradient[0, 0]
    source = Board(x[0], (40, 40), fitted(x.shape[1:], SIDE), "input, channel 0")
    target = Board(
        upstream, (source.width + 90, 40), fitted(upstream.shape, SIDE), "dy of filter 0: click one"
    )
    chosen = spread(upstream.shape, FRAMES)
    frames = []
    for at in chosen:
        seen = window(x, w.shape, at, step.options)
        words = _words(seen, w, None if bias is None else bias[0], float(upstream[at]), at)
        marks = "".join(source.outline(r, c) for r in seen.rows for c in seen.columns)
        frames.append(Frame(words, marks + target.outline(*at)))
    drawing = source.image + target.image
    drawing += target.buttons((frame, *at) for frame, at in enumerate(chosen))
    width, height = target.left + target.width + 20, 60 + max(source.height, target.height)
    start = int(np.argmax([abs(upstream[at]) for at in chosen]))
    title = "the convolution, window by window"
    return View(title, (round(width), round(height)), drawing, frames, start)


def _words(seen: Window, w: np.ndarray, bias: Any, dy: float, at: tuple[int, int]) -> str:
    products = float(np.sum(w * seen.values))
    total = products if bias is None else products + float(bias)
    plus = "" if bias is None else f" + b = {short(products)} + {short(float(bias))}"
    more = f", and {len(w) - 1} more channels" if len(w) > 1 else ""
    return "\n".join(
        [
            f"output pixel [{at[0]}, {at[1]}] sees rows {_span(seen.rows)}, columns {_span(seen.columns)}",
            "",
            *_side_by_side({"x (0 outside)": seen.values[0], "w": w[0]}),
            "",
            f"y  = sum of w x{more}{plus} = {short(total)}",
            f"dy = {short(dy)} comes in",
            "",
            *_side_by_side(
                {"dw += dy x": dy * seen.values[0], "dx += dy w, on the window": dy * w[0]}
            ),
            *([] if bias is None else [f"db += dy = {short(dy)}"]),
        ]
    )


def _span(places: np.ndarray) -> str:
    return f"{places[0]} to {places[-1]}" if len(places) > 1 else str(places[0])


def _side_by_side(matrices: dict[str, np.ndarray]) -> list[str]:
    """Small matrices beside each other, their names above."""
    blocks = [[name, *numbers(matrix).split("\n")] for name, matrix in matrices.items()]
    widths = [max(map(len, block)) for block in blocks]
    return [
        "    ".join(line.ljust(width) for line, width in zip(lines, widths)).rstrip()
        for lines in zip(*blocks)
    ]
