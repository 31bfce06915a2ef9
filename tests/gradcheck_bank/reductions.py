"""Mistakes in reductions, softmax, normalisations, and losses."""

import numpy as np

from tests.gradcheck_bank.bank import normal, operation, planted


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)
    return p, p


SOFTMAX = operation(softmax, lambda dy, p: p * (dy - (dy * p).sum(1, keepdims=True)), normal("rc"))


@planted(SOFTMAX, "the path through the sum lost", "path")
def _(dy, p):
    return p * dy


@planted(SOFTMAX, "only the Jacobian's diagonal", "diagonal")
def _(dy, p):
    return p * (1 - p) * dy


@planted(SOFTMAX, "summed along the wrong axis", "axis")
def _(dy, p):
    return p * (dy - (dy * p).sum(0, keepdims=True))


@planted(SOFTMAX, "zeros", "path")
def _(dy, p):
    return np.zeros_like(p)


def log_softmax(x):
    y = x - x.max(1, keepdims=True)
    y = y - np.log(np.exp(y).sum(1, keepdims=True))
    return y, y


LOG_SOFTMAX = operation(
    log_softmax, lambda dy, y: dy - np.exp(y) * dy.sum(1, keepdims=True), normal("rc")
)


@planted(LOG_SOFTMAX, "the path through the sum lost", "path")
def _(dy, y):
    return dy


@planted(LOG_SOFTMAX, "summed along the wrong axis", "axis")
def _(dy, y):
    return dy - np.exp(y) * dy.sum(0)


@planted(LOG_SOFTMAX, "the mean of dy for its sum", "path")
def _(dy, y):
    return dy - np.exp(y) * dy.mean(1, keepdims=True)


def total(x):
    return x.sum(1), x.shape


TOTAL = operation(total, lambda dy, s: np.broadcast_to(dy[:, None], s), normal("rc"))


@planted(TOTAL, "the gradient of a mean", "mean for sum")
def _(dy, s):
    return np.broadcast_to(dy[:, None], s) / s[1]


@planted(TOTAL, "the sum of dy for each row", "upstream summed")
def _(dy, s):
    return np.full(s, dy.sum())


@planted(TOTAL, "dy not repeated", "shape")
def _(dy, s):
    return dy[:, None]


def mean(x):
    return x.mean(0), x.shape


MEAN = operation(mean, lambda dy, s: np.broadcast_to(dy, s) / s[0], normal("rc"))


@planted(MEAN, "not divided", "mean for sum")
def _(dy, s):
    return np.broadcast_to(dy, s).copy()


@planted(MEAN, "divided by the wrong length", "factor")
def _(dy, s):
    return np.broadcast_to(dy, s) / s[1]


def highest(x):
    at = np.expand_dims(x.argmax(1), 1)
    return np.take_along_axis(x, at, 1)[:, 0], (at, x.shape)


def highest_backward(dy, cache):
    at, shape = cache
    dx = np.zeros(shape)
    np.put_along_axis(dx, at, dy[:, None], 1)
    return dx


HIGHEST = operation(highest, highest_backward, normal("rc"))


@planted(HIGHEST, "to all but the highest", "mask")
def _(dy, cache):
    return dy[:, None] * (highest_backward(np.ones_like(dy), cache) == 0)


@planted(HIGHEST, "to another entry", "mask")
def _(dy, cache):
    at, shape = cache
    return highest_backward(dy, ((at + 1) % shape[1], shape))


def norm(x):
    y = np.sqrt((x * x).sum())
    return y, (x, y)


NORM = operation(norm, lambda dy, c: dy * c[0] / c[1], normal("rc"))


@planted(NORM, "not divided by the norm", "slope")
def _(dy, cache):
    return dy * cache[0]


def unit(x):
    size = np.sqrt((x * x).sum(1, keepdims=True))
    return x / size, (x / size, size)


def unit_backward(dy, cache):
    y, size = cache
    return (dy - y * (y * dy).sum(1, keepdims=True)) / size


