"""What a drawing knows: values, gradients, norms along arrows, modules; and what it must not say."""

import sys
from contextlib import nullcontext
from types import MappingProxyType

import numpy as np
import pytest

import minigrad
from layers import (
    Conv2d,
    Flatten,
    Linear,
    LSTMCell,
    Module,
    ReLU,
    Sequential,
    SpatialTransformer,
    Tanh,
)
from layers.functional import cross_entropy
from minigrad import Function, recording
from minigrad.drawing import graph
from minigrad.drawing.graph import CONSTANT, LEAF, OUTPUT, named_by
from minigrad.drawing.groups import group
from minigrad.drawing.numbers import brief, short
from minigrad.errors import GradientError, GraphError


def read(loss, names=MappingProxyType({})):
    return graph.read(loss, named_by(names, None))


def _line():
    w, b = (minigrad.tensor(v, requires_grad=True) for v in (2.0, -1.0))
    x = minigrad.tensor([3.0, 1.0, 2.0])
    return {"w": w, "b": b, "x": x}, np.sum(w * x + b)


def _by_label(drawn):
    return {box.label: box for box in drawn.boxes.values()}


def test_values_gradients_and_norms_of_a_line_are_those_computed_by_hand():
    with recording():
        names, loss = _line()
    drawn = read(loss, names)
    boxes = _by_label(drawn)
    assert set(boxes) == {"w", "b", "x", "multiply", "add", "sum"}
    assert boxes["multiply"].value.tolist() == [6, 2, 4]
    assert boxes["add"].value.tolist() == [5, 1, 3]
    assert (boxes["w"].gradient, boxes["b"].gradient, boxes["sum"].gradient) == (6, 3, 1)
    assert boxes["multiply"].gradient.tolist() == [1, 1, 1]
    assert (boxes["x"].kind, boxes["w"].kind, boxes["sum"].kind) == (CONSTANT, LEAF, OUTPUT)
    label = {key: box.label for key, box in drawn.boxes.items()}
    norms = {(label[s], label[t]): norm for (s, t), norm in drawn.arrows.items()}
    assert norms == {
        ("w", "multiply"): 6, ("x", "multiply"): None, ("b", "add"): 3,
        ("multiply", "add"): pytest.approx(3**0.5), ("add", "sum"): pytest.approx(3**0.5),
    }  # fmt: skip


def test_what_nobody_kept_is_unknown_and_never_zero():
    names, loss = _line()
    boxes = _by_label(read(loss, names))
    assert boxes["add"].value is None
    assert boxes["x"].gradient is None  # a constant has none
    assert boxes["sum"].value == 9


def test_what_a_rule_kept_is_known_without_a_recording():
    x = minigrad.tensor([0.0, 1.0], requires_grad=True)
    boxes = _by_label(read(np.sum(np.log(np.exp(x) + 1))))
    np.testing.assert_allclose(boxes["exp"].value, np.exp([0, 1]), rtol=1e-6)  # it keeps its output
    np.testing.assert_allclose(
        boxes["add"].value, np.exp([0, 1]) + 1, rtol=1e-6
    )  # log keeps its operand


@pytest.mark.parametrize("record", [True, False])
def test_a_leaf_that_has_changed_shows_the_value_of_the_pass(record):
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    with recording() if record else nullcontext():
        loss = np.sum(x * x)
    x.data = x.data * 10
    drawn = read(loss, {"x": x})
    assert _by_label(drawn)["x"].value.tolist() == [1, 2]
    assert _by_label(drawn)["x"].gradient.tolist() == [2, 4]
    assert not drawn.has_later


def test_after_a_step_of_an_optimizer_recorded_values_are_those_of_the_pass():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    for context, value, has_later in ((recording(), [1, 2], False), (nullcontext(), [0, 0], True)):
        x.data = np.array([1.0, 2.0])
        with context:
            loss = np.sum(x * x)
        x.grad = None
        loss.backward()
        minigrad.optim.SGD([x], lr=0.5).step()
        drawn = read(loss, {"x": x})
        assert _by_label(drawn)["x"].value.tolist() == value
        assert drawn.has_later is has_later


