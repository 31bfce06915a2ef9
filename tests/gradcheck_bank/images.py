"""Mistakes in convolution, pooling, the spatial transformer and the LSTM cell."""

import numpy as np

from tests.gradcheck_bank.bank import normal, operation, planted


def _shifted(x, height, width):
    """What each tap of a window sees of an image: the tap, and x from there on."""
    rows, columns = x.shape[2] - height + 1, x.shape[3] - width + 1
    return [((i, j), x[:, :, i : i + rows, j : j + columns]) for i, j in np.ndindex(height, width)]


def conv2d(x, w, b):
    taps = _shifted(x, *w.shape[2:])
    y = sum(np.tensordot(w[:, :, i, j], tap, (1, 1)) for (i, j), tap in taps)
    return y.swapaxes(0, 1) + b[:, None, None], (x, w)


def conv2d_backward(dy, cache):
    x, w = cache
    kh, kw = w.shape[2:]
    dx = np.zeros_like(x)
    for i, j in np.ndindex(kh, kw):
        here = dx[:, :, i : i + dy.shape[2], j : j + dy.shape[3]]
        here += np.einsum("nohw,oc->nchw", dy, w[:, :, i, j])
    dw = np.empty_like(w)
    for (i, j), tap in _shifted(x, kh, kw):
        dw[:, :, i, j] = np.einsum("nohw,nchw->oc", dy, tap)
    return dx, dw, dy.sum((0, 2, 3))


CONV = operation(conv2d, conv2d_backward, normal((1, 1, "r", "c"), (2, 1, 2, 3), (2,)))


@planted(CONV, "kernel not flipped in dx", "flipped")
def _(dy, cache):
    x, w = cache
    dx, _, _ = conv2d_backward(dy, (x, w[:, :, ::-1, ::-1]))
    return dx, *conv2d_backward(dy, cache)[1:]


@planted(CONV, "dw flipped", "flipped")
def _(dy, cache):
    dx, dw, db = conv2d_backward(dy, cache)
    return dx, dw[:, :, ::-1, ::-1], db


@planted(CONV, "border of dx left out", "place")
def _(dy, cache):
    dx, dw, db = conv2d_backward(dy, cache)
    dx[:, :, 0] = dx[:, :, :, 0] = 0
    return dx, dw, db


@planted(CONV, "db summed over the batch alone", "sum missing", "shape")
def _(dy, cache):
    dx, dw, db = conv2d_backward(dy, cache)
    return dx, dw, dy.sum(0)


@planted(CONV, "db averaged", "mean for sum")
def _(dy, cache):
    dx, dw, db = conv2d_backward(dy, cache)
    return dx, dw, dy.mean((0, 2, 3))


@planted(CONV, "windows assigned, not added", "overwritten")
def _(dy, cache):
    x, w = cache
    dx = np.zeros_like(x)
    for i, j in np.ndindex(dy.shape[2:]):
        dx[:, :, i : i + 2, j : j + 3] = np.einsum("no,ochw->nchw", dy[:, :, i, j], w)
    return dx, *conv2d_backward(dy, cache)[1:]


def max_pool2d(x):
    """Windows of 2 by 2, one step apart; where the maximum stands, as an index of x."""
    corners = np.stack([corner for _, corner in _shifted(x, 2, 2)])
    return corners.max(0), (corners.argmax(0), x.shape)


def _highest(which):
    """The places in x of the highest of each window."""
    n, c, row, column = np.indices(which.shape)
    return n, c, row + which // 2, column + which % 2


def max_pool2d_backward(dy, cache):
    which, shape = cache
    dx = np.zeros(shape)
    np.add.at(dx, _highest(which), dy)
    return dx


def _draw_with_a_peak(rng, rows, columns):
    """Without one, each window of a small image may have a maximum of its own."""
    x = rng.standard_normal((1, 1, rows, columns))
    x[0, 0, 1, 1] = 5
    return [x]


POOL = operation(max_pool2d, max_pool2d_backward, _draw_with_a_peak)


@planted(POOL, "dy averaged", "upstream averaged")
def _(dy, cache):
    return max_pool2d_backward(np.full_like(dy, dy.mean()), cache)


@planted(POOL, "assigned, not added", "overwritten")
def _(dy, cache):
    which, shape = cache
    dx = np.zeros(shape)
    dx[_highest(which)] = dy
    return dx


def avg_pool2d(x):
    return sum(corner for _, corner in _shifted(x, 2, 2)) / 4, x.shape


def avg_pool2d_backward(dy, shape):
    dx = np.zeros(shape)
    for i, j in np.ndindex(2, 2):
        dx[:, :, i : i + dy.shape[2], j : j + dy.shape[3]] += dy / 4
    return dx


AVG_POOL = operation(avg_pool2d, avg_pool2d_backward, normal((1, 1, "r", "c")))


@planted(AVG_POOL, "not divided by the window", "factor")
def _(dy, cache):
    return 4 * avg_pool2d_backward(dy, cache)