UNIT = operation(unit, unit_backward, normal("rc"))


@planted(UNIT, "the norm taken as a constant", "path")
def _(dy, cache):
    return dy / cache[1]


def standard_deviation(x):
    centred = x - x.mean(0)
    y = np.sqrt((centred**2).sum(0) / (len(x) - 1))
    return y, (centred, y)


STD = operation(
    standard_deviation,
    lambda dy, c: dy * c[0] / c[1] / (len(c[0]) - 1),
    normal("rc"),
)


@planted(STD, "the mean along the wrong axis", "axis")
def _(dy, cache):
    centred, y = cache
    return dy * (centred - centred.mean(1, keepdims=True)) / y / (len(centred) - 1)


@planted(STD, "N for N - 1", "factor")
def _(dy, cache):
    centred, y = cache
    return dy * centred / y / len(centred)


def batch_norm(x, w, b):
    """Columns are channels."""
    scale = 1 / np.sqrt(x.var(0) + 1e-5)
    x_hat = (x - x.mean(0)) * scale
    return w * x_hat + b, (x_hat, w, scale)


def batch_norm_backward(dy, cache, mean=True, variance=True):
    """dx may leave out the paths through mean and variance."""
    x_hat, w, scale = cache
    dx = dy - mean * dy.mean(0) - variance * x_hat * (dy * x_hat).mean(0)
    return dx * w * scale, (dy * x_hat).sum(0), dy.sum(0)


BATCH_NORM = operation(batch_norm, batch_norm_backward, normal("rc", "c", "c"))


@planted(BATCH_NORM, "the path through the mean lost", "path")
def _(dy, cache):
    return batch_norm_backward(dy, cache, mean=False)


@planted(BATCH_NORM, "the path through the variance lost", "path")
def _(dy, cache):
    return batch_norm_backward(dy, cache, variance=False)


@planted(BATCH_NORM, "the path through the mean counted twice", "path")
def _(dy, cache):
    return batch_norm_backward(dy, cache, mean=2)


@planted(BATCH_NORM, "dw and db exchanged", "exchanged")
def _(dy, cache):
    dx, dw, db = batch_norm_backward(dy, cache)
    return dx, db, dw


def layer_norm(x):
    scale = 1 / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    x_hat = (x - x.mean(1, keepdims=True)) * scale
    return x_hat, (x_hat, scale)


def layer_norm_backward(dy, cache):
    x_hat, scale = cache
    dx = dy - dy.mean(1, keepdims=True) - x_hat * (dy * x_hat).mean(1, keepdims=True)
    return dx * scale


LAYER_NORM = operation(layer_norm, layer_norm_backward, normal("rc"))


@planted(LAYER_NORM, "mean and variance taken as constants", "path")
def _(dy, cache):
    x_hat, scale = cache
    return dy * scale


@planted(LAYER_NORM, "means along the wrong axis", "axis")
def _(dy, cache):
    x_hat, scale = cache
    return (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0)) * scale


def cross_entropy(x):
    """The mean over the rows, each with a label of its own."""
    labels = np.arange(len(x)) % x.shape[1]
    log_p, _ = log_softmax(x)
    return -log_p[np.arange(len(x)), labels].mean(), (np.exp(log_p), np.eye(x.shape[1])[labels])


def cross_entropy_backward(dl, cache):
    p, onehot = cache
    return dl * (p - onehot) / len(p)


CROSS_ENTROPY = operation(cross_entropy, cross_entropy_backward, normal("rc"))


@planted(CROSS_ENTROPY, "not divided by the batch", "mean for sum")
def _(dl, cache):
    dz = cross_entropy_backward(dl, cache)
    return dz * len(dz)


@planted(CROSS_ENTROPY, "onehot - p", "sign")
def _(dl, cache):
    return -cross_entropy_backward(dl, cache)


@planted(CROSS_ENTROPY, "dl ignored", "upstream ignored")
def _(dl, cache):
    return cross_entropy_backward(1.0, cache)
