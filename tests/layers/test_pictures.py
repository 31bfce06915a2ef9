"""Training-time pictures: what is drawn are the numbers of the net."""

import numpy as np
import pytest

from layers import Conv2d, Flatten, LeakyReLU, Linear, ReLU, Sequential, Sigmoid, Softplus, Tanh
from layers.errors import ParameterError
from layers.pictures import filters, gradient_flow, saturation
from minigrad.errors import ShapeError


def _trained():
    net = Sequential(Linear(3, 4), Tanh(), Linear(4, 2), ReLU(), Linear(2, 1))
    np.mean(net(np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)) ** 2).backward()
    return net


def _texts(axes):
    return [text.get_text() for text in axes.texts]


def test_gradient_flow_draws_the_mean_and_the_largest_gradient_of_each_parameter():
    net = _trained()
    for number, p in enumerate(net.parameters()):
        p.grad = np.linspace(-1, 2, p.size).reshape(p.shape) * 10.0**-number
    axes = gradient_flow(net).axes[0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == [name for name, _ in net.named_parameters()]
    gradients = [np.abs(p.grad) for p in net.parameters()]
    np.testing.assert_allclose(
        [bar.get_width() for bar in axes.patches], [g.mean() for g in gradients]
    )
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [g.max() for g in gradients])
    assert axes.get_xscale() == "log"
    low, high = axes.get_ylim()
    assert low > high  # the first layer is above


def test_gradient_flow_tells_not_computed_from_zero_from_not_finite():
    net = _trained()
    first, second, third, *_ = net.parameters()
    first.grad, second.grad, third.grad = None, np.zeros(4), np.full((2, 4), np.nan)
    axes = gradient_flow(net).axes[0]
    assert _texts(axes) == ["not computed", "all 0", "not finite"]
    assert [text.get_position()[1] for text in axes.texts] == [0, 1, 2]
    assert len(axes.patches) == 3


def test_gradient_flow_without_any_gradient_says_what_to_call():
    with pytest.raises(ParameterError, match=r"loss\.backward\(\)"):
        gradient_flow(Linear(2, 2))


@pytest.mark.parametrize(
    ("activation", "values", "saturated"),
    [
        (Sigmoid(), [-9, 9, 0, 4], 50), (Tanh(), [-3, 0, 0.1, 3], 50), (ReLU(), [-1, -2, -3, 4], 75),
        (LeakyReLU(0.01), [-1, 1, 1, 1], 25), (LeakyReLU(0.2), [-1, 1, 1, 1], 0),
        (Softplus(), [-9, 0, 1, 9], 25), (Softplus(4.0), [-1, 0, 1, 9], 25),
    ],
)  # fmt: skip
def test_an_entry_is_saturated_where_the_activation_is_nearly_flat(activation, values, saturated):
    x = np.array(values, np.float32).reshape(-1, 1)
    axes = saturation(Sequential(activation), x).axes[0]
    assert _texts(axes)[0].startswith(f"{saturated}% saturated")


def test_saturation_has_a_row_a_call_with_all_outputs_and_the_dead_units():
    net = Sequential(Linear(2, 3), ReLU(), Linear(3, 1), Sigmoid())
    net[0].weight.data, net[0].bias.data = np.zeros((3, 2)), np.array([1.0, -1.0, 0.5])
    figure = saturation(net, np.ones((5, 2), np.float32))
    relu, sigmoid = figure.axes
    assert [axes.get_ylabel() for axes in figure.axes] == ["1\nReLU", "3\nSigmoid"]
    assert _texts(relu) == ["33% saturated\n1 of 3 units dead"]
    assert sum(bar.get_height() for bar in relu.patches) == 15
    assert sum(bar.get_height() for bar in sigmoid.patches) == 5


def test_a_unit_that_is_flat_for_some_examples_only_is_not_dead():
    axes = saturation(Sequential(ReLU()), np.array([[1, -1], [-1, -1]], np.float32)).axes[0]
    assert _texts(axes) == ["75% saturated\n1 of 2 units dead"]


def test_saturation_leaves_the_switches_and_takes_its_hooks_away():
    net = Sequential(Linear(2, 2), ReLU())
    saturation(net, np.ones((1, 2), np.float32))
    assert net.training
    assert not net[1]._hooks
    with pytest.raises(ParameterError, match="no ReLU"):
        saturation(Sequential(Flatten()), np.ones((1, 2), np.float32))


def test_filters_of_one_channel_are_tiled_all_on_one_scale_around_zero():
    layer = Conv2d(1, 5, 3)
    layer.weight.data[0, 0, 0, 0] = 2  # nothing is as far below zero
    figure = filters(layer)
    images = [image for axes in figure.axes[:6] for image in axes.images]
    assert len(images) == 5
    for image, expected in zip(images, layer.weight.data[:, 0]):
        np.testing.assert_array_equal(image.get_array(), expected)
        low, high = image.get_clim()
        assert -low == high == np.abs(layer.weight.data).max()
        assert image.get_cmap().name == "gray"
    assert figure.get_suptitle() == "5 filters, 1 channel"


def test_filters_of_several_channels_have_a_row_each_and_many_are_cut_with_a_word():
    weight = np.random.default_rng(0).normal(size=(20, 3, 2, 2))
    figure = filters(weight)
    images = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert len(images) >= 48
    np.testing.assert_array_equal(images[3 * 15 + 2], weight[15, 2])
    assert figure.get_suptitle() == "16 of 20 filters, 3 channels"


def test_what_is_no_convolution_is_refused():
    with pytest.raises(ShapeError, match=r"weight of shape \(2, 2\)"):
        filters(Linear(2, 2))
