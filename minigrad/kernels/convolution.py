"""Convolution as a sum over taps: each entry of the filter is a weight on a shifted image.

The filter's entry (c, i, j) is a tap t. It reads channel c, shifted by (i*dh, j*dw)::

    y[o, p, q]  =  b[o] + Σ_t w[o, t] x[c, p*sh - ph + i*dh, q*sw - pw + j*dw]        (0 outside)

All of it is linear, so the gradients are sums over the same taps: the weight of a tap gathers over all
places where it was used, and a pixel over all taps through which it was seen::

    dw[o, t]    =  Σ_n Σ_pq dy[o, p, q] x[c, p*sh - ph + i*dh, q*sw - pw + j*dw]
    db[o]       =  Σ_n Σ_pq dy[o, p, q]              the weight of a tap that sees 1 everywhere
    dx[c, r, s] =  Σ_o Σ_ij w[o, t] dy[o, p, q]      over the (i, j) for which p*sh - ph + i*dh = r, …

How to make long loops of it, whatever the stride, padding and dilation, in two steps:

- Lay the image out as planes in which the window moves by one place at a time (planes.py). What a tap
  sees is then a run of numbers, shifted by one offset, for all outputs of a few rows together.
- Sum the shifted runs, many at a time (correlation.py).

The twins write the shifted runs down, one a tap, as the rows of a matrix (im2col), and the sums are
matrix products.
"""

import math
from typing import Any

import numpy as np

from minigrad.kernels import kernel, part, plain
from minigrad.kernels.correlation import (
    ROWS,
    SLACK,
    TAPS,
    correlate,
    correlate_back,
    correlate_weights,
    pack,
)
from minigrad.kernels.layouts import CHUNK, plan
from minigrad.kernels.planes import (
    Layout,
    Pair,
    collect_outputs,
    plane_size,
    runs_of,
    spread,
    spread_outputs,
    unspread,
)
from minigrad.kernels.threads import run_both, run_sliced, threads_here
from minigrad.kernels.windows import output_size

__all__ = ["conv2d_forward", "conv2d_grads", "conv2d_input_grad", "conv2d_weight_grad"]

WORTH_SHARING = 1 << 21  # products from which on a second thread is worth its start


def conv2d_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """Convolve `x` (N, C, H, W) with the filters `w` (O, C/groups, kh, kw) and add `b` (O,) or None.

    As in PyTorch this is correlation: the filter is not flipped. Shapes are the caller's to check.

    Returns
    -------
    y : (N, O, Ho, Wo) array, with ``Ho = (H + 2*ph - dh*(kh - 1) - 1) // sh + 1`` and Wo alike.
    """
    x, w = plain(x, w)
    (bias,) = plain(np.zeros(len(w)) if b is None else b, dtype=x.dtype.type)
    size = output_size(x.shape[2:], w.shape[2:], stride, padding, dilation)
    y = np.empty((len(x), len(w), *size), x.dtype)
    threads = _threads(y, w.shape)
    images = _images(len(x), threads)
    layout, offsets = plan(w.shape[1:], size, stride, padding, dilation, images)
    outs, inputs = len(w) // groups, w.shape[1]
    weights = w.reshape(len(w), -1)

    def run(images: Pair, outputs: Pair) -> None:
        for g in range(groups):
            first, last = g * outs + outputs[0], g * outs + outputs[1]
            mine = weights[first:last], offsets, bias[first:last]
            forward(x, g * inputs, *mine, y, first, layout, images)

    _share(run, len(x), outs, threads)
    return y


