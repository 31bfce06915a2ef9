"""All steps of an LSTM, forward and backward: the products with W_hh, and what stands between them.

A step has a product, W_hh h' or W_hhᵀ da, and then some twenty operations entry by entry (their formulas
stand in layers/lstm.py). On arrays of a few thousand numbers each of these takes a call and a trip to the
cache. The loop's trick in three lines: the products are those of panels.py, for which weights are brought
into order once for all steps; each entry goes through its formulas while it is in registers; and a tanh made
of products (exponentials.py), with σ(a) = ½ tanh(½ a) + ½, lets the compiler take LANES of them at once.
"""

import numpy as np

from minigrad.kernels import kernel, part
from minigrad.kernels.exponentials import tanh
from minigrad.kernels.panels import add_product, panels

__all__ = ["steps_back", "steps_forward"]


def _steps_forward_numpy(
    w_hh: np.ndarray,
    bias: np.ndarray,
    gates: np.ndarray,
    h: np.ndarray,
    c: np.ndarray,
    start: int,
    stop: int,
) -> None:
    gates, h, c = gates[:, start:stop], h[:, start:stop], c[:, start:stop]
    for t in range(len(gates)):
        gates[t] += bias if t == 0 else h[t] @ w_hh.T + bias
        i, f, g, o = np.split(gates[t], 4, axis=1)  # views
        for gate in (i, f, o):
            gate[...] = 0.5 * np.tanh(0.5 * gate) + 0.5
        np.tanh(g, out=g)
        c[t + 1] = f * c[t] + i * g
        h[t + 1] = o * np.tanh(c[t + 1])


@kernel(twin=_steps_forward_numpy)
def steps_forward(
    w_hh: np.ndarray,
    bias: np.ndarray,
    gates: np.ndarray,
    h: np.ndarray,
    c: np.ndarray,
    start: int,
    stop: int,
) -> None:
    """Compute gates, outputs and memories of all steps, for the examples from `start` to `stop`.

    Parameters
    ----------
    w_hh, bias : (4H, H), (4H,)
    gates : (T, N, 4H)
        Given with W_ih x, and that of the first step with W_hh h[0] too: for a single step, the weights are
        not worth bringing into order. On return i, f, g, o of all steps.
    h, c : (T + 1, N, H)
        Given with h[0] and c[0]; on return those of all steps.
    """
    packed = panels(w_hh if len(gates) > 1 else w_hh[:0])
    for t in range(len(gates)):
        if t > 0:
            add_product(h[t, start:stop], packed, gates[t, start:stop])
        for n in range(start, stop):
            _open(gates[t, n], bias, c[t, n], c[t + 1, n], h[t + 1, n], gates.dtype.type)


@part
def _open(gates, bias, c_before, c, h, number):
    """One example's gates (4H,), its new memory and its output."""
    size, half = c.size, number(0.5)
    for k in range(size):
        i = half * tanh(half * (gates[k] + bias[k]), number) + half
        f = half * tanh(half * (gates[size + k] + bias[size + k]), number) + half
        g = tanh(gates[2 * size + k] + bias[2 * size + k], number)
        o = half * tanh(half * (gates[3 * size + k] + bias[3 * size + k]), number) + half
        memory = f * c_before[k] + i * g
        gates[k], gates[size + k], gates[2 * size + k], gates[3 * size + k] = i, f, g, o
        c[k], h[k] = memory, o * tanh(memory, number)


def _steps_back_numpy(
    dy: np.ndarray,
    dh: np.ndarray,
    dc: np.ndarray,
    gates: np.ndarray,
    w_hh: np.ndarray,
    c: np.ndarray,
    da: np.ndarray,
    start: int,
    stop: int,
) -> None:
    dy, gates, c, da = (array[:, start:stop] for array in (dy, gates, c, da))
    dh, dc = dh[start:stop], dc[start:stop]
    for t in reversed(range(len(dy))):
        i, f, g, o = np.split(gates[t], 4, axis=1)
        di, df, dg, do = np.split(da[t], 4, axis=1)  # views
        tanh_c = np.tanh(c[t + 1])
        dh = dh + dy[t]
        dc += dh * o * (1 - np.square(tanh_c))
        di[...] = dc * g * i * (1 - i)
        df[...] = dc * c[t] * f * (1 - f)
        dg[...] = dc * i * (1 - np.square(g))
        do[...] = dh * tanh_c * o * (1 - o)
        dc *= f
        dh = da[t] @ w_hh


@kernel(twin=_steps_back_numpy)
def steps_back(
    dy: np.ndarray,
    dh: np.ndarray,
    dc: np.ndarray,
    gates: np.ndarray,
    w_hh: np.ndarray,
    c: np.ndarray,
    da: np.ndarray,
    start: int,
    stop: int,
) -> None:
    """Write into `da` (T, N, 4H) the gradients of the gates' sums, from the last step to the first.

    Parameters
    ----------
    dy : (T, N, H)
        How the h of each step reach the loss as outputs.
    dh, dc : (N, H)
        How the last ones reach it as the state handed on; on return dc is the gradient of c[0].
    gates, w_hh, c
        As `steps_forward` left them.
    start, stop
        For which examples.
    """
    packed, sums = panels(w_hh.T), dh[start:stop].copy()
    for t in range(dy.shape[0] - 1, -1, -1):
        if t < dy.shape[0] - 1:
            sums[:] = 0
            add_product(da[t + 1, start:stop], packed, sums)
        for n in range(start, stop):
            before, after, shown = c[t, n], c[t + 1, n], sums[n - start]
            _open_back(dy[t, n], shown, dc[n], gates[t, n], before, after, da[t, n], da.dtype.type)


@part
def _open_back(dy, dh, dc, gates, c_before, c, da, number):
    """One example's gradients of its gates' sums (4H,) and of its memory before the step."""
    size, one = c.size, number(1)
    for k in range(size):
        i, f = gates[k], gates[size + k]
        g, o = gates[2 * size + k], gates[3 * size + k]
        shown, d_h = tanh(c[k], number), dh[k] + dy[k]
        d_c = dc[k] + d_h * o * (one - shown * shown)
        da[k] = d_c * g * i * (one - i)
        da[size + k] = d_c * c_before[k] * f * (one - f)
        da[2 * size + k] = d_c * i * (one - g * g)
        da[3 * size + k] = d_h * shown * o * (one - o)
        dc[k] = d_c * f