def test_a_gradient_that_no_rule_computed_is_none():
    class Stop(Function):
        "y = x;   dx is never computed"

        @staticmethod
        def forward(ctx, x):
            return x + 0

        @staticmethod
        def backward(ctx, dy):
            return (None,)

    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    drawn = read(Stop.apply(np.exp(x)).sum())
    boxes = _by_label(drawn)
    assert boxes["leaf"].gradient is None
    assert boxes["exp"].gradient is None
    assert boxes["stop"].gradient.tolist() == [1, 1]
    assert [norm for norm in drawn.arrows.values() if norm is None] == [None, None]


def test_a_shared_value_is_one_box_and_its_gradient_the_sum_of_what_its_arrows_bring():
    x = minigrad.tensor([1.0, -2.0], requires_grad=True)
    loss = np.sum(x * x + np.sin(x) * 3)
    drawn = read(loss, {"x": x})
    assert [box.label for box in drawn.boxes.values()].count("x") == 1
    key = next(k for k, box in drawn.boxes.items() if box.label == "x")
    assert sum(source is key for source, _ in drawn.arrows) == 2
    np.testing.assert_allclose(
        drawn.boxes[key].gradient, 2 * x.data + 3 * np.cos(x.data), rtol=1e-6
    )
    norms = {drawn.boxes[t].label: n for (s, t), n in drawn.arrows.items() if s is key}
    # x * x hands back two gradients to one operand: the arrow shows their sum.
    assert norms["multiply"] == pytest.approx(np.linalg.norm(2 * x.data), rel=1e-6)


@pytest.mark.parametrize("record", [True, False])
def test_a_shared_constant_is_one_box_with_the_name_of_the_callers_array(record):
    w = minigrad.tensor([1.0, -2.0], requires_grad=True)
    pixels = np.array([3.0, 4.0], np.float32)
    with recording() if record else nullcontext():
        loss = np.sum(w * pixels + np.sin(w) * pixels)
    boxes = graph.read(loss, named_by(None, sys._getframe())).boxes.values()
    assert [box.label for box in boxes if box.kind == CONSTANT] == ["pixels"]
    boxes = read(loss, {"data": pixels}).boxes.values()
    assert [box.label for box in boxes if box.kind == CONSTANT] == ["data"]


def test_drawing_leaves_the_graph_and_the_gradients_alone():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    loss = np.sum(x * x)
    read(loss)
    assert x.grad is None
    loss.backward()
    assert x.grad.tolist() == [2, 4]


def test_a_freed_graph_shows_the_gradients_of_its_leaves_and_says_why_no_others():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    loss = np.sum(y)
    loss.backward()
    drawn = read(loss, {"x": x})
    boxes = _by_label(drawn)
    assert "freed" in drawn.note
    assert boxes["x"].gradient.tolist() == [2, 4]
    assert boxes["multiply"].gradient is None
    assert set(drawn.arrows.values()) == {None}


def test_an_output_of_several_numbers_is_drawn_without_gradients():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    drawn = read(x * x)
    assert "(2,)" in drawn.note
    assert all(box.gradient is None for box in drawn.boxes.values())


def test_a_rule_with_several_outputs_has_a_box_for_each():
    x = minigrad.tensor(np.arange(6.0), requires_grad=True)
    with recording():
        first, _, last = np.split(x, 3)
        loss = np.sum(first * 2) + np.sum(last * last)
    drawn = read(loss, {"x": x, "last": last})
    boxes = _by_label(drawn)
    part = next(box for label, box in boxes.items() if label.startswith("last = "))
    assert part.value.tolist() == [4, 5]
    assert part.gradient.tolist() == [8, 10]
    assert boxes["x"].gradient.tolist() == [2, 2, 0, 0, 8, 10]


def test_plain_numbers_stand_in_the_label_of_a_recorded_operation():
    x = minigrad.tensor(2.0, requires_grad=True)
    with recording():
        loss = x**2 * 0.5
    assert {"power(·, 2)", "multiply(·, 0.5)"} < set(_by_label(read(loss)))


def test_what_has_no_graph_is_refused():
    for thing in (minigrad.tensor(1.0), np.ones(3), 2.0):
        with pytest.raises(GraphError, match="has no graph"):
            read(thing)


