"""Cross-entropy of logits and class labels.

With p = softmax(z) and label t, the loss of one example is  l = -w_t log p_t,  with a weight w_t a
class (1 if none are given). As ∂log p_t/∂z_k = δ_tk - p_k,

    dz_k = w_t (p_k - δ_tk) dl

The probability minus the one-hot label: nothing is left to vanish where the softmax saturates.
reduction="mean" divides by the sum of the weights of the labels, "sum" by nothing. An example whose
label is `ignore_index` has loss and gradient 0 and does not count in the mean.
"""

import math
from typing import Any

import numpy as np

from layers.checks import as_float
from layers.errors import LabelError
from layers.reduction import check_reduction
from minigrad import Function, Tensor
from minigrad.errors import ShapeError
from minigrad.kernels import cross_entropy as kernels


def cross_entropy_forward(
    z: np.ndarray, labels: np.ndarray, weight: Any, ignore_index: int, reduction: str
) -> tuple[Any, tuple[Any, ...]]:
    """Return the loss of logits `z` (N, C, ...) and `labels` (N, ...), and the cache."""
    shape = (1, z.size, 1) if z.ndim == 1 else (*z.shape[:2], math.prod(z.shape[2:]))
    places = labels.reshape(shape[::2])
    losses, exponentials, counted = kernels.cross_entropy_forward(
        z.reshape(shape), places, ignore_index
    )
    if counted < 0:
        raise _no_class(z, labels, ignore_index)
    check_reduction("cross_entropy", reduction, counted)
    share, whole = 1.0, counted
    if weight is not None:
        share = weight.take(places, mode="clip")  # of what is ignored, any
        whole = np.sum(share[places != ignore_index])
    if reduction == "mean":
        share = share / whole
    losses *= share
    loss = losses.reshape(labels.shape) if reduction == "none" else losses.sum()
    return loss, (exponentials, share, ignore_index, z.shape)


def cross_entropy_backward(dl: Any, cache: tuple[Any, ...]) -> np.ndarray:
    """Return dz: (p - one-hot) times each example's share in the loss."""
    exponentials, share, ignore_index, shape = cache
    scale = np.empty_like(exponentials[-1])
    scale[...] = share * (dl if dl.ndim == 0 else dl.reshape(scale.shape))
    return kernels.cross_entropy_backward(scale, exponentials, ignore_index).reshape(shape)


class CrossEntropyFunction(Function):
    """l = -w log softmax(z)[label];   dz = w (softmax(z) - onehot(label)) dl"""

    differentiable_once = True

    @staticmethod
    def forward(ctx, z, *, labels, weight, ignore_index, reduction):
        loss, ctx.cache = cross_entropy_forward(z, labels, weight, ignore_index, reduction)
        return loss

    @staticmethod
    def backward(ctx, dl):
        return cross_entropy_backward(dl, ctx.cache)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """Minus the logarithm of the probability that softmax(input) gives to each label.

    Parameters
    ----------
    input : (N, C), (N, C, d1, ...) or (C,) Tensor or array
        Logits: any real numbers, before softmax.
    target : (N,), (N, d1, ...) or () array of integers
        Class labels from 0 to C - 1, or `ignore_index`.
    weight : (C,) array, optional
        A factor for each class.
    ignore_index : int
        Labels of this value take no part.
    reduction : "mean", "sum" or "none"
        The mean is weighted by `weight`.

    Returns
    -------
    () Tensor, or one of target's shape for "none"

    Raises
    ------
    LabelError
        Labels that are no integers, or out of range.
    ShapeError
        Shapes that do not fit; the mean over no label at all.
    """
    z = as_float("cross_entropy", input)
    if z.ndim == 0:
        raise ShapeError("cross_entropy: the logits are a single number; they need a class axis.")
    labels = _check_labels(z, target)
    if weight is not None:
        weight = np.asarray(weight, z.dtype)
        if weight.shape != (classes := z.shape[_class_axis(z)],):
            raise ShapeError(
                f"cross_entropy: weight has shape {weight.shape}; it must have one entry for each of "
                f"the {classes} classes."
            )
    return CrossEntropyFunction.apply(
        z, labels=labels, weight=weight, ignore_index=ignore_index, reduction=reduction
    )


def _class_axis(z: Any) -> int:
    return 0 if z.ndim == 1 else 1


def _check_labels(z: Any, target: Any) -> np.ndarray:
    labels = target._data if isinstance(target, Tensor) else np.asarray(target)
    axis = _class_axis(z)
    classes, expected = z.shape[axis], z.shape[:axis] + z.shape[axis + 1 :]
    if labels.shape != expected:
        hint = ""
        if labels.shape == z.shape:
            hint = " One-hot labels? Pass their positions: labels.argmax(axis=1)."
        elif labels.size == np.prod(expected):
            hint = f" labels.reshape({expected}) would fit."
        raise ShapeError(
            f"cross_entropy: logits of shape {z.shape} have their {classes} classes on axis {axis} and "
            f"want labels of shape {expected}, not {labels.shape}.{hint}"
        )
    if labels.dtype.kind not in "iu" and labels.size:
        raise LabelError(
            f"cross_entropy: the labels have dtype {labels.dtype}; class labels are integers from 0 to "
            f"{classes - 1}: labels.astype(np.int64)."
        )
    return labels if labels.dtype == np.int64 else labels.astype(np.int64)


def _no_class(z: np.ndarray, labels: np.ndarray, ignore_index: int) -> LabelError:
    """What to raise where a label is none of the classes."""
    classes = z.shape[_class_axis(z)]
    wrong = ((labels < 0) | (labels >= classes)) & (labels != ignore_index)
    place = tuple(int(i[0]) for i in np.nonzero(wrong)) if labels.ndim else ()
    hint = ""
    if labels[place] == classes and labels.min() > 0:
        hint = " Do they count from 1? Subtract 1."
    return LabelError(
        f"cross_entropy: label {labels[place]} at index {place} is outside 0..{classes - 1}, the "
        f"{classes} classes of logits of shape {z.shape}.{hint}"
    )
