"""Norms of vectors and matrices.

Where a norm is 0 it has a kink, and the gradient is 0, one of its subgradients.
"""

from typing import Any

import numpy as np

from minigrad.errors import ShapeError, UnsupportedError
from minigrad.function import Function
from minigrad.numpy_protocol import implements
from minigrad.ops.decompositions import svdvals
from minigrad.ops.reductions import kept_shape
from minigrad.ops.versions import since


class Norm(Function):
    """y = (Σ |x|ᵖ)¹ᐟᵖ;   dx = sign(x) (|x| / y)ᵖ⁻¹ dy  (0 where x or y is 0)"""

    @staticmethod
    def forward(ctx, x, *, p, axis, keepdims):
        if p == 2:
            y = np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))
        else:
            with np.errstate(divide="ignore"):  # 1 / 0 = inf has its place where p < 0
                y = np.sum(np.absolute(x) ** p, axis=axis, keepdims=keepdims) ** (1 / p)
        ctx.x, ctx.y, ctx.p, ctx.kept = x, y, p, kept_shape(x.shape, axis)
        return y

    @staticmethod
    def backward(ctx, dy):
        y = ctx.y.reshape(ctx.kept)
        zero = y == 0
        share = ctx.x / (np.where(zero, 1, y) if zero.any() else y)
        if ctx.p != 2:
            size = np.absolute(share)
            share = np.sign(share) * np.where(size == 0, 1, size) ** (ctx.p - 1)
        return dy.reshape(ctx.kept) * share


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """np.linalg.norm.

    Parameters
    ----------
    ord : of a vector: None or 2, inf, -inf, any number;
        of a matrix: None or "fro", "nuc", 1, -1, 2, -2, inf, -inf
    axis : int for vectors, a pair for matrices, or None: the whole of `x`

    Raises
    ------
    UnsupportedError
        Another order, as NumPy has none.
    """
    if ord is None:
        return Norm.apply(x, p=2, axis=axis, keepdims=keepdims)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    if axis is None:
        axes = tuple(range(x.ndim))
    if len(axes) == 1:
        return vector_norm(x, axis=axes[0], keepdims=keepdims, ord=ord)
    if len(axes) != 2:
        raise ShapeError(
            f"norm: order {ord!r} is one of vectors or matrices, and here are {len(axes)} axes of an "
            f"operand of shape {x.shape}. Choose one or two with axis=, or leave the order out."
        )
    return _matrix_norm(x, ord, tuple(axes), keepdims)


@implements(*since("linalg.vector_norm"))
def vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """np.linalg.vector_norm: over one axis, several, or all."""
    if ord == np.inf:
        return np.max(np.absolute(x), axis=axis, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(np.absolute(x), axis=axis, keepdims=keepdims)
    if isinstance(ord, str):
        raise _unsupported(ord, "a vector: inf, -inf and all numbers")
    if ord == 0:  # how many are not 0
        return np.sum(np.sign(np.absolute(x)), axis=axis, keepdims=keepdims)
    return Norm.apply(x, p=ord, axis=axis, keepdims=keepdims)


@implements(*since("linalg.matrix_norm"))
def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """np.linalg.matrix_norm: of the last two axes."""
    return _matrix_norm(x, ord, (-2, -1), keepdims)


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord == "fro":
        return Norm.apply(x, p=2, axis=axes, keepdims=keepdims)
    if ord != "nuc" and (isinstance(ord, str) or abs(ord) not in (1, 2, np.inf)):
        raise _unsupported(ord, "a matrix: 'fro', 'nuc', 1, -1, 2, -2, inf and -inf")
    if ord == "nuc" or abs(ord) == 2:
        values = svdvals(np.moveaxis(x, axes, (-2, -1)))
        combine = np.sum if ord == "nuc" else np.max if ord > 0 else np.min
        y = combine(values, axis=-1)
        return np.expand_dims(y, axes) if keepdims else y
    row, column = axes if abs(ord) == 1 else axes[::-1]
    sums = np.sum(np.absolute(x), axis=row, keepdims=True)
    y = (np.max if ord > 0 else np.min)(sums, axis=column, keepdims=True)
    return y if keepdims else np.squeeze(y, axes)


def _unsupported(ord: Any, known: str) -> UnsupportedError:
    return UnsupportedError(f"norm: there is no order {ord!r} of {known}.")
