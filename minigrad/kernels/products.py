"""The product of two matrices on all threads: each computes its share of the rows, or of the columns.

BLAS is held at one thread (see minigrad.kernels.threads), so that large products are shared out here.
It also likes its second matrix small: a few rows x (an agent's pictures of one moment, say) times large
weights w, x wᵀ, take it up to twice as long as the same numbers asked for as (w xᵀ)ᵀ.
"""

from typing import Any

import numpy as np

from minigrad.kernels.threads import run_sliced, threads_here

__all__ = ["matmul"]

LARGE = 1 << 22  # multiplications from which on a second thread is worth its start
FEW = 64  # rows up to which they had better come second, where there are as many multiplications as
WORTH_TURNING = 1 << 19


def matmul(a: Any, b: Any) -> Any:
    """Return ``np.matmul(a, b)``; two large matrices of one dtype are multiplied on all threads."""
    if (
        not (type(a) is type(b) is np.ndarray)
        or a.ndim != 2
        or b.ndim != 2
        or a.dtype != b.dtype
        or a.shape[1] != b.shape[0]
    ):
        return np.matmul(a, b)
    products = a.size * b.shape[1]
    if products >= WORTH_TURNING and 2 * len(a) <= b.shape[1] and len(a) <= FEW:
        if b.T.flags.c_contiguous:
            return np.ascontiguousarray(_shared(b.T, a.T, products).T)
    return _shared(a, b, products)


def _shared(a: np.ndarray, b: np.ndarray, products: int) -> np.ndarray:
    if threads_here() == 1 or products < LARGE:
        return np.matmul(a, b)
    y = np.empty((a.shape[0], b.shape[1]), a.dtype)

    def rows(start: int, stop: int) -> None:
        np.matmul(a[start:stop], b, out=y[start:stop])

    def columns(start: int, stop: int) -> None:
        np.matmul(a, b[:, start:stop], out=y[:, start:stop])

    run_sliced(rows, y.shape[0]) if y.shape[0] >= y.shape[1] else run_sliced(columns, y.shape[1])
    return y
