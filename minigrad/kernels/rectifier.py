"""max(x, 0) and its gradient, in one trip through memory each.

np.maximum takes one number after the other as soon as some may be NaN, and a mask is one more array to
write and to read. These loops choose without a branch, so that the compiler makes vectors of them.
"""

from collections.abc import Callable

import numpy as np

from minigrad.kernels import kernel, plain
from minigrad.kernels.threads import run_sliced

__all__ = ["relu", "relu_backward"]

LARGE = 1 << 18  # numbers from which on a second thread is worth its start


def relu(x: np.ndarray) -> np.ndarray:
    """Return x where it is positive or NaN, else 0."""
    (x,) = plain(x)
    y = np.empty_like(x)
    _share(rectify, x, y)
    return y


def relu_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return dy where `y` is positive or NaN, else 0; `y` may be relu's input or its output."""
    dy, y = plain(dy, y)
    dx = np.empty_like(dy)
    _share(pass_on, dy, y, dx)
    return dx


def _share(loop: Callable, *arrays: np.ndarray) -> None:
    flat = [array.reshape(-1) for array in arrays]

    def run(start: int, stop: int) -> None:
        loop(*(array[start:stop] for array in flat))

    run_sliced(run, flat[0].size) if flat[0].size >= LARGE else loop(*flat)


def _rectify_numpy(x: np.ndarray, y: np.ndarray) -> None:
    np.maximum(x, 0, out=y)


@kernel(twin=_rectify_numpy)
def rectify(x: np.ndarray, y: np.ndarray) -> None:
    """Write max(x, 0) into y."""
    zero = x.dtype.type(0)
    for k in range(x.size):
        y[k] = zero if x[k] <= 0 else x[k]


def _pass_on_numpy(dy: np.ndarray, y: np.ndarray, dx: np.ndarray) -> None:
    dx[...] = np.where(y <= 0, 0, dy)


@kernel(twin=_pass_on_numpy)
def pass_on(dy: np.ndarray, y: np.ndarray, dx: np.ndarray) -> None:
    """Write dy into dx where y is positive, else 0."""
    zero = dy.dtype.type(0)
    for k in range(dy.size):
        dx[k] = zero if y[k] <= 0 else dy[k]
