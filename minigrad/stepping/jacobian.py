"""The local derivative of an operation, found by calling its rule.

A rule answers v J for an upstream gradient v. Where J is diagonal, each entry of the output depending
on one entry of the operand, v = 1 answers the diagonal; a random v tells whether it is so, for v J can
equal v times that diagonal by no accident. Else the rows of J are the answers to one-hot v.
"""

from typing import Any, NamedTuple

import numpy as np

from minigrad.backward import _fit, call_rule
from minigrad.tape import Node

#: Rows and columns up to which a Jacobian is computed.
SIDE = 64


class Local(NamedTuple):
    """The derivative of an operation's output by one operand.

    Attributes
    ----------
    kind : 'entrywise', 'jacobian' or 'named'
    array : ndarray or None
        dy/dx entry by entry, of the output's shape; or the Jacobian, a row for each entry of the
        output, a column for each of the operand; None where it is only named.
    words : str
    """

    kind: str
    array: np.ndarray | None
    words: str


def local_derivatives(node: Node, answers: tuple[Any, ...]) -> list[Local | None]:
    """For each operand, the derivative; None where `answers`, the rule's, has no gradient for it."""
    wanted = [
        source is not None and answer is not None for source, answer in zip(node.inputs, answers)
    ]
    with np.errstate(all="ignore"):
        diagonals = _diagonals(node, answers, wanted)
        rest = [want and number not in diagonals for number, want in enumerate(wanted)]
        jacobians = _jacobians(node, rest)
    return [
        diagonals.get(number) or jacobians.get(number) or _named(node, number) if want else None
        for number, want in enumerate(wanted)
    ]


def _diagonals(node: Node, answers: tuple[Any, ...], wanted: list[bool]) -> dict[int, Local]:
    """By number, the derivatives that are of the output's shape, tested."""
    if node.outputs > 1:
        return {}
    likely = [k for k, want in enumerate(wanted) if want and np.shape(answers[k]) == node.shape]
    if not likely:
        return {}
    upstream = np.random.default_rng(0).uniform(0.5, 2, node.shape).astype(node.dtype)
    slopes = call_rule(node, np.ones(node.shape, node.dtype))
    random = call_rule(node, upstream)
    return {
        k: Local("entrywise", np.array(slopes[k]), "entry by entry")
        for k in likely
        if _close(random[k], slopes[k] * upstream)
    }


def _close(actual: Any, expected: Any) -> bool:
    rounding = 1e-4 if np.asarray(actual).dtype == np.float32 else 1e-9
    largest = np.max(np.abs(expected), initial=0, where=np.isfinite(expected))
    return np.allclose(actual, expected, rtol=rounding, atol=rounding * largest, equal_nan=True)


def _jacobians(node: Node, wanted: list[bool]) -> dict[int, Local]:
    """By number, the Jacobians that are small enough."""
    rows = _output_size(node)
    small = [
        k for k, want in enumerate(wanted) if want and max(rows, _size(node.inputs[k])) <= SIDE
    ]
    if not small or rows == 0:
        return {}
    answers = [call_rule(node, _one_hot(node, row)) for row in range(rows)]
    return {k: Local("jacobian", _stack(node, answers, k), "Jacobian") for k in small}


def _stack(node: Node, answers: list[tuple[Any, ...]], number: int) -> np.ndarray:
    source = node.inputs[number]
    rows = [
        np.zeros(source.shape)
        if row[number] is None
        else _fit(node, row, row[number], source, False)
        for row in answers
    ]
    return np.stack([np.ravel(row) for row in rows])


def _one_hot(node: Node, row: int) -> Any:
    """The upstream gradient that asks for one row; outputs count one behind the other."""
    flat = np.zeros(_output_size(node))
    flat[row] = 1
    if node.outputs == 1:
        return flat.reshape(node.shape).astype(node.dtype)
    parts = np.split(flat, np.cumsum([int(np.prod(shape)) for shape in node.shape])[:-1])
    return [p.reshape(s).astype(t) for p, s, t in zip(parts, node.shape, node.dtype)]


def _named(node: Node, number: int) -> Local:
    rows, columns = _output_size(node), _size(node.inputs[number])
    return Local(
        "named",
        None,
        f"a Jacobian of {rows:,} x {columns:,} entries, which its rule never writes out",
    )


def _output_size(node: Node) -> int:
    shapes = node.shape if node.outputs > 1 else [node.shape]
    return sum(int(np.prod(shape)) for shape in shapes)


def _size(source: Any) -> int:
    return int(np.prod(source.shape))
