"""Adam's loop against its twin: any size, dtype, order in memory and number of threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import adam as kernels
from minigrad.kernels.adam import adam

HOW = ((0.8, 0.95), 0.1, 1.7, 1e-3)


def problem(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    x, g, m = (rng.standard_normal(shape).astype(dtype) for _ in range(3))
    return x, g, m, rng.random(shape).astype(dtype)


def stepped(arrays, step, *how):
    x, g, m, v = (array.copy(order="K") for array in arrays)
    step(x, g, m, v, *how)
    return x, m, v


def close(got, expected):
    for one, other in zip(got, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=0, atol=20 * np.finfo(one.dtype).eps)


@given(st.integers(0, 70), st.sampled_from([np.float32, np.float64]))
@settings(max_examples=30, deadline=None)
def test_the_loop_is_its_twin(size, dtype):
    arrays, how = problem(size, dtype, size), (*HOW[0], *HOW[1:])
    close(stepped(arrays, kernels.step, *how), stepped(arrays, kernels.step.twin, *how))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_large_arrays_are_shared_among_threads(thread_count, count):
    thread_count(count)
    arrays = problem((kernels.LARGE // 100, 101), np.float32)
    close(stepped(arrays, adam, *HOW), stepped(arrays, kernels._step_numpy, *HOW[0], *HOW[1:]))


def test_arrays_in_any_order_are_changed_in_place():
    arrays = problem((6, 5), np.float64)
    expected = stepped(arrays, adam, *HOW)
    turned = [np.asfortranarray(array) for array in arrays]
    close(stepped(turned, adam, *HOW), expected)
    x, g, m, v = arrays
    close(stepped((x, turned[1], m, v), adam, *HOW), expected)


def test_a_gradient_that_overflows_its_square_is_no_error():
    x, g, m, v = problem(3, np.float32)
    with np.errstate(all="ignore"):
        got = stepped((x, np.full(3, 1e30, np.float32), m, v), adam, *HOW)
    assert np.isinf(got[2]).all()
    np.testing.assert_array_equal(got[0], x)
