"""Initial weights: what they do to a signal on its way through a deep net."""

import numpy as np
import pytest

from layers import Conv2d, Linear, ReLU, Sequential, init
from minigrad.errors import ShapeError


def mean_square_behind(net, rng):
    x = rng.standard_normal((200, 300)).astype(np.float32)
    return float((net(x).data ** 2).mean())


def test_kaiming_keeps_a_signal_up_through_ten_layers_with_relu_and_the_default_does_not():
    rng = np.random.default_rng(0)
    layers = [Linear(300, 300, bias=False, rng=rng) for _ in range(10)]
    net = Sequential(*(part for layer in layers for part in (layer, ReLU())))
    assert mean_square_behind(net, rng) < 1e-6
    for layer in layers:
        init.kaiming_uniform_(layer.weight, rng)
    assert 0.25 < mean_square_behind(net, rng) < 1


def test_kaiming_fills_the_interval_of_its_fan_in_and_draws_from_rng():
    layer = Conv2d(4, 60, 3, groups=2)
    weight = layer.weight
    init.kaiming_uniform_(weight, np.random.default_rng(1))
    bound = (6 / (2 * 3 * 3)) ** 0.5
    assert 0.98 * bound < np.abs(weight.data).max() <= bound
    assert layer.weight is weight
    assert weight.dtype == np.float32
    drawn = weight.data.copy()
    init.kaiming_uniform_(weight, np.random.default_rng(1))
    np.testing.assert_array_equal(weight.data, drawn)


def test_a_bias_has_no_fan_in():
    with pytest.raises(ShapeError, match=r"shape \(5,\).*bias"):
        init.kaiming_uniform_(Linear(3, 5).bias)
