"""Mistakes in products, sums, broadcasting and elementwise operations."""

import numpy as np

from tests.gradcheck_bank.bank import normal, operation, planted


def matmul(x, w):
    return x @ w, (x, w)


def matmul_backward(dy, cache):
    x, w = cache
    return dy @ w.T, x.T @ dy


MATMUL = operation(matmul, matmul_backward, normal("rc", "cc"))


@planted(MATMUL, "W not transposed", "transposed")
def _(dy, cache):
    x, w = cache
    return dy @ w, x.T @ dy


@planted(MATMUL, "dW transposed", "transposed")
def _(dy, cache):
    x, w = cache
    return dy @ w.T, dy.T @ x


@planted(MATMUL, "dW averaged over the batch", "mean for sum")
def _(dy, cache):
    x, w = cache
    return dy @ w.T, x.T @ dy / len(x)


@planted(MATMUL, "dW with the sign flipped", "sign")
def _(dy, cache):
    x, w = cache
    return dy @ w.T, -(x.T @ dy)


@planted(MATMUL, "dx without dy", "upstream ignored")
def _(dy, cache):
    x, w = cache
    return np.ones_like(dy) @ w.T, x.T @ dy


@planted(MATMUL, "dW from the first example alone", "sum missing")
def _(dy, cache):
    x, w = cache
    return dy @ w.T, x[:1].T @ dy[:1]


def add(x, b):
    return x + b, None


ADD = operation(add, lambda dy, _: (dy, dy.sum(0)), normal("rc", "c"))


@planted(ADD, "db not summed", "sum missing")
def _(dy, cache):
    return dy, dy


@planted(ADD, "db averaged", "mean for sum")
def _(dy, cache):
    return dy, dy.mean(0)


@planted(ADD, "db is the first row", "sum missing")
def _(dy, cache):
    return dy, dy[0]


@planted(ADD, "db summed over everything", "upstream summed")
def _(dy, cache):
    return dy, np.full(dy.shape[1], dy.sum())


@planted(ADD, "db summed to one number", "shape")
def _(dy, cache):
    return dy, dy.sum()


def multiply(x, w):
    return x * w, (x, w)


def multiply_backward(dy, cache):
    x, w = cache
    return dy * w, dy * x


MULTIPLY = operation(multiply, multiply_backward, normal("rc", "rc"))


@planted(MULTIPLY, "the two gradients exchanged", "exchanged")
def _(dy, cache):
    x, w = cache
    return dy * x, dy * w


@planted(MULTIPLY, "dy ignored", "upstream ignored")
def _(dy, cache):
    x, w = cache
    return w, dy * x


@planted(MULTIPLY, "dy averaged", "upstream averaged")
def _(dy, cache):
    x, w = cache
    return dy.mean() * w, dy * x


@planted(MULTIPLY, "dy summed", "upstream summed")
def _(dy, cache):
    x, w = cache
    return dy.sum() * w, dy * x


@planted(MULTIPLY, "changes dy in place", "modified")
def _(dy, cache):
    x, w = cache
    dw = dy * x
    dy *= w
    return dy, dw


def scale(x, w):
    return x * w, (x, w)


SCALE = operation(scale, lambda dy, c: (dy * c[1], (dy * c[0]).sum(0)), normal("rc", "c"))


@planted(SCALE, "dw summed over the wrong axis", "axis")
def _(dy, cache):
    x, w = cache
    return dy * w, (dy * x).sum(1)


def square(x):
    return x * x, x


SQUARE = operation(square, lambda dy, x: 2 * x * dy, normal("rc"))


@planted(SQUARE, "factor 2 missing", "factor")
def _(dy, x):
    return x * dy


@planted(SQUARE, "factor wrong by 0.5 %", "factor")
def _(dy, x):
    return 1.005 * 2 * x * dy


@planted(SQUARE, "one entry wrong", "place")
def _(dy, x):
    dx = 2 * x * dy
    dx[1, 2] = 0
    return dx


@planted(SQUARE, "last row wrong", "place")
def _(dy, x):
    dx = 2 * x * dy
    dx[-1] *= np.arange(x.shape[1])
    return dx


@planted(SQUARE, "differs from call to call", "not deterministic")
def _(dy, x):
    return 2 * x * dy * (1 + 1e-4 * np.random.default_rng().random(x.shape))


