"""Grid generators for affine maps: where in the input each pixel of the output is read.

A grid generator lays a regular grid of targets (x_t, y_t) over the output and maps each of them to
its source in the input. That is the way of texture mapping, from output to input, so that every
output pixel gets a value. All coordinates are normalised: -1 and 1 are the edges of an image. The
affine map has six parameters::

    x_s = t11 x_t + t12 y_t + t13           dt1 = Σ_i dx_s,i (x_t,i, y_t,i, 1)
    y_s = t21 x_t + t22 y_t + t23           dt2 = Σ_i dy_s,i (x_t,i, y_t,i, 1)

Each parameter moves every source point, t11 by x_t, t12 by y_t, t13 by 1, and gathers what comes
back from all of them. With the rows (x_t, y_t, 1) as the matrix B both directions are one product::

    grid = B θᵀ                             dθ = dgridᵀ B

Attention has three parameters, (s, t_x, t_y), and is the affine map [[s, 0, t_x], [0, s, t_y]]: crop,
shift and zoom. s stands in two places and gathers from both: ds = dt11 + dt22, dt_x = dt13,
dt_y = dt23.

Source: M. Jaderberg et al., Spatial Transformer Networks, 2015, equations 1 and 2.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from layers.checks import as_float
from minigrad import Function, Tensor
from minigrad.errors import ShapeError

#: Where each attention parameter stands in the affine matrix, read row by row.
ATTENTION = np.array([[1, 0, 0, 0, 1, 0], [0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 1]])


@cache
def targets(height: int, width: int, align_corners: bool) -> np.ndarray:
    """The regular grid: (height, width, 3) float64 of (x_t, y_t, 1), read-only.

    With `align_corners` -1 and 1 are the centres of the outermost pixels, else their outer edges.
    """
    x, y = (_centres(n, align_corners) for n in (width, height))
    points = np.stack([*np.meshgrid(x, y), np.ones((height, width))], axis=-1)
    points.flags.writeable = False
    return points


def _centres(n: int, align_corners: bool) -> np.ndarray:
    if align_corners:
        return np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
    return (2 * np.arange(n) + 1) / n - 1


def affine_grid_forward(theta: np.ndarray, points: np.ndarray) -> tuple[Any, tuple[Any, ...]]:
    """Map `points` (H', W', 3) by each of `theta` (N, 2, 3); return grid (N, H', W', 2), cache."""
    rows = points.reshape(-1, 3)
    grid = np.matmul(rows, theta.swapaxes(1, 2))
    return grid.reshape(len(theta), *points.shape[:2], 2), (points,)


def affine_grid_backward(dgrid: Any, cache: tuple[Any, ...]) -> Any:
    """Return dtheta (N, 2, 3)."""
    (points,) = cache
    rows = points.reshape(-1, 3)
    return np.matmul(dgrid.reshape(len(dgrid), len(rows), 2).swapaxes(1, 2), rows)


class AffineGrid(Function):
    """grid = B θᵀ;   dθ = dgridᵀ B   (B: the rows x_t, y_t, 1)"""

    @staticmethod
    def forward(ctx, theta, *, points):
        grid, ctx.cache = affine_grid_forward(theta, points)
        return grid

    @staticmethod
    def backward(ctx, dgrid):
        return affine_grid_backward(dgrid, ctx.cache)


class AttentionMatrix(Function):
    """A = [[s, 0, t_x], [0, s, t_y]];   ds = dA11 + dA22,   dt_x = dA13,   dt_y = dA23"""

    @staticmethod
    def forward(ctx, theta):
        return np.matmul(theta, ATTENTION.astype(theta.dtype)).reshape(len(theta), 2, 3)

    @staticmethod
    def backward(ctx, dmatrix):
        return np.matmul(dmatrix.reshape(len(dmatrix), 6), ATTENTION.T.astype(dmatrix.dtype))


def affine_grid(theta: Any, size: Sequence[int], align_corners: bool = False) -> Tensor:
    """Sampling grids of affine maps; PyTorch's `torch.nn.functional.affine_grid`.

    Parameters
    ----------
    theta : (N, 2, 3) Tensor or array
        The matrices, from output to input.
    size : (N, C, H', W')
        The size of the output that the grids are for.
    align_corners : bool
        Whether -1 and 1 are the centres of the outermost pixels, or their outer edges.

    Returns
    -------
    (N, H', W', 2) Tensor of (x, y) in the input, for `grid_sample`

    Raises
    ------
    ShapeError, DtypeError
    """
    theta = as_parameters("affine_grid", theta, (2, 3))
    height, width = check_size("affine_grid", size, len(theta))
    points = targets(height, width, align_corners).astype(theta.dtype)
    return AffineGrid.apply(theta, points=points)


def attention_grid(theta: Any, size: Sequence[int], align_corners: bool = False) -> Tensor:
    """Sampling grids of a crop that moves and zooms; `theta` (N, 3) is (s, t_x, t_y).

    The rest as in `affine_grid`. (s = 1/2 shows the middle half of the input, twice as large.)
    """
    theta = as_parameters("attention_grid", theta, (3,))
    check_size("attention_grid", size, len(theta))
    return affine_grid(AttentionMatrix.apply(theta), size, align_corners)


def as_parameters(layer: str, theta: Any, shape: tuple[int, ...]) -> Any:
    """Return `theta`, a float Tensor or array (N, *shape), or refuse it."""
    theta = as_float(layer, theta, "theta")
    if theta.ndim == 0 or theta.shape[1:] != shape:
        raise ShapeError(
            f"{layer}: theta has shape {theta.shape}; it must be "
            f"(N, {', '.join(map(str, shape))}), one row of parameters for each image."
        )
    return theta


def check_size(layer: str, size: Sequence[int], n: int) -> tuple[int, int]:
    """Return (H', W') of an output size (N, C, H', W') for `n` images."""
    numbers = tuple(size) if isinstance(size, (tuple, list, np.ndarray)) else ()
    whole = all(isinstance(number, (int, np.integer)) for number in numbers)
    if len(numbers) != 4 or not whole or min(numbers[1:]) < 1 or numbers[0] != n:
        raise ShapeError(
            f"{layer}: the size is {size}; it must be (N, C, H', W') of the output, with N = {n}, "
            "the number of thetas, and the others whole numbers of 1 or more."
        )
    return int(numbers[2]), int(numbers[3])
