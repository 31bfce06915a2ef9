"""Sums, means, spreads and extremes along axes.

`axis` is None for all axes, one axis, or a tuple; negatives count from the end, as in NumPy.
"""

import math
from typing import Any

import numpy as np

from minigrad.function import Function
from minigrad.numpy_protocol import implements
from minigrad.ops.selection import keep


def kept_shape(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """`shape` with the axes that a reduction takes away as ones."""
    if axis is None:
        return (1,) * len(shape)
    axes = axis if isinstance(axis, tuple) else (axis,)
    gone = [a % (len(shape) or 1) for a in axes]
    return tuple([1 if i in gone else n for i, n in enumerate(shape)])


def reduced_size(shape: tuple[int, ...], kept: tuple[int, ...]) -> int:
    """How many entries fall into one."""
    return math.prod([n for n, k in zip(shape, kept) if n != k])


class Spread(Function):
    """y = x repeated along its axes of length 1;   dx = Σ dy over them (the tape sums)"""

    @staticmethod
    def forward(ctx, x, *, shape):
        y = np.empty(shape, x.dtype)
        y[...] = x
        return y

    @staticmethod
    def backward(ctx, dy):
        return dy


def spread(x: Any, kept: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    """A reduced array, given back its lost axes and repeated to `shape`; for use in rules."""
    return Spread.call(x.reshape(kept), shape=shape)


class Sum(Function):
    """y = Σ x;   dx = dy, repeated"""

    @staticmethod
    def forward(ctx, x, *, axis, keepdims):
        y = x.sum(axis=axis, keepdims=keepdims)
        ctx.shape, ctx.kept = x.shape, kept_shape(x.shape, axis)
        return y

    @staticmethod
    def backward(ctx, dy):
        return spread(dy, ctx.kept, ctx.shape)


@implements(np.sum)
def sum(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """np.sum."""
    return Sum.apply(a, axis=axis, keepdims=keepdims)


class Mean(Function):
    """y = Σ x / n;   dx = dy / n, repeated"""

    @staticmethod
    def forward(ctx, x, *, axis, keepdims):
        y = x.sum(axis=axis, keepdims=keepdims)
        ctx.shape, ctx.kept = x.shape, kept_shape(x.shape, axis)
        return y / reduced_size(x.shape, ctx.kept)

    @staticmethod
    def backward(ctx, dy):
        n = reduced_size(ctx.shape, ctx.kept) or 1
        return spread(dy / n, ctx.kept, ctx.shape)


@implements(np.mean)
def mean(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """np.mean."""
    return Mean.apply(a, axis=axis, keepdims=keepdims)


class Var(Function):
    """y = Σ (x - x̄)² / (n - ddof);   dx = 2 (x - x̄) dy / (n - ddof)"""

    @staticmethod
    def forward(ctx, x, *, axis, ddof, keepdims):
        y = x.var(axis=axis, ddof=ddof, keepdims=keepdims)
        ctx.x, ctx.axis, ctx.kept = x, axis, kept_shape(x.shape, axis)
        ctx.freedom = reduced_size(x.shape, ctx.kept) - ddof
        return y

    @staticmethod
    def backward(ctx, dy):
        return dy.reshape(ctx.kept) * _deviation(ctx, 2)


class Std(Function):
    """y = √var(x);   dx = (x - x̄) dy / ((n - ddof) y)  (0 where y = 0)"""

    @staticmethod
    def forward(ctx, x, *, axis, ddof, keepdims):
        ctx.y = x.std(axis=axis, ddof=ddof, keepdims=keepdims)
        ctx.x, ctx.axis, ctx.kept = x, axis, kept_shape(x.shape, axis)
        ctx.freedom = reduced_size(x.shape, ctx.kept) - ddof
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        constant = ctx.y == 0
        y = np.where(constant, np.inf, ctx.y) if constant.any() else ctx.y
        return (dy / y).reshape(ctx.kept) * _deviation(ctx, 1)


def _deviation(ctx, factor):
    """factor (x - x̄) / (n - ddof)."""
    scale = factor / ctx.freedom if ctx.freedom > 0 else math.nan
    return (ctx.x - Mean.call(ctx.x, axis=ctx.axis, keepdims=True)) * scale


@implements(np.var)
def var(a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """np.var."""
    return Var.apply(a, axis=axis, ddof=ddof, keepdims=keepdims)


@implements(np.std)
def std(a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """np.std."""
    return Std.apply(a, axis=axis, ddof=ddof, keepdims=keepdims)


class Max(Function):
    """y = max x;   dy goes to the largest entry, in equal parts where several are largest"""

    @staticmethod
    def forward(ctx, x, *, axis, keepdims):
        ctx.x, ctx.y = x, x.max(axis=axis, keepdims=keepdims)
        ctx.axis, ctx.kept = axis, kept_shape(x.shape, axis)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        return _to_extremes(ctx, dy)


class Min(Function):
    """y = min x;   dy goes to the smallest entry, in equal parts where several are smallest"""

    @staticmethod
    def forward(ctx, x, *, axis, keepdims):
        ctx.x, ctx.y = x, x.min(axis=axis, keepdims=keepdims)
        ctx.axis, ctx.kept = axis, kept_shape(x.shape, axis)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        return _to_extremes(ctx, dy)


def _to_extremes(ctx, dy):
    y = ctx.y.reshape(ctx.kept)
    chosen = ctx.x == y
    if np.isnan(y).any():
        chosen |= np.isnan(ctx.x)
    ties = np.sum(chosen, axis=ctx.axis, keepdims=True, dtype=dy.dtype)
    return keep(dy.reshape(ctx.kept) / ties, chosen)


@implements(np.max, np.amax)
def max(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """np.max."""
    return Max.apply(a, axis=axis, keepdims=keepdims)


@implements(np.min, np.amin)
def min(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """np.min."""
    return Min.apply(a, axis=axis, keepdims=keepdims)


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """np.ptp: the largest less the smallest."""
    return max(a, axis, keepdims=keepdims) - min(a, axis, keepdims=keepdims)


@implements(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False) -> Any:
    """np.average; the weights have the shape of `a`, or are a vector along one `axis`."""
    if weights is None:
        return np.mean(a, axis=axis, keepdims=keepdims)
    if np.shape(weights) != np.shape(a) and np.ndim(weights) == 1 and isinstance(axis, int):
        along = [1] * np.ndim(a)
        along[axis] = -1
        weights = np.reshape(weights, along)
    weighted = np.sum(np.multiply(a, weights), axis=axis, keepdims=keepdims)
    ones = np.ones(np.shape(a), np.result_type(a))
    return weighted / np.sum(np.multiply(ones, weights), axis=axis, keepdims=keepdims)
