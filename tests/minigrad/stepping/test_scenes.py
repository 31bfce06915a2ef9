"""Folding: a call of a module is one box, which opens; and no circle comes of it."""

import functools
import itertools
import re
from html import escape

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
from minigrad.errors import GraphError
from minigrad.stepping.calls import folded_at_first
from minigrad.stepping.folded import Folded
from minigrad.stepping.page import page, step_html
from minigrad.stepping.scenes import scenes
from tests.minigrad.stepping.browser import play


class Block(Module):
    """Operations of its own before, between and after the modules inside."""

    def __init__(self):
        self.first, self.act, self.second = Linear(3, 3), ReLU(), Linear(3, 3)

    def forward(self, x):
        y = self.first(x * 2.0)
        return self.second(self.act(np.tanh(y))) + x


class Looking(Module):
    """A spatial transformer and a head."""

    def __init__(self):
        localisation = Sequential(Conv2d(1, 1, 2), ReLU(), Flatten(), Linear(9, 3))
        self.stn, self.head = SpatialTransformer(localisation, 3), Linear(16, 2)

    def forward(self, x):
        return self.head(self.stn(x).reshape(len(x), -1))


def stepper_of(net, recorded=True, repeat=1):
    x = minigrad.tensor(np.ones((2, 3)))
    if not recorded:
        return minigrad.step(np.sum(net(x)))
    with minigrad.recording():
        for _ in range(repeat):
            x = net(x)
        return minigrad.step(np.sum(x))


def looking():
    net, x = Looking(), np.random.default_rng(0).standard_normal((2, 1, 4, 4))
    with minigrad.recording():
        loss = np.sum(net(x) ** 2)
    return minigrad.step(loss)


def shown(call, folded):
    """The calls that stand in the drawing as boxes."""
    for inner in call.calls:
        if inner in folded:
            yield inner
        else:
            yield from shown(inner, folded)


def test_without_a_recording_there_is_one_scene():
    assert len(scenes(stepper_of(Block(), recorded=False).calls)) == 1


def test_the_callers_modules_and_containers_are_open_at_first():
    stepper = stepper_of(Sequential(Block(), Linear(3, 3), Tanh()))
    assert stepper.folded == set()
    assert [call.path for call in stepper.calls.inside()] == [
        "net", "net.0", "net.0.first", "net.0.second", "net.1",
    ]  # fmt: skip


def test_a_layer_of_several_operations_is_one_box_and_so_are_its_parts_of_several():
    stepper = looking()
    assert [call.path for call in shown(stepper.calls, stepper.folded)] == ["net.stn"]
    stn = next(call for call in stepper.calls.inside() if call.kind == "SpatialTransformer")
    assert [call.path for call in shown(stn, stepper.folded)] == ["net.stn.localisation"]
    own = [box.name for box in stn.boxes]
    assert own == ["reshape", "affine_grid", "grid_sample"]


def test_a_large_graph_is_folded_by_calls():
    stepper = stepper_of(Sequential(*[Block() for _ in range(70)]))
    blocks = list(shown(stepper.calls, stepper.folded))
    assert [call.kind for call in blocks] == ["Block"] * 70
    assert len(stepper.boxes) == 70 * 10, "the first block scales a constant"
    assert len({box for call in blocks for box in call.members()}) == 70 * 10 - 1, "not the sum"


def test_scenes_hold_each_box_once_and_lines_go_from_left_to_right():
    stepper = stepper_of(Sequential(Block(), Sequential(Block(), Block())))
    found = scenes(stepper.calls)
    items = [item for scene in found for item in scene["items"]]
    assert sorted(item["box"] for item in items if "box" in item) == list(range(len(stepper.boxes)))
    assert sorted(item["call"] for item in items if "call" in item) == list(range(1, len(found)))
    lines = set()
    for scene in found:
        for start, end, _, _, pairs in scene["edges"]:
            assert scene["items"][start]["column"] < scene["items"][end]["column"]
            lines |= set(pairs)
    assert lines == {(s.number, box.number) for box in stepper.boxes for s in box.sources}


def test_a_line_between_two_modules_leaves_one_and_enters_the_other():
    stepper = stepper_of(Sequential(Linear(3, 3), Linear(3, 3)))
    around, net, first, second = scenes(stepper.calls)
    one, two = (box.number for box in stepper.boxes if box.name == "linear")

    def ends(scene):
        items = [item.get("end") or ("call" in item and "call") or "box" for item in scene["items"]]
        return [(items[s], items[e]) for s, e, *_, pairs in scene["edges"] if (one, two) in pairs]

    assert list(map(ends, (around, net, first, second))) == [
        [], [("call", "call")], [("box", "exit")], [("entry", "box")],
    ]  # fmt: skip


def test_the_depth_is_the_deepest_that_is_small():
    net = Sequential(*[Sequential(Block(), Block()) for _ in range(20)])
    calls = stepper_of(net).calls
    for most, kind, count in [(300, "Linear", 80), (60, "Block", 40), (30, "Sequential", 20)]:
        folded = folded_at_first(calls, most)
        assert [call.kind for call in shown(calls, folded)] == [kind] * count


