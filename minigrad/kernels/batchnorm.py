"""Batch normalisation: the moments of channels, their normalised values, their gradients.

The formulas stand in layers/batchnorm.py. Kernels see values as (N, C, D), D pixels an image.

The trick in three lines: memory is read in the order in which it lies, a row of D pixels at a time, and
summed in vectors of LANES, where a plain loop adds one number after the other. The moments of rows are
joined, so that one trip through memory gives mean and variance, as exactly as two.
"""

import math
from typing import Any

import numpy as np

from minigrad.kernels import kernel, part, plain
from minigrad.kernels.simd import LANES, add, fma, load, splat, total
from minigrad.kernels.threads import run_sliced

__all__ = ["batch_norm_backward", "batch_norm_forward", "batch_statistics"]

Pair = tuple[int, int]

SHORT = 2 * LANES  # rows of fewer pixels are put one behind the other
LARGE = 1 << 18  # numbers from which on a second thread is worth its start


def batch_statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the (biased) variance (C,) of each channel of `x` (N, C, ...)."""
    values = _rows(x)
    mean, var = np.empty((2, x.shape[1]), values.dtype)
    loop = _serving(moments, values)
    _share(values, lambda *channels: loop(values, mean, var, channels))
    return mean, var


def batch_norm_forward(
    x: np.ndarray, mean: np.ndarray, scale: np.ndarray, shift: Any
) -> np.ndarray:
    """Return (x - mean) scale + shift, with one number a channel (C,) of each; shift may be None."""
    values = _rows(x)
    shift = np.zeros_like(mean) if shift is None else shift
    numbers = plain(mean, scale, shift, dtype=values.dtype.type)
    y = np.empty_like(values)
    loop = _serving(normalise, values)
    _share(values, lambda *channels: loop(values, *numbers, y, channels))
    return _as_before(y, x.shape)


def batch_norm_backward(
    dy: np.ndarray, x: np.ndarray, mean: np.ndarray, inverse: np.ndarray, w: Any, training: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dx, dw, db of y = w x̂ + b, x̂ = (x - mean) inverse; w may be None, for ones.

    In `training` mean and inverse are those of x and so move with it.
    """
    values, upstream = _rows(x), _rows(dy)
    w = np.ones_like(mean) if w is None else w
    numbers = plain(mean, inverse, w, dtype=values.dtype.type)
    dx = np.empty_like(values)
    dw, db = np.empty((2, x.shape[1]), values.dtype)

    loop = _serving(gradients, values)
    inout = upstream, values, *numbers, training, dx, dw, db
    _share(values, lambda *channels: loop(*inout, channels))
    return _as_before(dx, x.shape), dw, db


def _rows(x: np.ndarray) -> np.ndarray:
    """(N, C, ...) as (N, C, D), or as (1, C, N·D) where D is small, but for 1."""
    rows = x.reshape(*x.shape[:2], math.prod(x.shape[2:]))
    if 1 < rows.shape[2] < SHORT and rows.size:
        rows = rows.swapaxes(0, 1).reshape(1, x.shape[1], -1)
    return plain(rows)[0]


