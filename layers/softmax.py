"""Softmax and its logarithm along one axis.

    p_i = e^{z_i} / Σ_j e^{z_j}        ∂p_i/∂z_k = p_i (δ_ik - p_k)

The upstream gradient dp then gives  dz_k = Σ_i dp_i p_i (δ_ik - p_k) = p_k (dp_k - Σ_i dp_i p_i).

    l_i = log p_i = z_i - log Σ_j e^{z_j}        ∂l_i/∂z_k = δ_ik - p_k

so that  dz_k = dl_k - p_k Σ_i dl_i  with p = eˡ.

Adding a constant to all z changes nothing; the largest is subtracted first, so that no exponential
overflows.
"""

from typing import Any

import numpy as np

from layers.checks import as_float
from layers.module import Module
from minigrad import Function, Tensor
from minigrad.errors import ShapeError


def softmax_forward(z: np.ndarray, dim: int) -> np.ndarray:
    """Return p, of z's shape: positive, with sum 1 along axis `dim`."""
    e = np.exp(z - np.max(z, axis=dim, keepdims=True, initial=-np.inf))
    return e / np.sum(e, axis=dim, keepdims=True)


def softmax_backward(dp: Any, p: Any, dim: int) -> Any:
    """Return dz from the gradient of p and p itself."""
    return p * (dp - np.sum(dp * p, axis=dim, keepdims=True))


def log_softmax_forward(z: np.ndarray, dim: int) -> np.ndarray:
    """Return log p, of z's shape, exact also where p is too small for a float."""
    shifted = z - np.max(z, axis=dim, keepdims=True, initial=-np.inf)
    return shifted - np.log(np.sum(np.exp(shifted), axis=dim, keepdims=True))


def log_softmax_backward(dl: Any, log_p: Any, dim: int) -> Any:
    """Return dz from the gradient of log p and log p itself."""
    return dl - np.exp(log_p) * np.sum(dl, axis=dim, keepdims=True)


class SoftmaxFunction(Function):
    """p = eᶻ / Σ eᶻ;   dz = p (dp - Σ dp p)"""

    @staticmethod
    def forward(ctx, z, *, dim):
        ctx.dim = dim
        ctx.p = softmax_forward(z, dim)
        return ctx.p

    @staticmethod
    def backward(ctx, dp):
        return softmax_backward(dp, ctx.p, ctx.dim)


class LogSoftmaxFunction(Function):
    """l = z - log Σ eᶻ;   dz = dl - eˡ Σ dl"""

    @staticmethod
    def forward(ctx, z, *, dim):
        ctx.dim = dim
        ctx.log_p = log_softmax_forward(z, dim)
        return ctx.log_p

    @staticmethod
    def backward(ctx, dl):
        return log_softmax_backward(dl, ctx.log_p, ctx.dim)


def softmax(input: Any, dim: int) -> Tensor:
    """Positive numbers with sum 1 along axis `dim`, in proportion to eᶻ."""
    return SoftmaxFunction.apply(_check("softmax", input, dim), dim=dim)


def log_softmax(input: Any, dim: int) -> Tensor:
    """The logarithm of `softmax`, exact where a probability underflows."""
    return LogSoftmaxFunction.apply(_check("log_softmax", input, dim), dim=dim)


def _check(layer: str, z: Any, dim: int) -> Any:
    z = as_float(layer, z)
    if not -z.ndim <= dim < z.ndim:
        raise ShapeError(f"{layer}: dim={dim} is no axis of an input of shape {z.shape}.")
    return z


class Softmax(Module):
    """Positive numbers with sum 1 along axis `dim`."""

    def __init__(self, dim: int):
        self.dim = dim

    def forward(self, x: Any) -> Tensor:
        return softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """The logarithm of Softmax."""

    def forward(self, x: Any) -> Tensor:
        return log_softmax(x, self.dim)
