"""The modules of an LSTM: one step of it, and layers of it over a sequence."""

from typing import Any

import numpy as np

from layers import init
from layers.checks import as_float, check_size
from layers.lstm import State, check_state, lstm
from layers.module import Module, Parameter
from minigrad import Tensor
from minigrad.errors import ShapeError


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
