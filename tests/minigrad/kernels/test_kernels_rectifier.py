"""The rectifier's loops against their twins, by slices, and at NaN."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import rectifier
from minigrad.kernels.rectifier import relu, relu_backward

SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45])


@given(st.integers(0, 999), st.sampled_from([np.float32, np.float64]), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_the_loops_are_their_twins(seed, dtype, size):
    x, dy = np.random.default_rng(seed).standard_normal((2, size)).astype(dtype)
    x[: len(SPECIAL)] = SPECIAL[:size]
    dy[: len(SPECIAL)] = SPECIAL[::-1][:size]  # inf where x is negative, too
    for kernel, arrays in ((rectifier.rectify, [x]), (rectifier.pass_on, [dy, x])):
        ours, theirs = np.empty((2, size), dtype)
        kernel(*arrays, ours)
        kernel.twin(*arrays, theirs)
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_any_layout_on_any_number_of_threads(count, thread_count, monkeypatch):
    monkeypatch.setattr(rectifier, "LARGE", 0)
    thread_count(count)
    x, dy = np.random.default_rng(0).standard_normal((2, 4, 3, 5))
    for array in (x, x.transpose(2, 0, 1), x[:, ::2], x[0, 0, 0]):
        y = relu(array)
        np.testing.assert_array_equal(y, np.maximum(array, 0))
    y = relu(x)
    np.testing.assert_array_equal(relu_backward(dy, y), dy * (x > 0))
    np.testing.assert_array_equal(relu_backward(dy.T, y.T), (dy * (x > 0)).T)


def test_a_nan_is_passed_on_and_its_gradient_too_as_in_pytorch():
    x = np.array([np.nan, -1.0, 2.0])
    y = relu(x)
    np.testing.assert_array_equal(y, [np.nan, 0, 2])
    np.testing.assert_array_equal(relu_backward(np.array([3.0, 4.0, 5.0]), y), [3, 0, 5])
