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

One tanh serves all gates, as σ(a) = ½ tanh(½ a) + ½.

Source: S. Hochreiter, J. Schmidhuber, 1997; forget gate: F. Gers et al., 2000.
"""

from typing import Any

import numpy as np

from layers import init
from layers.checks import as_float, check_size
from layers.module import Module, Parameter
from minigrad import Function, Tensor
from minigrad.errors import ShapeError

State = tuple[Any, Any]


def lstm_forward(
    x: np.ndarray, h0: Any, c0: Any, w_ih: np.ndarray, w_hh: np.ndarray, b_ih: Any, b_hh: Any
) -> tuple[np.ndarray, np.ndarray, tuple[Any, ...]]:
    """Run one layer over a sequence.

    Parameters
    ----------
    x : (T, N, I)
    h0, c0 : (N, H), or None for zeros
    w_ih, w_hh : (4H, I), (4H, H)
    b_ih, b_hh : (4H,) or None

    Returns
    -------
    h, c : (T + 1, N, H)
        Outputs and memories; entry 0 holds h0 and c0.
    cache
    """
    (steps, batch, _), hidden = x.shape, w_hh.shape[1]
    a = _flat(x) @ w_ih.T
    for bias in (b_ih, b_hh):
        if bias is not None:
            a += bias
    gates = a.reshape(steps, batch, 4, hidden)
    half = np.array([[0.5], [0.5], [1], [0.5]], a.dtype)
    h = np.zeros((steps + 1, batch, hidden), a.dtype)
    c, tanh_c = np.zeros_like(h), np.empty_like(h[1:])
    h[0], c[0] = 0 if h0 is None else h0, 0 if c0 is None else c0
    for t in range(steps):
        gate = gates[t]  # a view: the gates take the place of a
        gate += (h[t] @ w_hh.T).reshape(gate.shape)
        gate[:] = half * np.tanh(half * gate) + (1 - half)
        i, f, g, o = gate[:, 0], gate[:, 1], gate[:, 2], gate[:, 3]
        c[t + 1] = f * c[t] + i * g
        tanh_c[t] = np.tanh(c[t + 1])
        h[t + 1] = o * tanh_c[t]
    return h, c, (x, w_ih, w_hh, gates, h, c, tanh_c)


def lstm_backward(
    dy: np.ndarray, dh: np.ndarray, dc: np.ndarray, cache: tuple[Any, ...]
) -> tuple[np.ndarray, ...]:
    """Return dx, dh0, dc0, dw_ih, dw_hh, db; both biases have the gradient db.

    Parameters
    ----------
    dy : (T, N, H)
        Gradient of the outputs h_1 ... h_T.
    dh, dc : (N, H)
        Gradients of the last output and the last memory, as the state handed on.
    """
    x, w_ih, w_hh, gates, h, c, tanh_c = cache
    slope = gates * (1 - gates)
    slope[:, :, 2] = 1 - np.square(gates[:, :, 2])
    slope_c = 1 - np.square(tanh_c)
    da = np.empty_like(gates)
    for t in reversed(range(len(dy))):
        i, f, g, o = (gates[t, :, k] for k in range(4))
        dh = dh + dy[t]
        dc = dc + dh * o * slope_c[t]
        da[t, :, 0] = dc * g
        da[t, :, 1] = dc * c[t]
        da[t, :, 2] = dc * i
        da[t, :, 3] = dh * tanh_c[t]
        da[t] *= slope[t]
        dc = dc * f
        dh = da[t].reshape(len(dh), -1) @ w_hh
    da = da.reshape(-1, w_hh.shape[0])
    dx = (da @ w_ih).reshape(x.shape)
    return dx, dh, dc, da.T @ _flat(x), da.T @ _flat(h[:-1]), np.sum(da, axis=0)


def _flat(sequence: np.ndarray) -> np.ndarray:
    """(T, N, F) as (T·N, F)."""
    return sequence.reshape(-1, sequence.shape[-1])


class LSTMFunction(Function):
    """c = f c' + i g,  h = o tanh(c);   backward through time, see the head of layers/lstm.py"""

    name = "lstm"

    @staticmethod
    def forward(ctx, x, h0, c0, w_ih, w_hh, b_ih, b_hh):
        h, c, ctx.cache = lstm_forward(x, h0, c0, w_ih, w_hh, b_ih, b_hh)
        return h[1:], h[-1].copy(), c[-1].copy()

    @staticmethod
    def backward(ctx, dy, dh, dc):
        *grads, db = lstm_backward(dy, dh, dc, ctx.cache)
        return *grads, db, db


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
    size = weight_ih.shape[1]
    if x.ndim != 3 or x.shape[0] == 0 or x.shape[2] != size:
        raise ShapeError(
            f"lstm: the input has shape {x.shape}; it must be (T, N, {size}), T at least 1: steps, "
            f"examples, and the {size} features of this layer."
        )
    h0, c0 = check_state("lstm", hx, (x.shape[1], weight_hh.shape[1]))
    return LSTMFunction.apply(x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh)


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


