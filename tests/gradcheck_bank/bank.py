"""What the bank is made of: operations with a right backward, and mistakes that replace it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = list[np.ndarray]

#: Rows and columns of the inputs.
SMALL, LARGE = (3, 4), (64, 32)

OPERATIONS: dict[str, "Operation"] = {}
MISTAKES: list["Mistake"] = []


@dataclass(frozen=True)
class Operation:
    """A pair of plain array functions, and inputs for it: draw(rng, rows, columns) -> arrays."""

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    draw: Callable[..., Arrays]


@dataclass(frozen=True)
class Mistake:
    """A wrong backward (or forward) of an operation, and the kinds of mistake a report may name."""

    operation: str
    name: str
    kinds: tuple[str, ...]
    forward: Callable[..., Any]
    backward: Callable[..., Any]

    def __str__(self) -> str:
        return f"{self.operation}: {self.name}"

    def draw(self, rng: Any, size: tuple[int, int]) -> Arrays:
        return OPERATIONS[self.operation].draw(rng, *size)


def operation(forward: Any, backward: Any, draw: Any) -> Operation:
    """Enter an operation into the bank under its forward's name."""
    made = Operation(forward.__name__, forward, backward, draw)
    OPERATIONS[made.name] = made
    return made


def planted(of: Operation, name: str, *kinds: str, forward: Any = None) -> Any:
    """Enter the decorated backward as a mistake of an operation."""

    def enter(backward: Any) -> Any:
        MISTAKES.append(Mistake(of.name, name, kinds, forward or of.forward, backward))
        return backward

    return enter


def normal(*shapes: Any) -> Any:
    """A draw of normal numbers; 'r' and 'c' in a shape stand for rows and columns."""

    def draw(rng: Any, rows: int, columns: int) -> Arrays:
        known = {"r": rows, "c": columns}
        return [rng.standard_normal([known.get(n, n) for n in shape]) for shape in shapes]

    return draw
