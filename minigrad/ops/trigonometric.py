"""Trigonometric and hyperbolic functions, and their inverses."""

import math

import numpy as np

from minigrad.function import Function
from minigrad.numpy_protocol import implements


@implements(np.sin)
class Sin(Function):
    """y = sin x;   dx = cos(x) dy"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.sin(x)

    @staticmethod
    def backward(ctx, dy):
        return dy * np.cos(ctx.x)


@implements(np.cos)
class Cos(Function):
    """y = cos x;   dx = -sin(x) dy"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.cos(x)

    @staticmethod
    def backward(ctx, dy):
        return -dy * np.sin(ctx.x)


@implements(np.tan)
class Tan(Function):
    """y = tan x;   dx = (1 + y²) dy"""

    @staticmethod
    def forward(ctx, x):
        ctx.y = np.tan(x)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        return dy * (1 + np.square(ctx.y))


@implements(np.arcsin)
class Arcsin(Function):
    """y = arcsin x;   dx = dy / √(1 - x²)"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.arcsin(x)

    @staticmethod
    def backward(ctx, dy):
        return dy / np.sqrt((1 - ctx.x) * (1 + ctx.x))


@implements(np.arccos)
class Arccos(Function):
    """y = arccos x;   dx = -dy / √(1 - x²)"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.arccos(x)

    @staticmethod
    def backward(ctx, dy):
        return -dy / np.sqrt((1 - ctx.x) * (1 + ctx.x))


@implements(np.arctan)
class Arctan(Function):
    """y = arctan x;   dx = dy / (1 + x²)"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.arctan(x)

    @staticmethod
    def backward(ctx, dy):
        return dy / (1 + np.square(ctx.x))


@implements(np.arctan2)
class Arctan2(Function):
    """y = angle of the point (b, a);   da = b dy / (a² + b²),   db = -a dy / (a² + b²)"""

    @staticmethod
    def forward(ctx, a, b):
        ctx.a, ctx.b = a, b
        return np.arctan2(a, b)

    @staticmethod
    def backward(ctx, dy):
        scaled = dy / (np.square(ctx.a) + np.square(ctx.b))
        need_a, need_b = ctx.needs_input_grad
        return scaled * ctx.b if need_a else None, -scaled * ctx.a if need_b else None


@implements(np.hypot)
class Hypot(Function):
    """y = √(a² + b²);   da = a dy / y,   db = b dy / y  (0 where a = b = 0)"""

    @staticmethod
    def forward(ctx, a, b):
        ctx.a, ctx.b, ctx.y = a, b, np.hypot(a, b)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        origin = ctx.y == 0
        scaled = dy / (np.where(origin, 1, ctx.y) if origin.any() else ctx.y)
        need_a, need_b = ctx.needs_input_grad
        return scaled * ctx.a if need_a else None, scaled * ctx.b if need_b else None


@implements(np.sinh)
class Sinh(Function):
    """y = sinh x;   dx = cosh(x) dy"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.sinh(x)

    @staticmethod
    def backward(ctx, dy):
        return dy * np.cosh(ctx.x)


@implements(np.cosh)
class Cosh(Function):
    """y = cosh x;   dx = sinh(x) dy"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.cosh(x)

    @staticmethod
    def backward(ctx, dy):
        return dy * np.sinh(ctx.x)


@implements(np.tanh)
class Tanh(Function):
    """y = tanh x;   dx = (1 - y²) dy"""

    @staticmethod
    def forward(ctx, x):
        ctx.y = np.tanh(x)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        return dy - dy * np.square(ctx.y)


@implements(np.arcsinh)
class Arcsinh(Function):
    """y = arsinh x;   dx = dy / √(1 + x²)"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.arcsinh(x)

    @staticmethod
    def backward(ctx, dy):
        return dy / np.sqrt(1 + np.square(ctx.x))


@implements(np.arccosh)
class Arccosh(Function):
    """y = arcosh x;   dx = dy / √(x² - 1)"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.arccosh(x)

    @staticmethod
    def backward(ctx, dy):
        return dy / np.sqrt((ctx.x - 1) * (ctx.x + 1))


@implements(np.arctanh)
class Arctanh(Function):
    """y = artanh x;   dx = dy / (1 - x²)"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.arctanh(x)

    @staticmethod
    def backward(ctx, dy):
        return dy / ((1 - ctx.x) * (1 + ctx.x))


@implements(np.sinc)
class Sinc(Function):
    """y = sin(πx) / (πx);   dx = (cos(πx) - y) / x dy  (its series near 0)"""

    @staticmethod
    def forward(ctx, x):
        ctx.x, ctx.y = x, np.sinc(x)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        near = np.abs(ctx.x) < 0.1
        x = np.where(near, 1, ctx.x)
        slope = (np.cos(math.pi * x) - ctx.y) / x
        return dy * np.where(near, _sinc_slope_near_zero(ctx.x), slope)


def _sinc_slope_near_zero(x):
    """d/dx Σ (-1)ᵏ (πx)²ᵏ / (2k+1)!, by Horner's scheme; exact to rounding for |x| < 0.1."""
    square = np.square(math.pi * x)
    total = 0.0
    for k in range(8, 0, -1):
        total = total * square + (-1) ** k * 2 * k / math.factorial(2 * k + 1)
    return math.pi**2 * x * total


@implements(np.deg2rad, np.radians)
class Deg2rad(Function):
    """y = x π / 180;   dx = dy π / 180"""

    @staticmethod
    def forward(ctx, x):
        return np.deg2rad(x)

    @staticmethod
    def backward(ctx, dy):
        return dy * (math.pi / 180)


@implements(np.rad2deg, np.degrees)
class Rad2deg(Function):
    """y = x 180 / π;   dx = dy 180 / π"""

    @staticmethod
    def forward(ctx, x):
        return np.rad2deg(x)

    @staticmethod
    def backward(ctx, dy):
        return dy * (180 / math.pi)
