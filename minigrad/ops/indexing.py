"""Basic and fancy indexing."""

from typing import Any

import numpy as np

from minigrad.function import Function


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
        np.add.at(y, index, x)
        return y

    @staticmethod
    def backward(ctx, dy):
        return dy[ctx.index]


def getitem(x: Any, index: Any) -> Any:
    """`x[index]`, where the index may hold Tensors of integers or bools."""
    return Getitem.apply(x, index=index)