@pytest.mark.parametrize("names", [["w"], "w", Linear, 3])
def test_names_that_are_neither_a_mapping_nor_a_module_are_refused(names):
    with pytest.raises(GraphError, match=r'names is a .*\{"w": w'):
        named_by(names, None)


def test_a_rule_that_breaks_its_promise_is_named_as_in_any_backward_pass():
    class Short(Function):
        "y = a b;   returns one gradient for two operands"

        @staticmethod
        def forward(ctx, a, b):
            return a * b

        @staticmethod
        def backward(ctx, dy):
            return dy

    x = minigrad.tensor(2.0, requires_grad=True)
    with pytest.raises(GradientError, match="short: backward returned 1 gradients for the 2"):
        read(Short.apply(x, x))


class Net(Module):
    def __init__(self):
        self.features = Sequential(Conv2d(1, 2, 3), ReLU(), Conv2d(2, 2, 3), ReLU(), Flatten())
        self.head = Linear(2, 3)

    def forward(self, x):
        return self.head(self.features(x))


def test_parameters_tell_the_modules_of_the_nodes_that_use_them_and_of_those_between():
    net = Net()
    loss = cross_entropy(net(np.ones((2, 1, 5, 5), np.float32)), np.array([0, 1]))
    groups = [(box.label, box.group) for box in read(loss, net).boxes.values()]
    assert ("conv2d", "features.0") in groups
    assert ("conv2d", "features.2") in groups
    assert ("relu", "features") in groups  # the one between; the other is behind the last parameter
    assert ("linear", "head") in groups
    assert ("features.0.weight", "features.0") in groups
    assert ("cross_entropy", "") in groups


def test_a_module_in_a_mapping_has_its_name_before_those_of_its_parameters():
    net = Linear(2, 1)
    labels = _by_label(read(net(np.ones((1, 2))).sum(), {"critic": net}))
    assert {"critic.weight", "critic.bias"} < set(labels)


def test_groups_of_a_recurrence_are_told_apart_where_their_hulls_overlap():
    edges = {"w": [], "v": [], "x": []}
    state = "x"
    for t in range(3):
        edges |= {f"h{t}": [state, "w"], f"tanh{t}": [f"h{t}"], f"y{t}": [f"tanh{t}", "v"]}
        state = f"tanh{t}"
    edges["loss"] = ["y0", "y1", "y2"]
    found = group(edges, {"w": "cell", "v": "readout", "x": ""})
    assert [found[f"h{t}"] for t in range(3)] == ["cell"] * 3
    assert [found[f"y{t}"] for t in range(3)] == ["readout"] * 3
    assert found["tanh0"] == found["tanh1"] == "cell"
    assert "loss" not in found
    assert "x" not in found


def test_recorded_nodes_belong_to_the_modules_in_whose_calls_they_were_made():
    net = Net()
    with recording():
        loss = cross_entropy(net(np.ones((2, 1, 5, 5), np.float32)), np.array([0, 1]))
    groups = [(box.label, box.group) for box in read(loss, net).boxes.values()]
    assert {("relu", "features.1"), ("relu", "features.3"), ("reshape", "features.4")} < set(groups)
    assert {("conv2d", "features.0"), ("conv2d", "features.2"), ("linear", "head")} < set(groups)
    assert ("cross_entropy", "") in groups


def test_a_layer_without_parameters_has_its_place_in_the_module_around_it():
    m = Sequential(Linear(2, 3), Tanh(), Sequential(Linear(3, 2), Tanh()))
    with recording():
        loss = m(np.ones((1, 2), np.float32)).sum()
    boxes = [
        (b.label, b.group) for b in graph.read(loss, named_by(None, sys._getframe())).boxes.values()
    ]
    assert {("linear", "m.0"), ("tanh", "m.1"), ("linear", "m.2.0"), ("tanh", "m.2.1")} < set(boxes)
    assert ("sum", "") in boxes


def _of_a_net_built_here(record):
    net = Net()
    with recording() if record else nullcontext():
        return cross_entropy(net(np.ones((2, 1, 5, 5), np.float32)), np.array([0, 1]))


