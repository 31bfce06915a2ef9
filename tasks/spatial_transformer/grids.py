"""The geometry of the distortions: sampling grids that show digits turned, slanted or bent.

A grid (N, canvas, canvas, 2), float32, holds for each pixel of the output the place (x, y) in the
28x28 digit from which it comes. So it maps output to input, the inverse of what happens to the digit.
Lengths are in pixels, x to the right and y down. The digit's own coordinates are -1 and 1 at its outer
edges (align_corners=False): 14 pixels are a unit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from layers.thin_plate_spline import spline_matrix, thin_plate_spline_forward

SIDE = 28
REACH = SIDE / 2  # from a digit's centre to its edge, in pixels: the unit of its coordinates

#: A digit's corners, as (x, y) in its coordinates.
CORNERS = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], float)


class Pose(NamedTuple):
    """Where digits are: angle (N,) in degrees, counter-clockwise; scale (N,); shift (N, 2) in pixels.

    The shift is the way from the canvas's centre to the digit's, as (x, y).
    """

    angle: np.ndarray
    scale: np.ndarray
    shift: np.ndarray


def similarity_grid(pose: Pose, canvas: int) -> np.ndarray:
    """The grid that shows digits in their poses: input = rotate back (output - shift) / scale."""
    angle = np.deg2rad(pose.angle)
    a, b = (f(angle)[:, None] / (pose.scale[:, None] * REACH) for f in (np.cos, np.sin))
    x, y = (_centres(canvas) - pose.shift[:, axis, None] for axis in (0, 1))
    grid = np.empty((len(angle), canvas, canvas, 2), np.float32)
    _outer_sum(a * x, -b * y, out=grid[..., 0])
    _outer_sum(b * x, a * y, out=grid[..., 1])
    return grid


def projective_grid(corners: np.ndarray, canvas: int) -> np.ndarray:
    """The grid that shows digits with their corners at `corners` (N, 4, 2), in the order of `CORNERS`.

    With the inverse homography, (u, v, w) = H (x, y, 1), the input is (u/w, v/w). w is positive
    within the quadrilateral; where it is not, beyond the horizon, the input is far outside.
    """
    x = y = _centres(canvas)
    h = np.linalg.inv(_homography(corners))[..., None]
    u, v, w = (_outer_sum(h[:, i, 0] * x + h[:, i, 2], h[:, i, 1] * y) for i in range(3))
    np.maximum(w, 1e-6, out=w)
    grid = np.empty((len(corners), canvas, canvas, 2), np.float32)
    np.divide(u, w, out=grid[..., 0])
    np.divide(v, w, out=grid[..., 1])
    return grid


def spline_grid(points: np.ndarray, canvas: int) -> np.ndarray:
    """The grid that shows, at `CONTROL_POINTS` of the canvas, the `points` (N, 16, 2) of the digit."""
    matrix = spline_matrix(canvas, canvas, align_corners=False).astype(np.float32)
    return thin_plate_spline_forward(points.astype(np.float32), matrix)[0]


def _homography(corners: np.ndarray) -> np.ndarray:
    """The matrix (N, 3, 3) from the digit's coordinates to the canvas that moves its corners there.

    [[a b c] [d e f] [g h 1]]: each corner (p, q) -> X gives a p + b q + c - (g p + h q) X = X for x,
    and the same for y. As p and q are 1 or -1, the means of these over the corners, times 1, p, q
    and pq, separate the unknowns; the last one has only g and h.
    """
    p, q = CORNERS.T
    mean, by_p, by_q, by_pq = np.moveaxis(
        np.stack([np.ones(4), p, q, p * q]) @ corners / 4, 1, 0
    )  # (N, 2) each
    gh = np.linalg.solve(np.stack([by_q, by_p], axis=-1), -by_pq[..., None])
    g, h = gh[:, 0], gh[:, 1]
    matrix = np.ones((len(corners), 3, 3))
    matrix[:, :2, 0] = by_p + g * mean + h * by_pq
    matrix[:, :2, 1] = by_q + g * by_pq + h * mean
    matrix[:, :2, 2] = mean + g * by_p + h * by_q
    matrix[:, 2, :2] = gh[..., 0]
    return matrix


def slant(corners: np.ndarray) -> np.ndarray:
    """How far digits with these corners (N, 4, 2) lean away: 0 for none, 1 for the horizon touched.

    |g| + |h| of the homography. Its w = g p + h q + 1 goes from 1 - slant to 1 + slant over the digit,
    and lengths shrink as 1 / w. From 1 on the corners span no convex quadrilateral: no view of a plane.
    """
    return np.abs(_homography(corners)[:, 2, :2]).sum(axis=1)


def _centres(canvas: int) -> np.ndarray:
    """The coordinates of pixel centres along one side, from the canvas's centre."""
    return np.arange(canvas) - (canvas - 1) / 2


def _outer_sum(
    along_x: np.ndarray, along_y: np.ndarray, out: np.ndarray | None = None
) -> np.ndarray:
    """out[n, row, col] = along_x[n, col] + along_y[n, row], in float32."""
    along_x, along_y = along_x.astype(np.float32), along_y.astype(np.float32)
    return np.add(along_x[:, None, :], along_y[:, :, None], out=out)
