"""The projective grid generator by its three witnesses, at the horizon, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import layers.functional as F
import minigrad
from layers.projective_grid import HORIZON
from minigrad.errors import ShapeError
from tests.layers import composed_conv
from tests.layers.composed import check_three
from tests.strategies import draw_array, seeds


def draw_theta(seed, n):
    """Parameters with the horizon outside the image: |t31| + |t32| < 1."""
    theta = draw_array(seed, (n, 8))
    theta[:, 6:] *= 0.2
    return theta


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 2), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_projective_grid_by_three_witnesses(seed, n, height, width, align):
    size = (n, 1, height, width)
    check_three(
        lambda t: F.projective_grid(t, size, align),
        lambda t: composed_conv.projective_grid(t, size, align),
        draw_theta(seed, n),
        second=True,
    )


def test_without_a_slant_it_is_the_affine_grid():
    theta = draw_array(0, (2, 8))
    theta[:, 6:] = 0
    size = (2, 1, 3, 4)
    want = F.affine_grid(theta[:, :6].reshape(2, 2, 3), size)
    np.testing.assert_allclose(F.projective_grid(theta, size).data, want.data)


def test_straight_lines_stay_straight():
    grid = F.projective_grid(draw_theta(1, 1), (1, 1, 5, 5)).data[0]
    for line in (grid[2], grid[:, 1], grid[np.arange(5), np.arange(5)]):
        along = line[1:] - line[0]
        turn = along[1:, 0] * along[0, 1] - along[1:, 1] * along[0, 0]
        np.testing.assert_allclose(turn, 0, atol=1e-12)


def test_beyond_the_horizon_is_far_outside_and_has_no_slope_in_depth():
    # w = 1 - 2 x: 3, 1 and -1 at the three columns; the last one is beyond the horizon.
    theta = np.array([[1.0, 0, 0, 0, 1, 0.5, -2, 0]])
    t = minigrad.tensor(theta, requires_grad=True, dtype=np.float64)
    grid = F.projective_grid(t, (1, 1, 1, 3), align_corners=True)
    np.testing.assert_allclose(grid.data[0, 0, :2], [[-1 / 3, 0.5 / 3], [0, 0.5]])
    np.testing.assert_allclose(grid.data[0, 0, 2], [1 / HORIZON, 0.5 / HORIZON])
    image = np.ones((1, 1, 4, 4))
    v = F.grid_sample(image, grid, align_corners=True)
    assert v.data[0, 0, 0, 2] == 0
    upstream = np.zeros((1, 1, 1, 3))
    upstream[..., 2] = 1
    v.backward(upstream)
    np.testing.assert_array_equal(t.grad, np.zeros((1, 8)))
    # Without a sampler behind it: no slope in t31, t32, while the others see 1 / w.
    dgrid = np.zeros((1, 1, 3, 2))
    dgrid[0, 0, 2] = [1, 0]
    t.grad = None
    F.projective_grid(t, (1, 1, 1, 3), align_corners=True).backward(dgrid)
    np.testing.assert_allclose(t.grad * HORIZON, [[1, 0, 1, 0, 0, 0, 0, 0]])


def test_on_the_horizon_itself_all_is_finite():
    theta = np.array([[1.0, 0, 0, 0, 1, 0, -1, 0]], np.float32)  # w = 0 at x = 1
    t = minigrad.tensor(theta, requires_grad=True)
    grid = F.projective_grid(t, (1, 1, 2, 3), align_corners=True)
    assert np.isfinite(grid.data).all()
    grid.backward(np.ones(grid.shape))
    assert np.isfinite(t.grad).all()


def test_what_projective_grid_refuses():
    with pytest.raises(ShapeError, match=r"projective_grid: .*must be \(N, 8\)"):
        F.projective_grid(np.zeros((2, 9)), (2, 1, 3, 3))
    with pytest.raises(ShapeError, match="projective_grid: .*with N = 2"):
        F.projective_grid(np.zeros((2, 8)), (1, 1, 3, 3))
