"""Sampling grids: where a known point of a known digit comes to lie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.thin_plate_spline import CONTROL_POINTS
from minigrad.kernels.sampling import grid_sample_forward
from tasks.spatial_transformer.grids import (
    CORNERS,
    REACH,
    SIDE,
    Pose,
    projective_grid,
    similarity_grid,
    slant,
    spline_grid,
)

angles = st.floats(-180, 180)
scales = st.floats(0.6, 1.4)
shifts = st.tuples(st.floats(-6, 6), st.floats(-6, 6))


def pose(angle=0.0, scale=1.0, shift=(0.0, 0.0)):
    return Pose(np.array([angle]), np.array([scale]), np.array([shift]))


def show(image, grid):
    x = np.asarray(image, np.float32)[None, None]
    return grid_sample_forward(x, grid, "bilinear", "zeros", False)[0, 0]


def blob(x, y, side=SIDE):
    """A round spot with its middle x to the right of and y below the centre."""
    centres = np.arange(side) - (side - 1) / 2
    return np.exp(-((centres - x) ** 2 + (centres[:, None] - y) ** 2) / 8)


def middle(image):
    """The centre of mass as (x, y) from the centre."""
    centres = np.arange(len(image)) - (len(image) - 1) / 2
    return np.array([image.sum(0) @ centres, image.sum(1) @ centres]) / image.sum()


def moved(points, angle, scale, shift):
    """Points (…, 2) turned counter-clockwise as seen (y goes down), scaled, then shifted."""
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return scale * np.asarray(points) @ np.array([[c, -s], [s, c]]) + shift


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(0).random((SIDE, SIDE))


@pytest.mark.parametrize("quarters", [-1, 0, 1, 2])
def test_quarter_turns_are_numpys(picture, quarters):
    turned = show(picture, similarity_grid(pose(angle=90 * quarters), SIDE))
    np.testing.assert_allclose(turned, np.rot90(picture, quarters), atol=1e-4)


def test_a_shift_moves_by_whole_pixels_on_a_larger_canvas(picture):
    seen = show(picture, similarity_grid(pose(shift=(3, -5)), 42))
    expected = np.zeros((42, 42))
    expected[7 - 5 : 35 - 5, 7 + 3 : 35 + 3] = picture
    np.testing.assert_allclose(seen, expected, atol=1e-4)


def test_twice_the_scale_shows_pixel_edges_between_pixels():
    ramp = np.tile(np.arange(SIDE, dtype=float), (SIDE, 1))
    seen = show(ramp, similarity_grid(pose(scale=2), SIDE))
    np.testing.assert_allclose(seen[14], 7 - 0.25 + np.arange(SIDE) / 2, atol=1e-4)


@given(angles, scales, shifts, st.tuples(st.floats(-5, 5), st.floats(-5, 5)))
@settings(max_examples=30, deadline=None)
def test_a_spot_goes_where_the_pose_says(angle, scale, shift, at):
    seen = show(blob(*at), similarity_grid(pose(angle, scale, shift), 56))
    np.testing.assert_allclose(middle(seen), moved(at, angle, scale, shift), atol=0.1)
    np.testing.assert_allclose(seen.sum(), blob(*at).sum() * scale**2, rtol=0.05)


@given(angles, scales, shifts)
@settings(max_examples=30, deadline=None)
def test_three_families_agree_where_all_are_similarities(angle, scale, shift):
    expected = similarity_grid(pose(angle, scale, shift), SIDE)
    corners = moved(CORNERS * REACH, angle, scale, shift)[None]
    np.testing.assert_allclose(projective_grid(corners, SIDE), expected, atol=2e-5)
    points = moved(CONTROL_POINTS * REACH - shift, -angle, 1 / scale, 0)[None] / REACH
    np.testing.assert_allclose(spline_grid(points, SIDE), expected, atol=2e-5)


def test_projective_moves_a_spot_along_the_lines_between_corners():
    corners = np.array([[[-9, -12], [11, -7], [-13, 13], [8, 10]]], float)
    seen = show(blob(0, 0), projective_grid(corners, SIDE))
    # The digit's centre is where its diagonals cross, and lines stay lines.
    a, b, c, d = corners[0]
    t, _ = np.linalg.solve(np.stack([d - a, b - c], axis=1), b - a)
    np.testing.assert_allclose(middle(seen), a + t * (d - a), atol=0.2)


def test_projective_corners_show_the_corners():
    offsets = [[-2, -3], [1, -1], [-3, 2], [2, 4]]
    corners = (CORNERS * (SIDE - 1) / 2 + offsets)[None]  # on centres of pixels of the 42x42 canvas
    rows, cols = (corners[0, :, axis] + 20.5 for axis in (1, 0))
    corners_seen = projective_grid(corners, 42)[0, rows.astype(int), cols.astype(int)]
    np.testing.assert_allclose(corners_seen, CORNERS, atol=1e-5)


def test_beyond_the_horizon_nothing_is_seen():
    corners = np.array([[[-2, -2.5], [2, -2.5], [-14, 9.5], [14, 9.5]]])  # horizon at y = -4.5
    with np.errstate(all="raise"):
        grid = projective_grid(corners, SIDE)
    assert abs(grid).max() < 1e8
    seen = show(np.ones((SIDE, SIDE)), grid)
    assert seen[:10].max() == 0
    assert seen[13:22, 12:16].min() > 0.9


def test_slant_is_below_one_for_convex_corners_alone():
    rng = np.random.default_rng(5)
    quads = CORNERS * 10 + rng.normal(0, 7, (3000, 4, 2))
    around = quads[:, [0, 1, 3, 2]]
    sides = np.roll(around, -1, axis=1) - around
    ahead = np.roll(sides, -1, axis=1)
    turns = sides[..., 0] * ahead[..., 1] - sides[..., 1] * ahead[..., 0]
    same_way = (turns > 0).all(axis=1) | (turns < 0).all(axis=1)
    assert 0.5 < same_way.mean() < 0.95
    np.testing.assert_array_equal(slant(quads) < 1, same_way)


def test_slant_is_how_much_nearer_the_near_side_is():
    square, trapezium = CORNERS * 9 + 2, np.array([[-3, -5], [3, -5], [-9, 5], [9, 5]], float)
    np.testing.assert_allclose(slant(np.stack([square, trapezium])), [0, 0.5], atol=1e-12)


def test_spline_is_the_thin_plate_solved_for_each_picture():
    """Against the textbook: bend w and affine part a, found from the points and then evaluated."""
    points = CONTROL_POINTS + np.random.default_rng(2).normal(0, 0.1, (2, 16, 2))

    def bend(r):
        return np.where(r > 0, r**2 * np.log(np.where(r > 0, r, 1)), 0)

    def distances(p):
        return np.linalg.norm(p[:, None] - CONTROL_POINTS, axis=-1)

    affine = np.hstack([np.ones((16, 1)), CONTROL_POINTS])
    system = np.block([[bend(distances(CONTROL_POINTS)), affine], [affine.T, np.zeros((3, 3))]])
    at = (np.arange(SIDE) - 13.5) / 14
    at = np.array([(x, y) for y in at for x in at])
    for n, grid in enumerate(spline_grid(points, SIDE)):
        wa = np.linalg.solve(system, np.vstack([points[n], np.zeros((3, 2))]))
        expected = bend(distances(at)) @ wa[:16] + np.hstack([np.ones((len(at), 1)), at]) @ wa[16:]
        np.testing.assert_allclose(grid.reshape(-1, 2), expected, atol=1e-5)


def test_grids_are_float32():
    grids = (
        similarity_grid(pose(), 42),
        projective_grid(CORNERS[None] * REACH, 42),
        spline_grid(CONTROL_POINTS[None], 42),
    )
    for grid in grids:
        assert grid.shape == (1, 42, 42, 2)
        assert grid.dtype == np.float32
