"""Mistakes inside of longer functions, whose single steps cannot be checked alone."""

import numpy as np

from tests.gradcheck_bank.bank import normal, operation, planted
from tests.gradcheck_bank.reductions import softmax


def log_sum_exp(x):
    highest = x.max(1, keepdims=True)
    return highest[:, 0] + np.log(np.exp(x - highest).sum(1)), x


LOG_SUM_EXP = operation(log_sum_exp, lambda dy, x: dy[:, None] * softmax(x)[0], normal("rc"))


@planted(LOG_SUM_EXP, "normalised along the wrong axis", "axis")
def _(dy, x):
    return dy[:, None] * softmax(x.T)[0].T


def attention(q, k, v):
    p, _ = softmax(q @ k.T / np.sqrt(q.shape[1]))
    return p @ v, (q, k, v, p)


def attention_backward(dy, cache, ds=lambda p, dp: p * (dp - (dp * p).sum(1, keepdims=True))):
    """The gradient of the scores may be another."""
    q, k, v, p = cache
    scores = ds(p, dy @ v.T) / np.sqrt(q.shape[1])
    return scores @ k, scores.T @ q, p.T @ dy


ATTENTION = operation(attention, attention_backward, normal("rc", "rc", "rc"))


@planted(ATTENTION, "softmax backward along the wrong axis", "axis")
def _(dy, cache):
    return attention_backward(dy, cache, lambda p, dp: p * (dp - (dp * p).sum(0, keepdims=True)))


@planted(ATTENTION, "only the diagonal of softmax's Jacobian", "diagonal")
def _(dy, cache):
    return attention_backward(dy, cache, lambda p, dp: p * (1 - p) * dp)


@planted(ATTENTION, "the path through softmax's sum lost", "path")
def _(dy, cache):
    return attention_backward(dy, cache, lambda p, dp: p * dp)


def dense_tanh(x, w):
    y = np.tanh(x @ w)
    return y, (x, w, y)


def dense_tanh_backward(dy, cache):
    x, w, y = cache
    dz = dy * (1 - y * y)
    return dz @ w.T, x.T @ dz


DENSE_TANH = operation(dense_tanh, dense_tanh_backward, normal("rc", "cc"))


@planted(DENSE_TANH, "W not transposed", "transposed")
def _(dy, cache):
    x, w, y = cache
    dz = dy * (1 - y * y)
    return dz @ w, x.T @ dz


@planted(DENSE_TANH, "1 - y for the slope 1 - y²", "slope")
def _(dy, cache):
    x, w, y = cache
    dz = dy * (1 - y)
    return dz @ w.T, x.T @ dz


def rnn(x, w, u):
    """Three steps with the same x; all states."""
    states = [np.zeros((len(x), len(u)))]
    for _ in range(3):
        states.append(np.tanh(x @ w + states[-1] @ u))
    return np.stack(states[1:]), (x, w, u, states)


def rnn_backward(dy, cache, back=lambda dz, u: dz @ u.T):
    """The way of a gradient to the state before may be another."""
    x, w, u, states = cache
    dx, dw, du, dh = 0, 0, 0, 0
    for step in (2, 1, 0):
        dz = (dy[step] + dh) * (1 - states[step + 1] ** 2)
        dx, dw, du = dx + dz @ w.T, dw + x.T @ dz, du + states[step].T @ dz
        dh = back(dz, u)
    return dx, dw, du


def _draw_rnn(rng, rows, columns):
    return [rng.standard_normal(shape) / 2 for shape in ((rows, columns), (columns, 3), (3, 3))]


RNN = operation(rnn, rnn_backward, _draw_rnn)


@planted(RNN, "the state's weight not transposed", "transposed")
def _(dy, cache):
    return rnn_backward(dy, cache, lambda dz, u: dz @ u)


@planted(RNN, "no gradient to the state before", "place")
def _(dy, cache):
    return rnn_backward(dy, cache, lambda dz, u: 0)


def gates(x, b):
    """Two sigmoids, of halves of x + b."""
    y = 1 / (1 + np.exp(-x - b))
    return y, y


GATES = operation(gates, lambda dy, y: (dy * y * (1 - y), (dy * y * (1 - y)).sum(0)), normal("rc", "c"))  # fmt: skip


@planted(GATES, "bias of the second half without its slope", "place")
def _(dy, y):
    dz = dy * y * (1 - y)
    half = dy.shape[1] // 2
    return dz, np.concatenate([dz[:, :half], (dy * y)[:, half:]], 1).sum(0)


def embedding(w):
    rows = np.arange(2 * len(w)) ** 2 % (len(w) - 1)
    return w[rows], (rows, w.shape)


def embedding_backward(dy, cache):
    rows, shape = cache
    dw = np.zeros(shape)
    np.add.at(dw, rows, dy)
    return dw


EMBEDDING = operation(embedding, embedding_backward, normal("rc"))


@planted(EMBEDDING, "divided by how often a row is used", "mean for sum")
def _(dy, cache):
    rows, shape = cache
    counts = np.maximum(np.bincount(rows, minlength=shape[0]), 1)
    return embedding_backward(dy, cache) / counts[:, None]


def running_product(x):
    y = x.cumprod(1)
    return y, (x, y)


RUNNING_PRODUCT = operation(
    running_product,
    lambda dy, c: (dy * c[1])[:, ::-1].cumsum(1)[:, ::-1] / c[0],
    lambda rng, r, c: [rng.uniform(0.8, 1.25, (r, c)) * rng.choice([-1, 1], (r, c))],
)


@planted(RUNNING_PRODUCT, "not flipped before the sum", "flipped")
def _(dy, cache):
    x, y = cache
    return (dy * y).cumsum(1)[:, ::-1] / x


@planted(RUNNING_PRODUCT, "not flipped back", "flipped")
def _(dy, cache):
    x, y = cache
    return (dy * y)[:, ::-1].cumsum(1) / x


@planted(RUNNING_PRODUCT, "summed from the front", "flipped")
def _(dy, cache):
    x, y = cache
    return (dy * y).cumsum(1) / x
