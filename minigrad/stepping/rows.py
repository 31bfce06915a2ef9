"""What a step shows, row by row, whatever the face: a name, what it is, and its numbers."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from minigrad.stepping.folded import Folded, norm
from minigrad.stepping.steps import Operand, Output, Step

UNKNOWN = "not recorded: compute the loss inside `with minigrad.recording():`"
NOTHING_DEPENDS = "nothing depends on it; its rule counts it as 0"
NO_ANSWER = "nothing: the rule answers None"


class Row(NamedTuple):
    """A line of a step.

    Attributes
    ----------
    kind : 'output', 'in', 'operand', 'local', 'out' or 'sum'
    name, words : str
    array : ndarray or None
    instead : str
        What is said where there is no array.
    box : int or None
        The number of the box that an operand comes from and its gradient goes to.
    """

    kind: str
    name: str
    words: str
    array: np.ndarray | None
    instead: str = UNKNOWN
    box: int | None = None


def rows(step: Step) -> list[Row]:
    """All rows of a step."""
    found: list[Row] = []
    for output in step.outputs:
        found += _of_output(output)
    for operand in step.operands:
        found += _of_operand(operand, "y" if len(step.outputs) == 1 else "(y0 y1 ..)")
    if isinstance(step, Folded):
        return [_with_norm(row) if row.kind in ("in", "out") else row for row in found]
    return found


def _of_output(output: Output) -> Iterator[Row]:
    yield Row("output", output.name, "output", output.value)
    yield Row("in", f"d{output.name}", "comes in", output.gradient, NOTHING_DEPENDS)


def _of_operand(operand: Operand, output: str) -> Iterator[Row]:
    name = operand.name
    if operand.source is None:
        yield Row("operand", name, "constant", operand.value)
        return
    box = operand.source.number
    words = f"from {operand.target}" + ", as it is now" * operand.is_now
    yield Row("operand", name, words, operand.value, box=box)
    if operand.local is not None:
        _, array, words = operand.local
        label = words if array is not None else "Jacobian"
        yield Row("local", f"d{output}/d{name}", label, array, words, box)
    sent = f"to {operand.target}"
    if operand.arrivals == 1:
        sent += ", all of it" + _before_hooks(operand)
    gradient = f"d({name})" if "." in name else f"d{name}"
    yield Row("out", gradient, sent, operand.gradient, NO_ANSWER, box)
    if operand.arrival and operand.arrivals > 1:
        left = operand.arrivals - operand.arrival
        words = f"sum there of {operand.arrival}, " + (f"{left} to come" if left else "complete")
        words += _before_hooks(operand) * (not left)
        yield Row("sum", "", words, operand.total, box=box)


def _with_norm(row: Row) -> Row:
    """A gradient of a whole module, most of which are large, with its length as a vector."""
    if row.array is None:
        return row
    return row._replace(words=f"{row.words}, norm {norm(row.array):.4g}")


def _before_hooks(operand: Operand) -> str:
    is_hooked = operand.source is not None and operand.source.hooked is not None
    return ", before its hooks" if is_hooked else ""
