"""Elementwise functions: NumPy's values, gradients of both orders, dtypes, edges."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad.errors import DtypeError, UnsupportedError
from tests.helpers import check_as_numpy, check_gradient
from tests.strategies import draw_array, seeds, shape_pairs

# Each function with an interval on which it is smooth.
SMOOTH = {
    np.exp: (-2, 2), np.expm1: (-2, 2), np.exp2: (-2, 2),
    np.log: (0.3, 3), np.log1p: (-0.6, 3), np.log2: (0.3, 3), np.log10: (0.3, 3),
    np.cbrt: (0.3, 3), np.sqrt: (0.3, 3), np.square: (-2, 2), np.reciprocal: (0.4, 2),
    np.sin: (-4, 4), np.cos: (-4, 4), np.tan: (-1.3, 1.3),
    np.arcsin: (-0.9, 0.9), np.arccos: (-0.9, 0.9), np.arctan: (-3, 3),
    np.sinh: (-2, 2), np.cosh: (-2, 2), np.tanh: (-2, 2),
    np.arcsinh: (-3, 3), np.arccosh: (1.2, 3), np.arctanh: (-0.9, 0.9),
    np.sinc: (-2, 2), np.deg2rad: (-2, 2), np.rad2deg: (-2, 2),
    np.degrees: (-2, 2), np.radians: (-2, 2),
    np.negative: (-2, 2), np.positive: (-2, 2), np.absolute: (0.2, 2), np.fabs: (-2, -0.2),
    np.nan_to_num: (-2, 2), np.real: (-2, 2), np.conjugate: (-2, 2),
}  # fmt: skip
NOT_ANALYTIC = {
    np.absolute, np.fabs, np.cbrt, np.sinc, np.nan_to_num,
    np.deg2rad, np.rad2deg, np.degrees, np.radians, np.real, np.conjugate,
}  # fmt: skip
STEPS = [np.imag, np.sign, np.floor, np.ceil, np.trunc, np.fix, np.rint, np.round, np.around]
OURS = [minigrad.sigmoid, minigrad.softplus, minigrad.log_sigmoid]
PAIRS = {
    np.add: (-2, 2), np.subtract: (-2, 2), np.multiply: (-2, 2), np.divide: (0.4, 2),
    np.power: (0.4, 2), np.logaddexp: (-2, 2), np.logaddexp2: (-2, 2), np.arctan2: (0.4, 2),
    np.hypot: (0.3, 2), np.maximum: (-2, 2), np.minimum: (-2, 2), np.fmax: (-2, 2),
    np.fmin: (-2, 2), np.remainder: (0.4, 2), np.fmod: (0.4, 2), np.floor_divide: (0.4, 2),
    np.float_power: (0.4, 2),
}  # fmt: skip


def float64(data, requires_grad=True):
    return minigrad.tensor(data, requires_grad=requires_grad, dtype=np.float64)


def slope(f, at, upstream=None):
    """The gradient of f at a number or an array, in float64."""
    x = float64(at)
    y = f(x)
    y.backward(np.ones(y.shape) if upstream is None else upstream)
    return x.grad


def name(f):
    return f.__name__


# -- values and gradients ---------------------------------------------------------------------


@pytest.mark.parametrize("f", SMOOTH, ids=name)
@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (2, 0)])
def test_a_smooth_function_of_one_operand(f, shape):
    x = draw_array(hash(shape) % 1000, shape, *SMOOTH[f])
    np.testing.assert_array_equal(f(float64(x)).data, f(x))
    check_gradient(f, x)


@pytest.mark.parametrize("f", [f for f in SMOOTH if f not in NOT_ANALYTIC], ids=name)
def test_an_analytic_function_agrees_with_the_complex_step_to_rounding(f):
    x = draw_array(1, (50,), *SMOOTH[f])
    expected = np.imag(f(x + 1e-30j)) / 1e-30
    np.testing.assert_allclose(slope(f, x), expected, rtol=1e-13)


@pytest.mark.parametrize("f", STEPS, ids=name)
def test_a_step_function_has_gradient_zero(f):
    x = np.array([[-1.7, -0.5, 0.0], [0.5, 1.2, 2.5]])
    np.testing.assert_array_equal(f(float64(x)).data, f(x))
    np.testing.assert_array_equal(slope(f, x, np.random.default_rng(0).normal(size=(2, 3))), 0)
    check_gradient(f, x + 0.1)


def test_round_takes_decimals():
    x = float64([1.234, -5.678])
    np.testing.assert_array_equal(np.round(x, 1).data, [1.2, -5.7])
    np.testing.assert_array_equal(np.round(x, decimals=2).data, [1.23, -5.68])


@given(f=st.sampled_from(list(PAIRS)), shapes=shape_pairs(), seed=seeds)
@settings(max_examples=60, deadline=None)
def test_functions_of_two_operands_broadcast(f, shapes, seed):
    a = draw_array(seed, shapes[0], *PAIRS[f])
    b = draw_array(seed + 1, shapes[1], *PAIRS[f])
    np.testing.assert_allclose(f(float64(a), float64(b)).data, f(a, b), rtol=1e-15)
    check_gradient(f, a, b, kinks=f in {np.remainder, np.fmod, np.floor_divide})


@pytest.mark.parametrize("f", PAIRS, ids=name)
def test_functions_of_two_operands_with_repeated_and_scalar_operands(f):
    low, high = PAIRS[f]
    x = draw_array(3, (2, 3), low, high)
    check_gradient(lambda a: f(a, 1.3), x)
    check_gradient(lambda a: f(1.3, a), x)
    check_gradient(lambda a: f(a, np.float64(0.7) * a), x, kinks=True)


@pytest.mark.parametrize("f", OURS, ids=name)
@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (2, 0)])
def test_our_own_names(f, shape):
    check_gradient(f, draw_array(5, shape, -3, 3))


def test_where_chooses_and_passes_the_gradient_to_the_chosen():
    rng = np.random.default_rng(0)
    mask = rng.random((2, 3)) > 0.5
    check_gradient(lambda a, b: np.where(mask, a, b), rng.normal(size=(2, 3)), rng.normal(size=3))
    check_gradient(lambda a: np.where(mask, a, 2.0), rng.normal(size=()))
    check_gradient(lambda a: np.where(minigrad.tensor(mask), 0, a), rng.normal(size=(4, 1, 1)))
    check_gradient(lambda a: np.where([1, 0, 2], a, -a), rng.normal(size=3))


def test_where_with_a_condition_alone_gives_plain_positions():
    x = float64([0.0, 3.0, 0.0, 4.0])
    (positions,) = np.where(x)
    assert type(positions) is np.ndarray
    assert positions.tolist() == [1, 3]
    assert np.where(x > 3.5)[0].tolist() == [3]


def test_where_is_not_misled_by_a_condition_changed_before_backward():
    x, mask = float64([1.0, 2.0]), np.array([True, False])
    y = np.where(mask, x, 0.0)
    mask[:] = False
    y.backward(np.ones(2))
    np.testing.assert_array_equal(x.grad, [1, 0])


def test_an_infinite_slope_in_a_branch_not_chosen_does_not_leak():
    x = np.array([-1.0, 0.0, 4.0])
    with np.errstate(divide="ignore"):
        gradient = slope(lambda t: np.sqrt(np.where(t > 1, t, 0.0)), x)
        np.testing.assert_array_equal(gradient, [0, 0, 0.25])
        gradient = slope(lambda t: np.sqrt(np.max(t)), [-1.0, 0.0])
        np.testing.assert_array_equal(gradient, [0, np.inf])
        gradient = slope(lambda t: np.sqrt(np.clip(t, 0.5, None) - 0.5), [0.0, 4.5])
        np.testing.assert_array_equal(gradient, [0, 0.25])
        gradient = slope(lambda t: np.sqrt(np.maximum(t, 0)), [-1.0, 4.0])
        np.testing.assert_array_equal(gradient, [0, 0.25])


@pytest.mark.parametrize(
    "clip",
    [
        lambda x, low, high: np.clip(x, low, high),
        lambda x, low, high: np.clip(x, a_min=low, a_max=high),
        lambda x, low, high: np.clip(a=x, a_min=low, a_max=high),
    ],
)
def test_clip_with_tensor_bounds(clip):
    rng = np.random.default_rng(2)
    low, high = rng.uniform(-1.5, -0.3, (3,)), rng.uniform(0.3, 1.5, (2, 1))
    check_gradient(clip, rng.uniform(-2, 2, (2, 3)), low, high)


def test_clip_where_the_bounds_cross_gives_the_upper_one_its_gradient():
    rng = np.random.default_rng(2)
    check_gradient(np.clip, rng.uniform(-2, 2, 5), rng.uniform(0.2, 1, 5), rng.uniform(-1, -0.2, 5))


def test_clip_with_one_bound_or_none():
    x = np.array([-2.0, -0.5, 0.4, 3.0])
    t = float64(x)
    for arguments, options in [
        ((), {"min": -1, "max": 1}),
        ((), {"min": -1}),
        ((), {"max": 1}),
        ((None, 1.0), {}),
        ((0.0, None), {}),
        ((None, None), {}),
    ]:
        expected = np.clip(x, *arguments, **options)
        np.testing.assert_array_equal(np.clip(t, *arguments, **options).data, expected)
        inside = (expected == x).astype(float)
        np.testing.assert_array_equal(slope(lambda t: np.clip(t, *arguments, **options), x), inside)
    check_gradient(lambda low: np.clip(np.array([0.1, 2.0]), low, None), np.array([1.0, 1.0]))
    np.testing.assert_array_equal(t.clip(min=0, max=1).data, x.clip(0, 1))
    np.testing.assert_array_equal(np.clip(x, min=float64(0.0)).data, x.clip(0))


# -- conventions at kinks, ties and edges -----------------------------------------------------


def test_maximum_and_minimum_share_at_ties():
    for f in (np.maximum, np.minimum, np.fmax, np.fmin):
        a, b = float64([1.0, 2.0]), float64([1.0, 2.0])
        f(a, b).backward(np.array([1.0, -3.0]))
        np.testing.assert_array_equal(a.grad, [0.5, -1.5])
        np.testing.assert_array_equal(b.grad, [0.5, -1.5])
        np.testing.assert_array_equal(slope(lambda t: f(t, 0), np.zeros(2)), 0.5)


def test_fmax_and_fmin_prefer_a_number_to_nan():
    for f in (np.fmax, np.fmin):
        a, b = float64([np.nan, 1.0]), float64([2.0, np.nan])
        y = f(a, b)
        np.testing.assert_array_equal(y.data, [2, 1])
        y.backward(np.array([3.0, 4.0]))
        np.testing.assert_array_equal(a.grad, [0, 4])
        np.testing.assert_array_equal(b.grad, [3, 0])


def test_clip_passes_the_gradient_at_its_bounds():
    np.testing.assert_array_equal(slope(lambda t: np.clip(t, 0, 1), [0.0, 1.0]), 1)


def test_absolute_and_sign_at_zero():
    np.testing.assert_array_equal(slope(np.abs, [0.0, -0.0]), 0)
    np.testing.assert_array_equal(slope(abs, [-2.0, 2.0]), [-1, 1])
    np.testing.assert_array_equal(slope(np.sign, [0.0]), 0)


def test_the_step_of_heaviside_passes_to_its_value_at_zero_alone():
    x, h = float64([-1.0, 0.0, 2.0]), float64(0.25)
    y = np.heaviside(x, h)
    assert y.tolist() == [0, 0.25, 1]
    y.backward([3.0, 5.0, 7.0])
    assert x.grad.tolist() == [0, 0, 0]
    assert h.grad == 5


def test_hypot_at_the_origin_has_slope_zero():
    np.testing.assert_array_equal(slope(lambda t: np.hypot(t, 0.0), [0.0, 3.0]), [0, 1])


def test_sinc_and_its_derivatives_at_and_near_zero():
    for x in (0.0, 1e-9, 1e-3, 0.0999, 0.1001):
        t = float64(x)
        first = minigrad.grad(np.sinc(t), t, create_graph=True)
        second = minigrad.grad(first, t, create_graph=True)
        z = math.pi * x
        # The series of sinc, differentiated term by term.
        terms = [(-1) ** k * math.pi ** (2 * k) / math.factorial(2 * k + 1) for k in range(12)]
        one = sum(c * 2 * k * x ** (2 * k - 1) for k, c in enumerate(terms) if k)
        two = sum(c * 2 * k * (2 * k - 1) * x ** (2 * k - 2) for k, c in enumerate(terms) if k)
        np.testing.assert_allclose(first.data, one, rtol=1e-12, atol=1e-15, err_msg=str(z))
        np.testing.assert_allclose(second.data, two, rtol=1e-10)


def test_sqrt_and_cbrt_at_zero_have_an_infinite_slope():
    for f in (np.sqrt, np.cbrt):
        with np.errstate(divide="ignore"):
            np.testing.assert_array_equal(slope(f, [0.0, 1.0])[0], np.inf)


def test_integer_powers_of_negative_numbers():
    x = np.array([-2.0, -0.5, 3.0])
    for exponent in (2, 3, -1, 2.0, 3.0, np.float64(3), np.int64(3), 1, 0):
        check_gradient(lambda t: t**exponent, x)
        expected = exponent * x ** (float(exponent) - 1)
        np.testing.assert_allclose(slope(lambda t: t**exponent, x), expected, rtol=1e-14)


def test_powers_with_zero():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(slope(lambda t: t**0, [0.0, 2.0]), 0)
        np.testing.assert_array_equal(slope(lambda t: t**1, [0.0]), 1)
        np.testing.assert_array_equal(slope(lambda t: t**2, [0.0]), 0)
        np.testing.assert_array_equal(slope(lambda t: 0**t, [0.0, 2.0]), 0)
        exponents = np.array([0.0, 1.0, 2.0])
        np.testing.assert_array_equal(slope(lambda t: t**exponents, np.zeros(3)), [0, 1, 0])
        np.testing.assert_array_equal(slope(lambda t: np.zeros(3) ** t, exponents), 0)
        np.testing.assert_array_equal(slope(lambda t: np.power(2.0, t), [3.0]), [8 * math.log(2)])


def test_the_exponent_of_a_negative_number_has_no_slope_but_the_base_has():
    a, b = float64([-2.0]), float64([2.0])
    with np.errstate(invalid="ignore"):
        (a**b).backward(np.array([1.0]))
    np.testing.assert_array_equal(a.grad, [-4])
    assert np.isnan(b.grad).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert slope(lambda t: t ** np.array([2.0]), [-2.0]) == [-4]


def test_the_mixed_derivative_of_a_power_at_exponent_zero():
    a, b = float64(2.0), float64(0.0)
    slope_a = minigrad.grad(a**b, a, create_graph=True)
    assert minigrad.grad(slope_a, b) == 0.5  # d/db b a^(b-1) = a^-1 at b = 0


def test_a_nan_is_not_lost_from_sight():
    """As in PyTorch: each operand that may be the extreme receives the gradient."""
    for f, slopes in (
        (np.max, [0, 1, 0]),
        (np.min, [0, 1, 0]),
        (lambda t: np.sum(np.maximum(t, 1.5)), [0, 1, 1]),
        (lambda t: np.sum(np.minimum(1.5, t)), [1, 1, 0]),
    ):
        x = float64([1.0, np.nan, 2.0])
        f(x).backward()
        np.testing.assert_array_equal(x.grad, slopes)


def test_quotient_and_remainder_at_once():
    a, b = np.array([5.5, -5.5, 1.1]), np.array([2.0, 2.0, -0.75])
    check_as_numpy(np.divmod, a, b)
    check_as_numpy(divmod, a, b)
    check_as_numpy(lambda t: divmod(t, 2.0), a)
    check_as_numpy(lambda t: divmod(7.0, t), a)


def test_the_names_that_tell_complex_numbers_from_real_ones():
    x = float64([1.5, -2.0])
    assert type(np.angle(x)) is np.ndarray
    np.testing.assert_array_equal(np.angle(x, deg=True), [0, 180])
    check_as_numpy(np.real_if_close, x.data)


def test_copysign():
    a, b = np.array([1.5, -2.0, 3.0]), np.array([-1.0, 2.0, -0.5])
    check_as_numpy(np.copysign, a, b)
    zeros = np.array([0.0, -0.0, 1.0])
    np.testing.assert_array_equal(np.copysign(float64(a), zeros).data, np.copysign(a, zeros))


def test_remainder_and_floor_division_follow_python_for_negative_numbers():
    x = float64([-3.5, 3.5])
    np.testing.assert_array_equal((x % 2).data, [0.5, 1.5])
    np.testing.assert_array_equal((x // 2).data, [-2, 1])
    np.testing.assert_array_equal((-7.0 % float64([2.0, -2.0])).data, [1, -1])
    np.testing.assert_array_equal(np.fmod(x, 2).data, [-1.5, 1.5])
    np.testing.assert_array_equal(slope(lambda t: -7.0 % t, [2.0, -2.5]), [4, -2])
    np.testing.assert_array_equal(slope(lambda t: np.fmod(-7.0, t), [2.0, -2.5]), [3, -2])


def test_nan_to_num_has_gradient_zero_where_it_replaces():
    x = [1.0, np.nan, np.inf, -np.inf]
    y = np.nan_to_num(float64(x), nan=7.0, posinf=8.0)
    np.testing.assert_array_equal(y.data, [1, 7, 8, np.finfo(np.float64).min])
    np.testing.assert_array_equal(slope(np.nan_to_num, x), [1, 0, 0, 0])


# -- stability --------------------------------------------------------------------------------


def test_sigmoid_and_its_kin_neither_overflow_nor_lose_the_tails():
    x = np.array([-1000.0, -40.0, 0.0, 40.0, 1000.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(
            minigrad.sigmoid(float64(x)).data, [0, np.exp(-40), 0.5, 1, 1], rtol=1e-14
        )
        np.testing.assert_allclose(
            minigrad.softplus(float64(x)).data, [0, np.exp(-40), np.log(2), 40, 1000], rtol=1e-14
        )
        np.testing.assert_allclose(
            minigrad.log_sigmoid(float64(x)).data,
            [-1000, -40, -np.log(2), -np.exp(-40), 0],
            rtol=1e-14,
        )
        np.testing.assert_allclose(slope(minigrad.sigmoid, x)[:2], [0, np.exp(-40)], rtol=1e-14)
        np.testing.assert_allclose(slope(minigrad.log_sigmoid, x), [1, 1, 0.5, np.exp(-40), 0])


@pytest.mark.parametrize("f", [np.logaddexp, np.logaddexp2], ids=name)
def test_logaddexp_of_nothing_and_something(f):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nothing = np.array([-np.inf, -np.inf, 900.0])
        gradient = slope(lambda t: f(t, np.array([-np.inf, 3.0, -900.0])), nothing)
    np.testing.assert_array_equal(gradient, [0, 0, 1])


# -- dtypes and kinds of operands -------------------------------------------------------------


@pytest.mark.parametrize("f", [*SMOOTH, *STEPS, *OURS], ids=name)
def test_float32_stays_float32(f):
    x = minigrad.tensor([0.5, 0.7], requires_grad=True)
    if f is np.arccosh:
        x = minigrad.tensor([1.5, 1.7], requires_grad=True)
    y = f(x)
    assert y.dtype == np.float32
    assert type(y) is minigrad.Tensor
    y.backward(np.ones(2))
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize("f", PAIRS, ids=name)
@pytest.mark.parametrize(
    "other", [2.5, 3, np.float64(2.5), np.array([1.5, 2.5]), np.array([1, 2]), [1.0, 2.0]]
)
def test_plain_operands_take_the_dtype_of_the_tensor(f, other):
    x = minigrad.tensor([0.5, 0.7], requires_grad=True)
    for y in (f(x, other), f(other, x)):
        assert type(y) is minigrad.Tensor
        assert y.dtype == np.float32
        x.grad = None
        y.backward(np.ones(2))
        assert x.grad.dtype == np.float32


def test_operators_take_plain_operands_on_both_sides():
    x = minigrad.tensor([1.0, 2.0])
    array = np.array([3.0, 4.0])
    for y in (np.float64(2) * x, array * x, x * array, [3.0, 4.0] + x, x + [3, 4], 2**x, array % x):
        assert type(y) is minigrad.Tensor
        assert y.dtype == np.float32
    np.testing.assert_array_equal(([3.0, 4.0] - x).data, [2, 2])
    np.testing.assert_array_equal((array / x).data, [3, 2])


def test_the_highest_float_dtype_among_the_tensors_wins():
    single, double = minigrad.tensor([1.0]), float64([2.0])
    for f in PAIRS:
        assert f(single, double).dtype == np.float64
        assert f(single, minigrad.tensor([2])).dtype == np.float32
    assert np.where([True], single, double).dtype == np.float64


def test_integer_tensors_follow_numpy():
    i, j = np.array([7, -8]), np.array([3, 3])
    t, u = minigrad.tensor(i), minigrad.tensor(j)
    for f in (np.add, np.multiply, np.divide, np.remainder, np.floor_divide, np.power, np.maximum):
        assert f(t, u).dtype == f(i, j).dtype
        np.testing.assert_array_equal(f(t, u).data, f(i, j))
    for f in (np.abs, np.sign, np.exp, np.floor, np.nan_to_num):
        assert f(t).dtype == f(i).dtype
        np.testing.assert_array_equal(f(t).data, f(i))
    np.testing.assert_array_equal(np.clip(t, 0, 5).data, [5, 0])


def test_complex_operands_are_refused():
    with pytest.raises(DtypeError, match="complex128"):
        minigrad.tensor([1.0]) * np.array([1j])


# -- what is refused, and what is plain -------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "remedy"),
    [
        (lambda t: np.exp(t, where=t > 0), "np.where"),
        (lambda t: np.add(t, t, dtype=np.float64), "astype"),
        (lambda t: np.tanh(t, out=np.zeros(2)), "out="),
        (lambda t: np.clip(t, 0, 1, out=np.zeros(2)), "out="),
        (lambda t: np.add.at(t, 0, 1.0), "indexing"),
        (lambda t: np.i0(t), "detach"),
    ],
)
def test_what_leaves_the_graph_is_refused_with_a_remedy(call, remedy):
    with pytest.raises(UnsupportedError, match=remedy):
        call(float64([1.0, 2.0]))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.less(x, 1.5), lambda x: np.greater_equal(1.5, x), lambda x: np.equal(x, x),
        lambda x: np.logical_and(x, x > 1), np.logical_not, np.isnan, np.isinf, np.isfinite,
        np.signbit, np.isposinf, np.argmax, lambda x: np.argmin(x, axis=1), np.argsort,
        lambda x: np.argsort(x, axis=0), np.nonzero, np.argwhere, np.flatnonzero,
        lambda x: np.count_nonzero(x, axis=0), lambda x: np.any(x, axis=0, keepdims=True), np.all,
        np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, lambda x: np.full_like(x, 3),
        lambda x: np.isclose(x, 1.0), lambda x: np.allclose(x, x), lambda x: np.array_equal(x, x),
        lambda x: np.searchsorted([0.0, 1.0, 2.0], x), np.result_type,
        np.iscomplexobj, lambda x: np.histogram(x, bins=3)[0], np.array2string,
    ],
)  # fmt: skip
def test_functions_without_a_gradient_give_plain_results(f):
    x = np.array([[0.5, -1.0, 2.0], [0.0, 1.5, 1.0]])
    actual, expected = f(float64(x)), f(x)
    assert type(actual) is type(expected)
    np.testing.assert_array_equal(actual, expected)
