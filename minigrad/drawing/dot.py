"""`dot`: the graph of a loss in the DOT language, for those who have Graphviz."""

import sys
from typing import Any

from minigrad.drawing.boxes import CONSTANT, LATER, LEAF, OPERATION, OUTPUT, Box
from minigrad.drawing.graph import named_by, read
from minigrad.drawing.numbers import short
from minigrad.drawing.paint import lines
from minigrad.tensor import Tensor

LOOKS = {
    LEAF: 'style=filled, fillcolor="#FFE9B8"',
    CONSTANT: "style=dashed",
    OPERATION: "style=rounded",
    OUTPUT: "style=rounded, penwidth=3",
}


def dot(loss: Tensor, names: Any = None, unfold: bool = False) -> str:
    """The graph that `minigrad.draw` draws as DOT text: ``dot -Tsvg graph.dot -o graph.svg``.

    Parameters
    ----------
    loss, names, unfold : as in `minigrad.draw`

    Returns
    -------
    str

    Raises
    ------
    GraphError
        `loss` has no graph.
    """
    graph = read(loss, named_by(names, sys._getframe(1), "dot"), unfold, "dot")
    number = {key: f"n{k}" for k, key in enumerate(graph.boxes)}
    written = ["digraph {", "rankdir=LR", "node [shape=box, fontsize=10]"]
    if notes := [*filter(None, [graph.note]), *[LATER] * graph.has_later]:
        written.append(f"label={_quoted(*notes)}")
    modules: dict[str, list[str]] = {}
    for key, box in graph.boxes.items():
        modules.setdefault(box.group, []).append(f"{number[key]} {_look(box)}")
    written += modules.pop("", [])
    for k, (path, inside) in enumerate(modules.items()):
        written += [f"subgraph cluster_{k} {{", f"label={_quoted(path)}", *inside, "}"]
    for (source, target), norm in graph.arrows.items():
        label = "" if norm is None else f" [label={_quoted(short(norm, 2))}]"
        written.append(f"{number[source]} -> {number[target]}{label}")
    return "\n".join([*written, "}"]) + "\n"


def _look(box: Box) -> str:
    tip = f", tooltip={_quoted(box.line)}" if box.line else ""
    return f"[label={_quoted(*lines(box))}, {LOOKS[box.kind]}{tip}]"


def _quoted(*lines: str) -> str:
    escaped = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return '"' + "\\n".join(escaped) + '"'
