"""Grid generator for a thin plate spline: a sheet of rubber, held at 16 points.

The points c_k stand on a regular 4 x 4 lattice of the output, from -1 to 1. The parameters say where
in the input each of them is read: θ_k = (x, y). Between them the map is the one that bends least,

    f(p) = a_0 + a_1 x + a_2 y + Σ_k w_k U(|p - c_k|),        U(r) = r² log r = ½ r² log r²,  U(0) = 0

once for x and once for y. Its 16 + 3 coefficients must meet f(c_k) = θ_k, and the bends must neither
pull nor turn the sheet as a whole: Σ w_k = 0, Σ w_k c_k = 0. With the matrices K_kl = U(|c_k - c_l|)
and P, of rows (1, c_k), that is::

    [ K   P ] [ w ]   [ θ ]                          [ w ]
    [ Pᵀ  0 ] [ a ] = [ 0 ]      hence     grid = F  [ a ] = F L⁻¹ [ θ ] = B θ
                                                                   [ 0 ]

where L is the matrix on the left, F has for each target p the row (U(|p - c_1|), …, U(|p - c_16|), 1,
x, y), and B is the first 16 columns of F L⁻¹. Neither knows θ: B is a constant, and the spline, for
all its bending, is linear in its parameters. So::

    grid_i = Σ_k B_ik θ_k               dθ_k = Σ_i B_ik dgrid_i,    dθ = Bᵀ dgrid

Each row of B sums to 1 (a sheet that is shifted stays flat), and B c = p: points left in place are
the identity.

Source: M. Jaderberg et al., Spatial Transformer Networks, 2015, section 3.2; F. L. Bookstein,
Principal Warps, 1989, for the spline.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from layers.affine_grid import as_parameters, check_size, targets
from minigrad import Function, Tensor

#: The points that hold the sheet, (16, 2) of (x, y), row by row; also the identity's parameters.
CONTROL_POINTS = np.stack(np.meshgrid(*[np.linspace(-1, 1, 4)] * 2), axis=-1).reshape(16, 2)


@cache
def spline_matrix(height: int, width: int, align_corners: bool) -> np.ndarray:
    """B, the constant map from control points to grid: (height, width, 16) float64, read-only."""
    n = len(CONTROL_POINTS)
    system = np.zeros((n + 3, n + 3))
    system[:n] = _features(CONTROL_POINTS)  # K, P
    system[n:, :n] = system[:n, n:].T  # Pᵀ
    features = _features(targets(height, width, align_corners)[..., :2].reshape(-1, 2))
    matrix = np.linalg.solve(system, features.T).T[:, :n]  # F L⁻¹, as L is symmetric
    matrix = np.ascontiguousarray(matrix).reshape(height, width, n)
    matrix.flags.writeable = False
    return matrix


def _features(points: np.ndarray) -> np.ndarray:
    """The rows (U(|p - c_1|), …, U(|p - c_16|), 1, x, y) of points (M, 2)."""
    squared = np.sum((points[:, None] - CONTROL_POINTS) ** 2, axis=2)
    bends = 0.5 * squared * np.log(np.where(squared > 0, squared, 1))
    return np.hstack([bends, np.ones((len(points), 1)), points])


def thin_plate_spline_forward(theta: np.ndarray, matrix: np.ndarray) -> tuple[Any, tuple[Any, ...]]:
    """Map `theta` (N, 16, 2) by `matrix` (H', W', 16); return grid (N, H', W', 2), cache."""
    grid = np.matmul(matrix.reshape(-1, 16), theta)
    return grid.reshape(len(theta), *matrix.shape[:2], 2), (matrix,)


def thin_plate_spline_backward(dgrid: Any, cache: tuple[Any, ...]) -> Any:
    """Return dtheta (N, 16, 2)."""
    (matrix,) = cache
    rows = matrix.reshape(-1, 16)
    return np.matmul(rows.T, dgrid.reshape(len(dgrid), len(rows), 2))


class ThinPlateSpline(Function):
    """grid = B θ;   dθ = Bᵀ dgrid   (B: a constant of the control points and the targets)"""

    @staticmethod
    def forward(ctx, theta, *, matrix):
        grid, ctx.cache = thin_plate_spline_forward(theta, matrix)
        return grid

    @staticmethod
    def backward(ctx, dgrid):
        return thin_plate_spline_backward(dgrid, ctx.cache)


def thin_plate_spline_grid(theta: Any, size: Sequence[int], align_corners: bool = False) -> Tensor:
    """Sampling grids of thin plate splines.

    Parameters
    ----------
    theta : (N, 16, 2) Tensor or array
        For each of `CONTROL_POINTS` where in the input, (x, y), it is read.
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
    theta = as_parameters("thin_plate_spline_grid", theta, CONTROL_POINTS.shape)
    height, width = check_size("thin_plate_spline_grid", size, len(theta))
    matrix = spline_matrix(height, width, align_corners).astype(theta.dtype)
    return ThinPlateSpline.apply(theta, matrix=matrix)
