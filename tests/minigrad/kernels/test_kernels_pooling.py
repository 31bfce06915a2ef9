"""Pooling against a window at a time, its twins, and the derivative of a sum of chosen pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import JIT, pooling
from minigrad.kernels.pooling import (
    avg_pool2d_backward,
    avg_pool2d_forward,
    max_pool2d_backward,
    max_pool2d_forward,
)


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def problems(draw, dilations=st.just((1, 1)), values=st.sampled_from([2, 1000])):
    """x (few different `values` make ties) and the settings of a pooling."""
    kernel, stride, dilation = draw(pairs(1, 3)), draw(pairs(1, 3)), draw(dilations)
    padding = tuple(draw(st.integers(0, (d * (k - 1) + 1) // 2)) for k, d in zip(kernel, dilation))
    size = tuple(
        max(1, d * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 5))
        for k, p, d in zip(kernel, padding, dilation)
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x = rng.integers(-draw(values), 2, (draw(st.integers(0, 3)), draw(st.integers(1, 3)), *size))
    return x.astype(draw(st.sampled_from([np.float32, np.float64]))), (
        kernel,
        stride,
        padding,
        dilation,
    )


def windows(x, kernel, stride, padding, dilation):
    """Yield each output's index and the pixels (row, column) that its window sees."""
    size = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(x.shape[2:], kernel, stride, padding, dilation)
    ]
    for n, c, p, q in np.ndindex(*x.shape[:2], *size):
        seen = [
            (row, col)
            for row in range(p * stride[0] - padding[0], x.shape[2], dilation[0])[: kernel[0]]
            for col in range(q * stride[1] - padding[1], x.shape[3], dilation[1])[: kernel[1]]
            if row >= 0 and col >= 0
        ]
        yield (n, c, p, q), seen


@given(problems(dilations=pairs(1, 3)), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_max_pool_a_window_at_a_time(problem, seed):
    x, how = problem
    y, argmax = max_pool2d_forward(x, *how)
    assert (y.dtype, argmax.dtype) == (x.dtype, np.int64)
    dy = np.random.default_rng(seed).standard_normal(y.shape)
    dx = np.zeros(x.shape)
    for at, seen in windows(x, *how):
        if not seen:
            assert (y[at], argmax[at]) == (-np.inf, -1)
            continue
        values = [x[at[:2] + pixel] for pixel in seen]
        row, col = seen[int(np.argmax(values))]  # the first of equals
        assert (y[at], argmax[at]) == (max(values), row * x.shape[3] + col)
        dx[at[0], at[1], row, col] += dy[at]
    np.testing.assert_allclose(max_pool2d_backward(dy, argmax, x.shape), dx, atol=1e-12)


@given(problems(), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_avg_pool_a_window_at_a_time(problem, seed):
    x, how = problem
    (kernel, stride, padding, _), count = how, np.prod(how[0])
    y = avg_pool2d_forward(x, kernel, stride, padding)
    assert y.dtype == x.dtype
    dy = np.random.default_rng(seed).standard_normal(y.shape)
    dx = np.zeros(x.shape)
    for at, seen in windows(x, *how):
        np.testing.assert_allclose(
            y[at], sum(x[at[:2] + pixel] for pixel in seen) / count, rtol=1e-5, atol=1e-30
        )
        for row, col in seen:
            dx[at[0], at[1], row, col] += dy[at] / count
    got = avg_pool2d_backward(dy, x.shape, kernel, stride, padding)
    np.testing.assert_allclose(got, dx, atol=1e-12)


@given(problems(dilations=pairs(1, 3)), st.booleans())
@settings(max_examples=60, deadline=None)
def test_kernels_are_their_twins(problem, with_nan):
    x, (kernel, stride, padding, dilation) = problem
    if with_nan:
        x = np.where(x == 1, np.nan, x)
    y, argmax = max_pool2d_forward(x, kernel, stride, padding, dilation)
    expected, expected_argmax = np.empty_like(y), np.empty_like(argmax)
    pooling.max_pool.twin(x, expected, expected_argmax, kernel, stride, padding, dilation)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(argmax, expected_argmax)

    dy = np.random.default_rng(0).standard_normal(y.shape)
    expected_dx = np.zeros(x.shape)
    pooling.unpool.twin(dy, argmax, expected_dx)
    np.testing.assert_allclose(max_pool2d_backward(dy, argmax, x.shape), expected_dx, atol=1e-12)

    if dilation == (1, 1):
        y = avg_pool2d_forward(x, kernel, stride, padding)
        expected = np.empty_like(y)
        pooling.mean_pool.twin(x, expected, kernel, stride, padding)
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-3)
        expected_dx = np.zeros(x.shape)
        pooling.spread_mean.twin(dy, expected_dx, kernel, stride, padding)
        dx = avg_pool2d_backward(dy, x.shape, kernel, stride, padding)
        np.testing.assert_allclose(dx, expected_dx, atol=1e-12)


@pytest.mark.parametrize("pool", [max_pool2d_forward, avg_pool2d_forward])
def test_a_nan_is_passed_on(pool):
    x = np.zeros((1, 1, 4, 4))
    x[0, 0, 1, 1] = np.nan
    options = ((2, 2), (2, 2), (0, 0)) + (((1, 1),) if pool is max_pool2d_forward else ())
    y = pool(x, *options)
    y = y[0] if isinstance(y, tuple) else y
    np.testing.assert_array_equal(np.isnan(y[0, 0]), [[True, False], [False, False]])


def test_a_plane_of_minus_infinity_still_has_a_maximum_inside():
    y, argmax = max_pool2d_forward(np.full((1, 1, 3, 3), -np.inf), (2, 2), (1, 1), (1, 1), (1, 1))
    assert (y == -np.inf).all()
    np.testing.assert_array_equal(
        argmax[0, 0], [[0, 0, 1, 2], [0, 0, 1, 2], [3, 3, 4, 5], [6, 6, 7, 8]]
    )


def test_a_window_that_sees_no_pixel_gets_no_gradient():
    y, argmax = max_pool2d_forward(np.ones((1, 1, 1, 1)), (2, 2), (1, 1), (1, 1), (2, 2))
    assert (y.item(), argmax.item()) == (-np.inf, -1)
    assert max_pool2d_backward(np.ones((1, 1, 1, 1)), argmax, (1, 1, 1, 1)).item() == 0


def test_read_only_arrays_are_taken():
    rng = np.random.default_rng(2)
    x, how = rng.standard_normal((2, 2, 6, 6)), ((2, 2), (1, 1), (0, 0))
    y, argmax = max_pool2d_forward(x, *how, (1, 1))
    arrays = [a.copy() for a in (x, y, argmax)]
    for array in arrays:
        array.flags.writeable = False
    x_, y_, argmax_ = arrays
    np.testing.assert_array_equal(max_pool2d_forward(x_, *how, (1, 1))[0], y)
    np.testing.assert_array_equal(
        max_pool2d_backward(y_, argmax_, x.shape), max_pool2d_backward(y, argmax, x.shape)
    )
    np.testing.assert_array_equal(avg_pool2d_forward(x_, *how), avg_pool2d_forward(x, *how))
    if JIT:
        assert all(len(kernel.signatures) <= 2 for kernel in (pooling.max_pool, pooling.unpool))
