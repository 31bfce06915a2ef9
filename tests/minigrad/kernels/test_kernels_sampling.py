"""The sampler: its stated values and subgradients, its twins, its adjoint."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import JIT, sampling
from minigrad.kernels.sampling import grid_sample_backward, grid_sample_forward

MODES = list(itertools.product(["bilinear", "nearest"], ["zeros", "border"], [True, False]))


def in_pixels(u, v, size, align_corners=True):
    """The grid (1, 1, K, 2) that samples an image of `size` (H, W) at columns u and rows v."""
    coordinates = (
        2 * np.asarray(a, float) / (n - 1) - 1
        if align_corners
        else (2 * np.asarray(a, float) + 1) / n - 1
        for a, n in zip(np.broadcast_arrays(u, v), size[::-1])
    )
    return np.stack(list(coordinates), axis=-1).reshape(1, 1, -1, 2)


def sample(x, u, v, mode="bilinear", padding_mode="zeros"):
    """The samples (C, K) of one image, and with upstream gradient 1 its dx and d/du, d/dv."""
    x = np.asarray(x, float)[None]
    grid = in_pixels(u, v, x.shape[2:])
    y = grid_sample_forward(x, grid, mode, padding_mode, True)
    dx, dgrid = grid_sample_backward(np.ones_like(y), x, grid, mode, padding_mode, True)
    last = np.array(x.shape[:1:-1]) - 1
    return y[0, :, 0], dx[0], (dgrid[0, 0] / (last / 2)).T


@st.composite
def problems(draw, odd=()):
    """x, grid, dy; the grid is partly random, partly on pixels, partly of the `odd` coordinates."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, c = draw(st.integers(0, 3)), draw(st.integers(1, 3))
    h, w = (draw(st.sampled_from([1, 2, 3, 5, 9])) for _ in "hw")  # n - 1 pixels, exact in binary
    out = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    grid = rng.uniform(-1.7, 1.7, (n, *out, 2))
    pixels = 2 * rng.integers(-1, [w + 1, h + 1], grid.shape) / np.maximum(1, [w - 1, h - 1]) - 1
    grid = np.where(rng.random(grid.shape) < 0.4, pixels, grid)
    if odd:
        grid = np.where(rng.random(grid.shape) < 0.2, rng.choice(odd, grid.shape), grid)
    x, dy = rng.standard_normal((n, c, h, w)), rng.standard_normal((n, c, *out))
    with np.errstate(over="ignore"):
        return x.astype(dtype), grid.astype(dtype), dy.astype(dtype)


ODD = (np.nan, np.inf, -np.inf, 1e30, -1e30, 1e300, 3e9, -3e9, 1e19, 0.0, -1.0, 1.0)


@pytest.mark.parametrize(("mode", "padding_mode", "align_corners"), MODES)
@given(problem=problems(odd=ODD))
@settings(max_examples=40, deadline=None)
def test_kernels_are_their_twins(mode, padding_mode, align_corners, problem):
    x, grid, dy = problem
    how = mode, padding_mode, align_corners
    got = grid_sample_forward(x, grid, *how), *grid_sample_backward(dy, x, grid, *how)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("bilinear", "bilinear_dx", "bilinear_dgrid", "nearest", "nearest_dx"):
            patch.setattr(sampling, name, getattr(sampling, name).twin)
        expected = grid_sample_forward(x, grid, *how), *grid_sample_backward(dy, x, grid, *how)
    for one, other in zip(got, expected, strict=True):
        assert one.dtype == x.dtype
        tolerance = 100 * np.finfo(x.dtype).eps
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("mode", "padding_mode", "align_corners"), MODES)
@given(problem=problems())
@settings(max_examples=30, deadline=None)
def test_dx_is_the_adjoint(mode, padding_mode, align_corners, problem):
    x, grid, dy = (a.astype(np.float64) for a in problem)
    y = grid_sample_forward(x, grid, mode, padding_mode, align_corners)
    dx, none = grid_sample_backward(
        dy, x, grid, mode, padding_mode, align_corners, need_dgrid=False
    )
    assert none is None
    np.testing.assert_allclose(np.vdot(y, dy), np.vdot(x, dx), atol=1e-11)


