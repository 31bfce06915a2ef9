"""Mistakes in losses: a term lost, the sign of an absolute value; and logarithms near the edge of their domain."""

import numpy as np

from tests.gradcheck_bank.bank import normal, operation, planted
from tests.gradcheck_bank.reductions import CROSS_ENTROPY

PENALTY = 1e-2


def ridge(x, w):
    """Squares with a penalty on w; the norm, by np.abs, would drop a complex step."""
    return (x @ w).sum() + PENALTY * np.linalg.norm(w) ** 2, (x, w)


def ridge_backward(dy, cache, penalty=2 * PENALTY):
    x, w = cache
    columns = np.broadcast_to(x.sum(0)[:, None], w.shape)
    return np.broadcast_to(w.sum(1), x.shape) * dy, (columns + penalty * w) * dy


RIDGE = operation(ridge, ridge_backward, normal("rc", "cc"))


@planted(RIDGE, "the penalty lost", "path")
def _(dy, cache):
    return ridge_backward(dy, cache, 0)


def absolute(x):
    return np.abs(x), x


ABSOLUTE = operation(absolute, lambda dy, x: dy * np.sign(x), normal("rc"))


@planted(ABSOLUTE, "the sign lost", "sign")
def _(dy, x):
    return dy


@planted(CROSS_ENTROPY, "the one-hot forgotten", "path")
def _(dl, cache):
    p, _ = cache
    return dl * p / len(p)


def surely_wrong(x):
    """-log(1 - sigmoid(x)) by its formula, at numbers where most digits cancel."""
    p = 1 / (1 + np.exp(-x))
    return -np.log(1 - p), p


SURELY_WRONG = operation(
    surely_wrong, lambda dy, p: dy * p, lambda rng, r, c: [rng.uniform(14, 18, (r, c))]
)


@planted(SURELY_WRONG, "the sign lost", "sign")
def _(dy, p):
    return -dy * p


def log_of_probability(p):
    """Each near 0 or near 1."""
    return -np.mean(0.3 * np.log(p) + 0.7 * np.log(1 - p)), p


def _draw_probabilities(rng, rows, columns):
    """As near to the edges as float32 can be, in which they may be given."""
    near = 10.0 ** rng.uniform(-5, -3, (rows, columns))
    return [np.where(rng.random((rows, columns)) < 0.5, near, 1 - near)]


LOG_OF_PROBABILITY = operation(
    log_of_probability,
    lambda dy, p: dy * (0.7 / (1 - p) - 0.3 / p) / p.size,
    _draw_probabilities,
)


@planted(LOG_OF_PROBABILITY, "not divided by their number", "mean for sum", "factor")
def _(dy, p):
    return dy * (0.7 / (1 - p) - 0.3 / p)