@planted(SQUARE, "a term without dy", "from nothing", "unknown")
def _(dy, x):
    return 2 * x * dy + 0.1 * x


def _square_in_place(x):
    np.abs(x, out=x)
    return x * x, x


@planted(SQUARE, "forward changes x", "modified", forward=_square_in_place)
def _(dy, x):
    return 2 * x * dy


@planted(SQUARE, "dy ignored, and factor 2 missing", "upstream ignored")
def _(dy, x):
    return x.copy()


_KEPT = {}


def _square_kept_outside(x):
    _KEPT["x"] = x.copy()
    return x * x, None


@planted(SQUARE, "x kept outside of the cache", "state", forward=_square_kept_outside)
def _(dy, _):
    return 2 * _KEPT["x"] * dy


def bias(x, b):
    """As many rows as columns, so that a wrong axis has the right length."""
    return x + b, None


BIAS = operation(bias, lambda dy, _: (dy, dy.sum(0)), normal("rr", "r"))


@planted(BIAS, "db summed over the wrong axis", "axis")
def _(dy, cache):
    return dy, dy.sum(1)


def tanh(x):
    return np.tanh(x), x


TANH = operation(tanh, lambda dy, x: dy * (1 - np.tanh(x) ** 2), normal("rc"))


@planted(TANH, "1 - x² for 1 - y²", "output for input")
def _(dy, x):
    return dy * (1 - x * x)


@planted(TANH, "|dy| for dy", "not linear")
def _(dy, x):
    return np.abs(dy) * (1 - np.tanh(x) ** 2)


def rounded(x):
    return np.round(x), None


ROUNDED = operation(rounded, lambda dy, _: np.zeros_like(dy), normal("rc"))


@planted(ROUNDED, "straight through", "flat")
def _(dy, cache):
    return dy


def log(x):
    return np.log(x), x


LOG = operation(log, lambda dy, x: dy / x, lambda rng, r, c: [rng.uniform(0.5, 2, (r, c))])


@planted(LOG, "divides by 0 in one place", "nan")
def _(dy, x):
    below = x.copy()
    below[0, 1] = 0
    with np.errstate(divide="ignore"):
        return dy / below


def residual(x):
    return x + np.tanh(x), np.tanh(x)


RESIDUAL = operation(residual, lambda dy, t: dy * (2 - t * t), normal("rc"))


@planted(RESIDUAL, "the straight path lost", "path")
def _(dy, t):
    return dy * (1 - t * t)


@planted(RESIDUAL, "the straight path counted twice", "path")
def _(dy, t):
    return dy * (3 - t * t)


def gram(x):
    return x @ x.T, x


GRAM = operation(gram, lambda dy, x: (dy + dy.T) @ x, normal("rc"))


@planted(GRAM, "the second use of x lost", "path")
def _(dy, x):
    return dy @ x


def relu(x):
    return np.maximum(x, 0), x


def _draw_with_zeros(rng, rows, columns):
    x = rng.standard_normal((rows, columns))
    x[np.abs(x) < 0.2] = x[0, 0] = 0
    return [x]


RELU = operation(relu, lambda dy, x: dy * (x > 0), _draw_with_zeros)


@planted(RELU, "mask inverted", "mask")
def _(dy, x):
    return dy * (x <= 0)


@planted(RELU, "no mask", "mask")
def _(dy, x):
    return dy


@planted(RELU, "dy ignored", "upstream ignored")
def _(dy, x):
    return (x > 0).astype(float)


@planted(RELU, "dy below 0 dropped", "not linear")
def _(dy, x):
    return np.maximum(dy, 0) * (x > 0)


@planted(RELU, "slope 7 at 0", "kink")
def _(dy, x):
    return dy * np.where(x == 0, 7, x > 0)


def dropout(x):
    mask = np.random.default_rng(1).random(x.shape) < 0.6
    return x * mask / 0.6, mask


DROPOUT = operation(dropout, lambda dy, mask: dy * mask / 0.6, normal("rc"))


@planted(DROPOUT, "mask inverted", "mask")
def _(dy, mask):
    return dy * ~mask / 0.6


@planted(DROPOUT, "not divided by 1 - p", "factor")
def _(dy, mask):
    return dy * mask
