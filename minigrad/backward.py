"""The backward walk: gradients flow from outputs to leaves, one node at a time.

First every node that the outputs depend on is found, and the edges into it are counted. A node's
turn comes when all gradients that flow into it have arrived, so that each rule is called once, in
time linear in the graph, with an explicit stack and no recursion.
"""

import gc
import itertools
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from minigrad import guard, hooks, tape
from minigrad.create_graph import differentiable
from minigrad.errors import DtypeError, GradientError, GraphError, MinigradError, ShapeError
from minigrad.grad_mode import mode
from minigrad.shapes import unbroadcast
from minigrad.tape import Node, _origin
from minigrad.tensor import Tensor


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    create_graph: bool = False,
) -> Any:
    """Gradients of `outputs` with respect to `inputs`; `.grad` of every Tensor is left alone.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensor
    inputs : Tensor or sequence of Tensor
        Leaves or results on the way.
    grad_outputs : array or sequence of arrays, optional
        The gradient that flows into each output; may be omitted for outputs of one entry.
    create_graph : bool
        Record the backward pass itself, for gradients of gradients; the answers are then Tensors.

    Returns
    -------
    ndarray (Tensor under `create_graph`) for one input, a tuple of them for a sequence

    Raises
    ------
    GraphError
        An input does not influence the outputs, or the graph was freed.
    """
    roots, wanted = _tensors("outputs", outputs), _tensors("inputs", inputs)
    if grad_outputs is None or isinstance(outputs, Tensor):
        grad_outputs = [grad_outputs] * len(roots)
    if len(grad_outputs) != len(roots):
        raise GraphError(
            f"grad: there are {len(roots)} outputs and {len(grad_outputs)} grad_outputs; pass one for "
            "each, None for an output of one entry."
        )
    seeds = [_seed(r, g, create_graph) for r, g in zip(roots, grad_outputs, strict=True)]
    keys = []
    for number, tensor in enumerate(wanted):
        key = _origin(tensor)
        if key is None:
            raise GraphError(
                f"grad: input {number} does not require a gradient. Make it with "
                "requires_grad=True before computing the outputs."
            )
        keys.append(key)
    found = walk(roots, seeds, wanted=keys, retain_graph=create_graph, create_graph=create_graph)
    for number, key in enumerate(keys):
        if key not in found:
            raise GraphError(
                f"grad: the outputs do not depend on input {number}, so it has no gradient. "
                "Was a value taken out of the graph (detach, .data) on the way?"
            )
    answers = tuple(_as_tensor(found[k]) if create_graph else _own(found[k]) for k in keys)
    return answers[0] if isinstance(inputs, Tensor) else answers


def _tensors(what: str, given: Any) -> list[Tensor]:
    """One Tensor, or all of an iterable, as a list."""
    alone = isinstance(given, Tensor) or not isinstance(given, Iterable)
    tensors = [given] if alone else list(given)
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise GraphError(
                f"grad: {what} must be a Tensor or a list of Tensors; got {type(tensor).__name__}. "
                "Make it with minigrad.tensor, or was it taken out of the graph on the way?"
            )
    return tensors


def backward(root: Tensor, grad: Any = None, retain_graph: bool = False) -> None:
    """Add the gradient of `root` to `.grad` of every leaf it depends on; see Tensor.backward."""
    found = walk([root], [_seed(root, grad, False)], retain_graph=retain_graph)
    while found:
        key, value = found.popitem()
        for tensor in [r() for r in key.retained] if type(key) is Node else [key]:
            if tensor is None:
                continue  # a result that asked for its gradient and is gone
            if tensor.grad is None:
                tensor.grad = value if _is_ours_alone(value) else _own(value)
            else:
                tensor.grad = tensor.grad + value


def _own(value: np.ndarray) -> np.ndarray:
    return np.array(value)


def _is_ours_alone(value: Any) -> bool:
    """Whether the caller's variable is all that knows an array: a rule may hand it to two, or keep it."""
    return type(value) is np.ndarray and value.base is None and sys.getrefcount(value) <= _ALONE


def _count_references(value: Any) -> int:
    return sys.getrefcount(value)


_known_to_one = np.empty(0)
_ALONE = _count_references(_known_to_one)


def _as_tensor(value: Any) -> Tensor:
    """A gradient under create_graph; where it does not depend on anything it is a plain array."""
    return value if isinstance(value, Tensor) else Tensor._of(_own(value))


