"""Pooling: the largest, or the mean, of each window.

Max pooling is a choice: it notes where each maximum stands, and the gradient goes to that pixel
alone. At a tie several subgradients are possible; the first maximum, in reading order, takes it
all, as in PyTorch. The mean is linear and its gradient spreads evenly. Where windows overlap, a
pixel gathers from each of them. Outside the image a window sees -inf (max) or 0 (mean).

The maximum's trick: value and place are chosen without a branch, since a guess at which of two numbers is
larger is wrong half the time; and a window that lies inside, as most do, is not clipped.

A mean need not look at its window as a whole: the window's rows are added up first, into one line, in
vectors, and then pieces of the line. The gradient goes the same way back.
"""

import numpy as np

from minigrad.kernels import kernel as compiled
from minigrad.kernels import part, plain
from minigrad.kernels.threads import run_batch
from minigrad.kernels.windows import output_size, seen_at

__all__ = [
    "avg_pool2d_backward",
    "avg_pool2d_forward",
    "max_pool2d_backward",
    "max_pool2d_forward",
]

Pair = tuple[int, int]


def max_pool2d_forward(
    x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> tuple[np.ndarray, np.ndarray]:
    """Return the maximum of each window of `x` (N, C, H, W), and where it stands.

    A NaN in the window wins, the last of several, as in PyTorch. Shapes are the caller's to check.

    Returns
    -------
    y : (N, C, Ho, Wo) array, with ``Ho = (H + 2*ph - dh*(kh - 1) - 1) // sh + 1`` and Wo alike.
    argmax : int64 array of y's shape, ``row * W + column`` of the maximum in its plane; -1 where
        the window sees no pixel at all (padding with dilation can make one).
    """
    (x,) = plain(x)
    y = np.empty(x.shape[:2] + output_size(x.shape[2:], kernel, stride, padding, dilation), x.dtype)
    argmax = np.empty(y.shape, np.int64)
    run_batch(max_pool, (x, y, argmax), kernel, stride, padding, dilation)
    return y, argmax


def max_pool2d_backward(
    dy: np.ndarray, argmax: np.ndarray, x_shape: tuple[int, int, int, int]
) -> np.ndarray:
    """Return dx, of shape `x_shape`: each `dy` (N, C, Ho, Wo) added where its maximum stood."""
    (dy,), (argmax,) = plain(dy), plain(argmax, dtype=np.int64)
    dx = np.zeros(x_shape, dy.dtype)
    run_batch(unpool, (dy, argmax, dx))
    return dx


def avg_pool2d_forward(x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair) -> np.ndarray:
    """Return the mean of each window of `x` (N, C, H, W), the zeros of the padding counted in.

    Returns
    -------
    y : (N, C, Ho, Wo) array, with ``Ho = (H + 2*ph - kh) // sh + 1`` and Wo alike.
    """
    (x,) = plain(x)
    y = np.empty(x.shape[:2] + output_size(x.shape[2:], kernel, stride, padding, (1, 1)), x.dtype)
    run_batch(mean_pool, (x, y), kernel, stride, padding)
    return y


def avg_pool2d_backward(
    dy: np.ndarray, x_shape: tuple[int, int, int, int], kernel: Pair, stride: Pair, padding: Pair
) -> np.ndarray:
    """Return dx, of shape `x_shape`: each `dy` (N, C, Ho, Wo) spread evenly over its window."""
    (dy,) = plain(dy)
    dx = np.zeros(x_shape, dy.dtype)
    run_batch(spread_mean, (dy, dx), kernel, stride, padding)
    return dx


def _max_pool_numpy(
    x: np.ndarray,
    y: np.ndarray,
    argmax: np.ndarray,
    size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> None:
    around = [(p, p) for p in padding]
    padded = np.pad(x, [(0, 0), (0, 0), *around], constant_values=-np.inf)
    places = np.arange(x.shape[2] * x.shape[3]).reshape(x.shape[2:])
    places = np.pad(places, around, constant_values=-1)
    y[...], argmax[...] = -np.inf, -1
    for i, j in np.ndindex(*size):
        seen = seen_at(i, j, y.shape[2:], stride, dilation)
        value, place = padded[seen], places[seen]
        wins = (place >= 0) & ((argmax < 0) | (value > y) | np.isnan(value))
        np.copyto(y, value, where=wins)
        np.copyto(argmax, place, where=wins)


@compiled(twin=_max_pool_numpy)
def max_pool(
    x: np.ndarray,
    y: np.ndarray,
    argmax: np.ndarray,
    size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> None:
    """Write the maximum of each window of x into y and its place into argmax."""
    images, channels, height, width = x.shape
    numbers, down = x.reshape(-1), dilation[0] * width
    for n in range(images):
        for c in range(channels):
            plane = (n * channels + c) * height * width
            for p in range(y.shape[2]):
                top = p * stride[0] - padding[0]
                i0, i1 = _inside(top, size[0], dilation[0], height)
                for q in range(y.shape[3]):
                    left = q * stride[1] - padding[1]
                    j0, j1 = _inside(left, size[1], dilation[1], width)
                    if i0 >= i1 or j0 >= j1:
                        y[n, c, p, q], argmax[n, c, p, q] = -np.inf, -1
                        continue
                    row = place = (top + i0 * dilation[0]) * width + left + j0 * dilation[1]
                    best = numbers[plane + place]
                    for _ in range(i1 - i0):
                        k = row
                        for _ in range(j1 - j0):
                            value = numbers[np.uintp(plane + k)]
                            # Chosen, not branched to: a guess which is larger is often wrong.
                            wins = (value > best) | (value != value)
                            best, place = (value if wins else best), (k if wins else place)
                            k += dilation[1]
                        row += down
                    y[n, c, p, q], argmax[n, c, p, q] = best, place


@part
def _inside(start, size, step, length):
    """The first and last + 1 of i in range(size) for which 0 <= start + i*step < length."""
    if start >= 0 and start + (size - 1) * step < length:
        return 0, size
    return max(0, -(start // step)), min(size, (length - 1 - start) // step + 1)


def _unpool_numpy(dy: np.ndarray, argmax: np.ndarray, dx: np.ndarray) -> None:
    seen = argmax >= 0
    n, c = np.nonzero(seen)[:2]
    row, col = np.divmod(argmax[seen], dx.shape[3])
    np.add.at(dx, (n, c, row, col), dy[seen])


@compiled(twin=_unpool_numpy)
def unpool(dy: np.ndarray, argmax: np.ndarray, dx: np.ndarray) -> None:
    """Add each dy to dx where argmax points."""
    images, channels, out_h, out_w = dy.shape
    for n in range(images):
        for c in range(channels):
            plane = dx[n, c].reshape(-1)
            for p in range(out_h):
                for q in range(out_w):
                    place = argmax[n, c, p, q]
                    if place >= 0:
                        plane[place] += dy[n, c, p, q]


def _mean_pool_numpy(x: np.ndarray, y: np.ndarray, size: Pair, stride: Pair, padding: Pair) -> None:
    padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    seen = [padded[seen_at(i, j, y.shape[2:], stride, (1, 1))] for i, j in np.ndindex(*size)]
    y[...] = np.mean(seen, axis=0)


@compiled(twin=_mean_pool_numpy)
def mean_pool(x: np.ndarray, y: np.ndarray, size: Pair, stride: Pair, padding: Pair) -> None:
    """Write the mean of each window of x into y."""
    images, channels, height, width = x.shape
    share = x.dtype.type(1 / (size[0] * size[1]))
    line = np.zeros(width + 2 * padding[1], x.dtype)
    inside = line[padding[1] : padding[1] + width]
    for n in range(images):
        for c in range(channels):
            for p in range(y.shape[2]):
                top, out = p * stride[0] - padding[0], y[n, c, p]
                inside[:] = 0
                for i in range(max(top, 0), min(top + size[0], height)):
                    row = x[n, c, i]
                    for k in range(width):
                        inside[k] += row[k]
                out[:] = 0
                for j in range(size[1]):
                    for q in range(out.size):
                        out[q] += line[q * stride[1] + j]
                for q in range(out.size):
                    out[q] *= share


def _spread_mean_numpy(
    dy: np.ndarray, dx: np.ndarray, size: Pair, stride: Pair, padding: Pair
) -> None:
    padded = np.pad(dx, [(0, 0), (0, 0), *((p, p) for p in padding)])
    for i, j in np.ndindex(*size):
        padded[seen_at(i, j, dy.shape[2:], stride, (1, 1))] += dy / (size[0] * size[1])
    (height, width), (top, left) = dx.shape[2:], padding
    dx[...] = padded[:, :, top : top + height, left : left + width]


@compiled(twin=_spread_mean_numpy)
def spread_mean(dy: np.ndarray, dx: np.ndarray, size: Pair, stride: Pair, padding: Pair) -> None:
    """Add to each pixel of dx its share of every window that sees it."""
    images, channels, height, width = dx.shape
    share = dx.dtype.type(1 / (size[0] * size[1]))
    line = np.zeros(width + 2 * padding[1], dx.dtype)
    inside = line[padding[1] : padding[1] + width]
    for n in range(images):
        for c in range(channels):
            for p in range(dy.shape[2]):
                top, upstream = p * stride[0] - padding[0], dy[n, c, p]
                line[:] = 0
                for j in range(size[1]):
                    for q in range(upstream.size):
                        line[q * stride[1] + j] += upstream[q] * share
                for i in range(max(top, 0), min(top + size[0], height)):
                    row = dx[n, c, i]
                    for k in range(width):
                        row[k] += inside[k]
