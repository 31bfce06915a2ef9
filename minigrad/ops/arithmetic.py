"""Arithmetic: the rules behind + - * / ** and their NumPy names.

The pattern of every operation: the rule as a formula, forward on arrays, backward for one upstream
gradient `dy`. Un-broadcasting is the tape's, so that each rule reads as if all shapes were equal.
"""

import numpy as np

from minigrad.function import Function
from minigrad.numpy_protocol import implements


@implements(np.add)
class Add(Function):
    """y = a + b;   da = dy,   db = dy"""

    @staticmethod
    def forward(ctx, a, b):
        return np.add(a, b)

    @staticmethod
    def backward(ctx, dy):
        return dy, dy


@implements(np.subtract)
class Subtract(Function):
    """y = a - b;   da = dy,   db = -dy"""

    @staticmethod
    def forward(ctx, a, b):
        return np.subtract(a, b)

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
        return np.multiply(a, b)

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
        return np.negative(x)

    @staticmethod
    def backward(ctx, dy):
        return -dy


@implements(np.positive)
class Positive(Function):
    """y = +x;   dx = dy"""

    @staticmethod
    def forward(ctx, x):
        return np.positive(x)

    @staticmethod
    def backward(ctx, dy):
        return dy


@implements(np.power, np.float_power)
class Power(Function):
    """y = aᵇ;   da = b aᵇ⁻¹ dy,   db = log(a) aᵇ dy (0 where a = 0)"""

    @staticmethod
    def forward(ctx, a, b):
        ctx.a, ctx.b = a, b
        ctx.y = np.power(a, b)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        need_a, need_b = ctx.needs_input_grad
        # x⁰ has slope 0 also at x = 0, where 0 · 0⁻¹ would be nan.
        da = dy * ctx.b * np.power(ctx.a, np.where(ctx.b == 0, 1, ctx.b - 1)) if need_a else None
        db = dy * ctx.y * np.log(np.where(ctx.a == 0, 1, ctx.a)) if need_b else None
        return da, db


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


add, subtract, multiply, divide = Add.apply, Subtract.apply, Multiply.apply, Divide.apply
power, negative = Power.apply, Negative.apply
