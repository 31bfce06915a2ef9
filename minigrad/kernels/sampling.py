"""Sampling an image at real coordinates: the last step of a spatial transformer.

A sample at column u and row v of the image x, both in pixels, is within reach of four pixels of
the bilinear kernel max(0, 1 - |u - m|) max(0, 1 - |v - n|). With u0 = floor(u), a = u - u0 and
v0 = floor(v), b = v - v0 ::

    y = (1-b) [(1-a) x[v0, u0] + a x[v0, u0+1]]  +  b [(1-a) x[v0+1, u0] + a x[v0+1, u0+1]]

    dy/dx[n, m] = the weight of x[n, m] above

    dy/du = sum over rows n of (weight of row n) * sum over columns m of x[n, m] *
                -1   where m = floor(u)
                +1   where m = floor(u) + 1
                 0   for every other m

and dy/dv alike, rows and columns exchanged. On a pixel (u whole) y has a kink, and these cases are
the slope to its right: a subgradient, the one that PyTorch takes. The paper's cases are +1 where
m >= u, -1 where m < u, 0 where |m - u| >= 1. Off the pixels that is the same; on a pixel it leaves
x[n, u] alone, which is no slope (a constant image would get a gradient), and under the identity
transformation nearly all samples lie on pixels.

Pixels outside the image count as 0 ('zeros'), or the coordinate is first moved to the nearest one
inside and then has no slope ('border'). A coordinate that is NaN gives NaN; one that is infinite
is merely outside.

The bilinear loops lay a margin of two zeros around each channel, so that the four pixels always exist
and no sample needs a branch: one farther out is moved into the margin. Where its samples lie is found
once an image, for all channels, in loops that the compiler can vectorise.

Source: M. Jaderberg et al., Spatial Transformer Networks, 2015, equations 3 to 7.
"""

from collections.abc import Iterator

import numpy as np

from minigrad.kernels import kernel, part, plain
from minigrad.kernels.threads import LARGE, run_batch, run_both

__all__ = ["grid_sample_backward", "grid_sample_forward"]


def grid_sample_forward(
    x: np.ndarray, grid: np.ndarray, mode: str, padding_mode: str, align_corners: bool
) -> np.ndarray:
    """Sample `x` (N, C, H, W) at the points of `grid` (N, Ho, Wo, 2).

    Shapes and choices are the caller's to check.

    Parameters
    ----------
    grid : (x, y) of each sample: -1 and 1 are the centres of the outermost pixels (`align_corners`)
        or their outer edges.
    mode : 'bilinear' or 'nearest'. Half-way between pixels the even one is nearest, as in PyTorch
        (the paper's floor(x + 1/2) would take the upper one).
    padding_mode : 'zeros' or 'border', what lies outside the image.

    Returns
    -------
    y : (N, C, Ho, Wo) array.
    """
    x, grid = plain(x, grid)
    y = np.empty(x.shape[:2] + grid.shape[1:3], x.dtype)
    if mode == "bilinear":
        run_batch(bilinear, (x, grid, y), padding_mode == "border", align_corners)
    else:
        u, v, *_ = _pixels(grid, x.shape[2:], padding_mode == "border", align_corners)
        run_batch(nearest, (x, u, v, y))
    return y


