"""The operations of a graph, each alone: recorded on the tape, replayed without it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad import tape
from minigrad.checking.maps import AWAY, Map, Operation, Whole
from minigrad.listening import listening

Recorded = tuple[tape.Node, list[Any], dict[str, Any]]


def operations(subject: Map) -> tuple[list[Operation], list[tape.Node]]:
    """What `subject` does at its present arrays, in forward order, each operation alone; what is left out.

    One whose options follow the inputs (as a batch norm that is handed its batch's mean) would not be
    itself with other operands and the same options, and cannot be checked alone.
    """
    if isinstance(subject, Operation):
        return [subject], []
    assert isinstance(subject, Whole)
    names = {id(leaf): name for leaf, name in zip(subject.leaves, subject.names)}
    here, there = _record(subject), _record_nearby(subject)
    found, left_out = [], []
    for number, (node, arrays, options) in enumerate(here):
        if number < len(there) and not _same(options, there[number][2]):
            left_out.append(node)
            continue
        needs = tuple(source is not None for source in node.inputs)
        called = [names.get(id(s), f"operand {k}") for k, s in enumerate(node.inputs) if needs[k]]
        found.append(Operation(node.rule, arrays, needs, options, called, node))
    for name, count in Counter(operation.name for operation in found).items():
        alike = [operation for operation in found if operation.name == name]
        for number, operation in enumerate(alike if count > 1 else (), 1):
            operation.label = f"{name} ({number} of {count})"
    return found, left_out


def left_graph(subject: Whole) -> str:
    """Where a value that follows the inputs stands in f as a constant, in words; or nothing."""
    for where, _, _ in followers(subject):
        return where
    with subject.undone():
        before = subject.outputs()
        _move(subject)
        for number, (y, moved) in enumerate(zip(before, subject.outputs())):
            if not y.requires_grad and not _same(y._data, moved._data):
                return f"output {number}"
    return ""


def followers(subject: Whole) -> Iterator[tuple[str, Any, Any]]:
    """The constants that follow the inputs: where each stands, what it is, and what a little elsewhere."""
    for (node, here, _), (_, there, _) in zip(_record(subject), _record_nearby(subject)):
        for k, (source, one, two) in enumerate(zip(node.inputs, here, there)):
            if source is None and _is_float(one) and not _same(one, two):
                yield f"operand {k} of {node.name}, called at {node.line()}", one, two


def _is_float(value: Any) -> bool:
    return (
        isinstance(value, (float, np.floating))
        or getattr(value, "dtype", np.dtype(bool)).kind == "f"
    )


def _record(subject: Whole) -> list[Recorded]:
    recorded: list[Recorded] = []

    def keep(node: tape.Node, arrays: list[Any], options: dict[str, Any], _outputs: Any) -> None:
        # Copies: what follows may be a move of the inputs, in place.
        copies = [a.copy() if isinstance(a, np.ndarray) else a for a in arrays]
        recorded.append((node, copies, options))

    with listening(keep), np.errstate(all="ignore"):
        subject.graph()
    return recorded


def _record_nearby(subject: Whole) -> list[Recorded]:
    with subject.undone():
        _move(subject)
        return _record(subject)


def _move(subject: Whole) -> None:
    """All inputs a little elsewhere."""
    for number, a in enumerate(subject.arrays):
        way = np.random.default_rng(number).uniform(-1, 1, a.shape)
        a += AWAY * way * np.maximum(1, np.abs(a))


def _same(one: Any, two: Any) -> bool:
    """Whether two sets of options are equal, arrays inside of them too."""
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(_same(one[k], two[k]) for k in one)
    if isinstance(one, (tuple, list)) and isinstance(two, (tuple, list)):
        return len(one) == len(two) and all(map(_same, one, two))
    if isinstance(one, np.ndarray) or isinstance(two, np.ndarray):
        return np.array_equal(one, two)
    return bool(one is two or one == two or callable(one))
