"""The thin plate spline by its witnesses, the properties that define it, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import layers.functional as F
from layers.affine_grid import targets
from layers.thin_plate_spline import CONTROL_POINTS, spline_matrix
from minigrad.errors import ShapeError
from tests.layers.composed import check_three
from tests.strategies import draw_array, seeds

SIDES = st.integers(1, 5)


def spline(theta, points):
    """The spline by its textbook definition: solve for the coefficients of each theta, then sum."""

    def bend(a, b):
        r = np.sqrt(((a[:, None] - b) ** 2).sum(axis=-1))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(r > 0, r**2 * np.log(r), 0)

    ones = np.ones((16, 1))
    p = np.hstack([ones, CONTROL_POINTS])
    system = np.block([[bend(CONTROL_POINTS, CONTROL_POINTS), p], [p.T, np.zeros((3, 3))]])
    answers = []
    for sources in theta:
        w_a = np.linalg.solve(system, np.vstack([sources, np.zeros((3, 2))]))
        ones = np.ones((len(points), 1))
        answers.append(
            bend(points, CONTROL_POINTS) @ w_a[:16] + np.hstack([ones, points]) @ w_a[16:]
        )
    return np.stack(answers)


@settings(max_examples=20, deadline=None)
@given(seeds, SIDES, SIDES, st.booleans())
def test_values_are_those_of_the_definition(seed, height, width, align):
    theta = draw_array(seed, (2, 16, 2))
    points = targets(height, width, align)[..., :2].reshape(-1, 2)
    got = F.thin_plate_spline_grid(theta, (2, 1, height, width), align).data
    np.testing.assert_allclose(got.reshape(2, -1, 2), spline(theta, points), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("align", [True, False])
def test_the_gradient_by_three_witnesses(align):
    """The composition is linear: the rows of its matrix are the splines of unit vectors."""
    points = targets(3, 4, align)[..., :2].reshape(-1, 2)
    units = np.zeros((16, 16, 2))
    units[np.arange(16), np.arange(16), 0] = 1
    matrix = spline(units, points)[..., 0].T  # (12, 16)
    check_three(
        lambda t: F.thin_plate_spline_grid(t, (2, 1, 3, 4), align),
        lambda t: np.matmul(matrix, t).reshape(2, 3, 4, 2),
        draw_array(0, (2, 16, 2)),
        second=True,
    )


def test_it_passes_through_its_control_points():
    theta = draw_array(0, (1, 16, 2))
    grid = F.thin_plate_spline_grid(theta, (1, 1, 4, 4), align_corners=True).data
    np.testing.assert_allclose(grid.reshape(16, 2), theta[0], atol=1e-12)


def test_affine_moves_of_the_points_move_the_sheet_and_do_not_bend_it():
    matrix, shift = draw_array(0, (2, 2)), draw_array(1, (2,))
    theta = (CONTROL_POINTS @ matrix.T + shift)[None]
    want = F.affine_grid(np.column_stack([matrix, shift])[None], (1, 1, 5, 7)).data
    got = F.thin_plate_spline_grid(theta, (1, 1, 5, 7)).data
    np.testing.assert_allclose(got, want, atol=1e-12)


def test_the_matrix_is_constant_shared_and_cannot_be_spoilt():
    matrix = spline_matrix(5, 6, False)
    assert matrix is spline_matrix(5, 6, False)
    np.testing.assert_allclose(matrix.sum(axis=-1), 1)
    with pytest.raises(ValueError, match="read-only"):
        matrix[0] = 0
    assert F.thin_plate_spline_grid(np.zeros((1, 16, 2), "f4"), (1, 1, 5, 6)).dtype == np.float32


def test_what_thin_plate_spline_grid_refuses():
    with pytest.raises(ShapeError, match=r"thin_plate_spline_grid: .*must be \(N, 16, 2\)"):
        F.thin_plate_spline_grid(np.zeros((2, 32)), (2, 1, 3, 3))