def _seed(root: Tensor, grad: Any, create_graph: bool) -> Any:
    """The gradient that flows into an output, checked."""
    if _origin(root) is None:
        raise GraphError(
            "backward: this Tensor has no graph. Nothing it was computed from has "
            "requires_grad=True, or it was computed under no_grad() or after detach()."
        )
    if grad is None:
        if root.size != 1:
            raise GraphError(
                f"backward: the output has shape {root.shape}, and only a single number has a "
                "gradient of its own. Sum or average it first, or pass the gradient that flows "
                f"into it, an array of shape {root.shape}: t.backward(grad)."
            )
        return np.ones(root.shape, root.dtype)
    if isinstance(grad, Tensor):
        grad = grad if create_graph else grad._data
    else:
        grad = np.asarray(grad)
        if grad.dtype.kind not in tape.NUMBER_KINDS:
            raise DtypeError(
                f"backward: the gradient has dtype {grad.dtype}; it must be real numbers."
            )
        grad = grad.astype(root.dtype, copy=False)
    if grad.shape != root.shape:
        raise ShapeError(
            f"backward: the gradient has shape {grad.shape}, the output {root.shape}; "
            "they must be equal."
        )
    return grad


_NOTHING: Any = itertools.repeat(None)  # no gradient for any of a node's operands


def walk(
    roots: list[Tensor],
    seeds: list[Any],
    wanted: Iterable[Any] | None = None,
    retain_graph: bool = False,
    create_graph: bool = False,
    watch: Callable[[Node, Any, tuple[Any, ...]], None] | None = None,
) -> dict[Any, Any]:
    """Run the rules from `roots` to the leaves, or to the nodes and leaves that are `wanted`.

    `watch`, where given, is shown each node whose rule has run, the gradient that came in (a list, for
    a rule with several outputs), and the rule's answers as it gave them.

    Returns
    -------
    dict
        To its gradient from each leaf Tensor, and each Node that is wanted or has a Tensor that
        retains its gradient.
    """
    collecting, recording = gc.isenabled(), mode.enabled
    # A walk makes no dead cycles, and Python's search for them would visit all of the graph.
    gc.disable()
    mode.enabled = create_graph
    run = call_rule if tape.observer is None else tape.observer.backward
    try:
        waiting = _count([r._node for r in roots if r._node is not None])
        targets = set(wanted) if wanted is not None else None
        useful: Any = _leading_to(targets, waiting) if targets is not None else None
        found: dict[Any, Any] = {}
        pending: dict[Node, Any] = {}
        for root, seed in zip(roots, seeds, strict=True):
            _add(found if root._node is None else pending, root._node or root, seed)
        ready = [node for node, edges in waiting.items() if edges == 0]
        while ready:
            node = ready.pop()
            gradient = pending.pop(node, None)
            if gradient is not None:
                if node._hooks:
                    gradient = hooks.through(node._hooks, gradient)
                if node.retained or (targets is not None and node in targets):
                    found[node] = gradient
                if useful is not None and node not in useful:
                    answers = _NOTHING
                elif node.rule is None:
                    _collect(node, gradient, pending)
                    answers = _NOTHING
                else:
                    answers = run(node, gradient, create_graph)
                    if watch is not None:
                        watch(node, gradient, answers)
            else:
                answers = _NOTHING
            for source, answer in zip(node.inputs, answers):
                if source is None:
                    continue
                inner = type(source) is Node
                if answer is not None and (
                    targets is None or source in targets or source in useful
                ):
                    like = source if inner else source._data
                    if (
                        type(answer) is not ndarray
                        or answer.shape != like.shape
                        or answer.dtype is not like.dtype
                    ):
                        answer = _fit(node, answers, answer, source, create_graph)
                    sums = pending if inner else found
                    before = sums.get(source)
                    sums[source] = answer if before is None else before + answer
                if inner:
                    left = waiting[source] = waiting[source] - 1
                    if left == 0:
                        ready.append(source)
            if not retain_graph and node.rule is not None:
                node.ctx = None
                if node.watched:
                    node.watched = ()
        for key in found:
            if key._hooks and type(key) is not Node:
                found[key] = hooks.through(key._hooks, found[key])
    finally:
        mode.enabled = recording
        if collecting:
            gc.enable()
    return found