@pytest.mark.parametrize("align_corners", [True, False])
@given(problem=problems())
@settings(max_examples=40, deadline=None)
def test_dgrid_is_the_slope_to_the_right(align_corners, problem):
    """Between pixels y is linear in each coordinate, so a small step gives the slope exactly."""
    x, grid, dy = (a.astype(np.float64) for a in problem)
    how = "bilinear", "zeros", align_corners
    none, dgrid = grid_sample_backward(dy, x, grid, *how, need_dx=False)
    assert none is None
    y = grid_sample_forward(x, grid, *how)
    for axis, step in enumerate(1e-7 * np.eye(2)):
        slope = np.sum(dy * (grid_sample_forward(x, grid + step, *how) - y), axis=1) / 1e-7
        lengths = np.array(x.shape[:1:-1])
        if lengths[axis] == 1 and align_corners:
            assert not dgrid[..., axis].any()  # every coordinate is pixel 0
            continue
        np.testing.assert_allclose(dgrid[..., axis], slope, atol=1e-5, rtol=1e-5)


def test_between_pixels_by_hand():
    y, dx, (du, dv) = sample([[[1, 2], [3, 7]]], 0.25, 0.5)
    np.testing.assert_allclose(y, [[0.5 * (0.75 * 1 + 0.25 * 2) + 0.5 * (0.75 * 3 + 0.25 * 7)]])
    np.testing.assert_allclose(dx, [[[0.375, 0.125], [0.375, 0.125]]])
    np.testing.assert_allclose(du, [0.5 * (2 - 1) + 0.5 * (7 - 3)])
    np.testing.assert_allclose(dv, [0.75 * (3 - 1) + 0.25 * (7 - 2)])


def test_on_pixels_the_slope_is_the_one_to_the_right_and_below():
    x = np.random.default_rng(0).standard_normal((2, 5, 9))  # 9 - 1 and 5 - 1: whole in binary
    v, u = (a.ravel() for a in np.mgrid[:5, :9])
    y, dx, (du, dv) = sample(x, u, v)
    np.testing.assert_array_equal(y, x.reshape(2, -1))
    np.testing.assert_array_equal(dx, np.ones_like(x))
    beyond = np.pad(x, ((0, 0), (0, 1), (0, 1)))
    np.testing.assert_allclose(du.reshape(5, 9), np.diff(beyond, axis=2)[:, :5].sum(0), atol=1e-14)
    np.testing.assert_allclose(
        dv.reshape(5, 9), np.diff(beyond, axis=1)[:, :, :9].sum(0), atol=1e-14
    )


def test_a_constant_image_has_no_slope_inside():
    """The paper's cases, read to the letter, would give its value here."""
    v, u = (a.ravel() for a in np.mgrid[:4, :4])
    _, _, slopes = sample(np.full((1, 5, 5), 3.0), u, v)
    np.testing.assert_array_equal(slopes, np.zeros((2, 16)))


@pytest.mark.parametrize(
    ("u", "value", "slope"),
    [
        (-1.5, 0, 0),
        (-1, 0, 4),  # the first pixel comes into reach
        (-0.25, 3, 4),
        (0, 4, 2),
        (1.5, 5 + 0.5, -1),
        (2, 5, -5),  # the last pixel goes out of it
        (2.75, 1.25, -5),
        (3, 0, 0),
        (9, 0, 0),
    ],
)
def test_zeros_outside_by_hand(u, value, slope):
    y, dx, (du, _) = sample([[[4, 6, 5], [4, 6, 5]]], u, 0)
    np.testing.assert_allclose(y, [[value]], atol=1e-14)
    np.testing.assert_allclose(du, [slope], atol=1e-14)
    np.testing.assert_allclose(dx.sum(), max(0, min(1, 1 + u, 3 - u)))


@pytest.mark.parametrize(
    ("u", "value", "slope"), [(-7, 4, 0), (0, 4, 0), (0.5, 5, 2), (1, 6, -1), (2, 5, 0), (7, 5, 0)]
)
def test_border_outside_by_hand(u, value, slope):
    y, dx, (du, dv) = sample([[[4, 6, 5], [4, 6, 5]]], u, 0.5, padding_mode="border")
    np.testing.assert_allclose(y, [[value]])
    np.testing.assert_allclose(du, [slope])
    np.testing.assert_allclose(dv, [0])
    np.testing.assert_allclose(dx.sum(), 1)


