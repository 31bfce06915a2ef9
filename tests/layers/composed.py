"""The second witness: layers composed from the engine's primitives, as their definitions read.

None of these care for speed or overflow; they differentiate through the tape, rule by rule, and so
hold the hand-derived backward passes of `layers`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad
from tests.helpers import check_gradient


def check_three(
    hand: Callable[..., Any],
    composition: Callable[..., Any],
    *arrays: np.ndarray,
    second: bool = False,
    kinks: bool = False,
) -> None:
    """Hold `hand` to its composition, and both to central differences, with random upstreams."""
    check_two(hand, composition, *arrays)
    check_gradient(hand, *arrays, second=second, kinks=kinks)


def check_two(
    hand: Callable[..., Any], composition: Callable[..., Any], *arrays: np.ndarray
) -> None:
    """Hold values and gradients of `hand` to those of its composition."""
    rng = np.random.default_rng(0)
    xs = [minigrad.tensor(a, requires_grad=True, dtype=np.float64) for a in arrays]
    ys, zs = hand(*xs), composition(*xs)
    ys, zs = (list(r) if isinstance(r, tuple) else [r] for r in (ys, zs))
    upstream = [rng.standard_normal(y.shape) for y in ys]
    for y, z in zip(ys, zs, strict=True):
        assert y.shape == z.shape
        np.testing.assert_allclose(y.data, z.data, rtol=1e-9, atol=1e-12)
    ours, theirs = minigrad.grad(ys, xs, upstream), minigrad.grad(zs, xs, upstream)
    for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-11, err_msg=f"operand {number}")


def linear(x, w, b=None):
    y = x @ w.T
    return y if b is None else y + b


def relu(x):
    return np.maximum(x, 0)


def leaky_relu(x, slope):
    return np.maximum(x, 0) + slope * np.minimum(x, 0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def tanh(x):
    return (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))


def softplus(x, beta):
    return np.log(1 + np.exp(beta * x)) / beta


def softmax(x, dim):
    return np.exp(x) / np.sum(np.exp(x), axis=dim, keepdims=True)


def log_softmax(x, dim):
    return np.log(softmax(x, dim))


def reduce(losses, reduction):
    return {"mean": np.mean, "sum": np.sum, "none": lambda a: a}[reduction](losses)


def cross_entropy(z, labels, weight=None, ignore_index=-100, reduction="mean"):
    """The classes on axis 1, or on axis 0 of a single example."""
    axis = 0 if z.ndim == 1 else 1
    classes = z.shape[axis]
    onehot = np.moveaxis(np.arange(classes) == np.expand_dims(labels, -1), -1, axis)
    weights = np.ones(classes) if weight is None else np.asarray(weight, float)
    share = np.where(labels == ignore_index, 0.0, weights[np.where(labels < 0, 0, labels)])
    losses = -share * np.sum(onehot * log_softmax(z, axis), axis=axis)
    if reduction == "mean":
        return np.sum(losses) / share.sum()
    return reduce(losses, reduction)


def binary_cross_entropy_with_logits(x, t, reduction="mean", pos_weight=1.0):
    p = sigmoid(x)
    return reduce(-(pos_weight * t * np.log(p) + (1 - t) * np.log(1 - p)), reduction)


def mse_loss(x, t, reduction="mean"):
    return reduce((x - t) ** 2, reduction)


def smooth_l1_loss(x, t, reduction="mean", beta=1.0):
    d = np.abs(x - t)
    near = np.minimum(d, beta)
    return reduce(near * near / (2 * beta) + (d - near), reduction)


def batch_norm(x, w, b, eps=1e-5):
    axes = (0, *range(2, x.ndim))
    along = (-1,) + (1,) * (x.ndim - 2)
    normal = (x - np.mean(x, axis=axes, keepdims=True)) / np.sqrt(
        np.var(x, axis=axes, keepdims=True) + eps
    )
    return normal * w.reshape(along) + b.reshape(along)


def lstm(x, h, c, w_ih, w_hh, b_ih, b_hh):
    """One layer, one step after the other, one gate after the other."""
    size = w_hh.shape[1]
    outputs = []
    for t in range(x.shape[0]):
        a = x[t] @ w_ih.T + b_ih + h @ w_hh.T + b_hh
        i, f, g, o = (a[:, k * size : (k + 1) * size] for k in range(4))
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        outputs.append(h)
    return np.stack(outputs), h, c
