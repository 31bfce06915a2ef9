"""The record of one backward pass, taken while it runs.

Its steps are put into the order opposite to that of the recorded operations, which is an order for a
backward pass as well: so the steps of a module's call follow each other without a gap.
"""

import inspect
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.backward import _fit, walk
from minigrad.stepping.graph import Box, boxes, rules
from minigrad.stepping.jacobian import local_derivatives
from minigrad.stepping.known import Known, is_absent, place
from minigrad.stepping.steps import Operand, Output, Step
from minigrad.tape import Node, _describe_line
from minigrad.tensor import Tensor


def take_steps(
    loss: Tensor, seed: np.ndarray, names: Mapping[Any, str]
) -> tuple[list[Step], list[Box]]:
    """Run a backward pass of its own from `loss`, and record it; the graph stays as it is."""
    known = Known(loss, rules(loss))
    record = _Record(known, boxes(loss, names))
    found = walk([loss], [seed], retain_graph=True, watch=record)
    for leaf in found:
        if leaf._hooks and isinstance(leaf, Tensor):
            record.boxes[leaf].hooked = np.array(found[leaf])
    all_boxes = list(record.boxes.values())
    steps = _ordered(record.steps, all_boxes)
    root, output = place(loss._node)
    _add_up(steps, {(record.boxes[root], output if root.outputs > 1 else None): seed})
    return steps, all_boxes


def _ordered(steps: list[Step], all_boxes: list[Box]) -> list[Step]:
    """The steps, the latest operation first; what was not recorded came right after its operands."""
    made: dict[Box, int] = {}
    for box in all_boxes:
        values = None if box.is_leaf else box.origin.values
        operands = (made[source] for source in box.sources)
        made[box] = values.serial if values else max(operands, default=-1)
    steps = sorted(steps, key=lambda step: -made[step.box])
    for number, step in enumerate(steps, 1):
        step.number = step.box.step = number
        step.count = len(steps)
    return steps


def _add_up(steps: list[Step], totals: dict[Any, np.ndarray]) -> None:
    """Fill in what has arrived where after each step; `totals` is what was there before the first."""
    arrivals = Counter(totals.keys())
    for operand in (operand for step in steps for operand in step.operands):
        if operand.source is None or operand.gradient is None:
            continue
        target = operand.source, operand.output
        before = totals.get(target)
        operand.total = operand.gradient if before is None else before + operand.gradient
        totals[target] = operand.total
        arrivals[target] += 1
        operand.arrival = arrivals[target]


class _Record:
    """Watches a walk, and makes a Step of each node that it is shown."""

    def __init__(self, known: Known, found: dict[Any, Box]):
        self.known, self.boxes = known, found
        self.steps: list[Step] = []

    def __call__(self, node: Node, gradient: Any, answers: tuple[Any, ...]) -> None:
        box = self.boxes[node]
        box.hooked = np.array(gradient) if node._hooks else None
        options = node.values.options if node.values else {}
        operands = self._operands(node, answers)
        outputs = self._outputs(node, gradient)
        self.steps.append(
            Step(
                0, box, formula(node.rule), node.line(), operands, outputs, options,
                inner=inner_line(node),
            )
        )  # fmt: skip

    def _operands(self, node: Node, answers: tuple[Any, ...]) -> list[Operand]:
        names, locals_ = operand_names(node), local_derivatives(node, answers)
        operands = []
        for number, source in enumerate(node.inputs):
            if is_absent(node, number):
                continue
            value = self.known.operand(node, number)
            shape = source.shape if source is not None else None if value is None else value.shape
            operand = Operand(names[number], shape, value, local=locals_[number])
            if source is not None:
                self._send(operand, node, answers, number)
            operands.append(operand)
        return operands

    def _send(self, operand: Operand, node: Node, answers: tuple[Any, ...], number: int) -> None:
        """Fill in where the operand came from, and what goes back there."""
        source, answer = node.inputs[number], answers[number]
        rule, output = place(source) if isinstance(source, Node) else (source, 0)
        operand.source, operand.is_now = self.boxes[rule], self.known.is_now(node, number)
        if isinstance(rule, Node) and rule.outputs > 1:
            operand.output = output
        if answer is not None:
            # Its own copy: a rule may answer with an array that somebody changes later.
            operand.gradient = np.array(_fit(node, answers, answer, source, False))
            operand.source.arrivals[operand.output] += 1

    def _outputs(self, node: Node, gradient: Any) -> list[Output]:
        several = node.outputs > 1
        shapes = node.shape if several else [node.shape]
        gradients = gradient if several else [gradient]
        names = [f"y{k}" for k in range(node.outputs)] if several else ["y"]
        return [
            Output(name, shape, self.known.output(node, k), g)
            for k, (name, shape, g) in enumerate(zip(names, shapes, gradients))
        ]


def operand_names(node: Node) -> list[str]:
    """What the rule's forward calls its operands."""
    names: list[str] = []
    for parameter in list(inspect.signature(node.rule.forward).parameters.values())[1:]:
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}[{k}]" for k in range(len(node.inputs) - len(names))]
        elif parameter.kind is not parameter.KEYWORD_ONLY:
            names.append(parameter.name)
    return names


def inner_line(node: Node) -> str:
    """Where the forward of a module of this library made a recorded node; else ''."""
    values = node.values
    if values is None or not values.scopes or not values.scopes[-1].is_ours:
        return ""
    return f"in {values.scopes[-1].kind}.forward, {_describe_line(*values.line)}"


def formula(rule: Any) -> str:
    """A rule in one line, from its docstring; else the source of its backward."""
    if rule.__doc__ and rule.__doc__.strip():
        return rule.__doc__.strip().splitlines()[0]
    try:
        return inspect.cleandoc("\n" + inspect.getsource(rule.backward))
    except (OSError, TypeError):
        return "no formula: write one into the first line of the operation's docstring"
