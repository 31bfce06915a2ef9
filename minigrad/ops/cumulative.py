"""Running sums and products, and the product of all entries.

A product's gradient is the product of the others, Πⱼ≠ₖ xⱼ. It is formed of running products from
both ends, and not as y / xₖ, which fails where an entry is 0.
"""

from typing import Any

import numpy as np

from minigrad.errors import ShapeError
from minigrad.function import Function
from minigrad.numpy_protocol import implements
from minigrad.ops.reductions import kept_shape, reduced_size
from minigrad.ops.versions import since


class Cumsum(Function):
    """yᵢ = Σ x up to i;   dxₖ = Σ dy from k on"""

    @staticmethod
    def forward(ctx, x, *, axis):
        ctx.axis = axis
        return np.cumsum(x, axis=axis)

    @staticmethod
    def backward(ctx, dy):
        return np.flip(np.cumsum(np.flip(dy, ctx.axis), axis=ctx.axis), ctx.axis)


class Cumprod(Function):
    """yᵢ = Π x up to i;   dxₖ = (Π x before k) sₖ,   sₖ = dyₖ + xₖ₊₁ sₖ₊₁"""

    @staticmethod
    def forward(ctx, x, *, axis):
        ctx.x, ctx.axis = x, axis
        return np.cumprod(x, axis=axis)

    @staticmethod
    def backward(ctx, dy):
        x, dy = np.moveaxis(ctx.x, ctx.axis, -1), np.moveaxis(dy, ctx.axis, -1)
        s = Recurrence.call(_shift(np.flip(x, -1)), np.flip(dy, -1))
        return np.moveaxis(_products_before(x) * np.flip(s, -1), -1, ctx.axis)


class Recurrence(Function):
    """yᵢ = aᵢ yᵢ₋₁ + bᵢ;   dbₖ = dyₖ + aₖ₊₁ dbₖ₊₁,   daₖ = yₖ₋₁ dbₖ  (last axis)"""

    @staticmethod
    def forward(ctx, a, b):
        y = np.array(b)
        for i in range(1, y.shape[-1]):
            y[..., i] += a[..., i] * y[..., i - 1]
        ctx.a, ctx.y = a, y
        return y

    @staticmethod
    def backward(ctx, dy):
        db = np.flip(Recurrence.call(_shift(np.flip(ctx.a, -1)), np.flip(dy, -1)), -1)
        before = ctx.y[..., :-1] * db[..., 1:]
        return np.concatenate([np.zeros_like(db[..., :1]), before], axis=-1), db


class Prod(Function):
    """y = Π x;   dxₖ = (Π of the others) dy"""

    @staticmethod
    def forward(ctx, x, *, axis, keepdims):
        y = x.prod(axis=axis, keepdims=keepdims)
        ctx.x, ctx.kept = x, kept_shape(x.shape, axis)
        return y

    @staticmethod
    def backward(ctx, dy):
        x, kept = ctx.x, ctx.kept
        # The reduced axes go last and become one.
        gone = [i for i, n in enumerate(x.shape) if n != kept[i]]
        rest = [i for i, n in enumerate(x.shape) if n == kept[i]]
        moved = np.transpose(x, rest + gone)
        rows = moved.reshape(*[x.shape[i] for i in rest], reduced_size(x.shape, kept))
        others = _products_before(rows) * np.flip(_products_before(np.flip(rows, -1)), -1)
        others = np.transpose(others.reshape(moved.shape), np.argsort(rest + gone))
        return dy.reshape(kept) * others


def _shift(x):
    """`x` moved on by one along the last axis, with a 1 in front."""
    return np.concatenate([np.ones_like(x[..., :1]), x[..., :-1]], axis=-1)


def _products_before(x):
    return np.cumprod(_shift(x), axis=-1)


@implements(np.cumsum)
def cumsum(a: Any, axis: int | None = None) -> Any:
    """np.cumsum; without an axis, of the flattened array."""
    return Cumsum.apply(a, axis=axis) if axis is not None else Cumsum.apply(np.ravel(a), axis=0)


@implements(*since("cumulative_sum"))
def cumulative_sum(x: Any, /, *, axis: int | None = None, include_initial: bool = False) -> Any:
    """np.cumulative_sum; `include_initial` puts a 0 in front."""
    return _cumulative(cumsum, x, axis, 0 if include_initial else None)


@implements(*since("cumulative_prod"))
def cumulative_prod(x: Any, /, *, axis: int | None = None, include_initial: bool = False) -> Any:
    """np.cumulative_prod; `include_initial` puts a 1 in front."""
    return _cumulative(cumprod, x, axis, 1 if include_initial else None)


def _cumulative(along: Any, x: Any, axis: int | None, start: int | None) -> Any:
    if axis is None:
        if np.ndim(x) != 1:
            raise ShapeError(
                f"cumulative_{along.__name__[3:]}: an operand of shape {np.shape(x)} needs axis=."
            )
        axis = 0
    y = along(x, axis)
    if start is None:
        return y
    first = np.full([1 if i == axis % y.ndim else n for i, n in enumerate(y.shape)], start)
    return np.concatenate([first, y], axis)


@implements(np.cumprod)
def cumprod(a: Any, axis: int | None = None) -> Any:
    """np.cumprod; without an axis, of the flattened array."""
    return Cumprod.apply(a, axis=axis) if axis is not None else Cumprod.apply(np.ravel(a), axis=0)


@implements(np.prod)
def prod(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """np.prod."""
    return Prod.apply(a, axis=axis, keepdims=keepdims)
