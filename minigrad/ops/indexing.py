"""Basic and fancy indexing: `x[index]`, and what its backward adds at the same places."""

from typing import Any

import numpy as np

from minigrad.function import Function
from minigrad.ops.inspection import plain


class Getitem(Function):
    """y = x[index];   dx = zeros with dy added at index (an entry taken twice receives twice)"""

    @staticmethod
    def forward(ctx, x, *, index):
        ctx.index, ctx.shape = index, x.shape
        return x[index]

    @staticmethod
    def backward(ctx, dy):
        return Scatter.call(dy, index=ctx.index, shape=ctx.shape)


class Scatter(Function):
    """y = zeros(shape), y[index] += x;   dx = dy[index]"""

    @staticmethod
    def forward(ctx, x, *, index, shape):
        ctx.index = index
        y = np.zeros(shape, x.dtype)
        if _may_repeat(index):
            np.add.at(y, index, x)
        else:
            y[index] = x
        return y

    @staticmethod
    def backward(ctx, dy):
        return dy[ctx.index]


def getitem(x: Any, index: Any) -> Any:
    """`x[index]`, where the index may hold Tensors of integers or bools."""
    return Getitem.apply(x, index=settled(index))


def settled(index: Any) -> Any:
    """An index of which the caller holds no part: Tensors and lists as arrays, arrays copied."""
    if type(index) is tuple:
        return tuple([settled(entry) for entry in index])
    if index is None or index is Ellipsis or isinstance(index, (int, slice, np.integer)):
        return index
    array = np.array(plain(index))
    # NumPy takes an empty list for positions, though an empty array is one of floats.
    return array.astype(np.intp) if isinstance(index, list) and array.size == 0 else array


def _may_repeat(index: Any) -> bool:
    """Whether an entry may be taken twice: only arrays of positions can do so, masks cannot."""
    entries = index if type(index) is tuple else (index,)
    return any([type(e) is np.ndarray and e.dtype.kind != "b" and e.size > 1 for e in entries])
