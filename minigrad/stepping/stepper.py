"""step: walk through a backward pass one node at a time, forwards and back."""

import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.backward import _origin, _seed
from minigrad.errors import CheckpointError, GraphError, PageError
from minigrad.stepping.calls import Call, calls_of, folded_at_first, upwards
from minigrad.stepping.folded import Folded, fold, users_of
from minigrad.stepping.graph import Box, boxes, names_in
from minigrad.stepping.known import place
from minigrad.stepping.record import take_steps
from minigrad.stepping.steps import Step
from minigrad.stepping.text import counted
from minigrad.stepping.views import Shown
from minigrad.tape import Node
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
    >>> stepper.fold("net")  # a module as one step; unfold("net") opens it
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
    freed = (o for o in boxes(loss, {}) if isinstance(o, Node) and o.ctx is None)
    if (node := next(freed, None)) is not None:
        raise GraphError(
            f"step: {node.name} at {node.line()} was part of an earlier backward pass, which freed what it "
            "kept. Step first, compute the output anew, or keep the graph with "
            "backward(retain_graph=True)."
        )
    if grad is None and loss.size != 1:
        raise GraphError(
            f"step: the output has shape {loss.shape}, and only a single number has a gradient of its "
            "own. Sum or average it first, or pass the gradient that flows into it, an array of that "
            "shape: step(t, grad=array)."
        )


