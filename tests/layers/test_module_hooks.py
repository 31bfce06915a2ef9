"""Hooks on modules: before and after forward, with other inputs and outputs, and removed again."""

import copy

import numpy as np
import pytest

from layers import Linear, Module, ReLU, Sequential
from minigrad.errors import UnsupportedError


class Scale(Module):
    def forward(self, x, factor=1):
        return x * factor


def test_hooks_see_the_module_its_inputs_and_its_output_in_order():
    net = Sequential(ReLU(), Scale())
    seen = []
    for child in net:
        child.register_forward_pre_hook(lambda m, xs: seen.append((type(m).__name__, "in", *xs)))
        child.register_forward_hook(
            lambda m, xs, y: seen.append((type(m).__name__, "out", float(y)))
        )
    y = net(np.float32(-2))
    assert float(y) == 0
    assert [entry[:2] for entry in seen] == [
        ("ReLU", "in"), ("ReLU", "out"), ("Scale", "in"), ("Scale", "out"),
    ]  # fmt: skip
    assert (seen[0][2], seen[1][2]) == (-2, 0)


def test_hooks_may_replace_inputs_and_output_and_options_pass():
    scale = Scale()
    scale.register_forward_pre_hook(lambda m, xs: xs[0] + 1)
    scale.register_forward_hook(lambda m, xs, y: (xs, y))
    assert scale(2.0, factor=10) == ((3.0,), 30.0)
    scale.register_forward_pre_hook(lambda m, xs: (xs[0] + 1,))
    assert scale(2.0, factor=10) == ((4.0,), 40.0)


def test_a_removed_hook_is_gone_and_a_copy_has_none():
    layer = Linear(2, 2)
    seen = []
    handle = layer.register_forward_hook(lambda *_: seen.append(1))
    x = np.ones((1, 2), np.float32)
    layer(x)
    copy.deepcopy(layer)(x)
    assert seen == [1]
    with layer.register_forward_hook(lambda *_: seen.append(2)):
        layer(x)
    handle.remove()
    layer(x)
    assert seen == [1, 1, 2]
    assert not layer._hooks


def test_hooks_are_no_part_of_a_modules_state_or_picture():
    layer = Linear(2, 2)
    before = repr(layer), list(layer.state_dict())
    layer.register_forward_hook(lambda *_: None)
    assert (repr(layer), list(layer.state_dict())) == before


def test_what_cannot_be_called_is_refused_at_once():
    layer = ReLU()
    for register in (layer.register_forward_hook, layer.register_forward_pre_hook):
        with pytest.raises(
            UnsupportedError, match=r"this one is 'print'\. Give the function itself"
        ):
            register("print")
    assert not layer._hooks
