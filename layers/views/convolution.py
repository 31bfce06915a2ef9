"""Inside a convolution: one window at a time, what it sums and what it sends back.

The derivation stands at the head of layers/conv.py. Shown are one image of the batch and one filter;
pictures and tables are those of one of the channels that the filter sees.
"""

from typing import Any

import numpy as np

from layers.views.windows import FRAMES, SIDE, Window, side_by_side, window
from minigrad.stepping.svg import Board, fitted, spread
from minigrad.stepping.text import short
from minigrad.stepping.views import Frame, Shown, View, register


@register("conv2d")
def view(step: Any, shown: Shown) -> View | None:
    """A frame for each window (evenly spread ones, where they are many)."""
    x, w = step.value("x"), step.value("w")
    if x is None or w is None or not step.options or 0 in (x.size, w.size):
        return None
    (example, channel, o), picked = shown.among(example=len(x), channel=w.shape[1], filter=len(w))
    group = o // (len(w) // step.options["groups"])  # filters of a group see its channels alone
    x, w = x[example, group * w.shape[1] : (group + 1) * w.shape[1]], w[o]
    bias, upstream = step.value("b"), step.outputs[0].gradient[example, o]
    rim = step.options["padding"]
    source = Board(
        x[channel],
        (40, 40),
        fitted(x.shape[1:], SIDE, rim),
        f"input, channel {channel + group * len(w)}",
        rim=rim,
    )
    corner = (source.width + 90, 40)
    target = Board(upstream, corner, fitted(upstream.shape, SIDE), f"dy of filter {o}: click one")
    chosen = spread(upstream.shape, FRAMES)
    frames = []
    for at in chosen:
        seen = window(x, w.shape[1:], at, step.options)
        words = _words(seen, w, None if bias is None else bias[o], float(upstream[at]), at, channel)
        marks = "".join(source.outline(r, c) for r in seen.rows for c in seen.columns)
        frames.append(Frame(words, marks + target.outline(*at)))
    drawing = source.image + target.image
    drawing += target.buttons((frame, *at) for frame, at in enumerate(chosen))
    width, height = target.left + target.width + 20, 60 + max(source.height, target.height)
    start = int(np.argmax([abs(upstream[at]) for at in chosen]))
    title = "the convolution, window by window"
    return View(title, (round(width), round(height)), drawing, frames, start, picked)


def _words(
    seen: Window, w: np.ndarray, bias: Any, dy: float, at: tuple[int, int], channel: int
) -> str:
    products = float(np.sum(w * seen.values))
    total = products if bias is None else products + float(bias)
    plus = "" if bias is None else f" + b = {short(products)} + {short(float(bias))}"
    others = len(w) - 1
    more = f", and {others} more channel{'s' * (others > 1)}" if others else ""
    values, weights = seen.values[channel], w[channel]
    return "\n".join(
        [
            f"output pixel [{at[0]}, {at[1]}] sees {seen.span}",
            "",
            *side_by_side({"x (0 outside)": values, "w": weights}),
            "",
            f"y  = sum of w x{more}{plus} = {short(total)}",
            f"dy = {short(dy)} comes in",
            "",
            *side_by_side({"dw += dy x": dy * values, "dx += dy w, on the window": dy * weights}),
            *([] if bias is None else [f"db += dy = {short(dy)}"]),
        ]
    )
