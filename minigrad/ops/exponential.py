"""Exponentials and logarithms."""

import math

import numpy as np

from minigrad.function import Function
from minigrad.numpy_protocol import implements

LN2, LN10 = math.log(2), math.log(10)


@implements(np.exp)
class Exp(Function):
    """y = exp(x);   dx = y dy"""

    @staticmethod
    def forward(ctx, x):
        ctx.y = np.exp(x)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        return dy * ctx.y


@implements(np.expm1)
class Expm1(Function):
    """y = exp(x) - 1;   dx = (y + 1) dy"""

    @staticmethod
    def forward(ctx, x):
        ctx.y = np.expm1(x)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        return dy * (ctx.y + 1)


@implements(np.exp2)
class Exp2(Function):
    """y = 2ˣ;   dx = ln 2 y dy"""

    @staticmethod
    def forward(ctx, x):
        ctx.y = np.exp2(x)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        return dy * ctx.y * LN2


@implements(np.log)
class Log(Function):
    """y = ln x;   dx = dy / x"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.log(x)

    @staticmethod
    def backward(ctx, dy):
        return dy / ctx.x


@implements(np.log1p)
class Log1p(Function):
    """y = ln(1 + x);   dx = dy / (1 + x)"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.log1p(x)

    @staticmethod
    def backward(ctx, dy):
        return dy / (1 + ctx.x)


@implements(np.log2)
class Log2(Function):
    """y = log₂ x;   dx = dy / (x ln 2)"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.log2(x)

    @staticmethod
    def backward(ctx, dy):
        return dy / (ctx.x * LN2)


@implements(np.log10)
class Log10(Function):
    """y = log₁₀ x;   dx = dy / (x ln 10)"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.log10(x)

    @staticmethod
    def backward(ctx, dy):
        return dy / (ctx.x * LN10)


@implements(np.logaddexp)
class Logaddexp(Function):
    """y = ln(eᵃ + eᵇ);   da = exp(a - y) dy,   db = exp(b - y) dy"""

    @staticmethod
    def forward(ctx, a, b):
        ctx.a, ctx.b, ctx.y = a, b, np.logaddexp(a, b)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        y = finite_below(ctx.y)
        need_a, need_b = ctx.needs_input_grad
        return (
            dy * np.exp(ctx.a - y) if need_a else None,
            dy * np.exp(ctx.b - y) if need_b else None,
        )


@implements(np.logaddexp2)
class Logaddexp2(Function):
    """y = log₂(2ᵃ + 2ᵇ);   da = exp2(a - y) dy,   db = exp2(b - y) dy"""

    @staticmethod
    def forward(ctx, a, b):
        ctx.a, ctx.b, ctx.y = a, b, np.logaddexp2(a, b)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        y = finite_below(ctx.y)
        need_a, need_b = ctx.needs_input_grad
        return (
            dy * np.exp2(ctx.a - y) if need_a else None,
            dy * np.exp2(ctx.b - y) if need_b else None,
        )


@implements(np.cbrt)
class Cbrt(Function):
    """y = ∛x;   dx = dy / (3 y²)"""

    @staticmethod
    def forward(ctx, x):
        ctx.y = np.cbrt(x)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        return dy / (3 * np.square(ctx.y))


def finite_below(y):
    """`y` with 0 for -inf: the log of an empty sum then has weights exp(-inf - 0) = 0, not nan."""
    empty = y == -np.inf
    return np.where(empty, 0, y) if empty.any() else y
