"""Recording: keep what goes into and comes out of each operation, to be viewed later.

A graph holds only what its rules need. Inside ``with minigrad.recording():`` each node also keeps
copies of its operands and outputs, so that a step can show them all, as they were.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from minigrad.listening import listening
from minigrad.stepping.scopes import Line, Scope, Scopes
from minigrad.tape import Node

Memory = tuple[int, tuple[int, ...], tuple[int, ...], np.dtype]


class Values(NamedTuple):
    """What went into an operation (arrays, numbers, None), its options, what came out, and where.

    `scopes` are the calls of modules that were running, from the outermost to the innermost, and `line`
    is that of the innermost; `serial` grows from one recorded operation to the next.
    """

    operands: tuple[Any, ...]
    options: dict[str, Any]
    outputs: tuple[np.ndarray, ...]
    scopes: tuple[Scope, ...]
    line: Line | None
    serial: int


_serials = itertools.count()


@contextmanager
def recording() -> Iterator[None]:
    """Keep the values of all operations that this thread records inside the block.

    Takes the memory of every operand and output, as long as their graph lives, and the time to copy
    them. Outside of the block nothing is kept and nothing is slower.

    Examples
    --------
    >>> with minigrad.recording():
    ...     loss = np.sum(np.exp(x))
    >>> for step in minigrad.step(loss):
    ...     print(step)
    """
    copies, scopes = Copies(), Scopes()

    def keep(node: Node, arrays: list[Any], options: dict[str, Any], outputs: Any) -> None:
        operands, results = (tuple(map(copies.of, values)) for values in (arrays, outputs))
        node.values = Values(operands, options, results, *scopes.here(), next(_serials))

    try:
        with listening(keep):
            yield
    finally:
        scopes.clear()


class Copies:
    """Copies of arrays, one for each array and its views as long as it does not change."""

    def __init__(self) -> None:
        # The array beside its copy: while it is alive its memory is its own.
        self._known: dict[Memory, tuple[np.ndarray, np.ndarray]] = {}

    def of(self, value: Any) -> Any:
        """A copy of an array; what is none stays as it is."""
        if not isinstance(value, np.ndarray):
            return value
        key = memory_of(value)
        _, copy = self._known.get(key, (None, None))
        if copy is None or not np.array_equal(copy, value, equal_nan=copy.dtype.kind == "f"):
            copy = np.array(value)
            self._known[key] = value, copy
        return copy


def memory_of(array: np.ndarray) -> Memory:
    """Which entries an array holds; the tape makes a view of each constant, and views of all agree."""
    return array.__array_interface__["data"][0], array.shape, array.strides, array.dtype
