"""Diagonals, and the triangles above and below them."""

from typing import Any

import numpy as np

from minigrad.errors import ShapeError
from minigrad.function import Function
from minigrad.numpy_protocol import implements
from minigrad.ops.selection import keep
from minigrad.ops.versions import since


class Diagonal(Function):
    """yₖ = xₖₖ of two axes;   dx = zeros with dy on the diagonal"""

    @staticmethod
    def forward(ctx, x, *, offset, axis1, axis2):
        ctx.shape, ctx.offset, ctx.axis1, ctx.axis2 = x.shape, offset, axis1, axis2
        return np.diagonal(x, offset, axis1, axis2)

    @staticmethod
    def backward(ctx, dy):
        options = {"offset": ctx.offset, "axis1": ctx.axis1, "axis2": ctx.axis2}
        return OnDiagonal.call(dy, shape=ctx.shape, **options)


class OnDiagonal(Function):
    """y = zeros(shape) with x on the diagonal of two axes;   dx = dy's diagonal"""

    @staticmethod
    def forward(ctx, x, *, shape, offset, axis1, axis2):
        ctx.options = offset, axis1, axis2
        y = np.zeros(shape, x.dtype)
        k = np.arange(x.shape[-1])
        rows, columns = k + max(0, -offset), k + max(0, offset)
        np.moveaxis(y, (axis1, axis2), (-2, -1))[..., rows, columns] = x
        return y

    @staticmethod
    def backward(ctx, dy):
        return np.diagonal(dy, *ctx.options)


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """np.diagonal: of two axes, which then are the last one; read-only, as NumPy's."""
    return Diagonal.apply(a, offset=offset, axis1=axis1, axis2=axis2)


@implements(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """np.trace: the sum of a diagonal."""
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1)


@implements(*since("linalg.diagonal"))
def matrix_diagonal(x: Any, *, offset: int = 0) -> Any:
    """np.linalg.diagonal: of the last two axes."""
    return diagonal(x, offset, -2, -1)


@implements(*since("linalg.trace"))
def matrix_trace(x: Any, *, offset: int = 0) -> Any:
    """np.linalg.trace: over the last two axes."""
    return trace(x, offset, -2, -1)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """np.diag: a matrix's diagonal, or a matrix with a vector on its diagonal."""
    if np.ndim(v) == 2:
        return diagonal(v, k)
    if np.ndim(v) != 1:
        raise ShapeError(
            f"diag: an operand of shape {np.shape(v)}; it takes a vector or a matrix. np.diagonal takes "
            "more axes, np.diagflat flattens."
        )
    side = np.shape(v)[0] + abs(k)
    return OnDiagonal.apply(v, shape=(side, side), offset=k, axis1=0, axis2=1)


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """np.diagflat: a matrix with all entries of `v` on its diagonal."""
    return diag(np.ravel(v), k)


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """np.tril: zeros above the k-th diagonal."""
    return keep(m, _below(m.shape, k))


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """np.triu: zeros below the k-th diagonal."""
    return keep(m, ~_below(m.shape, k - 1))


def _below(shape: tuple[int, ...], k: int) -> Any:
    """Whether an entry lies on or below the k-th diagonal of the last two axes."""
    return np.tri(shape[-2] if len(shape) > 1 else shape[-1], shape[-1], k, dtype=bool)