def affine_grid(theta):
    x, y = np.meshgrid(np.linspace(-1, 1, 4), np.linspace(-1, 1, 3))
    points = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3)
    return points @ theta.swapaxes(1, 2), points


def affine_grid_backward(dgrid, points):
    return dgrid.swapaxes(1, 2) @ points


AFFINE = operation(affine_grid, affine_grid_backward, normal((2, 2, 3)))


@planted(AFFINE, "transposed", "transposed", "shape")
def _(dgrid, points):
    return affine_grid_backward(dgrid, points).swapaxes(1, 2)


@planted(AFFINE, "x and y exchanged", "flipped")
def _(dgrid, points):
    return affine_grid_backward(dgrid, points)[:, ::-1]


@planted(AFFINE, "translation without gradient", "place")
def _(dgrid, points):
    dtheta = affine_grid_backward(dgrid, points)
    dtheta[:, :, 2] = 0
    return dtheta


def grid_sample(image, grid):
    """An image (H, W) read at the places (x, y) of a grid (h, w, 2), -1 and 1 its outermost pixels."""
    size = (np.array(image.shape[::-1]) - 1) / 2
    place = (grid + 1) * size
    first = np.clip(np.floor(place), 0, 2 * size - 1).astype(int)
    corners = []
    for right, down in np.ndindex(2, 2):
        side = np.array([right, down])
        weight = 1 - np.abs(place - first - side)
        column, row = np.moveaxis(first + side, -1, 0)
        corners.append(((row, column), weight, 2 * side - 1))
    y = sum(image[at] * weight.prod(-1) for at, weight, _ in corners)
    return y, (image, size, corners)


def grid_sample_backward(dy, cache):
    image, size, corners = cache
    dimage, dgrid = np.zeros_like(image), 0
    for at, weight, slope in corners:
        np.add.at(dimage, at, dy * weight.prod(-1))
        dgrid = dgrid + (dy * image[at])[..., None] * slope * weight[..., ::-1] * size
    return dimage, dgrid


def _draw_sample(rng, rows, columns):
    places = (min(rows, 10), min(columns, 10), 2)
    return [rng.standard_normal((rows, columns)), rng.uniform(-0.9, 0.9, places)]


SAMPLE = operation(grid_sample, grid_sample_backward, _draw_sample)


@planted(SAMPLE, "slope by x with the sign flipped", "sign")
def _(dy, cache):
    dimage, dgrid = grid_sample_backward(dy, cache)
    return dimage, dgrid * [-1, 1]


@planted(SAMPLE, "x and y exchanged", "flipped")
def _(dy, cache):
    dimage, dgrid = grid_sample_backward(dy, cache)
    return dimage, dgrid[..., ::-1]


@planted(SAMPLE, "x left in pixels", "factor")
def _(dy, cache):
    dimage, dgrid = grid_sample_backward(dy, cache)
    return dimage, dgrid / [cache[1][0], 1]


@planted(SAMPLE, "pixels of the image assigned, not added", "overwritten")
def _(dy, cache):
    image, _, corners = cache
    dimage = np.zeros_like(image)
    for i in np.ndindex(dy.shape):
        for (row, column), weight, _ in corners:
            dimage[row[i], column[i]] = dy[i] * weight[i].prod()
    return dimage, grid_sample_backward(dy, cache)[1]


def lstm_cell(a, c):
    """From pre-activations (N, 4H) and the memory (N, H) to output and memory."""
    i, f, o = (1 / (1 + np.exp(-part)) for part in np.split(a, 4, 1)[:2] + np.split(a, 4, 1)[3:])
    g = np.tanh(np.split(a, 4, 1)[2])
    new = f * c + i * g
    return (o * np.tanh(new), new), (i, f, g, o, c, np.tanh(new))


def lstm_cell_backward(upstream, cache, through_h=1, through_c=1, slope=True):
    """May leave out the gradients of one of the outputs, or a slope of the forget gate."""
    (dh, dnew), (i, f, g, o, c, t) = upstream, cache
    dc = through_c * dnew + through_h * dh * o * (1 - t * t)
    df = dc * c * (f * (1 - f) if slope else 1)
    return np.concatenate([dc * g * i * (1 - i), df, dc * i * (1 - g * g), dh * t * o * (1 - o)], 1), dc * f  # fmt: skip


def _draw_cell(rng, rows, columns):
    return [rng.standard_normal((rows, columns)), rng.standard_normal((rows, columns // 4))]


CELL = operation(lstm_cell, lstm_cell_backward, _draw_cell)


@planted(CELL, "the path of c through h lost", "path")
def _(upstream, cache):
    return lstm_cell_backward(upstream, cache, through_h=0)


@planted(CELL, "the gradient of c ignored", "path")
def _(upstream, cache):
    return lstm_cell_backward(upstream, cache, through_c=0)


@planted(CELL, "slope of the forget gate missing", "place")
def _(upstream, cache):
    return lstm_cell_backward(upstream, cache, slope=False)
