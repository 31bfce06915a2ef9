"""Functions that networks need and NumPy has no name for, in forms that neither overflow nor cancel."""

from typing import Any

import numpy as np

from minigrad.function import Function
from minigrad.ops.exponential import finite_below
from minigrad.ops.reductions import kept_shape


class Sigmoid(Function):
    """y = 1 / (1 + e⁻ˣ);   dx = y (1 - y) dy"""

    @staticmethod
    def forward(ctx, x):
        # e⁻ˣ would overflow for x ≪ 0. Multiplied by exp(min(x, 0)) above and below the line, no
        # power is larger than 1 and both tails keep their relative precision.
        ctx.y = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.absolute(x)))
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        return dy * (ctx.y * (1 - ctx.y))


class Softplus(Function):
    """y = ln(1 + eˣ);   dx = sigmoid(x) dy"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.maximum(x, 0) + np.log1p(np.exp(-np.absolute(x)))

    @staticmethod
    def backward(ctx, dy):
        return dy * Sigmoid.call(ctx.x)


class Logsumexp(Function):
    """y = ln Σ eˣ;   dx = exp(x - y) dy"""

    @staticmethod
    def forward(ctx, x, *, axis, keepdims):
        highest = np.max(x, axis=axis, keepdims=True)
        highest = np.where(np.isfinite(highest), highest, 0)
        total = np.sum(np.exp(x - highest), axis=axis, keepdims=True)
        with np.errstate(divide="ignore"):  # all entries -inf: the sum is 0, its log -inf
            y = np.log(total) + highest
        ctx.kept = kept_shape(x.shape, axis)
        ctx.x, ctx.y = x, y if keepdims else np.squeeze(y, axis)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        y = finite_below(ctx.y).reshape(ctx.kept)
        return dy.reshape(ctx.kept) * np.exp(ctx.x - y)


def sigmoid(x: Any) -> Any:
    """The logistic function 1 / (1 + e⁻ˣ) of every entry."""
    return Sigmoid.apply(x)


def softplus(x: Any) -> Any:
    """ln(1 + eˣ) of every entry: a smooth max(x, 0)."""
    return Softplus.apply(x)


def log_sigmoid(x: Any) -> Any:
    """ln sigmoid(x) of every entry, finite where sigmoid(x) itself rounds to 0."""
    return -Softplus.apply(-x)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """ln Σ eˣ along `axis` (one, a tuple, or all for None); -inf where every entry is -inf."""
    return Logsumexp.apply(x, axis=axis, keepdims=keepdims)
