"""Reductions and running sums: NumPy's values, gradients of both orders, ties, zeros, empties."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad.errors import ShapeError, UnsupportedError
from minigrad.ops.versions import since
from tests.helpers import check_as_numpy, check_gradient
from tests.strategies import axes, draw_array, seeds, shapes

REDUCTIONS = [np.sum, np.mean, np.var, np.std, np.prod, np.max, np.min, np.amax, np.amin, np.ptp]
METHODS = ["sum", "mean", "var", "std", "prod", "max", "min"]


def float64(data, requires_grad=True):
    return minigrad.tensor(data, requires_grad=requires_grad, dtype=np.float64)


def slope(f, at, upstream=None):
    x = float64(at)
    y = f(x)
    y.backward(np.ones(y.shape) if upstream is None else upstream)
    return x.grad


def name(f):
    return f.__name__


@st.composite
def arrays_with_axis(draw):
    shape = draw(shapes(min_dims=0, max_dims=4, max_side=3))
    return draw_array(draw(seeds), shape), draw(axes(len(shape))), draw(st.booleans())


# -- values and gradients ---------------------------------------------------------------------


@given(f=st.sampled_from([*REDUCTIONS, minigrad.logsumexp]), drawn=arrays_with_axis())
@settings(max_examples=120, deadline=None)
def test_a_reduction_along_any_axes(f, drawn):
    x, axis, keepdims = drawn
    y = f(float64(x), axis=axis, keepdims=keepdims)
    reference = np.logaddexp.reduce if f is minigrad.logsumexp else f
    if axis is None or reference is f:
        expected = reference(x, axis=axis, keepdims=keepdims)
    else:
        expected = np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))
    np.testing.assert_allclose(y.data, expected, rtol=1e-12, atol=1e-12)
    assert y.shape == np.shape(expected)
    if f is np.std and (y.data < 1e-3).any():
        return  # groups of one entry: a kink, tested below
    check_gradient(lambda t: f(t, axis=axis, keepdims=keepdims), x)


@given(f=st.sampled_from([np.cumsum, np.cumprod]), drawn=arrays_with_axis())
@settings(max_examples=40, deadline=None)
def test_a_running_sum_or_product(f, drawn):
    x, axis, _ = drawn
    axis = axis[0] if isinstance(axis, tuple) and axis else None if axis == () else axis
    np.testing.assert_array_equal(f(float64(x), axis=axis).data, f(x, axis=axis))
    check_gradient(lambda t: f(t, axis=axis), x)


def test_running_sums_and_products_by_their_newer_names():
    x = np.array([[0.5, -1.0, 2.0], [3.0, 1.5, 1.0]])
    for f in since("cumulative_sum", "cumulative_prod"):
        check_as_numpy(lambda t: f(t, axis=1), x)
        check_as_numpy(lambda t: f(t, axis=-2, include_initial=True), x)
        check_as_numpy(lambda t: f(t, include_initial=True), x[0])
        with pytest.raises(ShapeError, match=r"\(2, 3\) needs axis="):
            f(float64(x))


@pytest.mark.parametrize("ddof", [0, 1, 0.5])
@pytest.mark.parametrize("f", [np.var, np.std], ids=name)
def test_the_spread_with_degrees_of_freedom(f, ddof):
    x = draw_array(0, (4, 3))
    np.testing.assert_array_equal(f(float64(x), 0, ddof=ddof).data, f(x, 0, ddof=ddof))
    check_gradient(lambda t: f(t, axis=0, ddof=ddof), x)


@pytest.mark.parametrize("method", METHODS)
def test_methods_mean_what_numpy_means(method):
    x = draw_array(1, (2, 3, 2))
    for options in ({}, {"axis": 1}, {"axis": (0, -1), "keepdims": True}):
        y = getattr(float64(x), method)(**options)
        np.testing.assert_array_equal(y.data, getattr(x, method)(**options))


def test_numpys_own_order_of_arguments():
    x = draw_array(2, (2, 3))
    t = float64(x)
    for f in REDUCTIONS:
        np.testing.assert_array_equal(f(t, 0).data, f(x, 0))
        np.testing.assert_array_equal(f(a=t, axis=(0, 1)).data, f(a=x, axis=(0, 1)))
    np.testing.assert_array_equal(np.cumsum(t, 1).data, np.cumsum(x, 1))
    np.testing.assert_array_equal(np.add.reduce(t).data, np.add.reduce(x))
    np.testing.assert_array_equal(np.multiply.reduce(t, axis=1).data, np.multiply.reduce(x, 1))
    np.testing.assert_array_equal(np.maximum.reduce(t, axis=None).data, x.max())


def test_average_with_weights():
    rng = np.random.default_rng(3)
    x, w = rng.normal(size=(2, 3)), rng.uniform(0.5, 2, 3)
    np.testing.assert_allclose(
        np.average(float64(x), axis=1, weights=w).data, np.average(x, axis=1, weights=w)
    )
    check_gradient(lambda t: np.average(t), x)
    check_gradient(lambda t, u: np.average(t, axis=-1, weights=u), x, w)
    check_gradient(lambda t, u: np.average(t, 0, u), x, rng.uniform(0.5, 2, 2))
    check_gradient(lambda t, u: np.average(t, weights=u), x, rng.uniform(0.5, 2, (2, 3)))


def test_analytic_reductions_agree_with_the_complex_step_to_rounding():
    x = draw_array(4, (6,), 0.3, 2)
    for f in (np.sum, np.mean, np.prod):
        steps = x + 1e-30j * np.eye(6)
        expected = [np.imag(f(row)) / 1e-30 for row in steps]
        np.testing.assert_allclose(slope(f, x), expected, rtol=1e-13)
    upstream = np.random.default_rng(0).normal(size=6)
    for f in (np.cumsum, np.cumprod):
        expected = [np.imag(f(row)) @ upstream / 1e-30 for row in x + 1e-30j * np.eye(6)]
        np.testing.assert_allclose(slope(f, x, upstream), expected, rtol=1e-12)


# -- ties, zeros and degenerate groups --------------------------------------------------------


def test_the_largest_entries_share_the_gradient_equally():
    x = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    upstream = np.array([6.0, -3.0])
    expected = [[0, 3, 3], [-1, -1, -1]]
    np.testing.assert_array_equal(slope(lambda t: np.max(t, axis=1), x, upstream), expected)
    np.testing.assert_array_equal(slope(lambda t: np.min(t, axis=1), -x, upstream), expected)
    np.testing.assert_array_equal(slope(np.max, x), [[0, 0.5, 0.5], [0, 0, 0]])
    np.testing.assert_array_equal(
        slope(lambda t: np.max(t, axis=(0, 2)), np.ones((2, 3, 4))), np.full((2, 3, 4), 1 / 8)
    )


@pytest.mark.parametrize("zeros", [[], [1], [0, 2], [0, 1, 2, 3]])
def test_products_with_zeros(zeros):
    x = draw_array(5, (2, 4), 0.5, 2)
    x[0, zeros] = 0
    check_gradient(lambda t: np.prod(t, axis=1), x)
    check_gradient(lambda t: np.prod(t), x)
    check_gradient(lambda t: np.cumprod(t, axis=1), x)


def test_the_third_derivative_of_a_product_with_a_zero():
    x = float64([0.0, 2.0, 3.0])
    y = np.prod(x)
    first = minigrad.grad(y, x, create_graph=True)
    second = minigrad.grad(first[0], x, create_graph=True)  # of x1 x2
    third = minigrad.grad(second[1], x)  # of x2
    np.testing.assert_allclose(second.data, [0, 3, 2])
    np.testing.assert_allclose(third, [0, 0, 1])


def test_the_gradient_of_a_product_survives_its_underflow():
    x = np.array([1e-200, 1e-200, 2.0])
    assert np.prod(x) == 0
    np.testing.assert_allclose(slope(np.prod, x), [2e-200, 2e-200, 0], rtol=1e-15)


def test_std_of_equal_entries_has_slope_zero_and_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(slope(np.std, np.full(3, 2.0)), 0)
        np.testing.assert_array_equal(slope(np.var, np.full(3, 2.0)), 0)


@pytest.mark.parametrize("f", [np.var, np.std], ids=name)
def test_the_spread_of_one_entry_with_one_degree_taken_is_nan(f):
    x = float64([2.0])
    with pytest.warns(RuntimeWarning):
        y = f(x, ddof=1)
    assert np.isnan(y.data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y.backward()
    assert np.isnan(x.grad).all()


def test_logsumexp_neither_overflows_nor_underflows():
    x = np.array([[1000.0, 1000.0], [-1000.0, -1000.0], [-np.inf, 5.0], [-np.inf, -np.inf]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = minigrad.logsumexp(float64(x), axis=1)
        np.testing.assert_allclose(y.data, [1000 + np.log(2), -1000 + np.log(2), 5, -np.inf])
        gradient = slope(lambda t: minigrad.logsumexp(t, axis=1), x)
        np.testing.assert_allclose(gradient, [[0.5, 0.5], [0.5, 0.5], [0, 1], [0, 0]])


def test_the_gradient_of_logsumexp_is_softmax():
    x = draw_array(6, (3, 4))
    softmax = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(slope(lambda t: minigrad.logsumexp(t, axis=1), x), softmax)


# -- empty arrays and arrays without axes -----------------------------------------------------


def test_sums_and_products_of_nothing():
    x = np.zeros((0, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for f, value in ((np.sum, 0), (np.prod, 1)):
            assert f(float64(x)).data == value
            np.testing.assert_array_equal(f(float64(x), axis=0).data, np.full(3, value))
            assert slope(lambda t: f(t, axis=0), x, np.ones(3)).shape == (0, 3)
            assert slope(lambda t: f(t, axis=1), x).shape == (0, 3)
        assert slope(np.cumsum, x).shape == slope(lambda t: np.cumprod(t, 1), x).shape == (0, 3)


@pytest.mark.parametrize("axis", [None, 0, -1, ()])
def test_an_array_without_axes_reduces_to_itself_as_in_numpy(axis):
    for f in (np.sum, np.mean, np.prod, np.max):
        y = f(float64(3.0), axis=axis)
        assert y.shape == ()
        assert y.data == 3
        assert slope(lambda t: f(t, axis=axis), 3.0) == 1


def test_the_mean_of_nothing_warns_as_numpy_does_and_its_gradient_does_not():
    x = float64(np.zeros(0))
    with pytest.warns(RuntimeWarning):
        y = np.mean(x)
    assert np.isnan(y.data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y.backward()
    assert x.grad.shape == (0,)


@pytest.mark.parametrize("f", [np.max, np.min, minigrad.logsumexp], ids=name)
def test_the_extreme_of_nothing_is_an_error(f):
    with pytest.raises(ShapeError, match="zero-size"):
        f(float64(np.zeros((0, 3))), axis=0)


@pytest.mark.parametrize("f", [*REDUCTIONS, np.cumsum, np.cumprod], ids=name)
def test_an_axis_that_is_not_there_is_an_error(f):
    with pytest.raises((ShapeError, np.exceptions.AxisError), match="axis 2"):
        f(float64(np.ones((2, 3))), axis=2)


# -- dtypes and refusals ----------------------------------------------------------------------


@pytest.mark.parametrize("f", [*REDUCTIONS, np.cumsum, np.cumprod, np.average], ids=name)
def test_float32_stays_float32(f):
    x = minigrad.tensor([[0.5, 0.7], [1.0, 2.0]], requires_grad=True)
    y = f(x)
    assert type(y) is minigrad.Tensor
    assert y.dtype == np.float32
    y.backward(np.ones(y.shape))
    assert x.grad.dtype == np.float32
    assert f(x, axis=1).dtype == np.float32


@pytest.mark.parametrize("f", [np.sum, np.mean, np.var, np.prod, np.max, np.cumsum], ids=name)
@pytest.mark.parametrize("x", [np.array([3, 1, 2]), np.array([True, False])], ids=["int", "bool"])
def test_integers_and_bools_follow_numpy(f, x):
    y = f(minigrad.tensor(x))
    assert type(y) is minigrad.Tensor
    assert y.dtype == f(x).dtype
    np.testing.assert_array_equal(y.data, f(x))


@pytest.mark.parametrize("f", [np.sum, np.mean, np.var, np.std, np.prod], ids=name)
@pytest.mark.parametrize(
    ("option", "value", "remedy"),
    [
        ("where", [True, False], "np.where"),
        ("dtype", np.float64, "astype"),
        ("out", np.zeros(()), "out="),
    ],
)
def test_options_that_leave_the_graph_are_refused_with_a_remedy(f, option, value, remedy):
    with pytest.raises(UnsupportedError, match=remedy):
        f(float64([1.0, 2.0]), **{option: value})


@pytest.mark.parametrize("f", [np.sum, np.prod, np.max, np.min, np.amax], ids=name)
def test_an_initial_value_is_refused(f):
    with pytest.raises(UnsupportedError, match="initial"):
        f(float64([1.0, 2.0]), initial=0.5)


def test_backward_of_a_sum_gives_memory_of_its_own():
    x = float64(np.ones((2, 2)))
    y = x * 1.0
    y.retain_grad()
    y.sum().backward()
    x.grad[0, 0] = 5
    y.grad[1, 1] = 7
    np.testing.assert_array_equal(x.grad, [[5, 1], [1, 1]])
    np.testing.assert_array_equal(y.grad, [[1, 1], [1, 7]])
