"""Changing the dtype."""

from typing import Any

import numpy as np

from minigrad.errors import DtypeError
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
    """`x.astype(dtype)`, to float32, float64, integers or bool.

    Raises
    ------
    DtypeError
        Another dtype.
    """
    dtype = np.dtype(dtype)
    if dtype.kind not in "biu" and dtype not in (np.float32, np.float64):
        raise DtypeError(f"astype: {dtype} is not supported; use np.float32 or np.float64.")
    return Astype.apply(x, dtype=dtype)
