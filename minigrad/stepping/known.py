"""What is known of the values in a graph: recorded ones, and else those that happen to be kept.

Without a recording a value is known where it is the loss, or where a rule kept it on ctx: its own
operand, its own output, or the operand of another operation, which is the leaf or the output of the one
before. A leaf that no rule kept is shown as it is now. All else is None, and never guessed.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad import guard
from minigrad.stepping.recording import Copies
from minigrad.tape import Node
from minigrad.tensor import Tensor

#: One output of one rule.
Place = tuple[Node, int]


def place(node: Node) -> Place:
    """The rule's node and the number of the output that a node stands for."""
    return (node, 0) if node.index is None else (node.inputs[0], node.index)


class Known:
    """The values of the graph of `loss`, whose rules are `nodes`; copies, of the moment."""

    def __init__(self, loss: Tensor, nodes: Iterable[Node]):
        self._copies = Copies()
        self._operands: dict[tuple[Node, int], Any] = {}
        self._outputs: dict[Place, np.ndarray] = {}
        self._leaves: dict[Tensor, np.ndarray] = {}
        for node in nodes:
            self._collect(node)
        for (node, number), value in self._operands.items():
            source = node.inputs[number]
            if isinstance(source, Node):
                self._outputs.setdefault(place(source), value)
            elif source is not None:
                self._leaves.setdefault(source, value)
        if loss._node is not None:
            self._outputs.setdefault(place(loss._node), self._copies.of(loss._data))

    def operand(self, node: Node, number: int) -> np.ndarray | None:
        """What an operation was given."""
        value = self._operands.get((node, number))
        source = node.inputs[number]
        if value is None and isinstance(source, Node):
            value = self._outputs.get(place(source))
        elif value is None and source is not None:
            is_known = source in self._leaves
            value = self._leaves[source] if is_known else self._copies.of(source._data)
        return None if value is None else np.asarray(value)

    def is_now(self, node: Node, number: int) -> bool:
        """Whether an operand is a leaf that no rule kept, so that its value may be a later one."""
        source = node.inputs[number]
        return isinstance(source, Tensor) and source not in self._leaves

    def output(self, node: Node, number: int = 0) -> np.ndarray | None:
        """What an operation answered."""
        return self._outputs.get((node, number))

    def _collect(self, node: Node) -> None:
        if node.values is not None:
            self._operands.update({(node, k): v for k, v in enumerate(node.values.operands)})
            self._outputs.update({(node, k): v for k, v in enumerate(node.values.outputs)})
            return
        first_output = len(node.ids) - node.outputs
        for array in guard.kept(node.ctx):
            if id(array) not in node.ids:
                continue  # something that forward computed on the way
            at = node.ids.index(id(array))
            if at < len(node.inputs):
                self._operands[node, at] = self._copies.of(array)
            elif at >= first_output:
                self._outputs[node, at - first_output] = self._copies.of(array)


def is_absent(node: Node, number: int) -> bool:
    """Whether an operand is known to be None: a bias that a layer does not have."""
    return node.values is not None and node.values.operands[number] is None
