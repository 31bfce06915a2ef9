"""The affine and attention grid generators by their three witnesses, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import layers.functional as F
from layers.affine_grid import affine_grid_backward, affine_grid_forward, targets
from minigrad.errors import DtypeError, ShapeError
from tests.layers import composed_conv
from tests.layers.composed import check_three
from tests.strategies import draw_array, seeds

SIZES = st.tuples(st.integers(1, 3), st.just(1), st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=20, deadline=None)
@given(seeds, SIZES, st.booleans())
def test_affine_grid_by_three_witnesses(seed, size, align):
    theta = draw_array(seed, (size[0], 2, 3))
    check_three(
        lambda t: F.affine_grid(t, size, align),
        lambda t: composed_conv.affine_grid(t, size, align),
        theta,
        second=True,
    )


@settings(max_examples=20, deadline=None)
@given(seeds, SIZES, st.booleans())
def test_attention_grid_by_three_witnesses(seed, size, align):
    theta = draw_array(seed, (size[0], 3))
    check_three(
        lambda t: F.attention_grid(t, size, align),
        lambda t: composed_conv.attention_grid(t, size, align),
        theta,
        second=True,
    )


def test_targets_run_from_edge_to_edge():
    assert targets(1, 3, True)[0].tolist() == [[-1, 0, 1], [0, 0, 1], [1, 0, 1]]
    np.testing.assert_allclose(targets(2, 1, False)[:, 0], [[0, -0.5, 1], [0, 0.5, 1]])
    # Edge to edge: the outermost centres lie half a pixel inside.
    np.testing.assert_allclose(targets(4, 4, False)[0, :, 0], [-0.75, -0.25, 0.25, 0.75])


def test_the_product_is_the_sum_over_points():
    theta, points = draw_array(0, (1, 2, 3)), targets(2, 3, True)
    grid, cache = affine_grid_forward(theta, points)
    dgrid = draw_array(1, grid.shape)
    dtheta = np.zeros((1, 2, 3))
    for i, j in np.ndindex(2, 3):
        x, y, _ = points[i, j]
        np.testing.assert_allclose(grid[0, i, j], theta[0] @ [x, y, 1])
        dtheta[0] += np.outer(dgrid[0, i, j], [x, y, 1])
    np.testing.assert_allclose(affine_grid_backward(dgrid, cache), dtheta)


def test_float32_stays_and_an_empty_batch_is_empty():
    assert F.affine_grid(np.zeros((2, 2, 3), np.float32), (2, 1, 3, 3)).dtype == np.float32
    assert F.affine_grid(np.zeros((0, 2, 3)), (0, 1, 3, 4)).shape == (0, 3, 4, 2)
    assert F.attention_grid(np.zeros((0, 3)), (0, 1, 3, 4)).shape == (0, 3, 4, 2)


THETA = np.zeros((2, 2, 3))


@pytest.mark.parametrize(
    ("theta", "size", "error", "says"),
    [
        (THETA[0], (2, 1, 4, 4), ShapeError, r"theta has shape \(2, 3\); it must be \(N, 2, 3\)"),
        (THETA.reshape(2, 6), (2, 1, 4, 4), ShapeError, r"\(2, 6\)"),
        (THETA, (2, 1, 4.5, 4), ShapeError, "whole numbers of 1 or more"),
        (THETA, (4, 4), ShapeError, r"size is \(4, 4\); it must be \(N, C, H', W'\)"),
        (THETA, (3, 1, 4, 4), ShapeError, "with N = 2"),
        (THETA, (2, 1, 0, 4), ShapeError, "1 or more"),
        (THETA.astype(int), (2, 1, 4, 4), DtypeError, "theta has dtype int64"),
    ],
)
def test_what_affine_grid_refuses(theta, size, error, says):
    with pytest.raises(error, match=f"affine_grid: .*{says}"):
        F.affine_grid(theta, size)


def test_what_attention_grid_refuses():
    with pytest.raises(ShapeError, match=r"attention_grid: .*must be \(N, 3\)"):
        F.attention_grid(THETA, (2, 1, 4, 4))
