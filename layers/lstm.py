"""LSTM: a memory c that gates write, keep and show; its gradient, backward through time.

Step t has input x, the output h' of the step before and its memory c'. Gates i, f, g, o (this order,
as in PyTorch, in the rows of all weights and biases):

    a = W_ih x + b_ih + W_hh h' + b_hh          (4H numbers: a_i, a_f, a_g, a_o)
    i = σ(a_i)    f = σ(a_f)    g = tanh(a_g)    o = σ(a_o)
    c = f c' + i g                              h = o tanh(c)

Backward, from the last step to the first. h reaches the loss as this step's output (dy) and through
the next step (dh); c through the next step (dc) and through h:

    dh += dy
    dc += dh o (1 - tanh²c)
    da_i = dc g  · i (1 - i)        da_f = dc c' · f (1 - f)
    da_g = dc i  · (1 - g²)         da_o = dh tanh(c) · o (1 - o)
    dc' = dc f                      dh' = W_hhᵀ da

The parameters are the same at all steps, so their gradients add up over time; with all da at hand
each is one product:  dW_ih = Σ_t da_t x_tᵀ,  dW_hh = Σ_t da_t h'_tᵀ,  db = Σ_t da_t,
and dx = da W_ih. Forward, likewise, W_ih x is one product for all steps: only W_hh h' must wait.

What does have to wait, step after step, stands in minigrad.kernels.lstm.

Source: S. Hochreiter, J. Schmidhuber, 1997; forget gate: F. Gers et al., 2000.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from layers.checks import as_float
from minigrad import Function, Tensor
from minigrad.errors import ShapeError
from minigrad.kernels import plain
from minigrad.kernels.lstm import steps_back, steps_forward
from minigrad.kernels.products import matmul
from minigrad.kernels.threads import run_both, run_sliced

#: Products a step from which on a second thread is worth its start.
WORTH_SHARING = 1 << 20

State = tuple[Any, Any]


def lstm_forward(
    x: np.ndarray, h0: Any, c0: Any, w_ih: np.ndarray, w_hh: np.ndarray, b_ih: Any, b_hh: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[Any, ...]]:
    """Run one layer over a sequence.

    Parameters
    ----------
    x : (T, N, I)
    h0, c0 : (N, H), or None for zeros
    w_ih, w_hh : (4H, I), (4H, H)
    b_ih, b_hh : (4H,) or None

    Returns
    -------
    y : (T, N, H)
        The output h of each step.
    h, c : (N, H)
        Output and memory after the last step.
    cache
    """
    steps, batch, _ = x.shape
    x, w_ih, w_hh = plain(x, w_ih, w_hh)
    bias = sum((b for b in (b_ih, b_hh) if b is not None), start=np.zeros(len(w_ih), x.dtype))
    (bias,) = plain(bias, dtype=x.dtype.type)
    gates = matmul(_rows(x), w_ih.T).reshape(steps, batch, len(w_ih))
    h = np.empty((steps + 1, batch, w_hh.shape[1]), x.dtype)
    c = np.empty_like(h)
    h[0], c[0] = (0 if state is None else state for state in (h0, c0))
    if steps and np.any(h[0]):  # the zeros before a sequence add nothing
        gates[0] += matmul(h[0], w_hh.T)
    _share(lambda *examples: steps_forward(w_hh, bias, gates, h, c, *examples), c[0], w_hh)
    return h[1:], h[-1].copy(), c[-1].copy(), (x, w_ih, w_hh, gates, h, c)


def lstm_backward(
    dy: np.ndarray,
    dh: np.ndarray,
    dc: np.ndarray,
    cache: tuple[Any, ...],
    needs: Sequence[bool] = (True, True),
) -> tuple[Any, ...]:
    """Return dx, dh0 (None where `needs` does not ask for them), dc0, dw_ih, dw_hh, db.

    Both biases have the gradient db.

    Parameters
    ----------
    dy : (T, N, H)
        Gradient of the outputs.
    dh, dc : (N, H)
        Gradients of the last output and the last memory, as the state handed on.
    """
    x, w_ih, w_hh, gates, h, c = cache
    dy, dh, dc = plain(dy, dh, dc.copy(), dtype=c.dtype.type)
    da = np.empty_like(gates)
    _share(lambda *examples: steps_back(dy, dh, dc, gates, w_hh, c, da, *examples), dc, w_hh)
    dh0 = da[0] @ w_hh if needs[1] else None
    da = _rows(da)
    dx = matmul(da, w_ih).reshape(x.shape) if needs[0] else None
    dw_ih, (dw_hh, db) = run_both(
        lambda: _outer(da, _rows(x)),
        lambda: (_outer(da, _rows(h[:-1])), np.sum(da, axis=0)),
        _worth_sharing(dc, w_hh),
    )
    return dx, dh0, dc, dw_ih, dw_hh, db


def _share(steps: Callable[[int, int], None], state: np.ndarray, w_hh: np.ndarray) -> None:
    """Each thread takes its share of the examples through all steps."""
    batch = len(state)
    run_sliced(steps, batch) if _worth_sharing(state, w_hh) else steps(0, batch)


def _worth_sharing(state: np.ndarray, w_hh: np.ndarray) -> bool:
    return len(state) * w_hh.size >= WORTH_SHARING


def _rows(sequence: np.ndarray) -> np.ndarray:
    """(T, N, F) as (T·N, F)."""
    return sequence.reshape(-1, sequence.shape[2])


def _outer(da: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Σ da xᵀ over rows; of a single one matmul takes five times as long as multiply."""
    return da.T * x if len(x) == 1 else matmul(da.T, x)


