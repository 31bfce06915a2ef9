"""Convolution by its three witnesses, its parameters, and what it refuses."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import layers.functional as F
import minigrad
from layers import Conv2d
from layers.conv import conv2d_backward, conv2d_forward
from layers.errors import OptionError
from minigrad.errors import DtypeError, GraphError, ShapeError
from tests.layers import composed_conv
from tests.layers.composed import check_three, check_two
from tests.strategies import draw_array, seeds


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def windows(draw):
    """Shapes of x and w and a window that fits; dilated kernels reach at most as far as the image."""
    groups = draw(st.integers(1, 3))
    kernel, stride, padding, dilation = (
        draw(pairs(*ends)) for ends in ((1, 3), (1, 3), (0, 2), (1, 2))
    )
    size = draw(pairs(1, 6))
    assume(all(d * (k - 1) + 1 <= n + 2 * p for n, k, p, d in zip(size, kernel, padding, dilation)))
    x_shape = (draw(st.integers(1, 2)), groups * draw(st.integers(1, 2)), *size)
    w_shape = (groups * draw(st.integers(1, 2)), x_shape[1] // groups, *kernel)
    return x_shape, w_shape, stride, padding, dilation, groups


@settings(max_examples=40, deadline=None)
@given(seeds, windows(), st.booleans())
def test_conv2d_by_hand_and_composed(seed, window, with_bias):
    x_shape, w_shape, *options = window
    arrays = [draw_array(seed, x_shape), draw_array(seed + 1, w_shape)]
    if with_bias:
        arrays.append(draw_array(seed + 2, w_shape[:1]))
        check_two(lambda x, w, b: F.conv2d(x, w, b, *options),
                  lambda x, w, b: composed_conv.conv2d(x, w, b, *options), *arrays)  # fmt: skip
    else:
        check_two(lambda x, w: F.conv2d(x, w, None, *options),
                  lambda x, w: composed_conv.conv2d(x, w, None, *options), *arrays)  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [{}, {"stride": (2, 1), "padding": (0, 2)}, {"dilation": (1, 2), "groups": 2, "padding": 1}],
)
def test_conv2d_by_three_witnesses(options):
    w_shape = (2, 2 // options.get("groups", 1), 3, 2)
    arrays = [draw_array(1, (2, 2, 5, 4)), draw_array(2, w_shape), draw_array(3, (2,))]
    pair = {k: v if k == "groups" or isinstance(v, tuple) else (v, v) for k, v in options.items()}
    check_three(
        lambda x, w, b: F.conv2d(x, w, b, **options),
        lambda x, w, b: composed_conv.conv2d(x, w, b, **pair),
        *arrays,
    )


def test_a_convolution_reckoned_on_paper():
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    w = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    y = F.conv2d(x, w, np.array([0.5]))
    np.testing.assert_array_equal(y.data[0, 0], [[27.5, 37.5], [57.5, 67.5]])


def test_backward_computes_only_what_is_needed():
    x, w = draw_array(0, (1, 2, 4, 4)), draw_array(1, (3, 2, 2, 2))
    y, cache = conv2d_forward(x, w)
    dy = draw_array(2, y.shape)
    whole = conv2d_backward(dy, cache)
    for k in range(3):
        needs = tuple(i == k for i in range(3))
        part = conv2d_backward(dy, cache, needs)
        assert [p is not None for p in part] == list(needs)
        np.testing.assert_array_equal(part[k], whole[k])


def test_frozen_weights_still_pass_the_gradient_on():
    layer = Conv2d(1, 2, 3).requires_grad_(False)
    x = minigrad.tensor(draw_array(0, (1, 1, 4, 4)), requires_grad=True)
    layer(x).backward(np.ones((1, 2, 2, 2)))
    assert layer.weight.grad is None
    assert np.any(x.grad != 0)


def test_the_module_draws_pytorchs_interval_and_shows_its_settings():
    layer = Conv2d(6, 40, (3, 2), stride=2, padding=(1, 0), groups=2, rng=np.random.default_rng(0))
    assert layer.weight.shape == (40, 3, 3, 2)
    bound = 1 / np.sqrt(3 * 3 * 2)
    for p in (layer.weight, layer.bias):
        assert 0.9 * bound < np.abs(p.data).max() <= bound
        assert p.dtype == np.float32
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    assert "kernel_size=(3, 2), stride=(2, 2), padding=(1, 0)" in repr(layer)
    assert Conv2d(1, 1, 1, bias=False).bias is None
    again = Conv2d(6, 40, (3, 2), groups=2, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(again.weight.data, layer.weight.data)


def test_float32_stays_float32():
    layer = Conv2d(1, 2, 3)
    x = minigrad.tensor(draw_array(0, (1, 1, 5, 5)), requires_grad=True)
    y = layer(x)
    y.backward(np.ones(y.shape))
    assert {a.dtype for a in (y, x.grad, layer.weight.grad, layer.bias.grad)} == {
        np.dtype(np.float32)
    }


def test_an_empty_batch_gives_an_empty_output_and_zero_gradients():
    layer = Conv2d(2, 3, 3)
    y = layer(np.empty((0, 2, 5, 6), np.float32))
    assert y.shape == (0, 3, 3, 4)
    y.backward(np.empty(y.shape))
    np.testing.assert_array_equal(layer.weight.grad, np.zeros((3, 2, 3, 3)))
    np.testing.assert_array_equal(layer.bias.grad, np.zeros(3))


def test_nan_flows_to_the_outputs_that_see_it():
    x = np.zeros((1, 1, 5, 5))
    x[0, 0, 0, 0] = np.nan
    y = F.conv2d(x, np.ones((1, 1, 2, 2))).data
    assert np.isnan(y[0, 0, 0, 0])
    assert not np.isnan(y[0, 0, 1:, 1:]).any()


def test_any_layout_of_memory_will_do():
    x = draw_array(0, (5, 4, 3, 2)).transpose()  # (2, 3, 4, 5)
    w = draw_array(1, (4, 3, 2, 2))[:, ::-1]
    for array in (x, w):
        array.flags.writeable = False
    got = F.conv2d(x, w, padding=1)
    want = F.conv2d(x.copy(), w.copy(), padding=1)
    np.testing.assert_allclose(got.data, want.data, rtol=1e-12)


def test_a_second_derivative_is_refused_by_name():
    x = minigrad.tensor(draw_array(0, (1, 1, 3, 3)), requires_grad=True)
    y = F.conv2d(x, np.ones((1, 1, 2, 2), np.float32))
    with pytest.raises(GraphError, match="conv2d.*differentiable once"):
        minigrad.grad(y, x, np.ones(y.shape), create_graph=True)


X, W = np.zeros((2, 3, 6, 5), np.float32), np.zeros((4, 3, 3, 3), np.float32)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((X[0], W), ShapeError, r"input has shape \(3, 6, 5\).*four axes.*x\[None\]"),
        ((X[:, :, :, 0], W), ShapeError, "four axes"),
        ((X[:, :0], W), ShapeError, "only the batch may be empty"),
        ((X[:, :2], W), ShapeError, r"2 channels; a weight of shape \(4, 3, 3, 3\) .*expects 3"),
        ((X.transpose(0, 2, 3, 1), W), ShapeError, "Channels come second"),
        ((X, W[0]), ShapeError, r"weight has shape \(3, 3, 3\)"),
        ((X, W, W[0, 0, 0]), ShapeError, r"bias has shape \(3,\).*must be \(4,\)"),
        ((X[:, :, :2], W), ShapeError, "kernel of 3 rows does not fit into an input of 2 rows"),
        ((X, W, None, 1, 0, 3), ShapeError, "dilation 3 it spans 7.*6 rows.*padding at least 1"),
        ((X, W, None, 0), OptionError, "stride must be a whole number of 1 or more.*not 0"),
        ((X, W, None, 1.5), OptionError, r"stride.*1\.5"),
        ((X, W, None, (1, 2, 3)), OptionError, r"stride.*pair.*\(1, 2, 3\)"),
        ((X, W, None, 1, -1), OptionError, "padding must be a whole number of 0 or more"),
        ((X, W, None, 1, "same"), OptionError, "padding.*'same'"),
        ((X, W, None, 1, 0, 0), OptionError, "dilation"),
        ((X, W, None, 1, 0, 1, 3), OptionError, "out_channels = 4.*3 groups"),
        ((X, W, None, 1, 0, 1, 0), OptionError, "groups"),
        ((X.astype(np.float16), W), DtypeError, "float16.*astype"),
        (((X + 200).astype(np.uint8), W), DtypeError, "uint8.*255"),
        ((X, W.astype(int)), DtypeError, "weight has dtype int64"),
    ],
)  # fmt: skip
def test_what_conv2d_refuses(arguments, error, says):
    with pytest.raises(error, match=f"(?s)conv2d: .*{says}"):
        F.conv2d(*arguments)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((0, 2, 3), "in_channels"),
        ((2, 2.0, 3), "out_channels"),
        ((2, 2, 0), "kernel_size"),
        ((2, 2, 3, 0), "stride"),
        ((3, 4, 3, 1, 0, 1, 2), "in_channels = 3"),
    ],
)
def test_what_the_module_refuses(arguments, says):
    with pytest.raises(OptionError, match=says):
        Conv2d(*arguments)
