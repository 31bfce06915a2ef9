"""Inside max pooling: one window at a time, which of its pixels is the largest and so gets the gradient.

The derivation stands at the head of layers/pool.py. Shown is one channel of one image of the batch.
"""

from typing import Any

import numpy as np

from layers.views.windows import FRAMES, SIDE, Window, side_by_side, window
from minigrad.stepping.svg import ACCENT, Board, fitted, spread
from minigrad.stepping.text import short
from minigrad.stepping.views import Frame, Shown, View, register


@register("max_pool2d")
def view(step: Any, shown: Shown) -> View | None:
    """A frame for each window (evenly spread ones, where they are many)."""
    x = step.value("x")
    if x is None or not step.options or x.size == 0:
        return None
    (example, channel), picked = shown.among(example=len(x), channel=x.shape[1])
    x, dx, dy = (
        values[example, channel]
        for values in (x, step.operands[0].gradient, step.outputs[0].gradient)
    )
    rim = step.options["padding"]
    size = fitted(x.shape, SIDE, rim)
    source = Board(x, (40, 40), size, "input; the disc: the largest", rim=rim)
    target = Board(dy, (source.width + 90, 40), fitted(dy.shape, SIDE / 2), "dy: click one")
    back = Board(
        dx,
        (target.left + target.width + 90, 40),
        size,
        "dx: dy of all windows, where it goes",
        rim=rim,
    )
    chosen = spread(dy.shape, FRAMES)
    frames = []
    for at in chosen:
        seen = window(x[None], step.options["kernel"], at, step.options, outside=-np.inf)
        i, j = np.unravel_index(np.argmax(seen.values[0]), seen.values[0].shape)
        best = int(seen.rows[i]), int(seen.columns[j])
        marks = "".join(source.outline(r, c) for r in seen.rows for c in seen.columns)
        marks += source.dot(*best, 5, f"fill='{ACCENT}' stroke='#fff'") + target.outline(*at)
        frames.append(Frame(_words(seen, best, float(dy[at]), at), marks + back.outline(*best)))
    drawing = source.image + target.image + back.image
    drawing += target.buttons((frame, *at) for frame, at in enumerate(chosen))
    width, height = back.left + max(back.width, SIDE) + 20, 60 + max(source.height, target.height)
    start = int(np.argmax([abs(dy[at]) for at in chosen]))
    title = "max pooling, window by window"
    return View(title, (round(width), round(height)), drawing, frames, start, picked)


def _words(seen: Window, best: tuple[int, int], dy: float, at: tuple[int, int]) -> str:
    values = seen.values[0]
    if np.isneginf(values.max()):
        return f"output pixel [{at[0]}, {at[1]}] sees {seen.span}, nothing but -inf"
    place, ties = f"[{best[0]}, {best[1]}]", int(np.sum(values == values.max()))
    return "\n".join(
        [
            f"output pixel [{at[0]}, {at[1]}] sees {seen.span}",
            "",
            *side_by_side({"x (-inf outside)": values}),
            "",
            f"y  = the largest = {short(float(values.max()))}, at {place}",
            *([f"a tie of {ties}: the first in reading order gets it all"] if ties > 1 else []),
            f"dy = {short(dy)} comes in",
            "",
            f"dx{place} += dy",
            "all others of the window get nothing:",
            "a small change of them changes nothing",
        ]
    )