def test_nearest_by_hand_takes_the_even_pixel_half_way():
    u = [-0.6, -0.5, 0.4, 0.5, 1.5, 2.5, 3.5, 3.6, 4.4, 4.5, 4.6]
    y, dx, slopes = sample([[[1, 2, 3, 4, 5]] * 2], u, 0, mode="nearest")
    np.testing.assert_array_equal(y, [[0, 1, 1, 1, 3, 3, 5, 5, 5, 5, 0]])
    np.testing.assert_array_equal(dx[0], [[3, 0, 2, 0, 4], [0] * 5])
    np.testing.assert_array_equal(slopes, np.zeros((2, 11)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("mode", "padding_mode", "align_corners"), MODES)
def test_nan_gives_nan_and_infinity_is_outside(mode, padding_mode, align_corners, dtype):
    x = np.arange(1, 13, dtype=dtype).reshape(1, 1, 3, 4)
    nan, inf, huge = np.nan, np.inf, np.finfo(dtype).max
    grid = [[nan, 0], [0, nan], [nan, inf], [inf, 0], [-inf, 0], [huge, 0], [-huge, 0], [0, -inf]]
    grid = np.array(grid, dtype).reshape(1, 1, -1, 2)
    how = mode, padding_mode, align_corners
    y = grid_sample_forward(x, grid, *how).ravel()
    dx, dgrid = grid_sample_backward(np.ones((1, 1, 1, 8), dtype), x, grid, *how)
    assert np.isnan(y[:3]).all()
    if padding_mode == "zeros":
        np.testing.assert_array_equal(y[3:], 0)
        assert dx.sum() == 0
        assert not np.signbit(y[3:]).any()
    else:
        np.testing.assert_array_equal(y[3:7], [8, 5, 8, 5])
        assert dx.sum() == pytest.approx(5)  # the three NaN samples take no pixel's part
    assert np.isnan(dgrid[0, 0, :3]).all() == (mode == "bilinear")
    assert np.isfinite(dgrid[0, 0, 3:]).all()


@pytest.mark.parametrize(
    ("left", "right", "middle"), [(np.inf, 1, np.inf), (1, -np.inf, -np.inf), (3e38, -3e38, 0)]
)
def test_half_way_to_a_pixel_that_is_infinite_or_huge(left, right, middle):
    x = np.array([[[[left, right], [1, 1]]]], np.float32)
    grid = np.array([[[[0.0, -1.0]]]], np.float32)
    y = grid_sample_forward(x, grid, "bilinear", "zeros", True)
    np.testing.assert_array_equal(y, np.float32(middle).reshape(1, 1, 1, 1))


def test_a_pixel_out_of_reach_is_not_touched():
    x = np.full((1, 4, 4), np.inf)
    x[0, :2, :2] = 1
    y, _, slopes = sample(x, [0.5, -0.5, -3, 9], [0.5, -0.5, 0, 9])
    np.testing.assert_allclose(y, [[1, 0.25, 0, 0]])
    assert np.isfinite(slopes).all()


def test_read_only_arrays_are_taken_without_another_compilation():
    rng = np.random.default_rng(0)
    x, grid = rng.standard_normal((2, 3, 4, 5)), rng.uniform(-1, 1, (2, 3, 3, 2))
    dy = rng.standard_normal((2, 3, 3, 3))
    kernels = sampling.bilinear, sampling.bilinear_dx, sampling.bilinear_dgrid
    how = "bilinear", "zeros", False
    expected = grid_sample_forward(x, grid, *how), *grid_sample_backward(dy, x, grid, *how)
    compiled = [len(kernel.signatures) for kernel in kernels] if JIT else None
    for array in (x, grid, dy):
        array.flags.writeable = False
    got = grid_sample_forward(x, grid, *how), *grid_sample_backward(dy, x, grid, *how)
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    if JIT:
        assert [len(kernel.signatures) for kernel in kernels] == compiled