class LSTMFunction(Function):
    """c = f c' + i g,  h = o tanh(c);   backward through time, see the head of layers/lstm.py"""

    name = "lstm"
    differentiable_once = True

    @staticmethod
    def forward(ctx, x, h0, c0, *parameters):
        y, h, c, ctx.cache = lstm_forward(x, h0, c0, *parameters)
        return y, h, c

    @staticmethod
    def backward(ctx, dy, dh, dc):
        *gradients, db = lstm_backward(dy, dh, dc, ctx.cache, ctx.needs_input_grad)
        return *gradients, db, db


def lstm(
    input: Any,
    hx: State | None,
    weight_ih: Any,
    weight_hh: Any,
    bias_ih: Any = None,
    bias_hh: Any = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """One LSTM layer over a whole sequence.

    Parameters
    ----------
    input : (T, N, I) Tensor or array
    hx : tuple (h0, c0) of (N, H), or None for zeros
    weight_ih, weight_hh : (4H, I), (4H, H)
        Rows in the order of the gates: input, forget, cell, output.
    bias_ih, bias_hh : (4H,) or None

    Returns
    -------
    output : (T, N, H) Tensor
    h, c : (N, H) Tensors
        After the last step.

    Raises
    ------
    ShapeError, DtypeError
    """
    x = as_float("lstm", input)
    _check_parameters(weight_ih, weight_hh, bias_ih, bias_hh)
    size = weight_ih.shape[1]
    if x.ndim != 3 or x.shape[0] == 0 or x.shape[2] != size:
        raise ShapeError(
            f"lstm: the input has shape {x.shape}; it must be (T, N, {size}), T at least 1: steps, "
            f"examples, and the {size} features of this layer."
        )
    h0, c0 = check_state("lstm", hx, (x.shape[1], weight_hh.shape[1]))
    return LSTMFunction.apply(x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh)


def _check_parameters(w_ih: Any, w_hh: Any, *biases: Any) -> None:
    rows = 4 * w_hh.shape[1]
    shapes = [p.shape for p in (w_ih, w_hh, *biases) if p is not None]
    if any(shape[0] != rows for shape in shapes):
        raise ShapeError(
            f"lstm: weights and biases have shapes {shapes}; with H = {w_hh.shape[1]}, the columns of "
            f"weight_hh, all must have 4H = {rows} rows."
        )


def check_state(layer: str, hx: State | None, expected: tuple[int, ...]) -> State:
    """Return (h0, c0), or (None, None) for None, and refuse other shapes than `expected`."""
    if hx is None:
        return None, None
    if not isinstance(hx, (tuple, list)) or len(hx) != 2:
        length = f" of {len(hx)}" if isinstance(hx, (tuple, list)) else ""
        raise ShapeError(
            f"{layer}: the state must be a tuple (h0, c0), not a {type(hx).__name__}{length}."
        )
    h0, c0 = (as_float(layer, value, name) for value, name in zip(hx, ("state h0", "state c0")))
    if h0.shape != expected or c0.shape != expected:
        raise ShapeError(
            f"{layer}: the state (h0, c0) has shapes {h0.shape} and {c0.shape}; both must be "
            f"{expected}."
        )
    return h0, c0
