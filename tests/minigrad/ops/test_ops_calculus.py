"""Points, slopes, integrals and convolutions: NumPy's values, gradients of both orders, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad.errors import ShapeError, UnsupportedError
from tests.helpers import check_as_numpy
from tests.strategies import draw_array, seeds, shapes

few = settings(max_examples=12, deadline=None)
vectors = st.tuples(seeds, st.integers(1, 5)).map(lambda drawn: draw_array(drawn[0], drawn[1:]))


def float64(data):
    return minigrad.tensor(data, requires_grad=True, dtype=np.float64)


@given(shape=shapes(max_dims=2), seed=seeds, num=st.integers(0, 4), endpoint=st.booleans())
@few
def test_linspace(shape, seed, num, endpoint):
    start, stop = draw_array(seed, shape), draw_array(seed + 1, shape)
    check_as_numpy(lambda a, b: np.linspace(a, b, num, endpoint), start, stop)
    check_as_numpy(lambda a: np.linspace(a, 2, num, axis=-1), start)
    check_as_numpy(lambda b: np.linspace(1.5, b, num), stop)


@given(shape=shapes(min_dims=1, max_dims=2), seed=seeds, data=st.data())
@few
def test_gradient(shape, seed, data):
    f = draw_array(seed, [n + 1 for n in shape])
    check_as_numpy(np.gradient, f)
    check_as_numpy(lambda t: np.gradient(t, 0.3), f)
    axis = data.draw(st.integers(-f.ndim, f.ndim - 1))
    places = np.cumsum(np.random.default_rng(seed).uniform(0.1, 1, f.shape[axis]))
    check_as_numpy(lambda t: np.gradient(t, places, axis=axis), f)


def test_gradient_with_a_distance_for_each_axis():
    f = draw_array(0, (3, 4, 2))
    check_as_numpy(lambda t: np.gradient(t, 0.5, [0, 1, 3, 4], axis=(0, 1)), f)


@given(shape=shapes(min_dims=1, max_dims=3), seed=seeds, data=st.data())
@few
def test_trapezoid(shape, seed, data):
    y = draw_array(seed, shape)
    axis = data.draw(st.integers(-y.ndim, y.ndim - 1))
    check_as_numpy(lambda t: np.trapezoid(t, dx=0.3, axis=axis), y)
    check_as_numpy(lambda t, x: np.trapezoid(t, x, axis=axis), y, draw_array(seed + 1, shape))
    places = draw_array(seed + 2, (shape[axis],))
    check_as_numpy(lambda t, x: np.trapezoid(t, x, axis=axis), y, places)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@given(a=vectors, v=vectors)
@few
def test_convolve(mode, a, v):
    check_as_numpy(lambda s, t: np.convolve(s, t, mode), a, v)


@given(n=st.integers(1, 5), m=st.integers(1, 5), seed=seeds)
@few
def test_correlate(n, m, seed):
    a, v = draw_array(seed, (n,)), draw_array(seed + 1, (m,))
    for mode in ("full", "same", "valid"):
        check_as_numpy(lambda t, u: np.correlate(t, u, mode), a, v)
    check_as_numpy(np.correlate, a, v)


def test_float32_stays():
    t = minigrad.tensor([1.0, 2.0, 4.0], requires_grad=True)
    plain = np.array([0.5, 1.5, 2.5])
    for f in (
        lambda t: np.gradient(t, plain),
        lambda t: np.trapezoid(t, plain),
        lambda t: np.convolve(plain, t),
        lambda t: np.linspace(t, plain),
    ):
        y = f(t)
        assert y.dtype == np.float32
        y.backward(np.ones(y.shape))
        assert t.grad.dtype == np.float32


@pytest.mark.parametrize(
    ("message", "call"),
    [
        (r"gradient: an operand of shape \(3, 1\).*two entries", lambda t: np.gradient(t[:, :1])),
        (
            r"gradient: .*shape \(3, 2\) along axis 0.*one place",
            lambda t: np.gradient(t, [0, 1], 1),
        ),
        (r"gradient: 3 distances for 2 axes", lambda t: np.gradient(t, 1, 1, 1)),
        (r"gradient.*axis=2.*0 to 1", lambda t: np.gradient(t, axis=2)),
        (r"trapezoid.*axis=2.*0 to 1", lambda t: np.trapezoid(t, axis=2)),
        (r"convolve: operands of shape \(3, 2\) and \(1,\)", lambda t: np.convolve(t, 1.0)),
    ],
)
def test_a_misfit_names_operation_shape_and_mend(message, call):
    with pytest.raises(ShapeError, match=message):
        call(float64(np.ones((3, 2))))


def test_what_is_not_done_is_refused_by_name():
    with pytest.raises(UnsupportedError, match="edge_order=2"):
        np.gradient(float64([1.0, 2.0, 4.0]), edge_order=2)
    with pytest.raises(UnsupportedError, match="'half' is none of full, same and valid"):
        np.convolve(float64([1.0]), [1.0], "half")
