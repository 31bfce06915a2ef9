"""Sorting, what follows from it (median, quantiles), and differences between neighbours."""

from typing import Any

import numpy as np

from minigrad.function import Function
from minigrad.numpy_protocol import implements
from minigrad.ops.inspection import plain
from minigrad.ops.reductions import kept_shape
from minigrad.shapes import axis_index, explained


class Sort(Function):
    """y = x in order along an axis;   dx = dy, each entry back to where it came from"""

    @staticmethod
    def forward(ctx, x, *, axis):
        order = np.argsort(x, axis, kind="stable")
        ctx.axis, ctx.back = axis, np.argsort(order, axis)
        return np.take_along_axis(x, order, axis)

    @staticmethod
    def backward(ctx, dy):
        return np.take_along_axis(dy, ctx.back, ctx.axis)


@implements(np.sort)
def sort(a: Any, axis: int | None = -1, kind: Any = None, *, stable: Any = None) -> Any:
    """np.sort; the flattened array for `axis` None. Equal entries stay in their order, of whatever `kind`."""
    return Sort.apply(np.ravel(a), axis=0) if axis is None else Sort.apply(a, axis=axis)


@implements(np.partition)
def partition(a: Any, kth: Any, axis: int | None = -1) -> Any:
    """np.partition: the entries at `kth` where sorting puts them, smaller before, larger behind."""
    if axis is None:
        a, axis = np.ravel(a), 0
    with explained("partition", a, kth=kth, axis=axis):
        order = np.argpartition(plain(a), kth, axis)
    return np.take_along_axis(a, order, axis)


@implements(np.quantile)
def quantile(a: Any, q: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """np.quantile by its linear method: between the two entries around position q (n - 1).

    Parameters
    ----------
    q : float or array of them, in [0, 1]
        Its axes come first in the result.
    axis : int, tuple of int, or None for all axes
    """
    q = np.asarray(q, np.float64)
    if not ((q >= 0) & (q <= 1)).all():
        raise ValueError(f"quantile: q lies in [0, 1] (a percentile in [0, 100]); got {q}.")
    given = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = [axis_index("quantile", i, a.shape) for i in given]
    rest = [n for i, n in enumerate(a.shape) if i not in axes]
    rows = np.sort(np.reshape(np.moveaxis(a, axes, range(-len(axes), 0)), (*rest, -1)))
    place = q * (rows.shape[-1] - 1)
    below = np.floor(place).astype(int)
    low, high = rows[..., below], rows[..., np.ceil(place).astype(int)]
    y = low + (high - low) * (place - below)
    unknown = np.isnan(rows[..., -1])  # nan is sorted last, and makes every quantile nan
    if unknown.any():
        y = np.where(np.expand_dims(unknown, tuple(range(-q.ndim, 0))), np.nan, y)
    y = np.moveaxis(y, range(len(rest), y.ndim), range(q.ndim))
    return y.reshape(*q.shape, *kept_shape(a.shape, axis)) if keepdims else y


@implements(np.percentile)
def percentile(a: Any, q: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """np.percentile by its linear method; see quantile."""
    return quantile(a, np.asarray(q) / 100, axis, keepdims=keepdims)


@implements(np.median)
def median(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """np.median: the middle entry, or the mean of the two."""
    return quantile(a, 0.5, axis, keepdims=keepdims)


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """np.diff: each entry less the one before, `n` times over."""
    if n < 0:
        raise ValueError(f"diff: the number of times must not be negative; got n={n}.")
    axis = axis_index("diff", axis, np.shape(a))
    if n and (prepend is not None or append is not None):
        ends = [_end(prepend, a, axis), a, _end(append, a, axis)]
        a = np.concatenate([end for end in ends if end is not None], axis)
    along = (slice(None),) * axis
    for _ in range(n):
        a = a[(*along, slice(1, None))] - a[(*along, slice(None, -1))]
    return a


def _end(value: Any, a: Any, axis: int) -> Any:
    """A number as one more entry along the axis."""
    if value is None or np.ndim(value) > 0:
        return value
    shape = list(np.shape(a))
    shape[axis] = 1
    return np.broadcast_to(value, shape)


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """np.ediff1d: differences of the flattened array, with others put before and behind."""
    parts = [to_begin, diff(np.ravel(ary)), to_end]
    return np.concatenate([np.ravel(part) for part in parts if part is not None])
