"""Activations: one number in, one number out, so that each gradient is dx = f'(x) dy.

    ReLU         y = max(x, 0)           f' = 1 where x > 0, else 0
    LeakyReLU    y = x or slope · x      f' = 1 where x > 0, else slope
    Sigmoid      y = 1 / (1 + e⁻ˣ)       f' = y (1 - y)
    Tanh         y = tanh x              f' = 1 - y²
    Softplus     y = log(1 + eᵝˣ) / β    f' = sigmoid(β x)

At its kink x = 0 the ReLU has every slope from 0 to 1 as a subgradient; as PyTorch we take 0, and for
the leaky one `slope`.
"""

from typing import Any

import numpy as np

from layers.checks import as_float
from layers.errors import OptionError
from layers.module import Module
from minigrad import Function, Tensor
from minigrad.kernels import rectifier as kernels


class ReLUFunction(Function):
    """y = max(x, 0);   dx = dy where x > 0, else 0"""

    name = "relu"

    @staticmethod
    def forward(ctx, x):
        ctx.y = kernels.relu(x)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        return ReLUGradient.call(dy, ctx.y)


class ReLUGradient(Function):
    """dx = dy where y > 0, else 0;   linear in dy, so that its own gradient is again of this form"""

    @staticmethod
    def forward(ctx, dy, y):
        ctx.y = y
        return kernels.relu_backward(dy, y)

    @staticmethod
    def backward(ctx, ddx):
        return ReLUGradient.call(ddx, ctx.y), None


class LeakyReLUFunction(Function):
    """y = x where x > 0, else s x;   dx = dy where x > 0, else s dy"""

    name = "leaky_relu"

    @staticmethod
    def forward(ctx, x, *, slope):
        ctx.positive, ctx.slope = x > 0, slope
        return np.where(ctx.positive, x, slope * x)

    @staticmethod
    def backward(ctx, dy):
        return np.where(ctx.positive, dy, ctx.slope * dy)


def sigmoid_forward(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + e⁻ˣ); no exponential overflows, as only e to the power of -|x| is taken."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


class SigmoidFunction(Function):
    """y = 1 / (1 + e⁻ˣ);   dx = y (1 - y) dy"""

    @staticmethod
    def forward(ctx, x):
        ctx.y = sigmoid_forward(x)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        return dy * ctx.y * (1 - ctx.y)


class TanhFunction(Function):
    """y = tanh x;   dx = (1 - y²) dy"""

    @staticmethod
    def forward(ctx, x):
        ctx.y = np.tanh(x)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        return dy - dy * np.square(ctx.y)


def softplus_forward(x: np.ndarray) -> np.ndarray:
    """Return log(1 + eˣ) = max(x, 0) + log(1 + e to the power of -|x|)."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


class SoftplusFunction(Function):
    """y = log(1 + eᵝˣ) / β;   dx = sigmoid(β x) dy"""

    @staticmethod
    def forward(ctx, x, *, beta):
        ctx.x, ctx.beta = x, beta
        return softplus_forward(beta * x) / beta

    @staticmethod
    def backward(ctx, dy):
        return dy * SigmoidFunction.call(ctx.beta * ctx.x)


def relu(input: Any) -> Tensor:
    """max(x, 0), entry by entry; NaN stays NaN."""
    return ReLUFunction.apply(as_float("relu", input))


def leaky_relu(input: Any, negative_slope: float = 0.01) -> Tensor:
    """x where it is positive, else negative_slope · x."""
    return LeakyReLUFunction.apply(as_float("leaky_relu", input), slope=float(negative_slope))


def sigmoid(input: Any) -> Tensor:
    """1 / (1 + e⁻ˣ), entry by entry, without overflow."""
    return SigmoidFunction.apply(as_float("sigmoid", input))


def tanh(input: Any) -> Tensor:
    """Hyperbolic tangent, entry by entry."""
    return TanhFunction.apply(as_float("tanh", input))


def softplus(input: Any, beta: float = 1.0) -> Tensor:
    """log(1 + eᵝˣ) / β, a smooth ReLU, without overflow."""
    if not beta > 0:
        raise OptionError(f"softplus: beta must be positive, not {beta!r}.")
    return SoftplusFunction.apply(as_float("softplus", input), beta=float(beta))


class ReLU(Module):
    """max(x, 0), entry by entry."""

    def forward(self, x: Any) -> Tensor:
        return relu(x)


class LeakyReLU(Module):
    """x where it is positive, else negative_slope · x."""

    def __init__(self, negative_slope: float = 0.01):
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Tensor:
        return leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ), entry by entry."""

    def forward(self, x: Any) -> Tensor:
        return sigmoid(x)


class Tanh(Module):
    """Hyperbolic tangent, entry by entry."""

    def forward(self, x: Any) -> Tensor:
        return tanh(x)


class Softplus(Module):
    """log(1 + eᵝˣ) / β, entry by entry."""

    def __init__(self, beta: float = 1.0):
        self.beta = beta

    def forward(self, x: Any) -> Tensor:
        return softplus(x, self.beta)

    def extra_repr(self) -> str:
        return f"beta={self.beta}"
