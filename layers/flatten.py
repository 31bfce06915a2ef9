"""Flatten: several axes read as one. The same numbers in the same order; so is the gradient."""

import math
from typing import Any

from layers.checks import as_float
from layers.module import Module
from minigrad.errors import ShapeError


class Flatten(Module):
    """(N, C, H, W) → (N, C·H·W); axes `start_dim` to `end_dim` become one.

    Parameters
    ----------
    start_dim, end_dim : int
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Any) -> Any:
        x = as_float("Flatten", x)
        start = self.start_dim % x.ndim if x.ndim else 0
        end = self.end_dim % x.ndim if x.ndim else 0
        if not -x.ndim <= self.start_dim < x.ndim or start > end:
            raise ShapeError(
                f"Flatten({self.extra_repr()}) cannot flatten an input of shape {x.shape}. "
                "Does it lack its batch axis? x[None] adds one."
            )
        return x.reshape(*x.shape[:start], math.prod(x.shape[start : end + 1]), *x.shape[end + 1 :])

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
