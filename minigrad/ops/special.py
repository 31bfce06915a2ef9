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
        # e⁻ˣ overflows for x ≪ 0. With e = exp(-|x|) ≤ 1, y is 1 / (1 + e) or e / (1 + e), and
        # both tails keep their relative precision.
        e = np.exp(-np.absolute(x))
        ctx.y = np.maximum(e, np.greater_equal(x, 0)) / (1 + e)
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
        highest = x.max(axis=axis, keepdims=True)
        if not np.isfinite(highest).all():
            highest = np.where(np.isfinite(highest), highest, 0)
        total = np.exp(x - highest).sum(axis=axis, keepdims=True)
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