class Stepper:
    """The record of one backward pass, and a place in it.

    It starts before the first step. Iterating goes from the first step to the last. All that a module
    did can be one step, where its call was recorded: a layer that is made of several operations is
    folded so from the beginning, and of a large graph as many modules as leave it small.

    Attributes
    ----------
    steps : list of Step
        In the order of the pass: from the loss to the leaves; all of them, folded or not.
    boxes : list of Box
        The graph's operations and leaves, in the order in which they were made.
    calls : Call
        The graph as a tree of calls of modules.
    folded : set of Call
        Those that are one step.
    position : int
        The present step, from 1, the last one of a module that is folded; 0 before the first.
    """

    def __init__(self, loss: Tensor, seed: np.ndarray, names: dict[Any, str]):
        self.loss, self.seed = loss, seed
        self.steps, self.boxes = take_steps(loss, seed, names)
        self.calls = calls_of(self.boxes, names)
        self.folded = folded_at_first(self.calls)
        self.position = 0
        self._homes = {box: call for call in self.calls.all() for box in call.boxes}
        self._by_box = {step.box: step for step in self.steps}
        self._by_call: dict[Call, Folded] = {}
        self._users = users_of(self.boxes)

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        self.position = 0
        while self.position < len(self):
            yield self.next()

    @property
    def now(self) -> Step:
        """The present step."""
        if self.position == 0:
            raise GraphError("stepper: the pass has not begun; next() takes the first step.")
        return self._at(self.position)

    def next(self) -> Step:
        """Take the next step."""
        if self.position == len(self):
            raise GraphError(
                f"stepper: step {len(self)} was the last, all gradients are complete; back() or goto(1) "
                "return."
            )
        return self._go(self.position + 1)

    def back(self) -> Step:
        """Take back a step, and return the one before."""
        first = self.now.first if self.position else 1
        if first == 1:
            raise GraphError("stepper: this is the first step, there is none before; use next().")
        return self._go(first - 1)

    def goto(self, number: int) -> Step:
        """Go to a step by its number, from 1; a module that it is folded in is opened."""
        if not isinstance(number, (int, np.integer)):
            raise GraphError(
                f"stepper: goto() takes the number of a step, from 1 to {len(self)}, not {number!r}; "
                "until(name) goes to an operation by its name."
            )
        if not 1 <= number <= len(self):
            raise GraphError(f"stepper: there is no step {number}; they go from 1 to {len(self)}.")
        self.folded -= set(self._around(number))
        return self._go(number)

    def until(self, name: str) -> Step:
        """Go on to the next step whose operation or module has this name."""
        ahead = self.steps[self.position :]
        for step in ahead:
            shown = self._at(step.number)
            if isinstance(shown, Folded) and shown.call.is_called(name):
                return self._go(step.number)
            if step.name == name:
                return self.goto(step.number)
        names = ", ".join(sorted({step.name for step in ahead})) or "none, this is the last step"
        raise GraphError(
            f"stepper: no {name!r} lies ahead of step {self.position}. Ahead: {names}."
        )

    def fold(self, name: str | None = None) -> "Stepper":
        """Make one step of each call of a module.

        Parameters
        ----------
        name : str, optional
            A module's path, as ``net.features``, or the end of it, or its class; without it the outermost
            are folded.

        Returns
        -------
        Stepper
            This one.

        Raises
        ------
        GraphError
            No recorded call of such a module.
        """
        self.folded |= set(self.calls.calls) if name is None else self._named(name)
        if self.position:
            self._go(self.position)
        return self

    def unfold(self, name: str | None = None) -> "Stepper":
        """Open what `fold` folds, so that its parts are steps; without a name all modules are opened.

        The present step is then the first of its parts.
        """
        first = self.now.first if self.position else 0
        self.folded = set() if name is None else self.folded - self._named(name)
        if first:
            self._go(first)
        return self

    def _named(self, name: str) -> set[Call]:
        calls = list(self.calls.inside())
        found = {call for call in calls if call.is_called(name)}
        if not found:
            known = ", ".join(dict.fromkeys(call.path for call in calls))
            raise GraphError(
                f"stepper: no module {name!r} was recorded with more than one operation or parameter. "
                f"There are: {known or 'none; compute the loss inside `with minigrad.recording():`'}."
            )
        return found

    def _go(self, number: int) -> Step:
        """To the step with this number, or to the end of the folded one that it is part of."""
        self.position = self._at(number).number
        return self.now

    def _at(self, number: int) -> Step:
        """The step with this number, or the folded one that it is part of."""
        around = [call for call in self._around(number) if call in self.folded]
        return self.as_step(around[0]) if around else self.steps[number - 1]

    def as_step(self, call: Call) -> Folded:
        """All that a call did, as one step."""
        if call not in self._by_call:
            self._by_call[call] = fold(call, self._by_box, self._users)
        return self._by_call[call]

    def _around(self, number: int) -> list[Call]:
        """The calls in which a step's operation was made, from the outermost to the innermost."""
        home = self._homes[self.steps[number - 1].box]
        return list(reversed(upwards(home)[:-1]))

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
        turns = self._turns()
        at = next((k for k, t in enumerate(turns) if t.number == self.position), 0)
        first = max(0, min(at - 5, len(turns) - 11))
        lines = [
            f"Stepper: {counted(len(self), 'step')}, "
            + (f"at {self.position}" if self.position else "not begun")
        ]
        for turn in turns[first : first + 11]:
            mark = ">" if turn.number == self.position else " "
            place = f"{turn.number:>{len(str(len(self)))}}"
            lines.append(f"{mark} {place}  {turn.name}  {turn.line}")
        if first + 11 < len(turns):
            lines.append(f"  ... {len(turns) - first - 11} more")
        return "\n".join(lines)

    def _turns(self) -> list[Step]:
        """All steps as they are walked, each folded one once."""
        turns, number = [], 0
        while number < len(self):
            turns.append(self._at(number + 1))
            number = turns[-1].number
        return turns

    def _repr_html_(self) -> str:
        from minigrad.stepping.page import in_frame

        return in_frame(self)

    def html(
        self, path: str | os.PathLike, example: int = 0, channel: int = 0, filter: int = 0
    ) -> None:
        """Write a page that steps: one file, which needs no network.

        Parameters
        ----------
        path : str or os.PathLike
        example, channel, filter : int
            What layers open at: an example of the batch, from which on one turns to some more, a channel
            and a filter; the last, where a layer has fewer.

        Raises
        ------
        GraphError
            No layer that opens has such an example, channel or filter.
        PageError
            Where it cannot be written. What stood there before is then still there.
        """
        from minigrad.serialize import whole_file
        from minigrad.stepping.page import page

        text = page(self, Shown(example, channel, filter)).encode()
        try:
            with whole_file(path) as file:
                file.write(text)
        except CheckpointError as error:
            raise PageError(f"stepper.html: {error}") from error.__cause__
        except (TypeError, ValueError) as error:
            raise PageError(
                f'stepper.html: takes the path of a file, as "steps.html", not {path!r}.'
            ) from error
