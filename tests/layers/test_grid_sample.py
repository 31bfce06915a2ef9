"""The sampler: its witnesses, the paper's formula, and every edge and kink by name.

Places are given in pixels here, so that a case reads as it is stated: `at` turns them into a grid.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import layers.functional as F
import minigrad
from layers import sampler_formula as formula
from layers.errors import OptionError
from layers.grid_sample import grid_sample_backward, grid_sample_forward, to_pixels
from minigrad.errors import DtypeError, GraphError, ShapeError
from tests.layers import composed_conv
from tests.layers.composed import check_three
from tests.strategies import draw_array, seeds

ALIGN = pytest.mark.parametrize("align", [True, False])


def at(u, v, size, align=True):
    """The grid (1, 1, P, 2) of places at columns u and rows v of an image of `size` (H, W)."""
    height, width = size
    u, v = np.broadcast_arrays(np.asarray(u, float), np.asarray(v, float))
    if align:
        x, y = 2 * u / (width - 1) - 1, 2 * v / (height - 1) - 1
    else:
        x, y = (2 * u + 1) / width - 1, (2 * v + 1) / height - 1
    return np.stack([x, y], axis=-1).reshape(1, 1, -1, 2)


def slopes(image, u, v, padding_mode="zeros", align=True):
    """Values and their slopes by u and v, in pixels, at places on one image (H, W)."""
    grid = at(u, v, image.shape, align)
    y, cache = grid_sample_forward(image[None, None], grid, "bilinear", padding_mode, align)
    _, dgrid = grid_sample_backward(np.ones(y.shape), cache)
    height, width = image.shape
    factor = np.array([width - 1, height - 1]) / 2 if align else np.array([width, height]) / 2
    return y.ravel(), *(dgrid / factor).reshape(-1, 2).T


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 2), st.integers(1, 4), st.integers(1, 4), st.booleans(), st.booleans())
def test_bilinear_by_three_witnesses(seed, n, height, width, align, border):
    image = draw_array(seed, (n, 2, height, width))
    grid = draw_array(seed + 1, (n, 2, 3, 2), -1.6, 1.6)  # some places outside
    padding_mode = "border" if border else "zeros"
    check_three(
        lambda i, g: F.grid_sample(i, g, "bilinear", padding_mode, align),
        lambda i, g: composed_conv.bilinear(i, g, align, border),
        image,
        grid,
        kinks=True,
    )


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(2, 5), st.integers(2, 5), st.booleans())
def test_bilinear_is_the_papers_sum_over_all_pixels(seed, height, width, align):
    image = draw_array(seed, (2, 3, height, width))
    grid = draw_array(seed + 1, (2, 3, 2, 2), -1.6, 1.6)
    upstream = draw_array(seed + 2, (2, 3, 3, 2))
    u, v = np.moveaxis(to_pixels(grid, (height, width), align), -1, 0)
    y, cache = grid_sample_forward(image, grid, "bilinear", "zeros", align)
    np.testing.assert_allclose(
        y, formula.sample(image, u, v, formula.bilinear_kernel), rtol=1e-9, atol=1e-12
    )
    dimage, dgrid = grid_sample_backward(upstream, cache)
    # Off the pixels the paper's cases and those with floor are the same.
    for slope in (formula.bilinear_slope, formula.bilinear_slope_of_the_paper):
        want, du, dv = formula.sample_backward(
            upstream, image, u, v, formula.bilinear_kernel, slope
        )
        np.testing.assert_allclose(dimage, want, rtol=1e-9, atol=1e-12)
        factor = np.array([width - 1, height - 1]) / 2 if align else np.array([width, height]) / 2
        np.testing.assert_allclose(
            dgrid, np.stack([du, dv], axis=-1) * factor, rtol=1e-9, atol=1e-12
        )


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(2, 5), st.integers(2, 5), st.booleans())
def test_nearest_is_the_papers_sum_with_its_delta(seed, height, width, align):
    image = draw_array(seed, (2, 3, height, width))
    grid = draw_array(seed + 1, (2, 3, 2, 2), -1.6, 1.6)
    upstream = draw_array(seed + 2, (2, 3, 3, 2))
    u, v = np.moveaxis(to_pixels(grid, (height, width), align), -1, 0)
    y, cache = grid_sample_forward(image, grid, "nearest", "zeros", align)
    np.testing.assert_array_equal(y, formula.sample(image, u, v, formula.nearest_kernel))
    dimage, dgrid = grid_sample_backward(upstream, cache)
    want, _, _ = formula.sample_backward(
        upstream, image, u, v, formula.nearest_kernel, np.zeros_like
    )
    np.testing.assert_allclose(dimage, want, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(dgrid, np.zeros(grid.shape))


IMAGE = np.array([[1.0, 2.0, 4.0, 8.0], [3.0, 9.0, 27.0, 81.0], [5.0, 7.0, 11.0, 13.0]])


def test_between_pixels_value_and_slopes_by_hand():
    value, du, dv = slopes(IMAGE, 1.25, 0.5)
    np.testing.assert_allclose(value, 0.5 * (0.75 * 2 + 0.25 * 4) + 0.5 * (0.75 * 9 + 0.25 * 27))
    np.testing.assert_allclose(du, 0.5 * (4 - 2) + 0.5 * (27 - 9))
    np.testing.assert_allclose(dv, 0.75 * (9 - 2) + 0.25 * (27 - 4))


def test_on_a_pixel_the_slope_is_the_one_to_the_right_and_below():
    value, du, dv = slopes(IMAGE, [1, 2, 0], [1, 0, 1])
    np.testing.assert_allclose(value, [9, 4, 3])
    np.testing.assert_allclose(du, [27 - 9, 8 - 4, 9 - 3])
    np.testing.assert_allclose(dv, [7 - 9, 27 - 4, 5 - 3])


def test_on_the_border_the_zeros_outside_are_its_neighbours():
    # Last column, last row, the corner of both, first column and row.
    value, du, dv = slopes(IMAGE, [3, 1, 3, 0], [1, 2, 2, 0])
    np.testing.assert_allclose(value, [81, 7, 13, 1])
    np.testing.assert_allclose(du, [-81, 11 - 7, -13, 2 - 1])
    np.testing.assert_allclose(dv, [13 - 81, -7, -13, 3 - 1])


def test_beyond_the_border_the_value_falls_to_zero_over_one_pixel():
    value, du, dv = slopes(IMAGE, [3.25, -0.5, 1], [1, 1, 2.75])
    np.testing.assert_allclose(value, [0.75 * 81, 0.5 * 3, 0.25 * 7])
    np.testing.assert_allclose(du, [-81, 3, 0.25 * (11 - 7)])
    np.testing.assert_allclose(dv, [0.75 * (13 - 81), 0.5 * (5 - 3), -7])


def test_one_pixel_outside_and_farther_there_is_nothing():
    value, du, dv = slopes(IMAGE, [4, 1, 9, -3, 1e30, -1e30, np.inf], [1, 3, 1, -3, 1, 1, 1])
    np.testing.assert_array_equal([value, du, dv], np.zeros((3, 7)))
    # Exactly one pixel to the left (above) the value is 0 and the right-hand slope leads back in.
    value, du, dv = slopes(IMAGE, [-1, 1], [1, -1])
    np.testing.assert_allclose([value, du, dv], [[0, 0], [3, 0], [0, 2]], atol=1e-12)


@ALIGN
def test_every_slope_is_the_difference_to_the_right(align):
    """On, between and outside the pixels: du is (V(u + h) - V(u)) / h for a small h > 0."""
    image = draw_array(3, (4, 5))
    u, v = (t.ravel() for t in np.meshgrid(np.arange(-1.5, 6, 0.5), np.arange(-1.5, 5, 0.5)))
    value, du, dv = slopes(image, u, v, align=align)
    # A grid cannot name every place exactly, and beside a kink the slope is another.
    back = to_pixels(at(u, v, image.shape, align), image.shape, align)[0, 0]
    exact = (back == np.stack([u, v], axis=-1)).all(axis=1)
    assert exact.sum() > 100
    h = 1e-6
    by_u = (slopes(image, u + h, v, align=align)[0] - value) / h
    by_v = (slopes(image, u, v + h, align=align)[0] - value) / h
    np.testing.assert_allclose(du[exact], by_u[exact], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(dv[exact], by_v[exact], rtol=1e-4, atol=1e-7)


def test_a_constant_image_has_no_slope_on_its_pixels_but_by_the_papers_cases_it_has():
    image = np.full((1, 1, 5, 5), 7.0)
    v, u = np.mgrid[1:4, 1:4].astype(float)[:, None]  # inside, on pixels
    upstream = np.ones((1, 1, 3, 3))

    def by(slope):
        return formula.sample_backward(upstream, image, u, v, formula.bilinear_kernel, slope)[1]

    np.testing.assert_array_equal(by(formula.bilinear_slope), np.zeros((1, 3, 3)))
    np.testing.assert_array_equal(by(formula.bilinear_slope_of_the_paper), np.full((1, 3, 3), 7.0))
    _, du, dv = slopes(image[0, 0], u.ravel(), v.ravel())
    np.testing.assert_array_equal([du, dv], np.zeros((2, 9)))


def test_on_a_pixel_the_formula_with_floor_is_the_sampler():
    image = draw_array(0, (1, 1, 4, 4))
    u, v = np.meshgrid(np.arange(-1.0, 5), np.arange(-1.0, 5))
    value, du, dv = slopes(image[0, 0], u, v)
    upstream = np.ones((1, 1, 6, 6))
    _, want_u, want_v = formula.sample_backward(
        upstream, image, u[None], v[None], formula.bilinear_kernel, formula.bilinear_slope
    )
    # A grid cannot name every pixel exactly; where it does, the two must agree.
    back = to_pixels(at(u, v, (4, 4)), (4, 4), True)[0, 0]
    exact = (back == np.stack([u.ravel(), v.ravel()], axis=-1)).all(axis=1)
    assert exact.sum() >= 20
    np.testing.assert_allclose(du[exact], want_u.ravel()[exact], atol=1e-12)
    np.testing.assert_allclose(dv[exact], want_v.ravel()[exact], atol=1e-12)


def test_padding_by_the_border_repeats_it_and_has_no_slope_outwards():
    u, v = [-0.5, 0, 3, 3.5, 1.5, 9], [1, 1, 1, 1, -2, 9]
    value, du, dv = slopes(IMAGE, u, v, "border")
    np.testing.assert_allclose(value, [3, 3, 81, 81, 3, 13])
    np.testing.assert_allclose(du, [0, 0, 0, 0, 4 - 2, 0])
    np.testing.assert_allclose(dv, [5 - 3, 5 - 3, 13 - 81, 13 - 81, 0, 0])


def test_nearest_takes_the_even_pixel_half_way():
    grid = at([0.5, 1.5, 2.5, 0.4, -0.4, -0.6], 1, (3, 5))
    image = np.arange(15.0).reshape(1, 1, 3, 5)
    y = F.grid_sample(image, grid, "nearest", align_corners=True).data
    np.testing.assert_array_equal(y.ravel(), [5, 7, 7, 5, 5, 0])


@ALIGN
def test_the_identity_grid_reads_the_image_back(align):
    image = draw_array(0, (2, 3, 5, 4))
    theta = np.broadcast_to(np.eye(2, 3), (2, 2, 3))
    grid = F.affine_grid(theta, image.shape, align)
    for mode in ("bilinear", "nearest"):
        y = F.grid_sample(image, grid, mode, align_corners=align)
        np.testing.assert_allclose(y.data, image, atol=1e-12)
    u, v = np.moveaxis(to_pixels(grid.data, (5, 4), align), -1, 0)
    np.testing.assert_allclose(u[0], np.broadcast_to(np.arange(4.0), (5, 4)), atol=1e-12)
    np.testing.assert_allclose(v[0].T, np.broadcast_to(np.arange(5.0), (4, 5)), atol=1e-12)


def test_nan_in_the_image_stays_near_and_nan_in_the_grid_is_nan():
    image = np.zeros((1, 1, 4, 4))
    image[0, 0, 0, 0] = np.nan
    y = F.grid_sample(image, at([0.5, 2.5], [0.5, 2.5], (4, 4)), align_corners=True).data.ravel()
    assert np.isnan(y[0])
    assert y[1] == 0
    grid = minigrad.tensor(at([np.nan, 1.5], 1.5, (4, 4)), requires_grad=True)
    y = F.grid_sample(np.ones((1, 1, 4, 4)), grid, align_corners=True)
    np.testing.assert_array_equal(np.isnan(y.data.ravel()), [True, False])
    y.backward(np.ones(y.shape))
    np.testing.assert_array_equal(np.isnan(grid.grad).any(axis=-1).ravel(), [True, False])


def test_only_what_is_needed_is_computed():
    image, grid = draw_array(0, (1, 2, 4, 4)), draw_array(1, (1, 3, 3, 2), -1, 1)
    y, cache = grid_sample_forward(image, grid)
    dy = draw_array(2, y.shape)
    dimage, dgrid = grid_sample_backward(dy, cache)
    assert grid_sample_backward(dy, cache, (False, True))[0] is None
    assert grid_sample_backward(dy, cache, (True, False))[1] is None
    np.testing.assert_array_equal(grid_sample_backward(dy, cache, (True, False))[0], dimage)
    np.testing.assert_array_equal(grid_sample_backward(dy, cache, (False, True))[1], dgrid)


def test_float32_an_empty_batch_and_any_layout_of_memory():
    image = draw_array(0, (5, 4, 3, 2)).astype(np.float32).transpose()
    grid = draw_array(1, (2, 3, 3, 2), -1, 1).transpose(3, 1, 2, 0).astype(np.float32)
    for array in (image, grid):
        array.flags.writeable = False
    y = F.grid_sample(image, grid)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y.data, F.grid_sample(image.copy(), grid.copy()).data)
    empty = minigrad.tensor(image[:0], requires_grad=True)
    y = F.grid_sample(empty, grid[:0])
    assert y.shape == (0, 3, 3, 3)
    y.backward(np.zeros(y.shape))
    assert empty.grad.shape == empty.shape


def test_a_second_derivative_is_refused_by_name():
    image = minigrad.tensor(draw_array(0, (1, 1, 3, 3)), requires_grad=True)
    y = F.grid_sample(image, np.zeros((1, 2, 2, 2), np.float32))
    with pytest.raises(GraphError, match="grid_sample.*differentiable once"):
        minigrad.grad(y, image, np.ones(y.shape), create_graph=True)


X, G = np.zeros((2, 1, 4, 4)), np.zeros((2, 3, 3, 2))


@pytest.mark.parametrize(
    ("image", "grid", "options", "error", "says"),
    [
        (X[0], G, {}, ShapeError, "four axes"),
        (X, G[0], {}, ShapeError, r"grid has shape \(3, 3, 2\); it must be \(N, H', W', 2\)"),
        (X, G.transpose(0, 3, 1, 2), {}, ShapeError, r"grid has shape \(2, 2, 3, 3\)"),
        (X, G[:, :0], {}, ShapeError, "grid has shape"),
        (X, G[:1], {}, ShapeError, "2 images.*1 grids.*np.repeat"),
        (X.astype(np.uint8), G, {}, DtypeError, "input has dtype uint8"),
        (X.astype(np.float16), G, {}, DtypeError, "float16"),
        (X, G.astype(int), {}, DtypeError, "grid has dtype int64"),
        (X, G, {"mode": "bilinaer"}, OptionError, "mode must be.*Did you mean 'bilinear'"),
        (X, G, {"mode": "bicubic"}, OptionError, "'bilinear', 'nearest', not 'bicubic'"),
        (X, G, {"padding_mode": "zero"}, OptionError, "padding_mode.*Did you mean 'zeros'"),
    ],
)
def test_what_grid_sample_refuses(image, grid, options, error, says):
    with pytest.raises(error, match=f"(?s)grid_sample: .*{says}"):
        F.grid_sample(image, grid, **options)
