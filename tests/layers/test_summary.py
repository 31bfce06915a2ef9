"""summary: shapes, parameters and multiply-adds against counts by hand, and no traces left."""

import re

import numpy as np
import pytest

import minigrad
from layers import (
    LSTM,
    BatchNorm2d,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Flatten,
    Linear,
    LSTMCell,
    Module,
    ReLU,
    Sequential,
    functional,
)
from minigrad import tape
from minigrad.errors import ShapeError


def _adds(module, *inputs):
    return module.summary(*inputs).multiply_adds


def test_a_convolution_takes_a_filter_at_each_place_of_its_output():
    # 2 pictures, 5 filters of 3·3·2 entries, at 4·3 places: (7 + 2 - 3) // 2 + 1 = 4, (5 + 2 - 3) // 2 + 1 = 3.
    assert _adds(Conv2d(3, 5, 3, stride=2, padding=1), (2, 3, 7, 5)) == 2 * 5 * (4 * 3) * (
        3 * 3 * 3
    )
    # 2 groups: each filter sees half of the 4 channels.
    assert _adds(Conv2d(4, 6, (3, 1), groups=2), (1, 4, 5, 5)) == 6 * (3 * 5) * (2 * 3 * 1)


def test_a_transposed_convolution_stamps_its_filters_at_each_entry_of_its_input():
    # 2·4 maps of 5·6 entries, each stamped with 3 filters of 3·3, wherever the padding cuts them off.
    layer = ConvTranspose2d(4, 3, 3, stride=2, padding=1)
    assert _adds(layer, (2, 4, 5, 6)) == 2 * 4 * (5 * 6) * 3 * (3 * 3)
    assert _adds(ConvTranspose2d(4, 6, 2, groups=2), (1, 4, 5, 5)) == 4 * 25 * (6 // 2) * 4


def test_an_lstm_takes_both_weights_at_each_step():
    # 7 steps of 2 examples; layer 0: 4·5 rows by 3 + 5 columns, layer 1: 4·5 by 5 + 5.
    assert _adds(LSTM(3, 5, num_layers=2), (7, 2, 3)) == 7 * 2 * (20 * 8 + 20 * 10)
    assert _adds(LSTMCell(3, 5), (2, 3)) == 2 * 20 * 8


def test_a_linear_layer_takes_its_weight_at_each_row():
    assert _adds(Linear(6, 4), (2, 3, 6)) == 2 * 3 * 6 * 4


class Products(Module):
    def __init__(self):
        self.inside = Linear(4, 4)

    def forward(self, x):
        y = x @ np.ones((4, 3), np.float32)  # 5·4·3
        y = np.einsum("ij,kj->ik", y, np.ones((2, 3), np.float32))  # 5·3·2
        y = np.tensordot(y, np.ones((2, 6), np.float32), 1)  # 5·2·6
        y = np.dot(np.ones(5, np.float32), y)  # 5·6
        return np.sum(y) + np.sum(self.inside(self.inside(x)))  # 2·5·4·4


def test_products_outside_of_layers_count_where_they_run_and_calls_add_up():
    own, inside = Products().summary(np.ones((5, 4), np.float32)).rows
    assert own.multiply_adds == 5 * 4 * 3 + 5 * 3 * 2 + 5 * 2 * 6 + 5 * 6
    assert (inside.calls, inside.multiply_adds) == (2, 2 * 5 * 4 * 4)


def _net():
    return Sequential(
        {"features": Sequential(Conv2d(1, 2, 3), BatchNorm2d(2), ReLU()), "drop": Dropout(0.5)},
        {"flat": Flatten(), "head": Linear(18, 4)},
    )


def test_the_table_has_a_row_a_module_with_its_own_numbers():
    lines = str(_net().summary((1, 1, 5, 5))).splitlines()
    assert [re.split(r"\s{2,}", line.strip()) for line in lines if not line.startswith("-")] == [
        ["layer", "output shape", "parameters", "multiply-adds"],
        ["Sequential", "(1, 4)", "-", "-"],
        ["features: Sequential", "(1, 2, 3, 3)", "-", "-"],
        ["0: Conv2d", "(1, 2, 3, 3)", "20", "162"],
        ["1: BatchNorm2d", "(1, 2, 3, 3)", "4", "-"],
        ["2: ReLU", "(1, 2, 3, 3)", "-", "-"],
        ["drop: Dropout", "(1, 2, 3, 3)", "-", "-"],
        ["flat: Flatten", "(1, 18)", "-", "-"],
        ["head: Linear", "(1, 4)", "76", "72"],
        ["total", "100", "234"],
    ]
    assert lines[3].startswith("  features")
    assert lines[4].startswith("    0: Conv2d")


def test_the_example_of_its_docstring_is_what_it_prints():
    net = Sequential(Flatten(), Linear(784, 10))
    table = Module.summary.__doc__.split("28)))\n")[1]
    assert str(net.summary((1, 1, 28, 28))) == "\n".join(
        line.removeprefix(" " * 8) for line in table.rstrip().splitlines()
    )


def test_shared_and_frozen_parameters_and_calls_are_told():
    layer = Linear(3, 3)
    other = Linear(3, 3)
    other.weight = layer.weight
    other.requires_grad_(False)
    summary = Sequential(layer, layer, other).summary((2, 3))
    assert [row.parameters for row in summary.rows] == [0, 12, 3]
    assert (summary.parameters, summary.trained) == (15, 3)
    text = str(summary)
    assert "0: Linear ×2" in text
    assert "12 of the parameters are frozen" in text


def test_a_module_that_is_not_called_says_so_and_several_outputs_show_all_shapes():
    class Half(Module):
        def __init__(self):
            self.used, self.unused = LSTM(3, 4), Linear(3, 3)

        def forward(self, x):
            return self.used(x)

    text = str(Half().summary((7, 2, 3)))
    assert "unused: Linear  not called" in text
    assert "used: LSTM      (7, 2, 4) (1, 2, 4) (1, 2, 4)" in text


def test_tensors_and_arrays_serve_as_input_and_the_operation_may_be_functional():
    class Pair(Module):
        def forward(self, x, w):
            return functional.linear(x, w)

    x, w = np.ones((2, 3), np.float32), minigrad.tensor(np.ones((4, 3)), requires_grad=True)
    assert _adds(Pair(), x, w) == 2 * 3 * 4


def test_a_summary_leaves_no_traces():
    net = _net()
    net[0][1].eval()
    state, modes = net.state_dict(), [module.training for module in net.modules()]
    net.summary((3, 1, 5, 5))
    assert [module.training for module in net.modules()] == modes
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, state[name])
    with pytest.raises(ShapeError):
        net.summary((3, 2, 5, 5))
    assert [module.training for module in net.modules()] == modes
    assert not any(module._hooks for module in net.modules())
    assert tape.observer is None
    assert minigrad.is_grad_enabled()
