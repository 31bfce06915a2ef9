"""Binary cross-entropy of a logit x and a target t in [0, 1].

With p = sigmoid(x),  l = -(k t log p + (1 - t) log(1 - p)),  where k is `pos_weight`. As
log p = -softplus(-x) and log(1 - p) = -x - softplus(-x), neither logarithm meets a p that has
underflowed:

    l  = (1 - t) x + a softplus(-x)         a = 1 + (k - 1) t
    dx = (1 - t - a sigmoid(-x)) dl         = (p - t) dl  for k = 1
    dt = ((k - 1) softplus(-x) - x) dl
"""

from typing import Any

import numpy as np

from layers.activation import SigmoidFunction, SoftplusFunction, softplus_forward
from layers.checks import as_float
from layers.errors import LabelError
from layers.reduction import check_reduction, check_same_shape, reduce_backward, reduce_forward
from minigrad import Function, Tensor
from minigrad.errors import ShapeError


def binary_cross_entropy_forward(
    x: np.ndarray, t: np.ndarray, pos_weight: Any, reduction: str
) -> tuple[Any, tuple[Any, ...]]:
    """Return the loss of logits `x` and targets `t` of one shape, and the cache."""
    a = 1 + (pos_weight - 1) * t
    losses = (1 - t) * x + a * softplus_forward(-x)
    return reduce_forward(losses, reduction), (x, t, pos_weight, reduction)


def binary_cross_entropy_backward(
    dl: Any, cache: tuple[Any, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Any, Any]:
    """Return the gradients of logits and targets, each None where `needs` does not ask for it."""
    x, t, pos_weight, reduction = cache
    dl = reduce_backward(dl, x.size, reduction)
    a = 1 + (pos_weight - 1) * t
    dx = (1 - t - a * SigmoidFunction.call(-x)) * dl if needs[0] else None
    dt = ((pos_weight - 1) * SoftplusFunction.call(-x, beta=1) - x) * dl if needs[1] else None
    return dx, dt


class BinaryCrossEntropyWithLogitsFunction(Function):
    """l = (1 - t) x + softplus(-x);   dx = (sigmoid(x) - t) dl,   dt = -x dl"""

    @staticmethod
    def forward(ctx, x, t, *, pos_weight, reduction):
        loss, ctx.cache = binary_cross_entropy_forward(x, t, pos_weight, reduction)
        return loss

    @staticmethod
    def backward(ctx, dl):
        return binary_cross_entropy_backward(dl, ctx.cache, ctx.needs_input_grad)


def binary_cross_entropy_with_logits(
    input: Any, target: Any, *, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    """-(t log p + (1 - t) log(1 - p)) with p = sigmoid(input), without overflow.

    Parameters
    ----------
    input : Tensor or array of any shape
        Logits.
    target : Tensor or array of the same shape
        Probabilities from 0 to 1.
    reduction : "mean", "sum" or "none"
    pos_weight : array that broadcasts against target, optional
        A factor for the term of t = 1; above 1 it makes up for rare positives.

    Returns
    -------
    () Tensor, or one of input's shape for "none"

    Raises
    ------
    ShapeError
        Shapes that differ; the mean of an empty batch.
    LabelError
        A target that is no probability.
    """
    x = as_float("binary_cross_entropy_with_logits", input)
    t = target if isinstance(target, Tensor) else np.asarray(target)
    check_same_shape("binary_cross_entropy_with_logits", x, t)
    check_reduction("binary_cross_entropy_with_logits", reduction, x.size)
    _check_probabilities(t._data if isinstance(t, Tensor) else t)
    k = np.asarray(1 if pos_weight is None else pos_weight, x.dtype)
    try:
        np.broadcast_to(k, x.shape)
    except ValueError:
        raise ShapeError(
            f"binary_cross_entropy_with_logits: pos_weight of shape {k.shape} does not broadcast to "
            f"the target's shape {x.shape}."
        ) from None
    return BinaryCrossEntropyWithLogitsFunction.apply(x, t, pos_weight=k, reduction=reduction)


def _check_probabilities(t: np.ndarray) -> None:
    if t.size and not (t.min() >= 0 and t.max() <= 1):  # which NaN fails, too
        index = np.unravel_index(np.argmax(~((t >= 0) & (t <= 1))), t.shape)
        place = f"[{', '.join(map(str, index))}]" if t.ndim else ""
        raise LabelError(
            "binary_cross_entropy_with_logits: a target is a probability from 0 to 1, and "
            f"target{place} is {t[index]}."
        )