def conv2d_input_grad(
    dy: np.ndarray,
    w: np.ndarray,
    x_shape: tuple[int, int, int, int],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """Return dx, of shape `x_shape`, from the upstream gradient `dy` (N, O, Ho, Wo).

    It is also the forward pass of a transposed convolution.
    """
    dy, w = plain(dy, w)
    dx = np.zeros(x_shape, dy.dtype)
    outs, inputs = len(w) // groups, w.shape[1]
    filters, threads = w.reshape(groups, outs, inputs, -1), _threads(dy, w.shape)
    together = _images(len(dy), threads)
    # The runs go over the ends of rows with zeros, and 0 times a weight that is inf or NaN is no 0.
    rule = input_grad if np.isfinite(w).all() else _without_warnings(_input_grad_numpy)

    def run(images: Pair, channels: Pair) -> None:
        taps = (channels[1] - channels[0], *w.shape[2:])
        size = dy.shape[2:]
        layout, offsets = plan(taps, size, stride, padding, dilation, together, "input_grad")
        for g in range(groups):
            weights = filters[g, :, slice(*channels)].reshape(outs, -1)
            into = g * inputs + channels[0]
            rule(dy, g * outs, weights, offsets, dx, into, layout, images)

    _share(run, len(dy), inputs, threads)
    return dx


def conv2d_weight_grad(
    dy: np.ndarray,
    x: np.ndarray,
    w_shape: tuple[int, int, int, int],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return dw, of shape `w_shape`, and db (O,), from the upstream gradient `dy` (N, O, Ho, Wo)."""
    dy, x = plain(dy, x)
    outs, inputs = w_shape[0] // groups, w_shape[1]
    threads = _threads(dy, w_shape)
    images = _images(len(x), threads)
    size = dy.shape[2:]
    layout, offsets = plan(w_shape[1:], size, stride, padding, dilation, images, "weight_grad")

    def sums(rule: Any, images: Pair, outputs: Pair) -> np.ndarray:
        dw = np.zeros((w_shape[0], offsets.size + 1), x.dtype)
        for g in range(groups):
            first, last = g * outs + outputs[0], g * outs + outputs[1]
            rule(dy, first, x, g * inputs, offsets, dw[first:last], layout, images)
        return dw

    def run(images: Pair, outputs: Pair) -> np.ndarray:
        dw = sums(weight_grad, images, outputs)
        if np.isfinite(dw).all():
            return dw
        # 0 times what is inf or NaN beyond the end of a row is no 0 either.
        return sums(_without_warnings(_weight_grad_numpy), images, outputs)

    dw, *others = _share(run, len(x), outs, threads)
    for other in others:
        dw += other
    return dw[:, :-1].reshape(w_shape), dw[:, -1].copy()


def conv2d_grads(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dx, dw and db: what `conv2d_input_grad` and `conv2d_weight_grad` return, together."""
    window = stride, padding, dilation, groups
    dx, (dw, db) = run_both(
        lambda: conv2d_input_grad(dy, w, x.shape, *window),
        lambda: conv2d_weight_grad(dy, x, w.shape, *window),
        _threads(dy, w.shape) > 1,
    )
    return dx, dw, db


def _without_warnings(twin: Any) -> Any:
    """A twin that says as little of inf and NaN as a kernel does."""

    def quiet(*arguments: Any) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            twin(*arguments)

    return quiet


def _threads(y: np.ndarray, w_shape: tuple[int, ...]) -> int:
    """How many threads share the products of all outputs, or of their gradients `y`."""
    return threads_here() if y.size * math.prod(w_shape[1:]) >= WORTH_SHARING else 1


def _share(function: Any, images: int, channels: int, threads: int) -> list[Any]:
    """Call function((first, last), (first, last)) on a share a thread of the images.

    Where there are too few of them, of the channels.
    """
    if threads == 1:
        return [function((0, images), (0, channels))]
    if images >= threads:
        return run_sliced(lambda *share: function(share, (0, channels)), images)

    def on_channels(start: int, stop: int) -> Any:
        return function((0, images), (start * ROWS, min(stop * ROWS, channels)))

    return run_sliced(on_channels, -(-channels // ROWS))


def _images(images: int, threads: int) -> int:
    """How many images `_share` gives to a thread."""
    return -(-images // threads) if images >= threads else images


def _planes_numpy(image: np.ndarray, layout: Layout) -> np.ndarray:
    """The planes of one image (C, H, W), as numbers in a row."""
    (sh, sw), (ph, pw) = layout.stride, layout.padding
    canvas = np.zeros((layout.channels, layout.rows * sh, layout.cols * sw), image.dtype)
    inside = canvas[:, ph : ph + image.shape[1], pw : pw + image.shape[2]]
    inside[...] = image[:, : inside.shape[1], : inside.shape[2]]
    phases = canvas.reshape(layout.channels, layout.rows, sh, layout.cols, sw)
    return phases.transpose(0, 2, 4, 1, 3).ravel()


def _image_numpy(planes: np.ndarray, layout: Layout, image: np.ndarray) -> None:
    """The reverse of `_planes_numpy`, into `image`."""
    (sh, sw), (ph, pw) = layout.stride, layout.padding
    phases = planes.reshape(layout.channels, sh, sw, layout.rows, layout.cols)
    canvas = phases.transpose(0, 3, 1, 4, 2).reshape(layout.channels, layout.rows * sh, -1)
    inside = canvas[:, ph : ph + image.shape[1], pw : pw + image.shape[2]]
    image[:, : inside.shape[1], : inside.shape[2]] = inside


def _seen_numpy(layout: Layout, offsets: np.ndarray) -> np.ndarray:
    """Where in the planes each tap (a row) sees what each output (a column) needs."""
    rows, cols = np.arange(layout.out_rows), np.arange(layout.out_cols)
    return offsets[:, None] // layout.lanes + (rows[:, None] * layout.cols + cols).ravel()


def _forward_numpy(
    x: np.ndarray,
    channel: int,
    weights: np.ndarray,
    offsets: np.ndarray,
    bias: np.ndarray,
    y: np.ndarray,
    into: int,
    layout: Layout,
    images: Pair,
) -> None:
    seen, outputs = _seen_numpy(layout, offsets), len(weights)
    for n in range(*images):
        columns = _planes_numpy(x[n, channel : channel + layout.channels], layout)[seen]
        total = weights @ columns + bias[:, None]
        y[n, into : into + outputs] = total.reshape(outputs, *y.shape[2:])


@part
def _rows_at_a_time(layout):
    """How many rows of outputs make a chunk."""
    return max(1, min(layout.out_rows, CHUNK // (layout.out_cols * layout.lanes)))


@part
def _room(layout, outputs, rows, dtype, more):
    """Memory, all 0, for the planes (and `more`) and for the runs of some rows of outputs."""
    runs, length = runs_of(layout, rows)
    planes = np.zeros(plane_size(layout) + more + SLACK, dtype)
    return planes, np.zeros((-(-outputs // ROWS) * ROWS, runs, length + SLACK), dtype)


@kernel(twin=_forward_numpy)
def forward(
    x: np.ndarray,
    channel: int,
    weights: np.ndarray,
    offsets: np.ndarray,
    bias: np.ndarray,
    y: np.ndarray,
    into: int,
    layout: Layout,
    images: Pair,
) -> None:
    """Write into y, from channel `into` on, what weights (O, T) make of x, from `channel` on."""
    outputs = weights.shape[0]
    packed, step, most = pack(weights), layout.cols * layout.lanes, _rows_at_a_time(layout)
    planes, sums = _room(layout, outputs, most, x.dtype, 0)
    for first in range(images[0], images[1], layout.lanes):
        count = min(layout.lanes, images[1] - first)
        spread(x, first, count, channel, layout, planes)
        for top in range(0, layout.out_rows, most):
            rows = min(most, layout.out_rows - top)
            runs, length = runs_of(layout, rows)
            correlate(packed, offsets, planes, top * step, runs, length, step, sums)
            collect_outputs(sums, first, count, into, outputs, top, rows, layout, bias, y)


def _input_grad_numpy(
    dy: np.ndarray,
    channel: int,
    weights: np.ndarray,
    offsets: np.ndarray,
    dx: np.ndarray,
    into: int,
    layout: Layout,
    images: Pair,
) -> None:
    seen, outputs = _seen_numpy(layout, offsets), len(weights)
    numbers = plane_size(layout) // layout.lanes
    for n in range(*images):
        columns = weights.T @ dy[n, channel : channel + outputs].reshape(outputs, -1)
        planes = np.bincount(seen.ravel(), columns.ravel(), numbers).astype(dx.dtype)
        _image_numpy(planes, layout, dx[n, into : into + layout.channels])


@kernel(twin=_input_grad_numpy)
def input_grad(
    dy: np.ndarray,
    channel: int,
    weights: np.ndarray,
    offsets: np.ndarray,
    dx: np.ndarray,
    into: int,
    layout: Layout,
    images: Pair,
) -> None:
    """Write into dx, from channel `into` on, what reaches it of dy, from `channel` on."""
    outputs = weights.shape[0]
    packed, step, most = pack(weights.T), layout.cols * layout.lanes, _rows_at_a_time(layout)
    planes, upstream = _room(layout, outputs, most, dy.dtype, 0)
    for first in range(images[0], images[1], layout.lanes):
        count = min(layout.lanes, images[1] - first)
        planes[:] = 0
        for top in range(0, layout.out_rows, most):
            rows = min(most, layout.out_rows - top)
            runs, length = runs_of(layout, rows)
            if rows < most:
                upstream[:] = 0
            spread_outputs(dy, first, count, channel, outputs, top, rows, layout, upstream)
            correlate_back(
                packed, offsets, upstream[:outputs], top * step, runs, length, step, planes
            )
        unspread(planes, first, count, into, layout, dx)


def _weight_grad_numpy(
    dy: np.ndarray,
    channel: int,
    x: np.ndarray,
    x_channel: int,
    offsets: np.ndarray,
    dw: np.ndarray,
    layout: Layout,
    images: Pair,
) -> None:
    seen, outputs = _seen_numpy(layout, offsets), len(dw)
    for n in range(*images):
        columns = _planes_numpy(x[n, x_channel : x_channel + layout.channels], layout)[seen]
        upstream = dy[n, channel : channel + outputs].reshape(outputs, -1)
        dw[:, :-1] += upstream @ columns.T
        dw[:, -1] += upstream.sum(axis=1)


@kernel(twin=_weight_grad_numpy)
def weight_grad(
    dy: np.ndarray,
    channel: int,
    x: np.ndarray,
    x_channel: int,
    offsets: np.ndarray,
    dw: np.ndarray,
    layout: Layout,
    images: Pair,
) -> None:
    """Add to dw (O, T + 1) what dy, from `channel` on, times what x, from `x_channel` on, shows adds up to.

    The last tap sees 1 everywhere.
    """
    (outputs, columns), step, most = dw.shape, layout.cols * layout.lanes, _rows_at_a_time(layout)
    size, ones = plane_size(layout), layout.rows * step
    planes, upstream = _room(layout, outputs, most, x.dtype, ones)
    planes[size:] = 1
    filled = np.zeros(-(-columns // TAPS) * TAPS, np.intp)
    filled[: columns - 1], filled[columns - 1] = offsets, size
    sums = np.zeros((upstream.shape[0], filled.size), x.dtype)
    for first in range(images[0], images[1], layout.lanes):
        count = min(layout.lanes, images[1] - first)
        spread(x, first, count, x_channel, layout, planes[:size])
        if count < layout.lanes:
            upstream[:] = 0
        for top in range(0, layout.out_rows, most):
            rows = min(most, layout.out_rows - top)
            runs, length = runs_of(layout, rows)
            if rows < most:
                upstream[:] = 0
            spread_outputs(dy, first, count, channel, outputs, top, rows, layout, upstream)
            correlate_weights(upstream, filled, planes, top * step, runs, length, step, sums)
    for o in range(outputs):
        for t in range(columns):
            dw[o, t] += sums[o, t]
