"""Changing the dtype."""

from typing import Any

import numpy as np

from minigrad.function import Function


class Astype(Function):
    """y = x in another dtype;   dx = dy in x's dtype"""

    sets_dtype = True

    @staticmethod
    def forward(ctx, x, *, dtype):
        return np.asarray(x).astype(dtype)

    @staticmethod
    def backward(ctx, dy):
        return dy


def astype(x: Any, dtype: Any) -> Any:
    """`x.astype(dtype)`."""
    return Astype.apply(x, dtype=dtype)
