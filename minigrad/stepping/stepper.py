"""step: walk through a backward pass one node at a time, forwards and back."""

import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.backward import _origin, _seed
from minigrad.errors import CheckpointError, GraphError, PageError
from minigrad.stepping.graph import Box, names_in
from minigrad.stepping.known import place
from minigrad.stepping.record import take_steps
from minigrad.stepping.steps import Step
from minigrad.tensor import Tensor


def step(loss: Tensor, grad: Any = None) -> "Stepper":
    """Run the backward pass of `loss` by itself, and keep it to be stepped through.

    The graph is not freed, and `.grad` of every Tensor is left alone. Where the loss was computed
    inside ``with minigrad.recording():`` all values are shown; else those that happen to be known.

    Parameters
    ----------
    loss : Tensor
    grad : array of the loss's shape, optional
        The gradient that flows in; may be omitted for a Tensor of one entry (it is 1).

    Returns
    -------
    Stepper

    Raises
    ------
    GraphError
        No graph, a freed graph, or no `grad` for more than one entry.

    Notes
    -----
    Local derivatives are found by calling each rule a few times more (up to 66).

    Examples
    --------
    >>> with minigrad.recording():
    ...     loss = np.sum(w * x)
    >>> stepper = minigrad.step(loss)
    >>> for s in stepper:  # or next(), back(), goto(2), until("multiply")
    ...     print(s)
    >>> stepper.gradient(w)  # what has arrived there by now
    >>> stepper.html("steps.html")  # the same, to click through
    """
    _check(loss, grad)
    return Stepper(loss, _seed(loss, grad, create_graph=False), names_in(sys._getframe(1)))


def _check(loss: Any, grad: Any) -> None:
    """Refuse what no pass can start from, in the words of this function."""
    if not isinstance(loss, Tensor):
        raise GraphError(
            f"step: takes the Tensor where the backward pass starts, not {type(loss).__name__}. Was it "
            "taken out of the graph (item(), .data, numpy()) on the way?"
        )
    if _origin(loss) is None or loss._node is None:
        raise GraphError(
            "step: this Tensor has no graph, so that there is nothing to step through. Make what it is "
            "computed from with requires_grad=True, outside of no_grad(), and without detach()."
        )
    if grad is None and loss.size != 1:
        raise GraphError(
            f"step: the output has shape {loss.shape}, and only a single number has a gradient of its "
            "own. Sum or average it first, or pass the gradient that flows into it, an array of that "
            "shape: step(t, grad=array)."
        )


class Stepper:
    """The record of one backward pass, and a place in it.

    It starts before the first step. Iterating goes from the first step to the last.

    Attributes
    ----------
    steps : list of Step
        In the order of the pass: from the loss to the leaves.
    boxes : list of Box
        The graph's operations and leaves, in the order in which they were made.
    position : int
        The present step, from 1; 0 before the first.
    """

    def __init__(self, loss: Tensor, seed: np.ndarray, names: dict[int, str]):
        self.loss, self.seed = loss, seed
        self.steps, self.boxes = take_steps(loss, seed, names)
        self.position = 0

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        for number in range(1, len(self) + 1):
            yield self.goto(number)

    @property
    def now(self) -> Step:
        """The present step."""
        if self.position == 0:
            raise GraphError("stepper: the pass has not begun; next() takes the first step.")
        return self.steps[self.position - 1]

    def next(self) -> Step:
        """Take the next step."""
        if self.position == len(self):
            raise GraphError(
                f"stepper: step {len(self)} was the last, all gradients are complete; back() or goto(1) "
                "return."
            )
        return self.goto(self.position + 1)

    def back(self) -> Step:
        """Take back a step, and return the one before."""
        if self.position <= 1:
            raise GraphError("stepper: this is the first step, there is none before; use next().")
        return self.goto(self.position - 1)

    def goto(self, number: int) -> Step:
        """Go to a step by its number, from 1."""
        if not 1 <= number <= len(self):
            raise GraphError(f"stepper: there is no step {number}; they go from 1 to {len(self)}.")
        self.position = number
        return self.now

    def until(self, name: str) -> Step:
        """Go on to the next step whose operation has this name."""
        ahead = self.steps[self.position :]
        for step in ahead:
            if step.name == name:
                return self.goto(step.number)
        names = ", ".join(sorted({step.name for step in ahead})) or "none, this is the last step"
        raise GraphError(
            f"stepper: no {name!r} lies ahead of step {self.position}. Ahead: {names}."
        )

    def gradient(self, tensor: Tensor) -> np.ndarray | None:
        """What has arrived at a Tensor of the graph up to the present step.

        Returns
        -------
        ndarray, or None while nothing has: then it is not computed yet, which is not 0

        Raises
        ------
        GraphError
            No Tensor, or one that is not in the graph.
        """
        if not isinstance(tensor, Tensor):
            raise GraphError(
                f"stepper: gradient() takes a Tensor of the graph, not {type(tensor).__name__}."
            )
        box, output = self._find(tensor)
        total, missing = None, box.arrivals[output]
        if tensor._node is self.loss._node:
            total = self.seed
        for step in self.steps[: self.position]:
            for operand in step.operands:
                if operand.source is box and operand.output == output and operand.arrival:
                    total, missing = operand.total, missing - 1
        return box.hooked if missing == 0 and box.hooked is not None else total

    def _find(self, tensor: Tensor) -> tuple[Box, int | None]:
        origin, output = _origin(tensor), None
        if tensor._node is not None:
            origin, output = place(tensor._node)
            output = output if origin.outputs > 1 else None
        for box in self.boxes:
            if box.origin is origin:
                return box, output
        raise GraphError("stepper: this Tensor is not part of the graph of the loss.")

    def __repr__(self) -> str:
        """Where we are, with a few steps before and after."""
        first = max(0, min(self.position - 6, len(self) - 11))
        lines = [
            f"Stepper: {len(self)} steps, "
            + (f"at {self.position}" if self.position else "not begun")
        ]
        for step in self.steps[first : first + 11]:
            mark = ">" if step.number == self.position else " "
            lines.append(f"{mark} {step.number:>{len(str(len(self)))}}  {step.name}  {step.line}")
        if first + 11 < len(self):
            lines.append(f"  ... {len(self) - first - 11} more")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from minigrad.stepping.page import in_frame

        return in_frame(self)

    def html(self, path: str | os.PathLike) -> None:
        """Write a page that steps: one file, which needs no network.

        Raises
        ------
        PageError
            Where it cannot be written. What stood there before is then still there.
        """
        from minigrad.serialize import whole_file
        from minigrad.stepping.page import page

        text = page(self)
        try:
            with whole_file(path) as file:
                file.write(text.encode())
        except CheckpointError as error:
            raise PageError(f"stepper.html: {error}") from error.__cause__
