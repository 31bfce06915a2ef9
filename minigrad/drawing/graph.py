"""A graph as boxes and arrows: what is known of each value, and the gradient along each arrow.

The gradients come from a backward pass of its own, which frees nothing and leaves `.grad` alone. A
value is known where it was recorded or a rule kept it; of a leaf that nobody kept the value of now is
shown, and the graph says so. What is not known is None, never 0.
"""

from collections.abc import Mapping
from types import FrameType
from typing import Any

import numpy as np

from minigrad import guard
from minigrad.backward import _fit, walk
from minigrad.drawing.boxes import CONSTANT, LEAF, OPERATION, OUTPUT, Box, Graph
from minigrad.drawing.folding import fold, homes
from minigrad.drawing.groups import group
from minigrad.drawing.numbers import short
from minigrad.errors import GraphError
from minigrad.stepping.graph import is_module, names_in, parts_of_module
from minigrad.stepping.recording import memory_of
from minigrad.stepping.scopes import Scope
from minigrad.tape import Node, _origin
from minigrad.tensor import Tensor


def read(loss: Tensor, named: dict[Any, str], unfold: bool = False, by: str = "draw") -> Graph:
    """The graph of `loss`; `named` as from `named_by`, `unfold` as in `minigrad.draw`.

    Errors speak for the function that it is read `by`.
    """
    root = _origin(loss) if isinstance(loss, Tensor) else None
    if root is None:
        raise GraphError(
            f"{by}: this {type(loss).__name__} has no graph. Draw a Tensor that was computed from one with "
            "requires_grad=True, outside of no_grad() and before detach()."
        )
    keys = _reachable(root)
    graph = Graph()
    for key in keys:
        graph.boxes[key] = _box(key, named)
        if isinstance(key, Node):
            graph.arrows |= {(s, key): None for s in key.inputs if s is not None}
    graph.boxes[root].value = loss._data
    if isinstance(root, Node):
        graph.boxes[root].kind = OUTPUT
    for key in keys:
        if isinstance(key, Node):
            _read_values(key, graph, named)
    for leaf in keys:
        if isinstance(leaf, Tensor) and graph.boxes[leaf].value is None:
            graph.boxes[leaf].value, graph.has_later = leaf._data, True
    home = homes(loss, named) if isinstance(root, Node) and not unfold else {}
    _read_gradients(loss, root, keys, graph, home)
    _read_groups(keys, graph, named)
    fold(graph, home)
    return graph


def _read_groups(keys: list[Any], graph: Graph, named: dict[Any, str]) -> None:
    owners = {k: b.label.rpartition(".")[0] for k, b in graph.boxes.items() if b.kind == LEAF}
    groups = group(graph.edges(), owners)
    calls: dict[Any, Scope] = {}
    for key in keys:
        node = key.inputs[0] if isinstance(key, Node) and key.index is not None else key
        if isinstance(node, Node) and node.values is not None:
            groups[key] = ""
            if node.values.scopes:
                calls[key] = node.values.scopes[-1]
    groups |= {key: _call_of(scope, set(calls.values()), named) for key, scope in calls.items()}
    for key, path in groups.items():
        graph.boxes[key].group = path


def _call_of(scope: Scope, calls: set[Scope], named: dict[Any, str]) -> str:
    """The path of the module that was called, and which call it is of several."""
    serials = sorted(other.serial for other in calls if other.module is scope.module)
    which = f", call {serials.index(scope.serial) + 1} of {len(serials)}"
    return scope.path(named) + which * (len(serials) > 1)


def _reachable(root: Any) -> list[Any]:
    keys = {root: None}
    stack = [root]
    while stack:
        key = stack.pop()
        for source in key.inputs if isinstance(key, Node) else ():
            if source is not None and source not in keys:
                keys[source] = None
                stack.append(source)
    return list(keys)


def named_by(names: Any, caller: FrameType, by: str = "draw") -> dict[Any, str]:
    """By identity of a leaf, a node or a module, and by memory of an array: what it is called.

    `names` is as in `minigrad.draw`; without it the caller's variables give the names.
    """
    if names is None:
        return names_in(caller)
    found: dict[Any, str] = {}
    if not (is_module(names) or isinstance(names, Mapping)):
        raise GraphError(
            f"{by}: names is a {type(names).__name__}; give a Module, or a dict from name to Tensor, array "
            'or Module, as in {"w": w, "net": net}.'
        )
    given = {"": names} if is_module(names) else names
    for name, value in given.items():
        if is_module(value):
            found |= {id(part): path for path, part in parts_of_module(name, value)}
        elif isinstance(value, Tensor):
            found[id(_origin(value))] = found[memory_of(value._data)] = name
        else:
            found[memory_of(np.asarray(value))] = name
    return found


