"""Mistakes in indexing, permutations, joining and running sums."""

import numpy as np

from tests.gradcheck_bank.bank import normal, operation, planted


def flip(x):
    return x[:, ::-1].copy(), None


FLIP = operation(flip, lambda dy, _: dy[:, ::-1], normal("rc"))


@planted(FLIP, "not undone", "permutation", "flipped")
def _(dy, cache):
    return dy


def transpose(x):
    return x.T.copy(), x.shape


TRANSPOSE = operation(transpose, lambda dy, s: dy.T, normal("rc"))


@planted(TRANSPOSE, "reshaped for transposed", "permutation")
def _(dy, shape):
    return dy.reshape(shape)


def shuffle(x):
    order = np.random.default_rng(3).permutation(len(x))
    if len(x) == 3:
        order = np.array([1, 2, 0])
    return x[order], order


SHUFFLE = operation(shuffle, lambda dy, order: dy[np.argsort(order)], normal("rc"))


@planted(SHUFFLE, "permuted once more", "permutation")
def _(dy, order):
    return dy[order]


def roll(x):
    return np.roll(x, 1, axis=1), None


ROLL = operation(roll, lambda dy, _: np.roll(dy, -1, axis=1), normal("rc"))


@planted(ROLL, "the same way again", "permutation")
def _(dy, cache):
    return np.roll(dy, 1, axis=1)


def take(x):
    rows = np.arange(len(x) + 2) % (len(x) - 1)
    return x[rows], (rows, x.shape)


def take_backward(dy, cache):
    rows, shape = cache
    dx = np.zeros(shape)
    np.add.at(dx, rows, dy)
    return dx


TAKE = operation(take, take_backward, normal("rc"))


@planted(TAKE, "assigned, not added", "overwritten")
def _(dy, cache):
    rows, shape = cache
    dx = np.zeros(shape)
    dx[rows] = dy
    return dx


def join(a, b):
    return np.concatenate([a, b]), len(a)


JOIN = operation(join, lambda dy, n: (dy[:n], dy[n:]), normal("rc", "rc"))


@planted(JOIN, "parts exchanged", "exchanged")
def _(dy, n):
    return dy[n:], dy[:n]


def running_sum(x):
    return x.cumsum(1), None


RUNNING_SUM = operation(running_sum, lambda dy, _: dy[:, ::-1].cumsum(1)[:, ::-1], normal("rc"))


@planted(RUNNING_SUM, "summed from the front again", "transposed")
def _(dy, cache):
    return dy.cumsum(1)


@planted(RUNNING_SUM, "only the entry itself", "diagonal")
def _(dy, cache):
    return dy
