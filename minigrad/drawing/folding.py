"""Modules as one box each, where their calls were recorded.

So are layers that are made of several operations, and of a large graph as many modules as leave it small.
"""

import math
from collections.abc import Mapping
from typing import Any

from minigrad.drawing.boxes import OPERATION, OUTPUT, Box, Graph
from minigrad.stepping.calls import Call, calls_of, folded_at_first, outermost
from minigrad.stepping.graph import boxes
from minigrad.tape import Node
from minigrad.tensor import Tensor

#: Boxes up to which a picture can be read at once.
READABLE = 100


def homes(loss: Tensor, named: Mapping[Any, str]) -> dict[Any, Call]:
    """For each operation and parameter of such a module the call that is drawn in its place."""
    tree = calls_of(list(boxes(loss, named).values()), named)
    calls = outermost(tree, folded_at_first(tree, READABLE))
    return {box.origin: call for call in calls for box in call.members()}


def fold(graph: Graph, home: dict[Any, Call]) -> None:
    """Put one box in the place of all that belong to a module that is folded."""
    users: dict[Any, set[Any]] = {}
    for source, target in graph.arrows:
        users.setdefault(source, set()).add(target)
    for key, found in users.items():
        if isinstance(key, Node) and key.index is not None:  # an output of a rule with several
            around = {home.get(user) for user in found}
            if around == {home.get(key.inputs[0])} != {None}:
                home[key] = home[key.inputs[0]]
    members: dict[Call, list[Any]] = {}
    for key in graph.boxes:
        if key in home:
            members.setdefault(home[key], []).append(key)
    for call, keys in members.items():
        ends = [key for key in keys if key not in users or not users[key].issubset(keys)]
        box = _box(call, [graph.boxes[key] for key in ends])
        graph.boxes = {key: b for key, b in graph.boxes.items() if home.get(key) is not call}
        graph.boxes[call] = box
    arrows: dict[tuple[Any, Any], float | None] = {}
    for (source, target), norm in graph.arrows.items():
        arrow = home.get(source, source), home.get(target, target)
        if arrow[0] is not arrow[1]:
            arrows[arrow] = _together(arrows.get(arrow), norm, same_source=source not in home)
    graph.arrows = arrows


def _together(one: float | None, other: float | None, same_source: bool) -> float | None:
    """The norm along an arrow for two; that from one value to a layer is a sum already."""
    if one is None or other is None or same_source:
        return one if other is None else other
    return math.hypot(one, other)


def _box(call: Call, ends: list[Box]) -> Box:
    kind = OUTPUT if any(end.kind == OUTPUT for end in ends) else OPERATION
    box = Box(call.kind, kind, None, call.name, line=ends[-1].line)
    if len(ends) == 1:
        box.shape, box.value, box.gradient = ends[0].shape, ends[0].value, ends[0].gradient
    return box
