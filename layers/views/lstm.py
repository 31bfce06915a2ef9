"""Inside an LSTM: one time step at a time, its gates, and what comes back through them.

The derivation stands at the head of layers/lstm.py. It is run again here for one example of the batch,
slowly, so that every quantity on the way can be shown.
"""

from typing import Any

import numpy as np

from layers.activation import sigmoid_forward
from minigrad.stepping.svg import Board
from minigrad.stepping.text import numbers
from minigrad.stepping.views import Frame, Shown, View, register

SHOWN = ("i", "f", "g", "o", "c", "h", "dh", "dc")


def run(step: Any, example: int = 0) -> dict[str, np.ndarray] | None:
    """Gates, memory, output and their gradients of an example, each (T, H); None where values lack."""
    x, w_ih, w_hh = (step.value(name) for name in ("x", "parameters[0]", "parameters[1]"))
    if x is None or w_ih is None or w_hh is None:
        return None
    steps, size = len(x), w_hh.shape[1]
    biases = [
        b for b in (step.value("parameters[2]"), step.value("parameters[3]")) if b is not None
    ]
    h, c = (_of_one(step.value(name), example, size) for name in ("h0", "c0"))
    found = {name: np.zeros((steps, size)) for name in SHOWN}
    found["c before"] = np.zeros((steps, size))
    for t in range(steps):
        i, f, g, o = np.split(x[t, example] @ w_ih.T + h @ w_hh.T + sum(biases), 4)
        i, f, g, o = sigmoid_forward(i), sigmoid_forward(f), np.tanh(g), sigmoid_forward(o)
        found["c before"][t] = c
        c = f * c + i * g
        h = o * np.tanh(c)
        for name, value in zip(SHOWN, (i, f, g, o, c, h)):
            found[name][t] = value
    arrived = [output.gradient for output in step.outputs]
    _run_back(found, arrived, w_hh, example)
    return found


def _of_one(state: np.ndarray | None, example: int, size: int) -> np.ndarray:
    return np.zeros(size) if state is None else state[example]


def _run_back(
    found: dict[str, np.ndarray], arrived: list[Any], w_hh: np.ndarray, example: int
) -> None:
    """Fill in dh and dc: all that reaches h, and c, of each step."""
    i, f, g, o, c, *_ = (found[name] for name in SHOWN)
    size = w_hh.shape[1]
    dy, dh, dc = (
        (0 * i if arrived[0] is None else arrived[0][:, example]),
        *(_of_one(gradient, example, size) for gradient in arrived[1:]),
    )
    for t in reversed(range(len(i))):
        dh = dh + dy[t]
        dc = dc + dh * o[t] * (1 - np.tanh(c[t]) ** 2)
        found["dh"][t], found["dc"][t] = dh, dc
        gates = [
            dc * g[t] * i[t] * (1 - i[t]),
            dc * found["c before"][t] * f[t] * (1 - f[t]),
            dc * i[t] * (1 - g[t] ** 2),
            dh * np.tanh(c[t]) * o[t] * (1 - o[t]),
        ]
        dh, dc = np.concatenate(gates) @ w_hh, dc * f[t]


@register("lstm")
def view(step: Any, shown: Shown) -> View | None:
    """A frame for each time step."""
    x = step.value("x")
    (example,), picked = shown.among(example=1 if x is None else max(1, x.shape[1]))
    found = run(step, example)
    if found is None or 0 in found["h"].shape:
        return None
    steps, boards, top = len(found["h"]), [], 40.0
    width, height = min(480, 28 * steps), min(72, 14 * found["h"].shape[1])
    for name in SHOWN:
        boards.append(Board(found[name].T, (40, top), (width, height), name))
        top += height + 30
    drawing = "".join(board.image for board in boards)
    everything = Board(np.zeros((1, steps)), (40, 40), (width, top - 40), "")
    drawing += everything.buttons((t, 0, t) for t in range(steps))
    frames = [
        Frame(_words(found, t), "".join(b.outline(0, t, rows=b.rows) for b in boards))
        for t in range(steps)
    ]
    size = (width + 80, round(top))
    return View(
        "the LSTM, time step by time step: a column each",
        size,
        drawing,
        frames,
        steps - 1,
        picked,
    )


def _words(found: dict[str, np.ndarray], t: int) -> str:
    at = {name: numbers(values[t]) for name, values in found.items()}
    last = t == len(found["h"]) - 1
    return "\n".join(
        [
            f"time step {t}",
            f"write     i = sigmoid(a_i)        {at['i']}",
            f"keep      f = sigmoid(a_f)        {at['f']}",
            f"new       g = tanh(a_g)           {at['g']}",
            f"show      o = sigmoid(a_o)        {at['o']}",
            f"memory    c = f c' + i g          {at['c']}",
            f"output    h = o tanh(c)           {at['h']}",
            "",
            "back, from the outside alone:"
            if last
            else f"back, from outside and from step {t + 1}:",
            f"dh                                {at['dh']}",
            f"dc += dh o (1 - tanh(c)^2)        {at['dc']}",
            f"on to step {t - 1}: dc' = dc f, dh' = W_hh^T da" if t else "on to c0 and h0",
        ]
    )
