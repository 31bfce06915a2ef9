"""Hooks on gradients: called once, when the gradient is complete; may replace it; can be removed."""

import copy
import pickle

import numpy as np
import pytest

import minigrad
from minigrad.errors import GradientError, GraphError, UnsupportedError


def test_a_hook_sees_the_whole_gradient_of_a_leaf_and_of_a_result_once():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    seen = []
    x.register_hook(lambda g: seen.append(("x", g.tolist())))
    y.register_hook(lambda g: seen.append(("y", g.tolist())))
    np.sum(y + 3 * y + x).backward()
    assert seen == [("y", [4, 4]), ("x", [9, 17])]
    assert x.grad.tolist() == [9, 17]


def test_what_a_hook_returns_goes_on_in_place_of_the_gradient_and_keeps_its_dtype():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    y.retain_grad()
    y.register_hook(lambda g: np.array([0.5, 1.0]) * g)
    y.register_hook(lambda g: g + 1)
    np.sum(y).backward()
    assert y.grad.tolist() == [1.5, 2]
    assert x.grad.tolist() == [3, 8]
    assert x.grad.dtype == np.float32


def test_a_hook_on_a_leaf_acts_on_grad_too_and_before_gradients_are_added_up():
    x = minigrad.tensor(3.0, requires_grad=True)
    x.register_hook(lambda g: -g)
    assert minigrad.grad(x * 2, x) == -2
    for _ in range(2):
        (x * 2).backward()
    assert x.grad == -4


def test_a_leafs_gradient_is_an_array_of_its_dtype_whatever_a_hook_returns():
    for answer in ([0.5, 1.0], np.array([0.5, 1.0]), minigrad.tensor([0.5, 1.0], dtype=np.float64)):
        x = minigrad.tensor([1.0, 2.0], requires_grad=True)
        x.register_hook(lambda g, answer=answer: answer)
        np.sum(x * x).backward()
        assert type(x.grad) is np.ndarray
        assert x.grad.dtype == np.float32
        assert x.grad.tolist() == [0.5, 1]


def test_a_hook_on_one_of_several_outputs_has_that_outputs_gradient():
    x = minigrad.tensor(np.arange(4.0), requires_grad=True)
    first, last = np.split(x, 2)
    last.register_hook(lambda g: 10 * g)
    np.sum(first + last).backward()
    assert x.grad.tolist() == [1, 1, 10, 10]


def test_under_create_graph_a_hook_is_given_a_tensor_and_its_answer_is_differentiated():
    x = minigrad.tensor(3.0, requires_grad=True)
    y = x * x
    y.register_hook(lambda g: g * x)
    gradient = minigrad.grad(y, x, create_graph=True)  # 2 x · x
    assert gradient.item() == 18
    assert minigrad.grad(gradient, x) == 12


def test_removed_hooks_are_silent_and_removing_twice_is_harmless():
    x = minigrad.tensor(1.0, requires_grad=True)
    seen = []
    handle = x.register_hook(seen.append)
    with x.register_hook(lambda g: seen.append("block")):
        (x * 1).backward()
    handle.remove()
    handle.remove()
    (x * 1).backward()
    assert len(seen) == 2


def test_a_hook_survives_the_tensor_it_was_registered_on():
    x = minigrad.tensor(1.0, requires_grad=True)
    seen = []
    y = x * 2
    y.register_hook(lambda g: seen.append(float(g)))
    z = y * 5
    del y
    z.backward()
    assert seen == [5]


def test_a_gradient_of_another_shape_is_refused_with_the_name_of_the_hook():
    def total(gradient):
        return gradient.sum()

    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    x.register_hook(total)
    with pytest.raises(GradientError, match=r"total was given .* \(2,\) and returned .* \(\)"):
        np.sum(x * x).backward()


def test_a_tensor_that_no_gradient_reaches_takes_no_hook():
    with pytest.raises(GraphError, match="register_hook"):
        minigrad.tensor(1.0).register_hook(print)


def test_what_cannot_be_called_is_refused_at_once():
    x = minigrad.tensor(1.0, requires_grad=True)
    for leaf_or_result in (x, x * 2):
        with pytest.raises(UnsupportedError, match=r"this one is 3\. Give the function itself"):
            leaf_or_result.register_hook(3)
    (x * 2).backward()  # and none is left behind


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_have_no_hooks(twin_of):
    x = minigrad.tensor(1.0, requires_grad=True)
    x.register_hook(lambda g: 7 * g)
    twin = twin_of(x)
    (twin * 2).backward()
    assert twin.grad == 2
