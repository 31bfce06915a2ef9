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

ROWS = 16  # of x that meet W_ih together; fewer do not pay, and more leave the cache


def _steps_forward_numpy(
    x: np.ndarray,
    w_ih: np.ndarray,
    w_hh: np.ndarray,
    bias: np.ndarray,
    gates: np.ndarray,
    h: np.ndarray,
    c: np.ndarray,
) -> None:
    gates[...] = x @ w_ih.T + bias
    for t in range(len(x)):
        gates[t] += h[t] @ w_hh.T
        i, f, g, o = np.split(gates[t], 4, axis=1)  # views
        for gate in (i, f, o):
            gate[...] = 0.5 * np.tanh(0.5 * gate) + 0.5
        np.tanh(g, out=g)
        c[t + 1] = f * c[t] + i * g
        h[t + 1] = o * np.tanh(c[t + 1])


@kernel(twin=_steps_forward_numpy)
def steps_forward(
    x: np.ndarray,
    w_ih: np.ndarray,
    w_hh: np.ndarray,
    bias: np.ndarray,
    gates: np.ndarray,
    h: np.ndarray,
    c: np.ndarray,
) -> None:
    """Compute gates, outputs and memories of all steps.

    Parameters
    ----------
    x : (T, N, I)
    w_ih, w_hh, bias : (4H, I), (4H, H), (4H,)
    gates : (T, N, 4H)
        On return i, f, g, o of all steps.
    h, c : (T + 1, N, H)
        Given with h[0] and c[0]; on return those of all steps.
    """
    steps, batch, outputs = gates.shape
    for_x, for_h = panels(w_ih), panels(w_hh)
    seen, sums = x.reshape((steps * batch, x.shape[2])), gates.reshape((steps * batch, outputs))
    together = -(-ROWS // max(1, batch))
    for t in range(steps):
        if t % together == 0:
            start, stop = t * batch, min(t + together, steps) * batch
            for row in range(start, stop):
                for k in range(outputs):
                    sums[row, k] = bias[k]
            add_product(seen[start:stop], for_x, sums[start:stop])
        if t > 0 or np.any(h[0]):  # the zeros before a sequence add nothing
            add_product(h[t], for_h, gates[t])
        for n in range(batch):
            _open(gates[t, n], c[t, n], c[t + 1, n], h[t + 1, n], gates.dtype.type)


@part
def _open(gates, c_before, c, h, number):
    """One example's gates (4H,), its new memory and its output."""
    size, half = c.size, number(0.5)
    for k in range(size):
        i = half * tanh(half * gates[k], number) + half
        f = half * tanh(half * gates[size + k], number) + half
        g = tanh(gates[2 * size + k], number)
        o = half * tanh(half * gates[3 * size + k], number) + half
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
) -> None:
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
    """
    steps, batch, size = dy.shape
    packed, sums = panels(w_hh.T), dh.copy()
    for t in range(steps - 1, -1, -1):
        if t < steps - 1:
            sums[:] = 0
            add_product(da[t + 1], packed, sums)
        for n in range(batch):
            _open_back(
                dy[t, n], sums[n], dc[n], gates[t, n], c[t, n], c[t + 1, n], da[t, n], da.dtype.type
            )


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
