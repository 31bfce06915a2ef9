"""Convolution as a matrix product: im2col, and its adjoint col2im.

Write every patch of the image that the filter sees as one column. Then convolving is one product::

    columns[(c, i, j), (n, p, q)] = x[n, c, p*sh - ph + i*dh, q*sw - pw + j*dw]     (0 outside)
    y = W @ columns                                      W: the filters, one a row

and as both steps are linear, the gradients are those of a product::

    dW = dy @ columns.T             dcolumns = W.T @ dy,   dx = col2im(dcolumns)

where col2im adds every column back to where im2col read it. Groups are a stack of such products.
Columns repeat each pixel once a filter position, so they are made for a few images at a time: as
many as fit in the processor's cache. Only the copying is a loop of ours; the product is BLAS's.
"""

from collections.abc import Iterator

import numpy as np

from minigrad.kernels import kernel, plain
from minigrad.kernels.threads import run_sliced

__all__ = [
    "col2im",
    "conv2d_forward",
    "conv2d_input_grad",
    "conv2d_weight_grad",
    "im2col",
    "output_size",
]

Pair = tuple[int, int]

BLOCK_BYTES = 1 << 21  # columns made at a time, where a single image has no more


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
    size = output_size(x.shape[2:], w.shape[2:], stride, padding, dilation)
    y = np.empty((len(x), len(w), *size), x.dtype)
    patches = _Patches(x, y, w.shape, stride, padding, dilation, groups)
    filters = w.reshape(groups, len(w) // groups, -1)

    def convolve(start: int, stop: int) -> None:
        for block in patches.blocks(start, stop):
            _unfold(filters @ patches.columns(x[block]), y[block])
            if b is not None:
                y[block] += b[:, None, None]

    run_sliced(convolve, len(x))
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
    patches = _Patches(dx, dy, w.shape, stride, padding, dilation, groups)
    transposed = w.reshape(groups, len(w) // groups, -1).swapaxes(1, 2)

    def spread(start: int, stop: int) -> None:
        for block in patches.blocks(start, stop):
            patches.add_back(transposed @ _fold(dy[block], groups), dx[block])

    run_sliced(spread, len(dy))
    return dx


def conv2d_weight_grad(
    dy: np.ndarray,
    x: np.ndarray,
    w_shape: tuple[int, int, int, int],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """Return dw, of shape `w_shape`, from the upstream gradient `dy` (N, O, Ho, Wo)."""
    dy, x = plain(dy, x)
    patches = _Patches(x, dy, w_shape, stride, padding, dilation, groups)

    def accumulate(start: int, stop: int) -> np.ndarray:
        dw = np.zeros((groups, w_shape[0] // groups, np.prod(w_shape[1:], dtype=int)), x.dtype)
        for block in patches.blocks(start, stop):
            dw += _fold(dy[block], groups) @ patches.columns(x[block]).swapaxes(1, 2)
        return dw

    dw, *others = run_sliced(accumulate, len(x))
    for other in others:
        dw += other
    return dw.reshape(w_shape)


class _Patches:
    """What the filter sees of a batch: images to columns and back, a few images at a time."""

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        w_shape: tuple[int, ...],
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> None:
        kernel_size, self.size, self.groups = w_shape[2:], y.shape[2:], groups
        self.rows = (x.shape[1], *kernel_size)
        self.window = stride, padding, dilation
        unit = (*kernel_size, *stride, *padding) == (1, 1, 1, 1, 0, 0)
        self.are_pixels = unit and x.shape[2:] == self.size
        bytes_an_image = int(np.prod(self.rows + self.size)) * x.itemsize
        self.images = max(1, BLOCK_BYTES // max(1, bytes_an_image))

    def blocks(self, start: int, stop: int) -> Iterator[slice]:
        for first in range(start, stop, self.images):
            yield slice(first, min(first + self.images, stop))

    def columns(self, x: np.ndarray) -> np.ndarray:
        if self.are_pixels:
            return _fold(x, self.groups)
        columns = np.empty(self.rows + (len(x),) + self.size, x.dtype)
        im2col(x, columns, *self.window)
        return columns.reshape(self.groups, -1, len(x) * self.size[0] * self.size[1])

    def add_back(self, columns: np.ndarray, dx: np.ndarray) -> None:
        if self.are_pixels:
            _unfold(columns, dx)
        else:
            col2im(columns.reshape(self.rows + (len(dx),) + self.size), dx, *self.window)


def output_size(size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Pair:
    """Return (Ho, Wo): how many places the window has in an image of `size` (H, W)."""
    height, width = (
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation)
    )
    return height, width


def _fold(images: np.ndarray, groups: int) -> np.ndarray:
    """(N, C, H, W) to (groups, C/groups, N*H*W), as the product takes them."""
    return images.swapaxes(0, 1).reshape(groups, images.shape[1] // groups, -1)


def _unfold(rows: np.ndarray, images: np.ndarray) -> None:
    """The reverse of `_fold`, written into `images`."""
    n, c, h, w = images.shape
    images[...] = rows.reshape(c, n, h, w).swapaxes(0, 1)


def _im2col_numpy(
    x: np.ndarray, columns: np.ndarray, stride: Pair, padding: Pair, dilation: Pair
) -> None:
    padded = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    for i, j in np.ndindex(columns.shape[1:3]):
        seen = seen_at(i, j, columns.shape[4:], stride, dilation)
        columns[:, i, j] = padded[seen].swapaxes(0, 1)


def _col2im_numpy(
    columns: np.ndarray, dx: np.ndarray, stride: Pair, padding: Pair, dilation: Pair
) -> None:
    padded = np.pad(dx, ((0, 0), (0, 0), *((p, p) for p in padding)))
    for i, j in np.ndindex(columns.shape[1:3]):
        seen = seen_at(i, j, columns.shape[4:], stride, dilation)
        padded[seen] += columns[:, i, j].swapaxes(0, 1)
    (h, w), (top, left) = dx.shape[2:], padding
    dx[...] = padded[:, :, top : top + h, left : left + w]


def seen_at(i: int, j: int, size: Pair, stride: Pair, dilation: Pair) -> tuple:
    """Where, in the padded image, the filter's entry (i, j) lies as the filter moves."""
    rows, cols = (
        slice(k * d, k * d + s * (n - 1) + 1, s)
        for k, d, s, n in zip((i, j), dilation, stride, size)
    )
    return ..., rows, cols


@kernel(twin=_im2col_numpy)
def im2col(x: np.ndarray, columns: np.ndarray, stride: Pair, padding: Pair, dilation: Pair) -> None:
    """Fill columns (C, kh, kw, N, Ho, Wo) with what each filter entry sees of x (N, C, H, W).

    What filter row i sees at output row p, row i - 1 has seen at p + shift: most of the work is to
    copy that, in one long run, and only the last rows of each image are looked up.
    """
    height, width = x.shape[2:]
    channels, kh, kw, images, out_h, out_w = columns.shape
    shift = dilation[0] // stride[0]
    known = max(0, out_h - shift) if shift * stride[0] == dilation[0] else 0
    for c in range(channels):
        for i in range(kh):
            new = known if i > 0 else 0
            for j in range(kw):
                if new > 0:
                    seen = columns[c, i - 1, j].reshape(-1)[shift * out_w :]
                    runs = columns[c, i, j].reshape(-1)
                    for k in range(seen.size):
                        runs[k] = seen[k]
                left = j * dilation[1] - padding[1]  # what output column 0 sees
                first = min(out_w, max(0, -(left // stride[1])))
                last = max(first, min(out_w, (width - 1 - left) // stride[1] + 1))
                for n in range(images):
                    for p in range(new, out_h):
                        run = columns[c, i, j, n, p]
                        row = p * stride[0] + i * dilation[0] - padding[0]
                        for q in range(out_w):
                            run[q] = 0
                        if 0 <= row < height:
                            pixels = x[n, c, row]
                            for q in range(first, last):
                                run[q] = pixels[left + q * stride[1]]


@kernel(twin=_col2im_numpy)
def col2im(
    columns: np.ndarray, dx: np.ndarray, stride: Pair, padding: Pair, dilation: Pair
) -> None:
    """Add columns (C, kh, kw, N, Ho, Wo) to dx (N, C, H, W), each entry where im2col reads it.

    It goes im2col's way backwards: each filter row's share is handed to the row before, as far as
    that reaches. So `columns` is used up.
    """
    height, width = dx.shape[2:]
    channels, kh, kw, images, out_h, out_w = columns.shape
    shift = dilation[0] // stride[0]
    known = max(0, out_h - shift) if shift * stride[0] == dilation[0] else 0
    for c in range(channels):
        for i in range(kh - 1, -1, -1):
            new = known if i > 0 else 0
            for j in range(kw):
                left = j * dilation[1] - padding[1]
                first = min(out_w, max(0, -(left // stride[1])))
                last = max(first, min(out_w, (width - 1 - left) // stride[1] + 1))
                for n in range(images):
                    for p in range(new, out_h):
                        run = columns[c, i, j, n, p]
                        row = p * stride[0] + i * dilation[0] - padding[0]
                        if 0 <= row < height:
                            pixels = dx[n, c, row]
                            for q in range(first, last):
                                pixels[left + q * stride[1]] += run[q]
                        for q in range(out_w):
                            run[q] = 0
                if new > 0:
                    before = columns[c, i - 1, j].reshape(-1)[shift * out_w :]
                    runs = columns[c, i, j].reshape(-1)
                    for k in range(before.size):
                        before[k] += runs[k]
