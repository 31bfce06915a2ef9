"""Sorting, quantiles and differences: NumPy's values, gradients of both orders, ties, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad.errors import ShapeError, UnsupportedError
from tests.helpers import check_as_numpy
from tests.strategies import axes, draw_array, seeds, shapes

few = settings(max_examples=12, deadline=None)


def float64(data, requires_grad=True):
    return minigrad.tensor(data, requires_grad=requires_grad, dtype=np.float64)


@given(shape=shapes(min_dims=1), seed=seeds, data=st.data())
@few
def test_sort(shape, seed, data):
    axis = data.draw(st.one_of(st.none(), st.integers(-len(shape), len(shape) - 1)))
    check_as_numpy(lambda t: np.sort(t, axis), draw_array(seed, shape))


def test_the_gradient_of_equal_entries_goes_back_in_their_order():
    x = float64([2.0, 1.0, 2.0, 1.0])
    np.sort(x).backward([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(x.grad, [3, 1, 4, 2])


@given(shape=shapes(min_dims=1), seed=seeds, data=st.data())
@few
def test_partition(shape, seed, data):
    x, axis = draw_array(seed, shape), data.draw(st.integers(-len(shape), len(shape) - 1))
    kth = data.draw(st.integers(0, shape[axis] - 1))
    check_as_numpy(lambda t: np.partition(t, kth, axis), x)
    check_as_numpy(lambda t: np.partition(t, [0, x.size - 1], None), x)
    with pytest.raises(ShapeError, match=f"partition.*kth={x.size}"):
        np.partition(float64(x), x.size, None)


@given(shape=shapes(), seed=seeds, qs=shapes(max_dims=2), data=st.data())
@few
def test_quantiles_and_the_median(shape, seed, qs, data):
    x, axis, keepdims = (
        draw_array(seed, shape),
        data.draw(axes(len(shape))),
        data.draw(st.booleans()),
    )
    q = np.random.default_rng(seed).uniform(0, 1, qs)
    options = {"axis": axis, "keepdims": keepdims}
    if axis == ():
        return  # nothing is reduced; NumPy itself fails for the median
    check_as_numpy(lambda t: np.quantile(t, q, **options), x)
    check_as_numpy(lambda t: np.percentile(t, 100 * q, **options), x)
    check_as_numpy(lambda t: np.median(t, **options), x)


@pytest.mark.parametrize("n", [1, 2, 3, 6, 7])
@pytest.mark.parametrize("q", [0, 0.25, 0.5, 1])
def test_quantiles_that_fall_on_entries_and_between(n, q):
    check_as_numpy(lambda t: np.quantile(t, q, axis=0), draw_array(n, (n, 2)))


def test_the_median_shares_its_gradient_between_the_two_in_the_middle():
    x = float64([5.0, 1.0, 3.0, 9.0])
    np.median(x).backward(4.0)
    np.testing.assert_array_equal(x.grad, [2, 0, 2, 0])


def test_a_nan_makes_its_quantiles_nan_as_in_numpy():
    x = np.array([[1.0, np.nan, 3.0], [1.0, 2.0, 4.0]])
    for q in (0.3, [0.0, 0.5], [[0.1]]):
        for keepdims in (False, True):
            ours = np.quantile(float64(x), q, axis=1, keepdims=keepdims)
            np.testing.assert_allclose(ours.data, np.quantile(x, q, axis=1, keepdims=keepdims))


@given(shape=shapes(min_dims=1), seed=seeds, n=st.integers(1, 4), data=st.data())
@few
def test_diff(shape, seed, n, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = draw_array(seed, shape)
    check_as_numpy(lambda t: np.diff(t, n, axis), x)
    check_as_numpy(lambda t: np.diff(t, n, axis, prepend=1.5), x)
    check_as_numpy(lambda t, u: np.diff(t, n, axis, prepend=u, append=2), x, draw_array(1, shape))


def test_diff_taken_no_times():
    check_as_numpy(lambda t: np.diff(t, 0), draw_array(0, (2, 3)))
    assert np.diff(float64([1.0, 2.0]), 0, prepend=1).shape == (2,)  # as NumPy: nothing is put on


def test_diff_of_nothing_and_of_float32():
    assert np.diff(float64(np.zeros((0, 2))), axis=0).shape == (0, 2)
    assert np.diff(minigrad.tensor([1.0, 2.0])).dtype == np.float32
    assert np.diff(minigrad.tensor([1, 4])).dtype == np.int64


def test_ediff1d():
    x = draw_array(0, (2, 2))
    check_as_numpy(np.ediff1d, x)
    check_as_numpy(lambda t, u: np.ediff1d(t, to_begin=7.0, to_end=u), x, draw_array(1, 2))


MISFITS = {
    r"sort.*\(2, 3\).*0 to 1": lambda t: np.sort(t, 2),
    r"diff.*\(2, 3\).*0 to 1": lambda t: np.diff(t, axis=2),
    r"quantile.*\(2, 3\).*0 to 1": lambda t: np.median(t, axis=2),
}


@pytest.mark.parametrize(("message", "call"), MISFITS.items(), ids=range(len(MISFITS)))
def test_an_axis_that_is_not_there_is_named(message, call):
    with pytest.raises(ShapeError, match=message):
        call(float64(np.ones((2, 3))))


def test_bad_numbers_and_options_are_refused():
    x = float64([1.0, 2.0])
    with pytest.raises(ValueError, match="100"):
        np.percentile(x, 101)
    with pytest.raises(ValueError, match="n=-1"):
        np.diff(x, -1)
    with pytest.raises(UnsupportedError, match="method="):
        np.quantile(x, 0.5, method="nearest")
    with pytest.raises(UnsupportedError, match="order="):
        np.sort(x, order="f0")


def test_sorting_is_stable_of_whatever_kind():
    x = float64([2.0, 1.0, 2.0, 0.0])
    for options in ({}, {"kind": "heapsort"}, {"kind": "stable"}, {"stable": True}):
        x.grad = None
        np.sort(x, **options).backward([1.0, 2.0, 3.0, 4.0])
        assert x.grad.tolist() == [3, 2, 4, 1]
