"""Folding: a call of a module is one box of a large graph, and no circle comes of it."""

import numpy as np

import minigrad
from layers import Linear, LSTMCell, Module, ReLU, Sequential
from minigrad.stepping import scenes as folding
from minigrad.stepping.page import page
from minigrad.stepping.scenes import scenes
from tests.minigrad.stepping.browser import play


class Block(Module):
    """Operations of its own before, between and after the modules inside."""

    def __init__(self):
        self.first, self.act, self.second = Linear(3, 3), ReLU(), Linear(3, 3)

    def forward(self, x):
        y = self.first(x * 2.0)
        return self.second(self.act(np.tanh(y))) + x


def stepper_of(net, recorded=True, repeat=1):
    x = minigrad.tensor(np.ones((2, 3)))
    if not recorded:
        return minigrad.step(np.sum(net(x)))
    with minigrad.recording():
        for _ in range(repeat):
            x = net(x)
        return minigrad.step(np.sum(x))


def test_a_small_graph_and_one_without_modules_stay_as_they_are():
    assert len(scenes(stepper_of(Block()).boxes)) == 1
    many = Sequential(*[Block() for _ in range(70)])
    assert len(scenes(stepper_of(many, recorded=False).boxes)) == 1


def test_a_large_graph_is_folded_by_calls():
    stepper = stepper_of(Sequential(*[Block() for _ in range(70)]))
    folded, full = scenes(stepper.boxes)
    assert [box["name"] for box in folded["boxes"]].count("Block") == 70
    assert len(folded["boxes"]) == 71, "and the sum"
    assert len(full["boxes"]) == len(stepper.boxes) == 70 * 10, "the first block scales a constant"
    members = sorted(m for box in folded["boxes"] for m in box["members"])
    assert members == list(range(len(stepper.boxes)))
    steps = sorted(s for box in folded["boxes"] for s in box["steps"])
    assert steps == list(range(1, len(stepper) + 1))
    for number, home in enumerate(folded["home"]):
        assert number in folded["boxes"][home]["members"]
    columns = [box["column"] for box in folded["boxes"]]
    assert all(columns[source] < columns[to] for source, to, *_ in folded["edges"])


def test_the_depth_is_the_deepest_that_is_small(monkeypatch):
    net = Sequential(*[Sequential(Block(), Block()) for _ in range(20)])
    stepper = stepper_of(net)
    for most, name, count in [(300, "Linear", 80), (60, "Block", 40), (30, "Sequential", 20)]:
        monkeypatch.setattr(folding, "LARGE", most)
        folded = scenes(stepper.boxes)[0]
        assert [box["name"] for box in folded["boxes"]].count(name) == count


def test_a_parameter_that_several_calls_use_has_a_box_of_its_own():
    stepper = stepper_of(Block(), repeat=60)
    folded = scenes(stepper.boxes)[0]
    names = [box["name"] for box in folded["boxes"]]
    assert names.count("Block") == 60
    assert sum(box["kind"] == "leaf" for box in folded["boxes"]) == 4


def test_calls_are_told_apart_and_nested():
    cell, inputs = LSTMCell(3, 2), minigrad.tensor(np.ones((1, 3)))
    with minigrad.recording():
        state = cell(inputs, cell(inputs))
    last = state[0]._node.inputs[0]
    while last.rule is None or last.name != "lstm":
        last = last.inputs[0]
    (scope,) = last.values.scopes
    assert scope.name == "LSTMCell"
    net = Sequential(Block())
    with minigrad.recording():
        y = net(inputs)
    assert [scope.name for scope in y._node.values.scopes] == ["Sequential", "Block"]


def test_folding_and_unfolding_in_the_page(tmp_path):
    stepper = stepper_of(Sequential(*[Block() for _ in range(70)]))
    script = """
      const states = () => [...document.querySelectorAll("#boxes g.now .state")].map(s => s.textContent);
      const boxes = () => document.querySelectorAll("#boxes g").length;
      const found = [boxes()];
      for (let k = 0; k < 3; k++) document.getElementById("next").click();
      found.push(states());
      document.getElementById("fold").click();
      found.push(boxes(), document.getElementById("place").textContent);
      document.getElementById("fold").click();
      found.push(boxes(), states());
      return found;"""
    assert play(page(stepper), script, tmp_path) == [
        71,
        ["2 of 6 steps"],
        700,
        f"step 3 of {len(stepper)}",
        71,
        ["2 of 6 steps"],
    ]
