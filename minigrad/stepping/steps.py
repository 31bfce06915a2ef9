"""A step of a backward pass: one node whose rule ran, what came in and what went out."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.stepping.graph import Box
from minigrad.stepping.jacobian import Local
from minigrad.stepping.plain_ascii import plain_ascii
from minigrad.stepping.views import Shown, View, view_of


@dataclass
class Output:
    """One result of an operation.

    Attributes
    ----------
    name : str
    shape : tuple of int
    value : ndarray, or None where it is not known
    gradient : ndarray, or None where nothing depends on this output
    """

    name: str
    shape: tuple[int, ...]
    value: np.ndarray | None
    gradient: np.ndarray | None


@dataclass
class Operand:
    """One argument of an operation, and the gradient that flows back to it.

    Attributes
    ----------
    name : str
        As the rule's forward calls it.
    shape : tuple of int, or None for an untracked one whose value is not known
    value : ndarray, or None where it is not known
    source : Box, or None where the operand is not tracked
    output : int or None
        Which output of the source, where it has several.
    local : Local or None
    gradient : ndarray, or None where nothing goes out
    total : ndarray or None
        What has arrived at the source up to now, `gradient` included.
    arrival : int
        `gradient` is the arrival-th to arrive there (1: the first, 0: nothing goes out).
    is_now : bool
        `value` is that of a leaf by now, since nobody kept that of the pass.
    """

    name: str
    shape: tuple[int, ...] | None
    value: np.ndarray | None
    source: Box | None = None
    output: int | None = None
    local: Local | None = None
    gradient: np.ndarray | None = None
    total: np.ndarray | None = None
    arrival: int = 0
    is_now: bool = False

    @property
    def arrivals(self) -> int:
        """How many gradients arrive there in the whole pass."""
        return self.source.arrivals[self.output] if self.source else 0

    @property
    def target(self) -> str:
        """Where the gradient goes, in words."""
        title = self.source.title if self.source else "nobody"
        return title if self.output is None else f"output {self.output} of {title}"


@dataclass(repr=False)
class Step:
    """One node's turn in a backward pass.

    Attributes
    ----------
    number, count : int
        Which step this is, from 1, and of how many.
    box : Box
        The operation, in the graph.
    formula : str
        Its rule: the first line of its docstring, or the source of its backward.
    line : str
        The forward call in the caller's code.
    operands : list of Operand
    outputs : list of Output
    options : dict
        What forward was given by keyword, where it was recorded.
    inner : str
        Where a module of this library made it: the line in that module's forward.
    """

    number: int
    box: Box
    formula: str
    line: str
    operands: list[Operand]
    outputs: list[Output]
    options: dict[str, Any] = field(default_factory=dict)
    count: int = 0
    inner: str = ""

    @property
    def name(self) -> str:
        """The operation's name."""
        return self.box.name

    @property
    def first(self) -> int:
        """The number of the first of the steps that it stands for."""
        return self.number

    @property
    def heading(self) -> str:
        """Which step it is, in words."""
        return f"step {self.number} of {self.count}: {self.name}"

    @property
    def view(self) -> View | None:
        """The inside of a layer; None for an operation without, and where it was not recorded."""
        return self.inside()

    def inside(self, example: int = 0, channel: int = 0, filter: int = 0) -> View | None:
        """The view of another example of the batch, another channel, another filter than the first."""
        return view_of(self, Shown(example, channel, filter))

    def value(self, name: str) -> np.ndarray | None:
        """The value of an operand or an output by its name; None where it is absent or not known."""
        parts: list[Operand | Output] = [*self.operands, *self.outputs]
        return next((part.value for part in parts if part.name == name), None)

    def __repr__(self) -> str:
        return plain_ascii(f"{self.heading}  {self.line}")

    def __str__(self) -> str:
        from minigrad.stepping.text import step_text

        return step_text(self)

    def _repr_html_(self) -> str:
        from minigrad.stepping.page import step_alone

        return step_alone(self)
