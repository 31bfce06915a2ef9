"""RMSprop's loop against its twin: any size, dtype, order in memory and number of threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad import optim
from minigrad.kernels import rmsprop as kernels
from minigrad.kernels.rmsprop import rmsprop

HOW = (0.9, 0.1, 1e-3)


def problem(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    x, g = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
    return x, g, rng.random(shape).astype(dtype)


def stepped(arrays, step, *how):
    x, g, s = (array.copy(order="K") for array in arrays)
    step(x, g, s, *how)
    return x, s


def close(got, expected):
    for one, other in zip(got, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=0, atol=20 * np.finfo(one.dtype).eps)


@given(st.integers(0, 70), st.sampled_from([np.float32, np.float64]), st.booleans())
@settings(max_examples=30, deadline=None)
def test_the_loop_is_its_twin(size, dtype, inside):
    arrays = problem(size, dtype, size)
    how = (0.9, 0.1, *((1e-3, 0.0) if inside else (0.0, 1e-3)))
    close(stepped(arrays, kernels.step, *how), stepped(arrays, kernels.step.twin, *how))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_large_arrays_are_shared_among_threads(thread_count, count):
    thread_count(count)
    arrays = problem((kernels.LARGE // 100, 101), np.float32)
    expected = stepped(arrays, kernels._step_numpy, 0.9, 0.1, 0.0, 1e-3)
    close(stepped(arrays, rmsprop, *HOW, False), expected)


def test_arrays_in_any_order_are_changed_in_place():
    arrays = problem((6, 5), np.float64)
    expected = stepped(arrays, rmsprop, *HOW, True)
    turned = [np.asfortranarray(array) for array in arrays]
    close(stepped(turned, rmsprop, *HOW, True), expected)
    x, g, s = arrays
    close(stepped((x, turned[1], s), rmsprop, *HOW, True), expected)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.5}, {"centered": True}])
def test_eps_inside_the_root_is_the_formula(options):
    x, g = np.array([1.0, -2.0]), np.array([0.3, 0.01])
    p = minigrad.tensor(x, requires_grad=True, dtype=np.float64)
    p.grad = g.copy()
    optim.RMSprop([p], lr=0.1, alpha=0.9, eps=0.02, eps_inside=True, **options).step()
    spread = 0.1 * g**2 - ((0.1 * g) ** 2 if "centered" in options else 0)
    np.testing.assert_allclose(p.data, x - 0.1 * g / np.sqrt(spread + 0.02), rtol=1e-12)
