"""Reductions that pass over nan: NumPy's values, gradients of both orders, nothing but nan."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from tests.helpers import check_as_numpy
from tests.strategies import axes, draw_array, seeds, shapes

few = settings(max_examples=12, deadline=None)

REDUCTIONS = [
    np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd, np.nanmax, np.nanmin,
]  # fmt: skip


def name(f):
    return f.__name__


def float64(data):
    return minigrad.tensor(data, requires_grad=True, dtype=np.float64)


def with_gaps(x):
    """`x` with nan in the places that are odd in reading order, of which none is the last."""
    gaps = np.arange(x.size).reshape(x.shape) % 2 == 1
    return gaps, np.where(gaps, np.nan, x)


@pytest.mark.parametrize("f", REDUCTIONS, ids=name)
@given(shape=shapes(min_dims=1), seed=seeds, keepdims=st.booleans(), data=st.data())
@few
def test_without_nan_they_are_the_plain_reductions(f, shape, seed, keepdims, data):
    axis = data.draw(axes(len(shape)))
    check_as_numpy(lambda t: f(t, axis=axis, keepdims=keepdims), draw_array(seed, shape))


@pytest.mark.parametrize("f", REDUCTIONS, ids=name)
@pytest.mark.parametrize("axis", [None, 0, (0, 1)])
def test_nan_is_passed_over_and_receives_nothing(f, axis):
    x = draw_array(1, (3, 3))
    gaps, holed = with_gaps(x)
    t = float64(holed)
    y = f(t, axis=axis)
    np.testing.assert_allclose(y.data, f(holed, axis=axis), rtol=1e-14)
    y.backward(np.random.default_rng(0).standard_normal(y.shape))
    np.testing.assert_array_equal(t.grad[gaps], 0)
    assert np.isfinite(t.grad).all()
    # The other entries: as if nan were put in inside f, where differences do not meet it.
    check_as_numpy(lambda u: f(np.where(gaps, np.nan, u), axis=axis), x)


@pytest.mark.parametrize("f", [np.nancumsum, np.nancumprod], ids=name)
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_running_sums_and_products(f, axis):
    gaps, _ = with_gaps(np.ones((3, 3)))
    check_as_numpy(lambda u: f(np.where(gaps, np.nan, u), axis), draw_array(2, (3, 3)))


@pytest.mark.parametrize("f", [np.nanvar, np.nanstd], ids=name)
def test_degrees_of_freedom(f):
    gaps, _ = with_gaps(np.ones((3, 3)))
    check_as_numpy(lambda u: f(np.where(gaps, np.nan, u), axis=0, ddof=0.5), draw_array(3, (3, 3)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("f", REDUCTIONS, ids=name)
def test_nothing_but_nan(f):
    holed = np.array([[np.nan, np.nan], [1.0, np.nan]])
    np.testing.assert_array_equal(f(float64(holed), axis=1).data, f(holed, axis=1))


def test_the_gradient_of_a_spread_of_nothing_is_zero():
    t = float64([2.0, np.nan, 2.0])
    np.nanstd(t).backward()
    np.testing.assert_array_equal(t.grad, 0)
