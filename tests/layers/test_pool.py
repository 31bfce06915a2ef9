"""Pooling by its three witnesses, at ties, and what it refuses."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import layers.functional as F
import minigrad
from layers import AvgPool2d, MaxPool2d
from layers.errors import OptionError
from minigrad.errors import DtypeError, ShapeError
from tests.layers import composed_conv
from tests.layers.composed import check_three, check_two
from tests.strategies import draw_array, seeds


@st.composite
def windows(draw):
    def pair(low, high):
        return draw(st.tuples(st.integers(low, high), st.integers(low, high)))

    kernel, stride, dilation, size = pair(1, 3), pair(1, 3), pair(1, 2), pair(2, 6)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    assume(all(d * (k - 1) < n + 2 * p for n, k, p, d in zip(size, kernel, padding, dilation)))
    return (
        (draw(st.integers(1, 2)), draw(st.integers(1, 2)), *size),
        kernel,
        stride,
        padding,
        dilation,
    )


@settings(max_examples=40, deadline=None)
@given(seeds, windows())
def test_pools_by_hand_and_composed(seed, window):
    shape, *options = window
    x = draw_array(seed, shape)
    check_two(
        lambda x: F.max_pool2d(x, *options), lambda x: composed_conv.max_pool2d(x, *options), x
    )
    options = options[:3]
    check_two(
        lambda x: F.avg_pool2d(x, *options), lambda x: composed_conv.avg_pool2d(x, *options), x
    )


def test_pools_by_three_witnesses():
    # Entries at least 0.05 apart: no maximum changes hands under a small step.
    x = np.random.default_rng(0).permutation(np.arange(60) / 20).reshape(1, 2, 6, 5)
    options = ((3, 2), (2, 2), (1, 0))
    for ours, composed in (
        (F.max_pool2d, composed_conv.max_pool2d),
        (F.avg_pool2d, composed_conv.avg_pool2d),
    ):
        check_three(lambda x: ours(x, *options), lambda x: composed(x, *options), x)


def test_pools_reckoned_on_paper():
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    assert F.max_pool2d(x, 2).data.tolist() == [[[[5, 7], [13, 15]]]]
    assert F.avg_pool2d(x, 2).data.tolist() == [[[[2.5, 4.5], [10.5, 12.5]]]]
    # Padding is never the maximum, and counts as 0 in the mean.
    assert F.max_pool2d(-1 - x, 2, padding=1).data[0, 0, 0, 0] == -1
    assert F.avg_pool2d(x + 4, 2, padding=1).data[0, 0, 0, 0] == 1


def test_at_a_tie_the_first_in_reading_order_takes_the_gradient():
    x = minigrad.tensor(np.array([[[[1.0, 2.0], [2.0, 2.0]]]]), requires_grad=True)
    F.max_pool2d(x, 2).backward(np.array([[[[3.0]]]]))
    np.testing.assert_array_equal(x.grad, [[[[0, 3], [0, 0]]]])


def test_a_nan_in_the_window_wins():
    x = np.array([[[[1.0, np.nan], [3.0, 2.0]]]])
    assert np.isnan(F.max_pool2d(x, 2).data).all()
    assert np.isnan(F.avg_pool2d(x, 2).data).all()


def test_modules_stride_by_their_kernel_unless_told():
    x = draw_array(0, (2, 3, 7, 8)).astype(np.float32)
    assert MaxPool2d(2)(x).shape == AvgPool2d((2, 2))(x).shape == (2, 3, 3, 4)
    assert MaxPool2d(3, 1, 1)(x).shape == AvgPool2d(3, 1, 1)(x).shape == x.shape
    assert MaxPool2d(3, 1, 2, 2)(x).shape == x.shape
    assert repr(MaxPool2d(2)) == (
        "MaxPool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1))"
    )
    assert repr(AvgPool2d(2, 1)) == "AvgPool2d(kernel_size=(2, 2), stride=(1, 1), padding=(0, 0))"
    assert MaxPool2d(2)(x).dtype == np.float32


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
def test_empty_batch_and_any_layout_of_memory(pool):
    x = minigrad.tensor(np.empty((0, 2, 4, 4)), requires_grad=True)
    y = pool(x, 2)
    assert y.shape == (0, 2, 2, 2)
    y.backward(np.empty(y.shape))
    assert x.grad.shape == x.shape
    x = draw_array(0, (5, 4, 3, 2)).transpose()
    x.flags.writeable = False
    np.testing.assert_array_equal(pool(x, 2).data, pool(x.copy(), 2).data)


X = np.zeros((2, 3, 4, 5))


@pytest.mark.parametrize(
    ("x", "options", "error", "says"),
    [
        (X[0], {"kernel_size": 2}, ShapeError, "four axes"),
        (X, {"kernel_size": 0}, OptionError, "kernel_size"),
        (X, {"kernel_size": 2, "stride": 0}, OptionError, "stride must be.*not 0"),
        (X, {"kernel_size": 5}, ShapeError, "kernel of 5 rows does not fit into an input of 4"),
        (X, {"kernel_size": 2, "padding": 2}, OptionError, "padding.*more than half"),
        (X.astype(np.uint8), {"kernel_size": 2}, DtypeError, "uint8"),
        (X.astype(np.float16), {"kernel_size": 2}, DtypeError, "float16"),
    ],
)
@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
def test_what_pools_refuse(name, x, options, error, says):
    with pytest.raises(error, match=f"(?s){name}: .*{says}"):
        getattr(F, name)(x, **options)
