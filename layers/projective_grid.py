"""Grid generator for projective maps: the output plane seen at a slant.

Eight parameters, the ninth entry of the matrix being 1. In homogeneous coordinates the map is linear;
then the point is divided by its depth w::

    u = t11 x_t + t12 y_t + t13         x_s = u / w
    v = t21 x_t + t22 y_t + t23         y_s = v / w
    w = t31 x_t + t32 y_t + 1

The gradient goes back in the same two steps, first through the quotient, then through the sums::

    dx_s/du = 1/w                       du = dx_s / w
    dy_s/dv = 1/w                       dv = dy_s / w
    dx_s/dw = -u/w² = -x_s/w            dw = -(dx_s x_s + dy_s y_s) / w = -(du x_s + dv y_s)

    dt1 = Σ_i du_i (x_t, y_t, 1)_i,     dt2 = Σ_i dv_i (x_t, y_t, 1)_i,     dt3 = Σ_i dw_i (x_t, y_t)_i

Where w = 0 is the horizon of the plane: its points are infinitely far, and what lies beyond, w < 0,
is behind the viewer and would come back upside down. So w counts as at least HORIZON: a point at or
beyond the horizon is read from far outside the image, where there is nothing ('zeros'), and has the
slope 0 in w.

Source: M. Jaderberg et al., Spatial Transformer Networks, 2015, section 3.2 (which names the map, not
its gradient).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from layers.affine_grid import as_parameters, check_size, targets
from minigrad import Function, Tensor

HORIZON = 1e-6  # the least depth w


def projective_grid_forward(theta: np.ndarray, points: np.ndarray) -> tuple[Any, tuple[Any, ...]]:
    """Map `points` (H', W', 3) by each of `theta` (N, 8); return grid (N, H', W', 2), cache."""
    rows = points.reshape(-1, 3)
    uv = np.matmul(rows, theta[:, :6].reshape(-1, 2, 3).swapaxes(1, 2))
    grid = uv / np.maximum(_depth(theta, rows), HORIZON)
    grid = grid.reshape(len(theta), *points.shape[:2], 2)
    return grid, (theta, points, grid)


def projective_grid_backward(dgrid: Any, cache: tuple[Any, ...]) -> Any:
    """Return dtheta (N, 8)."""
    theta, points, grid = cache
    n, rows = len(theta), points.reshape(-1, 3)
    grid, dgrid = (g.reshape(n, len(rows), 2) for g in (grid, dgrid))
    w = _depth(theta, rows)
    duv = dgrid / np.maximum(w, HORIZON)
    dw = np.where(w > HORIZON, -np.sum(duv * grid, axis=2, keepdims=True), 0)
    dmatrix = np.matmul(duv.swapaxes(1, 2), rows)
    dlast = np.matmul(dw.swapaxes(1, 2), rows[:, :2])
    return np.concatenate([dmatrix.reshape(n, 6), dlast.reshape(n, 2)], axis=1)


def _depth(theta: Any, rows: np.ndarray) -> Any:
    """w of each point: (N, P, 1)."""
    return np.matmul(rows[:, :2], theta[:, 6:].reshape(-1, 2, 1)) + 1


class ProjectiveGrid(Function):
    """x_s = u/w, y_s = v/w;   du = dx_s/w,   dv = dy_s/w,   dw = -(du x_s + dv y_s)"""

    @staticmethod
    def forward(ctx, theta, *, points):
        grid, ctx.cache = projective_grid_forward(theta, points)
        return grid

    @staticmethod
    def backward(ctx, dgrid):
        return projective_grid_backward(dgrid, ctx.cache)


def projective_grid(theta: Any, size: Sequence[int], align_corners: bool = False) -> Tensor:
    """Sampling grids of projective maps.

    Parameters
    ----------
    theta : (N, 8) Tensor or array
        The rows of the matrix, t11 to t32; t33 is 1.
    size : (N, C, H', W')
        The size of the output that the grids are for.
    align_corners : bool
        As in `affine_grid`.

    Returns
    -------
    (N, H', W', 2) Tensor of (x, y) in the input, for `grid_sample`

    Raises
    ------
    ShapeError, DtypeError
    """
    theta = as_parameters("projective_grid", theta, (8,))
    height, width = check_size("projective_grid", size, len(theta))
    points = targets(height, width, align_corners).astype(theta.dtype)
    return ProjectiveGrid.apply(theta, points=points)