def test_a_parameter_that_several_calls_use_has_a_box_of_its_own():
    stepper = stepper_of(Block(), repeat=60)
    assert len(list(shown(stepper.calls, stepper.folded))) == 60
    assert sum(box.is_leaf for box in stepper.calls.boxes) == 4


def test_a_leaf_that_is_no_parameter_stays_outside():
    x = minigrad.tensor(np.ones((2, 3)), requires_grad=True)
    with minigrad.recording():
        loss = np.sum(Block()(x))
    assert [box.name for box in minigrad.step(loss).calls.boxes] == ["x", "sum"]


def test_calls_are_told_apart_and_nested():
    cell, inputs = LSTMCell(3, 2), minigrad.tensor(np.ones((1, 3)))
    with minigrad.recording():
        state = cell(inputs, cell(inputs))
    titles = [call.title for call in minigrad.step(np.sum(state[0])).calls.inside()]
    assert titles == [], "each call of the cell is a single operation"
    net = Sequential(Block())
    with minigrad.recording():
        y = net(net(inputs))
    assert [scope.kind for scope in y._node.values.scopes] == ["Sequential", "Block"]
    titles = {call.title for call in minigrad.step(np.sum(y)).calls.inside()}
    assert {"net (Sequential), call 1 of 2", "net.0 (Block), call 2 of 2"} < titles


def test_the_steps_of_a_call_follow_each_other_without_a_gap():
    cell = LSTMCell(3, 2)
    x = minigrad.tensor(np.ones((2, 3)), requires_grad=True)
    with minigrad.recording():
        h, c = cell(x)
        h, c = cell(x * 0.5, (h, c))
        loss = np.sum(h * c)
    stepper = minigrad.step(loss)
    for call in stepper.calls.inside():
        numbers = sorted(box.step for box in call.members() if box.step)
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
    taken = [part.number for turn in stepper for part in getattr(turn, "parts", [turn])]
    assert taken == list(range(1, len(stepper) + 1))
    loss.backward()
    np.testing.assert_allclose(stepper.gradient(x), x.grad, rtol=1e-6)


def test_walking_by_modules():
    stepper = looking()
    names = [step.name for step in stepper]
    assert names == ["sum", "power", "linear", "reshape", "net.stn"]
    stn = stepper.now
    assert isinstance(stn, Folded)
    assert stepper.position == len(stepper) == stn.number
    assert stn.first == 5
    assert stepper.back().name == "reshape"
    assert [step.name for step in stepper.fold()] == ["sum", "power", "net"]
    names = [step.name for step in stepper.unfold("Looking").unfold("SpatialTransformer")]
    assert names[4:] == ["grid_sample", "affine_grid", "reshape", "linear", "net.stn.localisation"]
    assert len(list(stepper.unfold())) == len(stepper)


def test_folding_and_opening_keep_the_place():
    stepper = looking().unfold()
    stepper.until("grid_sample")
    stepper.fold("stn")
    assert (stepper.now.name, stepper.position) == ("net.stn", len(stepper))
    stepper.unfold("stn")
    assert (stepper.now.name, stepper.position) == ("grid_sample", 5)
    stepper.fold("stn").goto(6)
    assert stepper.now.name == "affine_grid"
    assert "net.stn" not in {call.path for call in stepper.folded}


def test_until_finds_a_module_and_opens_what_hides_an_operation():
    assert looking().until("SpatialTransformer").name == "net.stn"
    assert looking().until("stn").name == "net.stn"
    stepper = looking()
    assert stepper.until("conv2d").view is not None
    assert stepper.now.name == "conv2d"


def test_an_unknown_module_is_refused():
    with pytest.raises(GraphError, match="no module 'x' .* There are: net, net.stn, net.stn.loc"):
        looking().fold("x")
    with pytest.raises(GraphError, match=r"There are: none; compute the loss inside"):
        stepper_of(Block(), recorded=False).unfold("Block")


def test_a_folded_step_shows_what_goes_in_and_out_and_the_gradients_of_its_parameters():
    stepper = stepper_of(Sequential(Block(), Block())).fold("1")
    block = stepper.until("net.1")
    loss = stepper.loss
    parameters = {box.name: box.origin for box in stepper.boxes if box.is_leaf}
    y, dy = block.outputs[0].value, block.outputs[0].gradient
    np.testing.assert_array_equal(y, loss._node.values.operands[0])
    np.testing.assert_array_equal(dy, np.ones((2, 3)))
    into, *own = block.operands
    assert (into.name, into.source.name) == ("x", "add")
    assert [operand.name for operand in own] == [
        "second.weight", "second.bias", "first.weight", "first.bias",
    ]  # fmt: skip
    np.testing.assert_allclose(into.gradient, stepper.steps[block.number].outputs[0].gradient)
    loss.backward()
    for operand in own:
        gradient = parameters[f"net.1.{operand.name}"].grad
        np.testing.assert_allclose(operand.gradient, gradient)
        assert f"norm {np.linalg.norm(gradient.astype(float)):.4g}" in str(block)
    assert str(block).startswith(
        "steps 2 to 7 of 12: net.1 (Block)\n  one after the other: add, linear"
    )
    assert 'stepper.unfold("net.1") opens it' in str(block)