def _box(key: Any, named: dict[Any, str]) -> Box:
    name = named.get(id(key), "")
    if isinstance(key, Tensor):
        return Box(name or getattr(key, "_path", "") or "leaf", LEAF, key.shape)
    label = f"{name} = {_call(key)}" if name else _call(key)
    return Box(label, OPERATION, None if key.outputs > 1 else key.shape, line=key.line())


def _call(node: Node) -> str:
    """The operation, with the operands that are plain numbers where they are known."""
    operands = node.values.operands if node.values is not None else ()
    plain = [short(x) if isinstance(x, (int, float)) else "·" for x in operands]
    return node.name if set(plain) <= {"·"} else f"{node.name}({', '.join(plain)})"


def _read_values(node: Node, graph: Graph, named: dict[Any, str]) -> None:
    """Operands and outputs of one rule, as far as they were recorded or kept."""
    if node.index is not None:
        recorded = node.inputs[0].values
        if recorded is not None:
            graph.boxes[node].value = recorded.outputs[node.index]
        return
    count, kept = len(node.inputs), _kept(node)
    operands = {k: array for k, array in kept.items() if k < count}
    output = kept.get(len(node.ids) - 1)
    if node.values is not None:
        recorded = dict(enumerate(node.values.operands))
        operands |= {k: x for k, x in recorded.items() if isinstance(x, np.ndarray)}
        output = node.values.outputs[0]
    if node.outputs == 1 and output is not None:
        graph.boxes[node].value = output
    for place, array in operands.items():
        source = node.inputs[place]
        if source is None:
            source = (CONSTANT, memory_of(array))
            label = named.get(memory_of(kept[place]), CONSTANT) if place in kept else CONSTANT
            box = graph.boxes.setdefault(source, Box(label, CONSTANT, array.shape, value=array))
            box.label = label if box.label == CONSTANT else box.label
            graph.arrows[source, node] = None
        elif graph.boxes[source].value is None:
            graph.boxes[source].value = array


def _kept(node: Node) -> dict[int, np.ndarray]:
    """What a rule kept of its operands, options and outputs, by their place in `ids`."""
    return {node.ids.index(id(a)): a for a in guard.kept(node.ctx) if id(a) in node.ids}


def _read_gradients(
    loss: Tensor, root: Any, keys: list[Any], graph: Graph, home: dict[Any, Any]
) -> None:
    nodes = [key for key in keys if isinstance(key, Node)]
    if any(node.ctx is None and node.index is None for node in nodes):
        graph.note = "freed by an earlier backward pass: gradients of leaves only"
        for key in keys:
            held = [r() for r in key.retained] if isinstance(key, Node) else [key]
            graph.boxes[key].gradient = next((t.grad for t in held if t is not None), None)
        return
    if loss.size != 1:
        graph.note = f"no gradients: only a single number has its own, and this is {loss.shape}"
        return
    seed = np.ones(loss.shape, loss.dtype)

    flows: dict[tuple[Any, Any], Any] = {}

    def watch(node: Node, gradient: Any, answers: tuple[Any, ...]) -> None:
        for source, answer in zip(node.inputs, answers):
            if source is not None and answer is not None:
                # What several operations of one box hand to one value is one arrow.
                arrow = source, home.get(node, node)
                fitted = _fit(node, answers, answer, source, False)
                flows[arrow] = flows[arrow] + fitted if arrow in flows else fitted

    found = walk([loss], [seed], wanted=keys, retain_graph=True, watch=watch)
    for source, target in graph.arrows:
        flow = flows.get((source, home.get(target, target)))
        graph.arrows[source, target] = None if flow is None else float(np.linalg.norm(flow))
    for key, gradient in found.items():
        if not isinstance(gradient, list):
            graph.boxes[key].gradient = gradient
            if isinstance(key, Node) and key.index is not None:
                graph.arrows[key.inputs[0], key] = float(np.linalg.norm(gradient))