@pytest.mark.parametrize("record", [True, False])
def test_a_net_that_the_caller_does_not_hold_still_names_its_parameters(record):
    loss = _of_a_net_built_here(record)
    drawn = graph.read(loss, named_by(None, sys._getframe()))
    paths = {name for name, _ in Net().named_parameters()}
    assert {box.label for box in drawn.boxes.values() if box.kind == LEAF} == paths
    groups = {(box.label, box.group) for box in drawn.boxes.values()}
    assert {("conv2d", "features.0"), ("linear", "head")} < groups
    stepper = minigrad.step(loss)
    assert {box.name for box in stepper.boxes if box.is_leaf} == paths


def _transformed():
    """A spatial transformer that is given a tracked image, and its loss."""
    localisation = Sequential(Conv2d(1, 1, 2), ReLU(), Flatten(), Linear(9, 3))
    stn = SpatialTransformer(localisation, 3)
    stn.regression.weight.data = np.full((6, 3), 0.1)
    x = minigrad.tensor(np.random.default_rng(0).standard_normal((2, 1, 4, 4)), requires_grad=True)
    with recording():
        v = stn(x)
        loss = np.sum(v * v)
    return stn, x, v, loss


def test_a_recorded_layer_of_several_operations_is_one_box():
    stn, x, v, loss = _transformed()
    drawn = read(loss, {"stn": stn, "x": x})
    boxes = _by_label(drawn)
    assert set(boxes) == {"x", "SpatialTransformer", "multiply", "sum"}
    v.retain_grad()
    loss.backward()
    box = boxes["SpatialTransformer"]
    assert (box.kind, box.group, box.shape) == ("operation", "stn", (2, 1, 4, 4))
    np.testing.assert_array_equal(box.value, v.data)
    np.testing.assert_allclose(box.gradient, v.grad, rtol=1e-6)
    label = {key: box.label for key, box in drawn.boxes.items()}
    norms = {(label[s], label[t]): norm for (s, t), norm in drawn.arrows.items()}
    # The localisation net and the sampler both send a gradient to x: the arrow is their sum.
    assert norms["x", "SpatialTransformer"] == pytest.approx(np.linalg.norm(x.grad), rel=1e-6)
    assert norms["SpatialTransformer", "multiply"] == pytest.approx(
        np.linalg.norm(v.grad), rel=1e-6
    )


def test_a_layer_that_was_not_recorded_is_drawn_with_its_parts():
    stn, x, _, _ = _transformed()
    labels = [box.label for box in read(np.sum(stn(x)), {"stn": stn}).boxes.values()]
    assert "SpatialTransformer" not in labels
    assert {"conv2d", "affine_grid", "grid_sample", "stn.regression.weight"} < set(labels)


def test_a_layer_with_several_outputs_leaves_them_their_boxes():
    cell = LSTMCell(3, 2)
    x = minigrad.tensor(np.ones((1, 3)), requires_grad=True)
    with recording():
        h, c = cell(x)
        loss = np.sum(h * c)
    drawn = read(loss, {"cell": cell, "x": x, "h": h, "c": c})
    assert [box.label for box in drawn.boxes.values()].count("LSTMCell") == 1
    label = {key: box.label for key, box in drawn.boxes.items()}
    arrows = {(label[s].split(" ")[0], label[t].split(" ")[0]) for s, t in drawn.arrows}
    assert {("x", "LSTMCell"), ("LSTMCell", "h"), ("LSTMCell", "c"), ("h", "multiply")} <= arrows
    assert all(norm is not None for norm in drawn.arrows.values())


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.float32(1.5), "1.5"), (np.array([[-2.0]]), "−2"), (np.array([1.0, -0.25]), "[1  −0.25]"),
        (np.zeros(9), "all 0"), (np.arange(9.0), "0 … 8"), (np.zeros((0, 3)), "empty"),
        (np.array([1, np.nan, np.inf, 2, 3]), "2 of 5 not finite"), (np.array(np.nan), "nan"),
    ],
)  # fmt: skip
def test_arrays_in_few_characters(array, text):
    assert brief(array) == text


def test_a_number_keeps_its_significant_figures():
    assert [short(x) for x in (0.03125, -1e-9, 12345.0, 4e7, -0.0)] == [
        "0.0312", "−1e−09", "12345", "4e07", "0",
    ]  # fmt: skip
