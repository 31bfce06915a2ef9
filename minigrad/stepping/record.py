"""The record of one backward pass, taken while it runs."""

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.backward import _fit, walk
from minigrad.stepping.graph import Box, boxes, rules
from minigrad.stepping.jacobian import local_derivatives
from minigrad.stepping.known import Known, Place, is_absent, place
from minigrad.stepping.steps import Operand, Output, Step
from minigrad.tape import Node
from minigrad.tensor import Tensor


def take_steps(
    loss: Tensor, seed: np.ndarray, names: Mapping[int, str]
) -> tuple[list[Step], list[Box]]:
    """Run a backward pass of its own from `loss`, and record it; the graph stays as it is."""
    known = Known(loss, rules(loss))
    record = _Record(known, boxes(loss, names))
    record.add(place(loss._node), seed)
    found = walk([loss], [seed], retain_graph=True, watch=record)
    for leaf in found:
        if leaf._hooks and isinstance(leaf, Tensor):
            record.boxes[leaf].hooked = np.array(found[leaf])
    for step in record.steps:
        step.count = len(record.steps)
    return record.steps, list(record.boxes.values())


class _Record:
    """Watches a walk; makes a Step of each node that it is shown, and adds up as the walk does."""

    def __init__(self, known: Known, found: dict[Any, Box]):
        self.known, self.boxes = known, found
        self.steps: list[Step] = []
        self.totals: dict[Any, np.ndarray] = {}
        self.arrivals: dict[Any, int] = {}

    def __call__(self, node: Node, gradient: Any, answers: tuple[Any, ...]) -> None:
        box = self.boxes[node]
        box.step = len(self.steps) + 1
        box.hooked = np.array(gradient) if node._hooks else None
        options = node.values.options if node.values else {}
        operands = self._operands(node, answers)
        outputs = self._outputs(node, gradient)
        self.steps.append(
            Step(box.step, box, formula(node.rule), node.line(), operands, outputs, options)
        )

    def add(self, target: Any, gradient: np.ndarray) -> np.ndarray:
        """Add to what has arrived at a leaf or at an output of a rule."""
        before = self.totals.get(target)
        self.totals[target] = gradient if before is None else before + gradient
        self.arrivals[target] = self.arrivals.get(target, 0) + 1
        return self.totals[target]

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
        target: Place | Tensor = place(source) if isinstance(source, Node) else source
        operand.source = self.boxes[target[0] if isinstance(target, tuple) else target]
        if isinstance(target, tuple) and target[0].outputs > 1:
            operand.output = target[1]
        if answer is not None:
            # Its own copy: a rule may answer with an array that somebody changes later.
            operand.gradient = np.array(_fit(node, answers, answer, source, False))
            operand.total = self.add(target, operand.gradient)
            operand.arrival = self.arrivals[target]
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


def formula(rule: Any) -> str:
    """A rule in one line, from its docstring; else the source of its backward."""
    if rule.__doc__ and rule.__doc__.strip():
        return rule.__doc__.strip().splitlines()[0]
    try:
        return inspect.cleandoc("\n" + inspect.getsource(rule.backward))
    except (OSError, TypeError):
        return "no formula: write one into the first line of the operation's docstring"