def grid_sample_backward(
    dy: np.ndarray,
    x: np.ndarray,
    grid: np.ndarray,
    mode: str,
    padding_mode: str,
    align_corners: bool,
    need_dx: bool = True,
    need_dgrid: bool = True,
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return dx (N, C, H, W) and dgrid (N, Ho, Wo, 2), None for what is not needed.

    `dy` (N, C, Ho, Wo) is the upstream gradient, the rest as in `grid_sample_forward`. The nearest
    pixel does not change with a small move, so its dgrid is zero.
    """
    dy, x, grid = plain(dy, x, grid)
    how = mode, padding_mode == "border", align_corners
    return run_both(
        lambda: _dx(dy, x, grid, *how) if need_dx else None,
        lambda: _dgrid(dy, x, grid, *how) if need_dgrid else None,
        need_dx and need_dgrid and dy.size >= LARGE,
    )


def _dx(
    dy: np.ndarray, x: np.ndarray, grid: np.ndarray, mode: str, border: bool, align_corners: bool
) -> np.ndarray:
    dx = np.zeros_like(x)
    if mode == "bilinear":
        run_batch(bilinear_dx, (dy, grid, dx), border, align_corners)
    else:
        u, v, *_ = _pixels(grid, x.shape[2:], border, align_corners)
        run_batch(nearest_dx, (dy, u, v, dx))
    return dx


def _dgrid(
    dy: np.ndarray, x: np.ndarray, grid: np.ndarray, mode: str, border: bool, align_corners: bool
) -> np.ndarray:
    dgrid = np.zeros_like(grid)
    if mode == "bilinear":
        run_batch(bilinear_dgrid, (dy, x, grid, dgrid), border, align_corners)
    return dgrid


def _pixels(
    grid: np.ndarray, size: tuple[int, int], border: bool, align_corners: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the grid in pixels, columns u and rows v (N, Ho, Wo), and their slopes du/dx, dv/dy."""
    (v, v_slope), (u, u_slope) = (
        _along_one_axis(grid[..., axis], length, border, align_corners)
        for axis, length in zip((1, 0), size)
    )
    return u, v, u_slope, v_slope


def _along_one_axis(
    grid: np.ndarray, length: int, border: bool, align_corners: bool
) -> tuple[np.ndarray, np.ndarray]:
    slope = np.array((length - 1 if align_corners else length) / 2, grid.dtype)
    with np.errstate(over="ignore", invalid="ignore"):  # huge coordinates are welcome
        pixels = (grid + 1) * slope - (0 if align_corners else 0.5)
    if border:
        slope = slope * ~((pixels <= 0) | (pixels >= length - 1))
        return pixels.clip(0, length - 1), slope
    return pixels.clip(-2, length + 1), slope  # farther out is no different, but may be no integer


def _corners(u: np.ndarray, v: np.ndarray, size: tuple[int, int]) -> Iterator[tuple]:
    """Yield the four pixels around each sample, one of each at a time.

    That is: row, column (0 where outside the image), whether inside, and (slope, weight) by u and v:
    the slope is -1 for the pixel floor(u), +1 for floor(u) + 1.
    """
    for i, j in np.ndindex(2, 2):
        row, col = np.floor(v) + i, np.floor(u) + j
        inside = (row >= 0) & (row < size[0]) & (col >= 0) & (col < size[1])
        along_u, along_v = (2 * j - 1, 1 - abs(u - col)), (2 * i - 1, 1 - abs(v - row))
        row, col = (np.where(inside, index, 0).astype(np.intp) for index in (row, col))
        yield row, col, inside, along_u, along_v


def _nowhere(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """What a sample far outside is worth: 0, but NaN where a coordinate is NaN."""
    return np.where(np.isnan(u + v), np.nan, 0)


def _values(x: np.ndarray, row: np.ndarray, col: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """x (N, C, H, W) at one pixel a sample, 0 where that is outside: (N, C, Ho, Wo)."""
    sample = np.arange(len(x))[:, None, None]
    return np.where(inside[:, None], np.moveaxis(x[sample, :, row, col], -1, 1), 0)


def _add_values(
    y: np.ndarray, row: np.ndarray, col: np.ndarray, inside: np.ndarray, dx: np.ndarray
) -> None:
    """The adjoint of `_values`: add y to dx, pixels that occur twice twice."""
    y, dx = np.moveaxis(y, 1, -1), np.moveaxis(dx, 1, -1)
    np.add.at(dx, (np.nonzero(inside)[0], row[inside], col[inside]), y[inside])


def _bilinear_numpy(
    x: np.ndarray, grid: np.ndarray, y: np.ndarray, border: bool, align_corners: bool
) -> None:
    u, v, *_ = _pixels(grid, x.shape[2:], border, align_corners)
    y[...] = _nowhere(u, v)[:, None]
    for row, col, inside, (_, a), (_, b) in _corners(u, v, x.shape[2:]):
        y += (a * b)[:, None] * _values(x, row, col, inside)


@kernel(twin=_bilinear_numpy)
def bilinear(
    x: np.ndarray, grid: np.ndarray, y: np.ndarray, border: bool, align_corners: bool
) -> None:
    """Write into y (N, C, Ho, Wo) the samples of x at the points of the grid (N, Ho, Wo, 2)."""
    images, channels, height, width = x.shape
    places, a, b, _, _ = _rooms(grid)
    plane, right, below = _framed(x)
    one = grid.dtype.type(1)
    for n in range(images):
        _locate(grid[n].reshape(-1), height, width, border, align_corners, places, a, b)
        for c in range(channels):
            _fill(x[n, c], plane)
            samples = y[n, c].reshape(-1)
            for j in range(samples.size):
                # By differences it were less to compute, but inf - inf is NaN.
                k, rest = places[j], one - a[j]
                top = rest * plane[k] + a[j] * plane[k + right]
                bottom = rest * plane[k + below] + a[j] * plane[k + below + right]
                samples[j] = (one - b[j]) * top + b[j] * bottom


def _bilinear_dx_numpy(
    dy: np.ndarray, grid: np.ndarray, dx: np.ndarray, border: bool, align_corners: bool
) -> None:
    u, v, *_ = _pixels(grid, dx.shape[2:], border, align_corners)
    for row, col, inside, (_, a), (_, b) in _corners(u, v, dx.shape[2:]):
        _add_values((a * b)[:, None] * dy, row, col, inside, dx)


@kernel(twin=_bilinear_dx_numpy)
def bilinear_dx(
    dy: np.ndarray, grid: np.ndarray, dx: np.ndarray, border: bool, align_corners: bool
) -> None:
    """Add dy to the four pixels of dx around each sample, by their weights."""
    images, channels, height, width = dx.shape
    places, a, b, _, _ = _rooms(grid)
    plane, right, below = _framed(dx)
    for n in range(images):
        _locate(grid[n].reshape(-1), height, width, border, align_corners, places, a, b)
        for c in range(channels):
            plane[:] = 0
            upstream = dy[n, c].reshape(-1)
            for j in range(upstream.size):
                k = places[j]
                bottom = b[j] * upstream[j]
                top = upstream[j] - bottom
                plane[k] += top - a[j] * top
                plane[k + right] += a[j] * top
                plane[k + below] += bottom - a[j] * bottom
                plane[k + below + right] += a[j] * bottom
            for row in range(height):
                start = (row + 2) * (width + 4) + 2
                pixels, sums = dx[n, c, row], plane[start : start + width]
                for col in range(width):
                    pixels[col] += sums[col]


def _bilinear_dgrid_numpy(
    dy: np.ndarray,
    x: np.ndarray,
    grid: np.ndarray,
    dgrid: np.ndarray,
    border: bool,
    align_corners: bool,
) -> None:
    u, v, u_slope, v_slope = _pixels(grid, x.shape[2:], border, align_corners)
    dgrid[...] = _nowhere(u, v)[..., None]
    for row, col, inside, (du, a), (dv, b) in _corners(u, v, x.shape[2:]):
        upstream = np.sum(dy * _values(x, row, col, inside), axis=1)
        dgrid += upstream[..., None] * np.stack([du * b, a * dv], axis=-1)
    dgrid[..., 0] *= u_slope
    dgrid[..., 1] *= v_slope


@kernel(twin=_bilinear_dgrid_numpy)
def bilinear_dgrid(
    dy: np.ndarray,
    x: np.ndarray,
    grid: np.ndarray,
    dgrid: np.ndarray,
    border: bool,
    align_corners: bool,
) -> None:
    """Write into dgrid (N, Ho, Wo, 2) the slope of sum(dy * samples) by the grid."""
    images, channels, height, width = x.shape
    places, a, b, du, dv = _rooms(grid)
    plane, right, below = _framed(x)
    for n in range(images):
        _locate(grid[n].reshape(-1), height, width, border, align_corners, places, a, b)
        du[:], dv[:] = 0, 0
        for c in range(channels):
            _fill(x[n, c], plane)
            upstream = dy[n, c].reshape(-1)
            for j in range(upstream.size):
                k = places[j]
                top = plane[k + right] - plane[k]
                bottom = plane[k + below + right] - plane[k + below]
                du[j] += upstream[j] * (top + b[j] * (bottom - top))
                left = plane[k + below] - plane[k]
                dv[j] += upstream[j] * (left + a[j] * (bottom - top))
        _slopes(grid[n].reshape(-1), height, width, border, align_corners, du, dv)
        slopes = dgrid[n].reshape(-1)
        for j in range(du.size):
            slopes[2 * j], slopes[2 * j + 1] = du[j], dv[j]


@part
def _rooms(grid):
    """Memory for what is known of each sample of an image: its place, weights and slopes."""
    samples = grid.shape[1] * grid.shape[2]
    numbers = np.empty((4, samples), grid.dtype)
    return np.empty(samples, np.uint32), numbers[0], numbers[1], numbers[2], numbers[3]


@part
def _framed(images):
    """An empty channel with its margin, as a row; the steps to the pixel at the right, and below."""
    height, width = images.shape[2:]
    plane = np.zeros((height + 4) * (width + 4), images.dtype)
    return plane, np.uint32(1), np.uint32(width + 4)


@part
def _fill(image, plane):
    height, width = image.shape
    for row in range(height):
        start = (row + 2) * (width + 4) + 2
        pixels, to = image[row], plane[start : start + width]
        for col in range(width):
            to[col] = pixels[col]


@part
def _coordinate(point, length, border, align_corners):
    """A coordinate in pixels, and its slope: for `border` that is 0 where it is moved inside."""
    kind = type(point)  # of all numbers, or they would be computed in float64
    slope = kind((length - 1) / 2 if align_corners else length / 2)
    pixel = (point + kind(1)) * slope - kind(0 if align_corners else 0.5)
    if border:
        first, last = kind(0), kind(length - 1)
        slope = kind(0) if (pixel <= first) | (pixel >= last) else slope
        pixel = first if pixel < first else (last if pixel > last else pixel)
    return pixel, slope


@part
def _locate(points, height, width, border, align_corners, places, a, b):
    """The upper left of each sample's four pixels in the framed channel, and the weights a and b."""
    kind = points.dtype.type
    for j in range(places.size):
        u, _ = _coordinate(points[2 * j], width, border, align_corners)
        v, _ = _coordinate(points[2 * j + 1], height, border, align_corners)
        near_u = (u > kind(-2)) & (u < kind(width))
        near_v = (v > kind(-2)) & (v < kind(height))
        u0, v0 = np.floor(u if near_u else kind(-2)), np.floor(v if near_v else kind(-2))
        places[j] = np.uint32(np.int32(v0) + 2) * np.uint32(width + 4) + np.uint32(np.int32(u0) + 2)
        lost = kind(np.nan) if (u != u) | (v != v) else kind(0)
        a[j] = (u - u0 if near_u else kind(0)) + lost
        b[j] = (v - v0 if near_v else kind(0)) + lost


@part
def _slopes(points, height, width, border, align_corners, du, dv):
    """Slopes by pixels become slopes by the grid."""
    for j in range(du.size):
        du[j] *= _coordinate(points[2 * j], width, border, align_corners)[1]
        dv[j] *= _coordinate(points[2 * j + 1], height, border, align_corners)[1]


def _nearest_pixel(
    u: np.ndarray, v: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    row, col = np.rint(v), np.rint(u)
    inside = (row >= 0) & (row < size[0]) & (col >= 0) & (col < size[1])
    row, col = (np.where(inside, index, 0).astype(np.intp) for index in (row, col))
    return row, col, inside


def _nearest_numpy(x: np.ndarray, u: np.ndarray, v: np.ndarray, y: np.ndarray) -> None:
    y[...] = _nowhere(u, v)[:, None]
    y += _values(x, *_nearest_pixel(u, v, x.shape[2:]))


@kernel(twin=_nearest_numpy)
def nearest(x: np.ndarray, u: np.ndarray, v: np.ndarray, y: np.ndarray) -> None:
    """Write into y (N, C, Ho, Wo) the pixels of x nearest to columns u and rows v (N, Ho, Wo)."""
    images, channels, height, width = x.shape
    for n, i, j in np.ndindex(u.shape):
        col, row = np.rint(u[n, i, j]), np.rint(v[n, i, j])
        inside = 0 <= col < width and 0 <= row < height
        for c in range(channels):
            if inside:
                y[n, c, i, j] = x[n, c, int(row), int(col)]
            else:
                y[n, c, i, j] = np.nan if np.isnan(col + row) else 0.0


def _nearest_dx_numpy(dy: np.ndarray, u: np.ndarray, v: np.ndarray, dx: np.ndarray) -> None:
    _add_values(dy, *_nearest_pixel(u, v, dx.shape[2:]), dx)


@kernel(twin=_nearest_dx_numpy)
def nearest_dx(dy: np.ndarray, u: np.ndarray, v: np.ndarray, dx: np.ndarray) -> None:
    """Add dy to the pixel of dx nearest to each sample."""
    images, channels, height, width = dx.shape
    for n, i, j in np.ndindex(u.shape):
        col, row = np.rint(u[n, i, j]), np.rint(v[n, i, j])
        if 0 <= col < width and 0 <= row < height:
            for c in range(channels):
                dx[n, c, int(row), int(col)] += dy[n, c, i, j]
