"""Linear by its three witnesses, its initial numbers, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import layers.functional as F
import minigrad
from layers import Linear
from layers.errors import OptionError
from minigrad.errors import DtypeError, ShapeError
from tests.layers import composed
from tests.strategies import draw_array, seeds, shapes


@settings(max_examples=30, deadline=None)
@given(seeds, shapes(0, 3), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_linear_by_three_witnesses(seed, leading, inputs, outputs, with_bias):
    arrays = [draw_array(seed, (*leading, inputs)), draw_array(seed + 1, (outputs, inputs))]
    if with_bias:
        arrays.append(draw_array(seed + 2, (outputs,)))
    composed.check_three(F.linear, composed.linear, *arrays, second=True)


def test_float32_stays_float32_forward_and_backward():
    layer = Linear(3, 2)
    x = minigrad.tensor(np.ones((4, 3)), requires_grad=True)
    y = layer(x)
    y.backward(np.ones((4, 2)))
    assert {a.dtype for a in (y, x.grad, layer.weight.grad, layer.bias.grad)} == {
        np.dtype(np.float32)
    }
    # A plain float64 array takes the dtype of the parameters.
    assert layer(np.ones((4, 3))).dtype == np.float32


def test_initial_numbers_fill_pytorchs_interval_and_come_from_rng():
    layer = Linear(25, 400, rng=np.random.default_rng(0))
    for array in (layer.weight.data, layer.bias.data):
        assert np.abs(array).max() <= 0.2
        assert np.abs(array).max() > 0.19
        assert abs(array.mean()) < 0.02
        assert array.dtype == np.float32
    again = Linear(25, 400, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(again.weight.data, layer.weight.data)
    minigrad.manual_seed(3)
    one = Linear(3, 3)
    minigrad.manual_seed(3)
    np.testing.assert_array_equal(Linear(3, 3).weight.data, one.weight.data)
    assert np.any(Linear(3, 3).weight.data != one.weight.data)


def test_non_contiguous_and_read_only_input_and_an_empty_batch():
    layer = Linear(3, 2)
    x = np.random.default_rng(0).standard_normal((3, 8)).astype(np.float32)
    x.flags.writeable = False
    np.testing.assert_allclose(layer(x.T).data, layer(x.T.copy()).data, rtol=1e-6)
    y = layer(x.T[:0])
    assert y.shape == (0, 2)
    y.backward(np.zeros((0, 2)))
    np.testing.assert_array_equal(layer.weight.grad, np.zeros((2, 3)))


def test_lists_are_read_and_whole_numbers_refused_in_every_operand():
    y = F.linear([[1.0, 2.0]], [[3.0, 4.0]], [0.5])
    assert y.tolist() == [[11.5]]
    with pytest.raises(DtypeError, match="the weight has dtype int64"):
        F.linear([[1.0, 2.0]], [[3, 4]])
    with pytest.raises(DtypeError, match="the bias has dtype int64"):
        F.linear([[1.0, 2.0]], [[3.0, 4.0]], [1])


def test_wrong_input_is_refused_with_a_remedy():
    layer = Linear(784, 10)
    with pytest.raises(ShapeError, match=r"28 features on its last axis.*expects 784.*Flatten"):
        layer(np.zeros((64, 1, 28, 28), np.float32))
    with pytest.raises(ShapeError, match="transposed"):
        layer(np.zeros((784, 5), np.float32))
    with pytest.raises(ShapeError, match="no features"):
        layer(np.float32(1))
    with pytest.raises(DtypeError, match="uint8.*astype.*255"):
        layer(np.zeros((1, 784), np.uint8))
    with pytest.raises(DtypeError, match="float16"):
        layer(np.zeros((1, 784), np.float16))
    with pytest.raises(DtypeError, match="real numbers"):
        layer([["a"] * 784])
    with pytest.raises(ShapeError, match=r"\(out, in\)"):
        F.linear(np.zeros((1, 3)), np.zeros((2, 3)), np.zeros(3))


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "3"])
def test_sizes_are_whole_numbers_above_zero(size):
    with pytest.raises(OptionError, match="in_features"):
        Linear(size, 3)
    with pytest.raises(OptionError, match="out_features"):
        Linear(3, size)
