"""Losses of a difference d = x - t; the target's gradient is minus that of the input.

    mse_loss          l = d²                                     dx = 2 d dl
    smooth_l1_loss    l = d² / (2β)    where |d| < β             dx = clip(d / β, -1, 1) dl
                          |d| - β / 2  elsewhere

The smooth L1 loss is a parabola that goes over into a straight line at |d| = β, with equal value and
slope: far errors pull no harder than near ones.
"""

from typing import Any

import numpy as np

from layers.checks import as_float
from layers.errors import OptionError
from layers.reduction import check_reduction, check_same_shape, reduce_backward, reduce_forward
from minigrad import Function, Tensor


def mse_loss_forward(x: np.ndarray, t: np.ndarray, reduction: str) -> tuple[Any, tuple[Any, ...]]:
    """Return the squared difference of `x` and `t`, of one shape, and the cache."""
    d = x - t
    return reduce_forward(d * d, reduction), (x, t, reduction)


def mse_loss_backward(dl: Any, cache: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return the gradients of input and target."""
    x, t, reduction = cache
    dx = 2 * (x - t) * reduce_backward(dl, x.size, reduction)
    return dx, -dx


def smooth_l1_loss_forward(
    x: np.ndarray, t: np.ndarray, beta: float, reduction: str
) -> tuple[Any, tuple[Any, ...]]:
    """Return the smooth L1 loss of `x` and `t`, of one shape, and the cache."""
    d = x - t
    size = np.abs(d)
    losses = np.where(size < beta, d * d / (2 * beta), size - beta / 2)
    return reduce_forward(losses, reduction), (x, t, beta, reduction)


def smooth_l1_loss_backward(dl: Any, cache: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return the gradients of input and target."""
    x, t, beta, reduction = cache
    dx = np.clip((x - t) / beta, -1, 1) * reduce_backward(dl, x.size, reduction)
    return dx, -dx


class MSELossFunction(Function):
    """l = (x - t)²;   dx = 2 (x - t) dl,   dt = -dx"""

    name = "mse_loss"

    @staticmethod
    def forward(ctx, x, t, *, reduction):
        loss, ctx.cache = mse_loss_forward(x, t, reduction)
        return loss

    @staticmethod
    def backward(ctx, dl):
        return mse_loss_backward(dl, ctx.cache)


class SmoothL1LossFunction(Function):
    """l = d² / 2β near 0, else |d| - β/2;   dx = clip(d / β, -1, 1) dl,   dt = -dx"""

    name = "smooth_l1_loss"

    @staticmethod
    def forward(ctx, x, t, *, beta, reduction):
        loss, ctx.cache = smooth_l1_loss_forward(x, t, beta, reduction)
        return loss

    @staticmethod
    def backward(ctx, dl):
        return smooth_l1_loss_backward(dl, ctx.cache)


def mse_loss(input: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """(input - target)².

    Parameters
    ----------
    input, target : Tensors or arrays of one shape
    reduction : "mean", "sum" or "none"

    Returns
    -------
    () Tensor, or one of input's shape for "none"

    Raises
    ------
    ShapeError
        Shapes that differ; the mean of an empty batch.
    """
    x, t = _check("mse_loss", input, target, reduction)
    return MSELossFunction.apply(x, t, reduction=reduction)


def smooth_l1_loss(
    input: Any, target: Any, *, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """Squared near 0, absolute beyond `beta`, as bounding boxes are regressed.

    Parameters
    ----------
    input, target : Tensors or arrays of one shape
    reduction : "mean", "sum" or "none"
    beta : float
        Where the parabola ends; above 0.

    Returns
    -------
    () Tensor, or one of input's shape for "none"

    Raises
    ------
    ShapeError
        Shapes that differ; the mean of an empty batch.
    """
    x, t = _check("smooth_l1_loss", input, target, reduction)
    if not beta > 0:
        raise OptionError(f"smooth_l1_loss: beta must be positive, not {beta!r}.")
    return SmoothL1LossFunction.apply(x, t, beta=float(beta), reduction=reduction)


def _check(loss: str, input: Any, target: Any, reduction: str) -> tuple[Any, Any]:
    x = as_float(loss, input)
    t = target if isinstance(target, Tensor) else np.asarray(target)
    check_same_shape(loss, x, t)
    check_reduction(loss, reduction, x.size)
    return x, t