def _as_before(rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The reverse of `_rows`."""
    if len(rows) != shape[0]:
        rows = rows.reshape(shape[1], shape[0], -1).swapaxes(0, 1)
    return rows.reshape(shape)


def _serving(loop: Any, values: np.ndarray) -> Any:
    """The kernel, or its twin for single pixels: NumPy then takes all channels of a row at once."""
    return loop if values.shape[2] > 1 else loop.twin


def _share(values: np.ndarray, run: Any) -> None:
    """Call run(first, last) on each thread's share of the channels, or on all where they are small."""
    channels = values.shape[1]
    if values.size < LARGE:
        run(0, channels)
    else:
        run_sliced(run, channels)


def _moments_numpy(x: np.ndarray, mean: np.ndarray, var: np.ndarray, channels: Pair) -> None:
    at = slice(*channels)
    mean[at] = np.mean(x[:, at], axis=(0, 2))
    var[at] = np.mean(np.square(x[:, at] - mean[at, None]), axis=(0, 2))


@kernel(twin=_moments_numpy)
def moments(x: np.ndarray, mean: np.ndarray, var: np.ndarray, channels: Pair) -> None:
    """Write the mean and the (biased) variance of each of the `channels` from first to last."""
    images, count, size = x.shape
    means, squares = np.zeros(count), np.zeros(count)
    for n in range(images):
        for c in range(channels[0], channels[1]):
            # To n rows of mean m and s = Σ (x - m)² comes one of mean m' and s': the mean moves by
            # (m' - m) / (n + 1), and s grows by s' + (m' - m)² · size · n / (n + 1).
            new = _sum(x[n, c]) / size
            away = new - means[c]
            means[c] += away / (n + 1)
            squares[c] += _squares(x[n, c], new) + away**2 * size * n / (n + 1)
    for c in range(channels[0], channels[1]):
        mean[c], var[c] = means[c], squares[c] / (images * size)


@part
def _sum(x):
    """Σ x."""
    a = b = splat(x.dtype.type(0))
    end = x.size - x.size % (2 * LANES)
    for k in range(0, end, 2 * LANES):
        a, b = add(a, load(x, k)), add(b, load(x, k + LANES))
    result = total(add(a, b))
    for k in range(end, x.size):
        result += x[k]
    return result


@part
def _squares(x, mean):
    """Σ (x - mean)²."""
    minus = x.dtype.type(-mean)
    a = b = splat(x.dtype.type(0))
    end = x.size - x.size % (2 * LANES)
    for k in range(0, end, 2 * LANES):
        u, v = add(load(x, k), splat(minus)), add(load(x, k + LANES), splat(minus))
        a, b = fma(u, u, a), fma(v, v, b)
    result = total(add(a, b))
    for k in range(end, x.size):
        result += (x[k] + minus) ** 2
    return result


def _normalise_numpy(
    x: np.ndarray,
    mean: np.ndarray,
    scale: np.ndarray,
    shift: np.ndarray,
    y: np.ndarray,
    channels: Pair,
) -> None:
    at = slice(*channels)
    y[:, at] = (x[:, at] - mean[at, None]) * scale[at, None] + shift[at, None]


@kernel(twin=_normalise_numpy)
def normalise(
    x: np.ndarray,
    mean: np.ndarray,
    scale: np.ndarray,
    shift: np.ndarray,
    y: np.ndarray,
    channels: Pair,
) -> None:
    """y = (x - mean) scale + shift, each channel with its own."""
    for n in range(x.shape[0]):
        for c in range(channels[0], channels[1]):
            row, out = x[n, c], y[n, c]
            m, factor, plus = mean[c], scale[c], shift[c]
            for k in range(row.size):
                out[k] = (row[k] - m) * factor + plus


def _gradients_numpy(
    dy: np.ndarray,
    x: np.ndarray,
    mean: np.ndarray,
    inverse: np.ndarray,
    w: np.ndarray,
    training: bool,
    dx: np.ndarray,
    dw: np.ndarray,
    db: np.ndarray,
    channels: Pair,
) -> None:
    at = slice(*channels)
    x_hat = (x[:, at] - mean[at, None]) * inverse[at, None]
    db[at] = np.sum(dy[:, at], axis=(0, 2))
    dw[at] = np.sum(dy[:, at] * x_hat, axis=(0, 2))
    dx[:, at] = dy[:, at]
    if training:
        m = x.shape[0] * x.shape[2]
        dx[:, at] -= (db[at, None] + x_hat * dw[at, None]) / m
    dx[:, at] *= (w * inverse)[at, None]


@kernel(twin=_gradients_numpy)
def gradients(
    dy: np.ndarray,
    x: np.ndarray,
    mean: np.ndarray,
    inverse: np.ndarray,
    w: np.ndarray,
    training: bool,
    dx: np.ndarray,
    dw: np.ndarray,
    db: np.ndarray,
    channels: Pair,
) -> None:
    """Write dx, dw and db of y = w (x - mean) inverse + b; in training mean and inverse move with x."""
    images, count, size = x.shape
    whole, moment = np.zeros(count), np.zeros(count)  # Σ dy and Σ dy (x - mean)
    for n in range(images):
        for c in range(channels[0], channels[1]):
            one, other = _sum_and_moment(dy[n, c], x[n, c], mean[c])
            whole[c], moment[c] = whole[c] + one, moment[c] + other
    for c in range(channels[0], channels[1]):
        db[c], dw[c] = whole[c], moment[c] * inverse[c]
    share = 1 / (images * size) if training else 0.0  # of each pixel in its channel's moments
    for n in range(images):
        for c in range(channels[0], channels[1]):
            up, row, out = dy[n, c], x[n, c], dx[n, c]
            m, factor = mean[c], w[c] * inverse[c]
            level = x.dtype.type(whole[c] * share)
            slope = x.dtype.type(moment[c] * inverse[c] ** 2 * share)
            for k in range(size):
                out[k] = factor * (up[k] - (level + slope * (row[k] - m)))


@part
def _sum_and_moment(dy, x, mean):
    """Σ dy and Σ dy (x - mean)."""
    a = b = c = d = splat(x.dtype.type(0))
    minus, end = splat(-mean), x.size - x.size % (2 * LANES)
    for k in range(0, end, 2 * LANES):
        u, v = load(dy, k), load(dy, k + LANES)
        a, b = add(a, u), add(b, v)
        c, d = fma(u, add(load(x, k), minus), c), fma(v, add(load(x, k + LANES), minus), d)
    whole, moment = total(add(a, b)), total(add(c, d))
    for k in range(end, x.size):
        whole, moment = whole + dy[k], moment + dy[k] * (x[k] - mean)
    return whole, moment
