"""Activations and softmax by their three witnesses, far from 0, and at the kink."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import layers
import layers.functional as F
import minigrad
from layers.errors import OptionError
from minigrad.errors import DtypeError, ShapeError
from tests.layers import composed
from tests.strategies import draw_array, seeds, shapes

SMOOTH = {
    "sigmoid": (F.sigmoid, composed.sigmoid),
    "tanh": (F.tanh, composed.tanh),
    "softplus": (lambda x: F.softplus(x, 1.5), lambda x: composed.softplus(x, 1.5)),
}
KINKED = {
    "relu": (F.relu, composed.relu),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.2), lambda x: composed.leaky_relu(x, 0.2)),
}


@pytest.mark.parametrize("name", [*SMOOTH, *KINKED])
@settings(max_examples=15, deadline=None)
@given(seed=seeds, shape=shapes(0, 4))
def test_activations_by_three_witnesses(name, seed, shape):
    hand, composition = {**SMOOTH, **KINKED}[name]
    x = draw_array(seed, shape)
    x = np.where(np.abs(x) < 1e-3, 0.5, x)  # away from the kink
    composed.check_three(hand, composition, x, second=True)


@settings(max_examples=25, deadline=None)
@given(st.data(), seeds, shapes(1, 4))
def test_softmax_and_its_logarithm_by_three_witnesses(data, seed, shape):
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = draw_array(seed, shape)
    for name in ("softmax", "log_softmax"):
        composed.check_three(
            lambda t, name=name: getattr(F, name)(t, dim),
            lambda t, name=name: getattr(composed, name)(t, dim),
            x,
            second=True,
        )


def test_the_subgradient_at_the_kink_is_pytorchs():
    x = minigrad.tensor([0.0, -0.0], requires_grad=True)
    F.relu(x).backward([3.0, 3.0])
    assert x.grad.tolist() == [0, 0]
    x.grad = None
    F.leaky_relu(x, 0.5).backward([3.0, 3.0])
    assert x.grad.tolist() == [1.5, 1.5]


def test_nothing_overflows_far_from_zero():
    x = np.array([-1e4, -200.0, 200.0, 1e4], np.float32)
    np.testing.assert_allclose(F.sigmoid(x).data, [0, 0, 1, 1], atol=1e-30)
    np.testing.assert_allclose(F.softplus(x).data, [0, 0, 200, 1e4], atol=1e-30)
    np.testing.assert_allclose(F.softmax(x, 0).data, [0, 0, 0, 1])
    np.testing.assert_allclose(F.log_softmax(x, 0).data, [-2e4, -10200, -9800, 0])
    # The left tail keeps its relative precision.
    np.testing.assert_allclose(F.sigmoid(np.float32([-50.0])).data, np.exp([-50.0]), rtol=1e-5)


def test_nan_stays_nan_and_float32_stays_float32():
    x = minigrad.tensor([[np.nan, 1.0, -1.0]], requires_grad=True)
    functions = [
        F.relu, F.leaky_relu, F.sigmoid, F.tanh, F.softplus,
        lambda t: F.softmax(t, 1), lambda t: F.log_softmax(t, 1),
    ]  # fmt: skip
    for f in functions:
        y = f(x)
        assert np.isnan(y.data[0, 0])
        assert y.dtype == np.float32
        x.grad = None
        y.backward(np.ones((1, 3)))
        assert x.grad.dtype == np.float32
    assert not np.isnan(F.relu(x).data[0, 1:]).any()


def test_modules_do_what_their_functions_do():
    x = np.random.default_rng(0).standard_normal((2, 3)).astype(np.float32)
    pairs = [
        (layers.ReLU(), F.relu(x)),
        (layers.LeakyReLU(0.3), F.leaky_relu(x, 0.3)),
        (layers.Sigmoid(), F.sigmoid(x)),
        (layers.Tanh(), F.tanh(x)),
        (layers.Softplus(2.0), F.softplus(x, 2.0)),
        (layers.Softmax(1), F.softmax(x, 1)),
        (layers.LogSoftmax(1), F.log_softmax(x, 1)),
    ]
    for module, expected in pairs:
        np.testing.assert_array_equal(module(x).data, expected.data)
    assert repr(layers.LeakyReLU(0.3)) == "LeakyReLU(negative_slope=0.3)"
    assert repr(layers.LogSoftmax(1)) == "LogSoftmax(dim=1)"


def test_empty_inputs_give_empty_outputs():
    empty = np.zeros((0, 3))
    for f in (F.relu, F.sigmoid, lambda t: F.softmax(t, 1), lambda t: F.log_softmax(t, 1)):
        assert f(empty).shape == (0, 3)


def test_wrong_input_is_refused():
    with pytest.raises(ShapeError, match=r"dim=2 is no axis.*\(2, 3\)"):
        F.softmax(np.zeros((2, 3)), 2)
    with pytest.raises(DtypeError, match="int64"):
        F.relu(np.arange(3))
    with pytest.raises(OptionError, match="beta"):
        F.softplus(np.zeros(3), 0)
