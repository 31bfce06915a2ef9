"""Transposed convolution by its three witnesses, as the transpose of conv2d, and what it refuses."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import layers.functional as F
import minigrad
from layers import ConvTranspose2d
from layers.conv_transpose import transposed_size
from layers.errors import OptionError
from minigrad.errors import DtypeError, ShapeError
from tests.layers import composed_conv
from tests.layers.composed import check_three, check_two
from tests.strategies import draw_array, seeds


@st.composite
def windows(draw):
    def pair(low, high):
        return draw(st.tuples(st.integers(low, high), st.integers(low, high)))

    groups = draw(st.integers(1, 3))
    kernel, stride, padding, dilation = pair(1, 3), pair(1, 3), pair(0, 2), pair(1, 3)
    more = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation))
    x_shape = (draw(st.integers(1, 2)), groups * draw(st.integers(1, 2)), *pair(1, 4))
    w_shape = (x_shape[1], draw(st.integers(1, 2)), *kernel)
    assume(min(transposed_size(x_shape[2:], kernel, stride, padding, more, dilation)) > 0)
    return x_shape, w_shape, stride, padding, more, groups, dilation


@settings(max_examples=40, deadline=None)
@given(seeds, windows())
def test_conv_transpose2d_by_hand_and_composed(seed, window):
    x_shape, w_shape, *options = window
    bias = draw_array(seed + 2, (w_shape[1] * options[3],))
    check_two(
        lambda x, w, b: F.conv_transpose2d(x, w, b, *options),
        lambda x, w, b: composed_conv.conv_transpose2d(x, w, b, *options),
        draw_array(seed, x_shape),
        draw_array(seed + 1, w_shape),
        bias,
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": (2, 3), "padding": (1, 0), "output_padding": (1, 2)},
        {"dilation": (3, 1), "output_padding": (2, 0), "groups": 2},  # more room than the stride's
    ],
)
def test_conv_transpose2d_by_three_witnesses(options):
    arrays = [draw_array(1, (2, 2, 3, 2)), draw_array(2, (2, 2, 2, 3))]
    arrays.append(draw_array(3, (2 * options.get("groups", 1),)))
    check_three(
        lambda x, w, b: F.conv_transpose2d(x, w, b, **options),
        lambda x, w, b: composed_conv.conv_transpose2d(x, w, b, **options),
        *arrays,
    )


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 3), st.integers(0, 1), st.integers(1, 2))
def test_it_is_the_transpose_of_conv2d(seed, stride, padding, dilation):
    """<conv(x), y> = <x, transposed conv(y)>, with the same filters."""
    w = draw_array(seed, (3, 2, 2, 3))
    x = draw_array(seed + 1, (1, 2, 7, 8))
    y_shape = F.conv2d(x, w, None, stride, padding, dilation).shape
    y = draw_array(seed + 2, y_shape)
    back = (7, 8)
    smallest = transposed_size(
        y_shape[2:], (2, 3), (stride,) * 2, (padding,) * 2, (0, 0), (dilation,) * 2
    )
    more = tuple(n - m for n, m in zip(back, smallest))
    left = np.sum(F.conv2d(x, w, None, stride, padding, dilation).data * y)
    right = np.sum(x * F.conv_transpose2d(y, w, None, stride, padding, more, 1, dilation).data)
    np.testing.assert_allclose(left, right, rtol=1e-10, atol=1e-10)


def test_stamps_reckoned_on_paper():
    x = np.array([[[[1.0, 2.0]]]])
    w = np.array([[[[1.0, 10.0, 100.0]]]])
    assert F.conv_transpose2d(x, w, stride=(1, 2)).data.tolist() == [[[[1, 10, 102, 20, 200]]]]
    assert F.conv_transpose2d(x, w).data.tolist() == [[[[1, 12, 120, 200]]]]


def test_the_module_draws_pytorchs_interval():
    layer = ConvTranspose2d(40, 6, 3, 2, 1, 1, groups=2, rng=np.random.default_rng(0))
    assert layer.weight.shape == (40, 3, 3, 3)
    assert layer.bias.shape == (6,)
    bound = 1 / np.sqrt(3 * 3 * 3)
    assert 0.9 * bound < np.abs(layer.weight.data).max() <= bound
    assert np.abs(layer.bias.data).max() <= bound
    assert "output_padding=(1, 1)" in repr(layer)
    assert layer(np.zeros((2, 40, 4, 5), np.float32)).shape == (2, 6, 8, 10)


def test_an_empty_batch_and_any_layout_of_memory():
    layer = ConvTranspose2d(2, 3, 2)
    y = layer(np.empty((0, 2, 3, 3), np.float32))
    assert y.shape == (0, 3, 4, 4)
    y.backward(np.empty(y.shape))
    np.testing.assert_array_equal(layer.weight.grad, np.zeros((2, 3, 2, 2)))
    x = draw_array(0, (4, 3, 2, 2)).transpose().astype(np.float32)
    x.flags.writeable = False
    np.testing.assert_allclose(layer(x).data, layer(x.copy()).data, rtol=1e-6)


X, W = np.zeros((2, 4, 3, 3), np.float32), np.zeros((4, 3, 3, 3), np.float32)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "says"),
    [
        ((X[0], W), {}, ShapeError, "four axes"),
        ((X[:, :3], W), {}, ShapeError, "3 channels.*expects 4"),
        ((X, W[0]), {}, ShapeError, "weight has shape"),
        ((X, W, W[:, 0, 0, 0]), {}, ShapeError, r"bias has shape \(4,\).*must be \(3,\)"),
        ((X, W), {"stride": 0}, OptionError, "stride"),
        ((X, W), {"stride": 2, "output_padding": 2}, OptionError, "output_padding.*less than"),
        ((X, W), {"padding": 3}, ShapeError, "padding.*-1 x -1 would be left"),
        ((X[:, :3], W[:3]), {"groups": 2}, OptionError, "in_channels = 3"),
        ((X.astype(int), W), {}, DtypeError, "int64"),
    ],
)
def test_what_conv_transpose2d_refuses(arguments, options, error, says):
    with pytest.raises(error, match=f"(?s)conv_transpose2d: .*{says}"):
        F.conv_transpose2d(*arguments, **options)


def test_what_the_module_refuses():
    with pytest.raises(OptionError, match="output_padding"):
        ConvTranspose2d(2, 2, 3, output_padding=1)
    with pytest.raises(OptionError, match="out_channels = 3"):
        ConvTranspose2d(2, 3, 3, groups=2)


@pytest.mark.parametrize("kernel", [1, 2])
def test_room_that_only_the_dilation_allows_stays_empty(kernel):
    """One place more than the input has pixels: zeros in y, and nothing that reaches a gradient."""
    x = minigrad.tensor(draw_array(0, (1, 1, 3, 3)), requires_grad=True)
    w = minigrad.tensor(draw_array(1, (1, 1, kernel, kernel)), requires_grad=True)
    y = F.conv_transpose2d(x, w, dilation=3, output_padding=2)
    np.testing.assert_array_equal(y.data[0, 0, -2:], np.zeros((2, y.shape[3])))
    upstream = draw_array(2, y.shape)
    upstream[..., :-2, :-2] = 0
    y.backward(upstream)
    assert x.grad.shape == x.shape
    np.testing.assert_array_equal(x.grad, np.zeros(x.shape))
    np.testing.assert_array_equal(w.grad, np.zeros(w.shape))
