"""The second witness for layers on images: their definitions, composed from primitives.

Convolutions are loops over the filter's entries, pools are stacks of shifted images, and the samplers
gather four pixels with weights that are plain arithmetic on the grid.
"""

import numpy as np


def shifted_views(padded, kernel, stride, dilation):
    """For each entry (i, j) of the window: what it sees as the window moves."""
    size = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(padded.shape[2:], kernel, stride, dilation)
    ]
    for i, j in np.ndindex(*kernel):
        rows, cols = (
            slice(k * d, k * d + s * (n - 1) + 1, s)
            for k, d, s, n in zip((i, j), dilation, stride, size)
        )
        yield i, j, padded[:, :, rows, cols]


def _pad(x, padding, value=0.0):
    (top, left) = padding
    return np.pad(x, ((0, 0), (0, 0), (top, top), (left, left)), constant_values=value)


def conv2d(x, w, b=None, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    outputs, inputs = w.shape[0] // groups, w.shape[1]
    parts = []
    for g in range(groups):
        seen = _pad(x[:, g * inputs : (g + 1) * inputs], padding)
        filters = w[g * outputs : (g + 1) * outputs]
        parts.append(
            sum(
                np.einsum("ncpq,oc->nopq", view, filters[:, :, i, j])
                for i, j, view in shifted_views(seen, w.shape[2:], stride, dilation)
            )
        )
    y = np.concatenate(parts, axis=1)
    return y if b is None else y + b.reshape(-1, 1, 1)


def conv_transpose2d(
    x,
    w,
    b=None,
    stride=(1, 1),
    padding=(0, 0),
    output_padding=(0, 0),
    groups=1,
    dilation=(1, 1),
):
    """Each entry of the filter is stamped by two matrices of zeros and ones, from pixels to places."""
    inputs = x.shape[1] // groups

    def placing(axis, k):
        n, s, d = x.shape[2 + axis], stride[axis], dilation[axis]
        size = (n - 1) * s + d * (w.shape[2 + axis] - 1) + 1 + output_padding[axis]
        matrix = np.zeros((size, n))
        matrix[np.arange(n) * s + k * d, np.arange(n)] = 1
        return matrix[padding[axis] : size - padding[axis]]

    parts = []
    for g in range(groups):
        channels = slice(g * inputs, (g + 1) * inputs)
        parts.append(
            sum(
                placing(0, i)
                @ np.einsum("ncpq,co->nopq", x[:, channels], w[channels, :, i, j])
                @ placing(1, j).T
                for i, j in np.ndindex(*w.shape[2:])
            )
        )
    y = np.concatenate(parts, axis=1)
    return y if b is None else y + b.reshape(-1, 1, 1)


def max_pool2d(x, kernel, stride, padding=(0, 0), dilation=(1, 1)):
    views = shifted_views(_pad(x, padding, -np.inf), kernel, stride, dilation)
    return np.max(np.stack([view for _, _, view in views]), axis=0)


def avg_pool2d(x, kernel, stride, padding=(0, 0)):
    views = shifted_views(_pad(x, padding), kernel, stride, (1, 1))
    return np.mean(np.stack([view for _, _, view in views]), axis=0)


def base_grid(size, align_corners):
    """x_t, y_t, each (H', W'), written out anew."""
    axes = []
    for n in size[2:]:
        edge = 1.0 if align_corners else 1 - 1 / n
        axes.append(np.linspace(-edge, edge, n) if n > 1 else np.zeros(1))
    y, x = np.meshgrid(*axes, indexing="ij")
    return x, y


def affine_grid(theta, size, align_corners=False):
    x, y = base_grid(size, align_corners)
    t = theta.reshape(-1, 2, 3, 1, 1)
    return np.stack([t[:, i, 0] * x + t[:, i, 1] * y + t[:, i, 2] for i in (0, 1)], axis=-1)


def attention_grid(theta, size, align_corners=False):
    x, y = base_grid(size, align_corners)
    t = theta.reshape(-1, 3, 1, 1)
    return np.stack([t[:, 0] * x + t[:, 1], t[:, 0] * y + t[:, 2]], axis=-1)


def projective_grid(theta, size, align_corners=False):
    x, y = base_grid(size, align_corners)
    t = theta.reshape(-1, 8, 1, 1)
    w = t[:, 6] * x + t[:, 7] * y + 1
    rows = [(t[:, 3 * i] * x + t[:, 3 * i + 1] * y + t[:, 3 * i + 2]) / w for i in (0, 1)]
    return np.stack(rows, axis=-1)


def bilinear(image, grid, align_corners=False, border=False):
    """Four gathered pixels, weighted by the differences to their columns and rows."""
    height, width = image.shape[2:]
    u, v = (
        (grid[..., axis] + 1) * ((n - 1) / 2)
        if align_corners
        else ((grid[..., axis] + 1) * n - 1) / 2
        for axis, n in ((0, width), (1, height))
    )
    if border:
        u, v = np.clip(u, 0, width - 1), np.clip(v, 0, height - 1)
    images = np.arange(len(image))[:, None, None]
    total = 0
    for i, j in np.ndindex(2, 2):
        row, col = (np.floor(t.data).astype(int) + k for t, k in ((v, i), (u, j)))
        inside = (row >= 0) & (row < height) & (col >= 0) & (col < width)
        pixel = image[images, :, np.where(inside, row, 0), np.where(inside, col, 0)]
        along_u = 1 + (u - col) if j else 1 - (u - col)
        along_v = 1 + (v - row) if i else 1 - (v - row)
        total = total + np.moveaxis(pixel, -1, 1) * (along_u * along_v * inside)[:, None]
    return total
