"""Gradients of gradients: what a rule kept, as Tensors of the graph again.

Under create_graph a rule runs on Tensors, so that its own steps are recorded. Operands and outputs that
it kept are recognised by their identity (`Node.ids`); a float array that is neither was computed on the
way, would count as a constant, and is refused: never a silent zero.
"""

from typing import Any

import numpy as np

from minigrad.context import Context
from minigrad.errors import GraphError, MutationError
from minigrad.tape import Node
from minigrad.tensor import Tensor


def differentiable(node: Node) -> Context:
    """A copy of ctx in which kept operands and outputs are Tensors of the graph again."""
    if node.rule.differentiable_once:
        raise GraphError(
            f"{node.name}: its backward ends in a compiled kernel and is differentiable once. For a "
            "gradient of its gradient compose the operation from NumPy functions instead. "
            f"The forward call was at {node.line()}"
        )
    ctx = Context()
    ctx.needs_input_grad = node.ctx.needs_input_grad
    for key, value in vars(node.ctx).items():
        setattr(ctx, key, _tracked(node, key, value))
    return ctx


def _tracked(node: Node, key: str, value: Any) -> Any:
    """What a rule kept, for a backward pass that is recorded itself."""
    if isinstance(value, dict):
        return {k: _tracked(node, key, v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        parts = [_tracked(node, key, v) for v in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if not isinstance(value, (np.ndarray, np.generic)) or value.dtype.kind != "f":
        return value
    if id(value) not in node.ids:
        raise GraphError(
            f"{node.name}: its rule kept '{key}', a float array that forward computed on the way, so "
            "that a gradient of its gradient would silently miss a term. Keep operands and outputs "
            f"only, and compute '{key}' again in backward. The forward call was at {node.line()}"
        )
    place = node.ids.index(id(value))
    if place < len(node.inputs):
        return _operand(node, place, value)
    output = place - (len(node.ids) - node.outputs)
    if output < 0:
        return value  # an option: a constant
    return _output(node, output, value)


def _operand(node: Node, place: int, value: Any) -> Any:
    source = node.inputs[place]
    if source is None:
        return value
    if isinstance(source, Node):
        return Tensor._of(value, source)
    # The leaf holds the same numbers, but for a cast, unless its array was replaced.
    if source._data is not value and not np.array_equal(source._data, value, equal_nan=True):
        raise MutationError(
            f"{node.name}: the data of operand {place} were replaced after the forward call at "
            f"{node.line()}. For a gradient of a gradient, replace them after the backward pass."
        )
    return source


def _output(node: Node, index: int, value: Any) -> Tensor:
    if node.outputs == 1:
        return Tensor._of(value, node)
    part = Node(None, (node,), value.shape, value.dtype)
    part.index = index
    return Tensor._of(value, part)