def test_folding_and_opening_in_the_page(tmp_path):
    stepper = stepper_of(Sequential(*[Block() for _ in range(70)]))
    script = """
      const states = () => [...document.querySelectorAll("#boxes > g.now .state")].map(s => s.textContent);
      const boxes = () => document.querySelectorAll("#boxes > g").length;
      const place = () => document.getElementById("place").textContent;
      const found = [boxes()];
      for (let k = 0; k < 3; k++) document.getElementById("next").click();
      found.push(states(), place());
      document.getElementById("fold").click();
      found.push(boxes(), place());
      document.getElementById("fold").click();
      found.push(boxes(), states());
      return found;"""
    assert play(page(stepper), script, tmp_path) == [
        71, ["6 of 6 steps"], f"steps 8 to 13 of {len(stepper)}",
        700, f"step 8 of {len(stepper)}",
        71, ["6 of 6 steps"],
    ]  # fmt: skip


def test_a_transformer_opens_in_the_page_by_click_and_by_key(tmp_path):
    stepper = looking()
    script = """
      const key = name => document.body.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
      const click = element => element.dispatchEvent(new MouseEvent("click", { bubbles: true }));
      const heading = () => document.querySelector("#panel h2").textContent;
      const kinds = () => [...document.querySelectorAll("#boxes .kind")].map(text => text.textContent);
      const stn = () => [...document.querySelectorAll("#boxes > g")].find(g => g.querySelector(".kind")?.textContent === "SpatialTransformer");
      const found = [kinds()];
      click(stn());
      found.push(heading(), document.querySelectorAll("#panel [data-step]").length);
      click(stn());
      found.push(kinds(), heading(), document.querySelector(".view summary").textContent);
      key("f");
      found.push(kinds(), heading());
      key("o");
      found.push(kinds());
      const minus = [...document.querySelectorAll("#frames [data-fold]")].find(t => t.textContent.includes("stn"));
      found.push(minus.textContent);
      click(minus);
      found.push(kinds());
      click(document.querySelector("#boxes [data-fold]"));
      found.push(kinds());
      click(document.querySelector("#boxes [data-fold]"));
      found.push(kinds(), document.querySelectorAll("#boxes > g").length === data.boxes.length);
      key("f"); key("f"); key("f");
      found.push(kinds());
      document.querySelector("#panel [data-open]").click();
      found.push(kinds(), heading());
      key("f"); key("f");
      document.querySelector("#panel [data-step='7']").click();
      found.push(heading());
      return found;"""
    n = len(stepper)
    assert play(page(stepper), script, tmp_path) == [
        ["SpatialTransformer"], f"steps 5 to {n} of {n}: net.stn (SpatialTransformer)", n - 4,
        ["Sequential"], f"step 5 of {n}: grid_sample",
        "the sampler, pixel by pixel: four neighbours, their weights, the slopes case by case",
        ["SpatialTransformer"], f"steps 5 to {n} of {n}: net.stn (SpatialTransformer)",
        ["Sequential"],
        "− stn (SpatialTransformer)", ["SpatialTransformer"], ["Sequential"], [], True,
        ["Looking"], ["SpatialTransformer"], f"step 3 of {n}: linear",
        f"step 7 of {n}: reshape",
    ]  # fmt: skip


def test_a_forward_is_known_by_its_object_whatever_its_first_argument_is_called():
    def decorated(forward):
        @functools.wraps(forward)
        def call(*given):
            return forward(*given)

        return call

    class Terse(Block):
        def forward(s, x):
            return super().forward(x * 2.0)

    class Decorated(Block):
        @decorated
        def forward(this, x):
            return Block.forward(this, x)

    def forward(net, x):
        return net(x)

    net = Sequential(Terse(), Decorated())
    x = minigrad.tensor(np.ones((2, 3)))
    with minigrad.recording():
        loss = np.sum(forward(net, x))
    kinds = [call.kind for call in minigrad.step(loss).calls.inside()]
    blocks = ([kind] * 2 + ["Linear"] * 2 for kind in ("Terse", "Decorated"))
    assert kinds == ["Sequential", *itertools.chain(*blocks)]


def test_a_step_inside_of_a_layer_shows_the_line_of_its_forward_too():
    steps = {step.name: step for step in looking().unfold()}
    sampling = steps["grid_sample"]
    assert "loss = np.sum(net(x) ** 2)" not in sampling.line  # the caller's own module calls it
    assert "self.head(self.stn(x)" in sampling.line
    assert re.search(
        r"in SpatialTransformer.forward, .*spatial_transformer.py:\d+: ", sampling.inner
    )
    assert sampling.inner in str(sampling)
    assert escape(sampling.inner) in step_html(sampling)
    assert steps["power"].inner == ""
