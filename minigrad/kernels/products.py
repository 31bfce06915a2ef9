"""The product of two matrices on all threads: each computes its share of the rows, or of the columns.

BLAS is held at one thread (see minigrad.kernels.threads), so that large products are shared out here.
"""

from typing import Any

import numpy as np

from minigrad.kernels.threads import run_sliced, threads_here

__all__ = ["matmul"]

LARGE = 1 << 22  # multiplications from which on a second thread is worth its start


def matmul(a: Any, b: Any) -> Any:
    """Return ``np.matmul(a, b)``; two large matrices of one dtype are multiplied on all threads."""
    if (
        threads_here() == 1
        or a.ndim != 2
        or b.ndim != 2
        or a.dtype != b.dtype
        or a.shape[1] != b.shape[0]
        or a.size * b.shape[1] < LARGE
    ):
        return np.matmul(a, b)
    y = np.empty((a.shape[0], b.shape[1]), a.dtype)

    def rows(start: int, stop: int) -> None:
        np.matmul(a[start:stop], b, out=y[start:stop])

    def columns(start: int, stop: int) -> None:
        np.matmul(a, b[:, start:stop], out=y[:, start:stop])

    run_sliced(rows, y.shape[0]) if y.shape[0] >= y.shape[1] else run_sliced(columns, y.shape[1])
    return y
