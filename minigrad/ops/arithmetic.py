"""Arithmetic: the rules behind + - * / ** and their NumPy names.

The pattern of every operation: the rule as a formula, forward on arrays, backward for one upstream
gradient `dy`. Un-broadcasting is the tape's, so that each rule reads as if all shapes were equal.
"""

import math
from typing import Any

import numpy as np

from minigrad.function import Function
from minigrad.numpy_protocol import implements


@implements(np.add)
class Add(Function):
    """y = a + b;   da = dy,   db = dy"""

    @staticmethod
    def forward(ctx, a, b):
        return a + b

    @staticmethod
    def backward(ctx, dy):
        return dy, dy


@implements(np.subtract)
class Subtract(Function):
    """y = a - b;   da = dy,   db = -dy"""

    @staticmethod
    def forward(ctx, a, b):
        return a - b

    @staticmethod
    def backward(ctx, dy):
        return dy, -dy if ctx.needs_input_grad[1] else None


@implements(np.multiply)
class Multiply(Function):
    """y = a b;   da = b dy,   db = a dy"""

    @staticmethod
    def forward(ctx, a, b):
        need_a, need_b = ctx.needs_input_grad
        ctx.a, ctx.b = a if need_b else None, b if need_a else None
        return a * b

    @staticmethod
    def backward(ctx, dy):
        return (
            None if ctx.b is None else ctx.b * dy,
            None if ctx.a is None else ctx.a * dy,
        )


@implements(np.divide)
class Divide(Function):
    """y = a / b;   da = dy / b,   db = -a dy / b²"""

    @staticmethod
    def forward(ctx, a, b):
        ctx.a, ctx.b = a, b
        return np.divide(a, b)

    @staticmethod
    def backward(ctx, dy):
        da = dy / ctx.b
        return da, -da * (ctx.a / ctx.b) if ctx.needs_input_grad[1] else None


@implements(np.negative)
class Negative(Function):
    """y = -x;   dx = -dy"""

    @staticmethod
    def forward(ctx, x):
        return -x

    @staticmethod
    def backward(ctx, dy):
        return -dy


@implements(np.positive, np.conjugate, np.real)
class Positive(Function):
    """y = +x, which of real numbers is the conjugate and the real part too;   dx = dy"""

    @staticmethod
    def forward(ctx, x):
        return np.positive(x)

    @staticmethod
    def backward(ctx, dy):
        return dy


@implements(np.power, np.float_power)
class Power(Function):
    """y = aᵇ;   da = b aᵇ⁻¹ dy (0 where b = 0),   db = ln(a) aᵇ dy (0 where a = 0 ≤ b)"""

    @staticmethod
    def forward(ctx, a, b):
        ctx.a, ctx.b = a, b
        y = a**b  # the operator, which has shortcuts for b = 2 and its like
        ctx.y = y if ctx.needs_input_grad[1] else None
        return y

    @staticmethod
    def backward(ctx, dy):
        need_a, need_b = ctx.needs_input_grad
        return (
            dy * _power_slope(ctx.a, ctx.b) if need_a else None,
            dy * ctx.y * _log_of_base(ctx.a, ctx.b) if need_b else None,
        )


def _power_slope(a, b):
    """b aᵇ⁻¹, where x⁰ has slope 0 also at x = 0; 0 · 0⁻¹ would be nan."""
    if isinstance(b, (int, float)):
        if b == 0:
            return 0.0
        return b * (a if b == 2 else a ** (b - 1))
    flat = (a == 0) & (b == 0)
    return b * np.where(flat, 1, a) ** (b - 1)


def _log_of_base(a, b):
    """ln a, where 0ᵇ has slope 0 for b ≥ 0; 0 · ln 0 would be nan."""
    if isinstance(a, (int, float)) and a > 0:
        return math.log(a)
    flat = np.equal(a, 0) & np.greater_equal(b, 0)
    return np.log(np.where(flat, 1, a))


@implements(np.divmod)
def divmod(x1: Any, x2: Any) -> tuple[Any, Any]:
    """np.divmod: the quotient rounded down, and the remainder."""
    return np.floor_divide(x1, x2), np.remainder(x1, x2)


@implements(np.remainder)
class Remainder(Function):
    """y = a - ⌊a / b⌋ b;   da = dy,   db = -⌊a / b⌋ dy"""

    @staticmethod
    def forward(ctx, a, b):
        ctx.a, ctx.b = a, b
        return np.remainder(a, b)

    @staticmethod
    def backward(ctx, dy):
        if not ctx.needs_input_grad[1]:
            return dy, None
        return dy, -dy * np.floor_divide(ctx.a, ctx.b)


@implements(np.fmod)
class Fmod(Function):
    """y = a - trunc(a / b) b;   da = dy,   db = -trunc(a / b) dy"""

    @staticmethod
    def forward(ctx, a, b):
        ctx.a, ctx.b = a, b
        return np.fmod(a, b)

    @staticmethod
    def backward(ctx, dy):
        if not ctx.needs_input_grad[1]:
            return dy, None
        return dy, -dy * np.trunc(ctx.a / ctx.b)


@implements(np.square)
class Square(Function):
    """y = x²;   dx = 2 x dy"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.square(x)

    @staticmethod
    def backward(ctx, dy):
        return 2 * ctx.x * dy


@implements(np.sqrt)
class Sqrt(Function):
    """y = √x;   dx = dy / (2 y)"""

    @staticmethod
    def forward(ctx, x):
        ctx.y = np.sqrt(x)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        return dy / (2 * ctx.y)


@implements(np.reciprocal)
class Reciprocal(Function):
    """y = 1 / x;   dx = -y² dy"""

    @staticmethod
    def forward(ctx, x):
        ctx.y = np.reciprocal(x)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        return -ctx.y * ctx.y * dy
