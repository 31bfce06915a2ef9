"""Inside a transposed convolution: one pixel of the input at a time, which stamps its filter.

The derivation stands at the head of layers/conv_transpose.py. Shown are one image of the batch, one
channel of it, and the filter that this channel stamps onto one channel of the output; the rim around the
output is what padding cuts away.
"""

from typing import Any

import numpy as np

from layers.views.windows import FRAMES, SIDE, Window, side_by_side, window
from minigrad.stepping.svg import Board, fitted, spread
from minigrad.stepping.text import short
from minigrad.stepping.views import Frame, Shown, View, register


@register("conv_transpose2d")
def view(step: Any, shown: Shown) -> View | None:
    """A frame for each pixel of the input (evenly spread ones, where they are many)."""
    x, w = step.value("x"), step.value("w")
    if x is None or w is None or not step.options or 0 in (x.size, w.size):
        return None
    (example, channel, o), picked = shown.among(example=len(x), channel=len(w), filter=w.shape[1])
    first = channel // (len(w) // step.options["groups"]) * w.shape[1]  # output of the group
    x, w = x[example, channel], w[channel]
    dy = step.outputs[0].gradient[example, first : first + len(w)]
    rim = step.options["padding"]
    source = Board(x, (40, 40), fitted(x.shape, SIDE), f"input, channel {channel}: click one")
    target = Board(
        dy[o],
        (max(source.width, SIDE) + 90, 40),
        fitted(dy.shape[1:], SIDE, rim),
        f"dy of channel {first + o}, under the stamp",
        rim=rim,
    )
    chosen = spread(x.shape, FRAMES)
    frames = []
    for at in chosen:
        seen = window(dy, w.shape[1:], at, step.options)
        marks = "".join(target.outline(r, c) for r in seen.rows for c in seen.columns)
        frames.append(Frame(_words(seen, w, float(x[at]), at, o), source.outline(*at) + marks))
    drawing = source.image + target.image
    drawing += source.buttons((frame, *at) for frame, at in enumerate(chosen))
    width, height = target.left + target.width + 20, 60 + max(source.height, target.height)
    start = int(np.argmax([abs(x[at]) for at in chosen]))
    title = "the transposed convolution, stamp by stamp"
    return View(title, (round(width), round(height)), drawing, frames, start, picked)


def _words(seen: Window, w: np.ndarray, x: float, at: tuple[int, int], o: int) -> str:
    others = len(w) - 1
    more = f", and of {others} more channel{'s' * (others > 1)}" if others else ""
    return "\n".join(
        [
            f"input pixel [{at[0]}, {at[1]}], x = {short(x)}, stamps {seen.span}",
            "",
            *side_by_side({"w": w[o], "y += x w, on the stamp": x * w[o]}),
            "",
            "what falls outside of y is cut away; where stamps overlap they add up",
            "",
            *side_by_side(
                {"dy comes in (0 outside)": seen.values[o], "dw += x dy": x * seen.values[o]}
            ),
            "",
            f"dx = sum of dy w{more} = {short(float(np.sum(seen.values * w)))}",
        ]
    )
