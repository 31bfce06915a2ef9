"""Functions of straight pieces: absolute value, sign, and rounding in all its ways.

At the kink of |x| the gradient is 0; a step has gradient 0 everywhere, as in PyTorch.
"""

from typing import Any

import numpy as np

from minigrad.function import Function
from minigrad.numpy_protocol import implements
from minigrad.ops.inspection import plain
from minigrad.ops.selection import keep


@implements(np.absolute, np.fabs)
class Absolute(Function):
    """y = |x|;   dx = sign(x) dy"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.absolute(x)

    @staticmethod
    def backward(ctx, dy):
        return dy * np.sign(ctx.x)


class Step(Function):
    """y is constant between jumps;   dx = 0"""

    @staticmethod
    def backward(ctx, dy):
        return keep(dy, np.False_)


@implements(np.sign)
class Sign(Step):
    """y = -1, 0 or 1;   dx = 0"""

    @staticmethod
    def forward(ctx, x):
        return np.sign(x)


@implements(np.heaviside)
class Heaviside(Function):
    """y = 0 for x < 0, h for x = 0, 1 for x > 0;   dx = 0,   dh = dy where x = 0"""

    @staticmethod
    def forward(ctx, x, h):
        ctx.jump = x == 0
        return np.heaviside(x, h)

    @staticmethod
    def backward(ctx, dy):
        return keep(dy, np.False_), keep(dy, ctx.jump)


@implements(np.imag)
class Imag(Step):
    """y = 0, the imaginary part of a real number;   dx = 0"""

    @staticmethod
    def forward(ctx, x):
        return np.zeros_like(x)


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """np.angle of a real number: 0 or π, a constant."""
    return np.angle(plain(z), deg)


@implements(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    """np.real_if_close: a real number as it is."""
    return np.real(a)


class Side(Step):
    """y = 1 or -1, with the sign of x, also that of 0;   dx = 0"""

    @staticmethod
    def forward(ctx, x):
        return np.copysign(np.ones_like(x), x)


@implements(np.copysign)
def copysign(x1: Any, x2: Any) -> Any:
    """np.copysign: the size of the one with the sign of the other."""
    return np.abs(x1) * Side.apply(x2)


@implements(np.floor)
class Floor(Step):
    """y = the largest integer ≤ x;   dx = 0"""

    @staticmethod
    def forward(ctx, x):
        return np.floor(x)


@implements(np.ceil)
class Ceil(Step):
    """y = the smallest integer ≥ x;   dx = 0"""

    @staticmethod
    def forward(ctx, x):
        return np.ceil(x)


@implements(np.trunc, np.fix)
class Trunc(Step):
    """y = x without its fraction;   dx = 0"""

    @staticmethod
    def forward(ctx, x):
        return np.trunc(x)


@implements(np.floor_divide)
class FloorDivide(Step):
    """y = ⌊a / b⌋;   da = db = 0"""

    @staticmethod
    def forward(ctx, a, b):
        return np.floor_divide(a, b)

    @staticmethod
    def backward(ctx, dy):
        zero = keep(dy, np.False_)
        return zero, zero


class Round(Step):
    """y = x to some decimals, halves to even;   dx = 0"""

    @staticmethod
    def forward(ctx, x, *, decimals):
        return np.round(x, decimals)


@implements(np.round, np.around)
def round(a: Any, decimals: int = 0) -> Any:
    """np.round."""
    return Round.apply(a, decimals=decimals)


@implements(np.rint)
def rint(x: Any) -> Any:
    """np.rint."""
    return Round.apply(x, decimals=0)
