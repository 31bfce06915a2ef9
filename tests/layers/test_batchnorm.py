"""Batch normalisation by its three witnesses, its running estimates, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import layers.functional as F
import minigrad
from layers import BatchNorm2d
from layers.errors import OptionError
from minigrad.errors import DtypeError, ShapeError
from tests.layers import composed
from tests.strategies import draw_array, seeds


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(2, 4), st.integers(1, 3), st.lists(st.integers(1, 3), max_size=2))
def test_training_by_three_witnesses(seed, batch, channels, image):
    arrays = (
        draw_array(seed, (batch, channels, *image)),
        draw_array(seed + 1, (channels,)),
        draw_array(seed + 2, (channels,)),
    )
    eps = 0.1  # with two near values a tiny eps makes the differences inexact
    composed.check_three(
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True, eps=eps),
        lambda x, w, b: composed.batch_norm(x, w, b, eps),
        *arrays,
    )


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(1, 3), st.integers(1, 3))
def test_evaluation_by_three_witnesses(seed, batch, channels):
    mean, var = draw_array(seed, (channels,)), draw_array(seed + 1, (channels,), 0.5, 2.0)
    column = (channels, 1, 1)

    def composition(x, w, b):
        normal = (x - mean.reshape(column)) / np.sqrt(var.reshape(column) + 1e-5)
        return normal * w.reshape(column) + b.reshape(column)

    composed.check_three(
        lambda x, w, b: F.batch_norm(x, mean, var, w, b),
        composition,
        draw_array(seed + 2, (batch, channels, 2, 2)),
        draw_array(seed + 3, (channels,)),
        draw_array(seed + 4, (channels,)),
    )


def test_without_weight_and_bias_a_batch_gets_mean_0_and_variance_1():
    x = 5 + 3 * np.random.default_rng(0).standard_normal((6, 2, 4, 4))
    y = BatchNorm2d(2, affine=False)(x.astype(np.float32)).data
    np.testing.assert_allclose(y.mean(axis=(0, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(y.var(axis=(0, 2, 3)), 1, rtol=1e-5)
    assert list(BatchNorm2d(2, affine=False).parameters()) == []


def test_running_estimates_move_by_momentum_in_training_only():
    rng = np.random.default_rng(0)
    layer = BatchNorm2d(2, momentum=0.25)
    mean, var = np.zeros(2), np.ones(2)
    for _ in range(3):
        x = rng.standard_normal((4, 2, 3, 3))
        layer(x)
        mean += 0.25 * (x.mean(axis=(0, 2, 3)) - mean)
        var += 0.25 * (x.var(axis=(0, 2, 3), ddof=1) - var)
    np.testing.assert_allclose(layer.running_mean, mean, rtol=1e-5)
    np.testing.assert_allclose(layer.running_var, var, rtol=1e-5)
    assert layer.num_batches_tracked == 3
    layer.eval()
    y = layer(x).data
    column = (2, 1, 1)
    expected = (x - mean.reshape(column)) / np.sqrt(var.reshape(column) + 1e-5)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    assert layer.num_batches_tracked == 3
    np.testing.assert_allclose(layer.running_mean, mean, rtol=1e-5)


def test_momentum_none_averages_over_all_batches():
    layer = BatchNorm2d(1, momentum=None)
    batches = np.random.default_rng(0).standard_normal((4, 5, 1, 2, 2))
    for x in batches:
        layer(x)
    np.testing.assert_allclose(layer.running_mean, [batches.mean()], rtol=1e-4, atol=1e-6)


def test_without_running_estimates_evaluation_uses_the_batch():
    layer = BatchNorm2d(2, track_running_stats=False)
    x = np.random.default_rng(0).standard_normal((4, 2, 3, 3)).astype(np.float32)
    np.testing.assert_array_equal(layer(x).data, layer.eval()(x).data)
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_the_gradient_of_an_evaluation_survives_later_training():
    layer = BatchNorm2d(2).eval()
    x = minigrad.tensor(np.random.default_rng(0).standard_normal((3, 2, 2, 2)), requires_grad=True)
    upstream = np.random.default_rng(1).standard_normal(x.shape)
    y = layer(x)
    layer.train()(10 * x.data)
    y.backward(upstream)
    np.testing.assert_allclose(x.grad, upstream / np.sqrt(1 + 1e-5), rtol=1e-5)


def test_float32_stays_float32():
    layer = BatchNorm2d(2)
    x = minigrad.tensor(np.random.default_rng(0).standard_normal((3, 2, 2, 2)), requires_grad=True)
    for mode in (layer.train(), layer.eval()):
        y = mode(x)
        y.backward(np.ones(y.shape))
        assert {a.dtype for a in (y, x.grad, layer.weight.grad, layer.running_var)} == {
            np.dtype(np.float32)
        }


def test_wrong_input_is_refused():
    layer = BatchNorm2d(3)
    with pytest.raises(ShapeError, match=r"1 value\(s\) a channel.*eval"):
        layer(np.zeros((1, 3, 1, 1), np.float32))
    assert layer.num_batches_tracked == 0
    with pytest.raises(ShapeError, match=r"0 value\(s\)"):
        layer(np.zeros((0, 3, 2, 2), np.float32))
    assert layer.eval()(np.zeros((0, 3, 2, 2), np.float32)).shape == (0, 3, 2, 2)
    with pytest.raises(ShapeError, match="2 channels on axis 1.*made for 3"):
        layer(np.zeros((4, 2, 2, 2), np.float32))
    with pytest.raises(ShapeError, match="batch axis"):
        layer(np.zeros((3, 2, 2), np.float32))
    with pytest.raises(DtypeError, match="uint8"):
        layer(np.zeros((4, 3, 2, 2), np.uint8))
    with pytest.raises(OptionError, match="running_mean"):
        F.batch_norm(np.zeros((4, 3)), None, None)
    with pytest.raises(OptionError, match="num_features"):
        BatchNorm2d(0)
    for options, said in (({"eps": -1}, "eps is added"), ({"momentum": 2}, "momentum is a share")):
        with pytest.raises(OptionError, match=f"^BatchNorm2d: {said}"):
            BatchNorm2d(3, **options)
        with pytest.raises(OptionError, match=f"^batch_norm: {said}"):
            F.batch_norm(np.zeros((4, 3)), None, None, training=True, **options)


def test_repr_is_pytorchs():
    assert repr(BatchNorm2d(3)) == (
        "BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)"
    )