def _count(starts: list[Node]) -> dict[Node, int]:
    """Edges into each node from the nodes above it."""
    waiting: dict[Node, int] = dict.fromkeys(starts, 0)
    stack = list(waiting)
    while stack:
        node = stack.pop()
        if node.ctx is None and node.rule is not None:
            raise GraphError(
                f"backward: {node.name} at {node.line()} was part of an earlier backward pass, which "
                "freed what it kept. Compute the output anew, or keep the graph with "
                "backward(retain_graph=True)."
            )
        for source in node.inputs:
            if type(source) is Node:
                edges = waiting.get(source)
                if edges is None:
                    waiting[source] = 1
                    stack.append(source)
                else:
                    waiting[source] = edges + 1
    return waiting


def _leading_to(targets: set[Any], nodes: Iterable[Node]) -> set[Any]:
    """The nodes from which a target is reached further down: the only ones whose rules must run."""
    consumers: dict[Any, list[Node]] = {}
    for node in nodes:
        for source in node.inputs:
            if source is not None:
                consumers.setdefault(source, []).append(node)
    useful: set[Any] = set()
    stack = list(targets)
    while stack:
        for node in consumers.get(stack.pop(), ()):
            if node not in useful:
                useful.add(node)
                stack.append(node)
    return useful


def _collect(node: Node, gradient: Any, pending: dict[Node, Any]) -> None:
    """Put the gradient of one output beside those of the others, for the rule that made them all."""
    parts = pending.setdefault(node.inputs[0], [None] * node.inputs[0].outputs)
    # Several nodes may stand for one output: create_graph makes more of them.
    before = parts[node.index]
    parts[node.index] = gradient if before is None else before + gradient


def _add(sums: dict[Any, Any], key: Any, gradient: Any) -> None:
    before = sums.get(key)
    sums[key] = gradient if before is None else before + gradient


def call_rule(node: Node, gradient: Any, create_graph: bool = False) -> tuple[Any, ...]:
    """Call a node's backward; one gradient per operand, of whatever shape the rule gave."""
    if node.watched:
        guard.check(node)
    ctx = differentiable(node) if create_graph else node.ctx
    try:
        if type(gradient) is list:
            answers = node.rule.backward(ctx, *_complete(node, gradient))
        else:
            answers = node.rule.backward(ctx, gradient)
    except MinigradError as error:
        error.add_note(f"in the backward of {node.name}, called forward at {node.line()}")
        raise
    except Exception as error:
        raise GradientError(
            f"{node.name}: its backward failed with {type(error).__name__}: {error}. "
            f"The forward call was at {node.line()}"
        ) from error
    if answers is None:
        raise GradientError(
            f"{node.name}: backward returned None; is its `return` missing? To let no gradient through on "
            f"purpose, return (None,), a None for each operand. The forward call was at {node.line()}"
        )
    answers = answers if type(answers) is tuple else (answers,)
    if len(answers) != len(node.inputs):
        raise GradientError(
            f"{node.name}: backward returned {len(answers)} gradients for the {len(node.inputs)} "
            "operands of forward. Return one per positional argument, None where there is none. "
            f"The forward call was at {node.line()}"
        )
    return answers


def _complete(node: Node, gradients: list[Any]) -> list[Any]:
    """The gradients of all outputs, 0 for those that nothing depends on."""
    return [
        np.zeros(shape, dtype) if g is None else g
        for g, shape, dtype in zip(gradients, node.shape, node.dtype, strict=True)
    ]


def _fit(node: Node, answers: Any, answer: Any, source: Any, create_graph: bool) -> Any:
    """Sum a gradient over broadcast axes and bring it to its operand's dtype."""
    pairs = zip(node.inputs, answers)
    number = next(i for i, pair in enumerate(pairs) if pair[0] is source and pair[1] is answer)
    if not isinstance(answer, (np.ndarray, np.floating)) and not (
        create_graph and type(answer) is Tensor
    ):
        raise GradientError(
            f"{node.name}: backward returned {type(answer).__name__} for operand {number}; it must "
            f"return an array. The forward call was at {node.line()}"
        )
    if answer.shape != source.shape:
        try:
            answer = unbroadcast(answer, source.shape)
        except ValueError as error:
            raise GradientError(
                f"{node.name}: backward returned {error} (operand {number}). "
                f"The forward call was at {node.line()}"
            ) from None
    return answer if answer.dtype == source.dtype else answer.astype(source.dtype)