class LSTMCell(Module):
    """One step of an LSTM.

    Parameters
    ----------
    input_size, hidden_size : int
        I and H.
    bias : bool
    rng : numpy.random.Generator, optional

    Attributes
    ----------
    weight_ih, weight_hh : (4H, I), (4H, H) Parameters, drawn from U(-1/√H, 1/√H)
    bias_ih, bias_hh : (4H,) Parameters or None
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        rng: np.random.Generator | None = None,
    ):
        self.input_size = check_size("LSTMCell", "input_size", input_size)
        self.hidden_size = check_size("LSTMCell", "hidden_size", hidden_size)
        _add_parameters(self, "", input_size, hidden_size, bias, rng)

    def forward(self, x: Any, hx: State | None = None) -> tuple[Tensor, Tensor]:
        """Step from (h, c), each (N, H) or zeros, with `x` (N, I), to the next (h, c)."""
        x = as_float("LSTMCell", x)
        if x.ndim != 2 or x.shape[1] != self.input_size:
            raise ShapeError(
                f"LSTMCell: the input has shape {x.shape}; it must be (N, {self.input_size})."
            )
        _, h, c = lstm(x.reshape(1, *x.shape), hx, *_parameters(self, ""))
        return h, c

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"


class LSTM(Module):
    """Layers of LSTM over a sequence, each with the outputs of the one below as its input.

    Parameters
    ----------
    input_size, hidden_size : int
        I and H.
    num_layers : int
        L.
    bias : bool
    batch_first : bool
        Input and output as (N, T, ...) instead of (T, N, ...); states are (L, N, H) either way.
    rng : numpy.random.Generator, optional

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_ih_l1, ... : Parameters
        As in LSTMCell; from layer 1 on weight_ih is (4H, H).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        *,
        rng: np.random.Generator | None = None,
    ):
        self.input_size = check_size("LSTM", "input_size", input_size)
        self.hidden_size = check_size("LSTM", "hidden_size", hidden_size)
        self.num_layers = check_size("LSTM", "num_layers", num_layers)
        self.batch_first = batch_first
        for layer in range(num_layers):
            size = hidden_size if layer else input_size
            _add_parameters(self, f"_l{layer}", size, hidden_size, bias, rng)

    def forward(self, x: Any, hx: State | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Run over `x` (T, N, I) from `hx`, a tuple (h0, c0) of (L, N, H), or zeros.

        Returns
        -------
        output : (T, N, H)
            h of the topmost layer at each step.
        (h, c) : (L, N, H) each
            Of all layers after the last step.
        """
        x = as_float("LSTM", x)
        if x.ndim != 3:
            raise ShapeError(
                f"LSTM: the input has shape {x.shape}; it must be "
                f"{'(N, T, I)' if self.batch_first else '(T, N, I)'}."
            )
        if self.batch_first:
            x = x.swapaxes(0, 1)
        h0, c0 = check_state("LSTM", hx, (self.num_layers, x.shape[1], self.hidden_size))
        ends: list[Any] = []
        for layer in range(self.num_layers):
            state = None if h0 is None else (h0[layer], c0[layer])
            x, h, c = lstm(x, state, *_parameters(self, f"_l{layer}"))
            ends.append((h, c))
        states: Any = tuple(np.stack(end) for end in zip(*ends))
        return x.swapaxes(0, 1) if self.batch_first else x, states

    def extra_repr(self) -> str:
        layers = f", num_layers={self.num_layers}" if self.num_layers > 1 else ""
        first = ", batch_first=True" if self.batch_first else ""
        return f"{self.input_size}, {self.hidden_size}{layers}{first}"


_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def _add_parameters(
    module: Module,
    suffix: str,
    size: int,
    hidden: int,
    bias: bool,
    rng: np.random.Generator | None,
) -> None:
    shapes = ((4 * hidden, size), (4 * hidden, hidden), (4 * hidden,), (4 * hidden,))
    for name, shape in zip(_NAMES, shapes):
        drawn = Parameter(init.uniform(shape, hidden, rng)) if bias or len(shape) == 2 else None
        setattr(module, name + suffix, drawn)


def _parameters(module: Module, suffix: str) -> tuple[Any, ...]:
    return tuple(getattr(module, name + suffix) for name in _NAMES)
