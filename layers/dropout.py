"""Dropout: in training each entry is set to 0 with probability p, and the rest divided by 1 - p.

Dividing keeps the expected value, so that evaluation has nothing to do. The mask is a constant of
the pass:  y = x mask / (1 - p),  dx = dy mask / (1 - p).

Source: N. Srivastava et al., "Dropout", 2014; the division as in PyTorch ("inverted dropout").
"""

from typing import Any

import numpy as np

from layers.checks import as_float
from layers.errors import OptionError
from layers.module import Module
from minigrad import Function
from minigrad.random import default_rng


class DropoutFunction(Function):
    """y = x mask / (1 - p);   dx = dy mask / (1 - p)"""

    @staticmethod
    def forward(ctx, x, *, mask, scale):
        ctx.mask, ctx.scale = mask, scale
        return x * mask * scale

    @staticmethod
    def backward(ctx, dy):
        return dy * ctx.mask * ctx.scale


def dropout(
    input: Any, p: float = 0.5, training: bool = True, *, rng: np.random.Generator | None = None
) -> Any:
    """Set entries to 0 with probability `p` and divide the rest by 1 - p; in evaluation, nothing.

    Parameters
    ----------
    input : Tensor or array of any shape
    p : float
        From 0 to 1; at 1 all entries are dropped.
    training : bool
    rng : numpy.random.Generator, optional
        The generator of the mask; without it the one that `minigrad.manual_seed` seeds.
    """
    x = as_float("dropout", input)
    _check_rate("dropout", p)
    if not training or p == 0:
        return x
    mask = default_rng(rng).random(x.shape, np.float32) >= p
    return DropoutFunction.apply(x, mask=mask, scale=1 / (1 - p) if p < 1 else 0.0)


def _check_rate(layer: str, p: float) -> None:
    if not isinstance(p, (int, float, np.number)) or not 0 <= p <= 1:
        raise OptionError(f"{layer}: p is a probability from 0 to 1, not {p!r}.")


class Dropout(Module):
    """`dropout` in training, nothing in evaluation.

    Parameters
    ----------
    p : float
    rng : numpy.random.Generator, optional
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None):
        _check_rate("Dropout", p)
        self.p, self.rng = p, rng

    def forward(self, x: Any) -> Any:
        return dropout(x, self.p, self.training, rng=self.rng)

    def extra_repr(self) -> str:
        return f"p={self.p}"
