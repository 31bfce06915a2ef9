"""A folded step: all that one call of a module did in a backward pass, as if it were one node."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from minigrad.stepping.calls import Call
from minigrad.stepping.graph import Box
from minigrad.stepping.steps import Operand, Step
from minigrad.stepping.views import View, opens

#: Parts that stand in the place of a formula.
NAMED = 12


@dataclass(repr=False)
class Folded(Step):
    """The steps of a call in one: its outputs, what it was given, its parameters.

    Its `number` is that of the last of its steps, with which all of its gradients have gone out.

    Attributes
    ----------
    call : Call
    parts : list of Step
        In the order of the pass.
    """

    call: Call = field(default_factory=Call)
    parts: list[Step] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What the module is called."""
        return self.call.path

    @property
    def first(self) -> int:
        """The number of the first of its parts."""
        return self.parts[0].number

    @property
    def heading(self) -> str:
        """Which steps these are."""
        which = f"steps {self.first} to" if self.first < self.number else "step"
        return f"{which} {self.number} of {self.count}: {self.call.title}"

    def inside(self, example: int = 0, channel: int = 0, filter: int = 0) -> View | None:
        """The inside of the only part that opens."""
        parts = [part for part in self.parts if opens(part)]
        return parts[0].inside(example, channel, filter) if len(parts) == 1 else None


def fold(call: Call, steps: Mapping[Box, Step], users: Mapping[Box, Iterable[Box]]) -> Folded:
    """The steps of a call in one.

    Parameters
    ----------
    call : Call
        One of which a step was taken.
    steps : mapping from box to Step
    users : mapping from box to the boxes that use it
    """
    members = call.members()
    inside = set(members)
    parts = sorted((steps[box] for box in members if box in steps), key=lambda s: s.number)
    ends = [s for s in parts if s.box not in users or not inside.issuperset(users[s.box])]
    outputs = [
        replace(output, name=output.name if len(ends) == 1 else f"{output.name} of {step.name}")
        for step in ends
        for output in step.outputs
    ]
    last = parts[-1]
    named = [part.name for part in parts[:NAMED]]
    more = f", and {len(parts) - NAMED} more" if len(parts) > NAMED else ""
    formula = f"one after the other: {', '.join(named)}{more}"
    operands = _operands(parts, inside, call)
    return Folded(
        last.number, last.box, formula, last.line, operands, outputs, count=last.count,
        call=call, parts=parts,
    )  # fmt: skip


def _operands(parts: list[Step], inside: set[Box], call: Call) -> list[Operand]:
    """What came from outside and the module's parameters, each once, with all that goes back there."""
    found: dict[tuple[Box, int | None], Operand] = {}
    for part in parts:
        for operand in part.operands:
            source = operand.source
            if source is None or (source in inside and not source.is_leaf):
                continue
            before = found.get((source, operand.output))
            gradients = [o.gradient for o in (before, operand) if o and o.gradient is not None]
            latest = operand if operand.arrival or before is None else before
            found[source, operand.output] = replace(
                latest, local=None, gradient=sum(gradients[1:], gradients[0]) if gradients else None
            )
    outer = [o for o in found.values() if not (o.source and o.source in inside)]
    own = [o for o in found.values() if o.source and o.source in inside]
    for number, operand in enumerate(outer):
        operand.name = "x" if len(outer) == 1 else f"x{number}"
    for operand in own:
        operand.name = operand.source.name.removeprefix(f"{call.path}.") if operand.source else ""
    return outer + own


def users_of(boxes: Iterable[Box]) -> dict[Box, list[Box]]:
    """Which boxes use a box."""
    users: dict[Box, list[Box]] = {}
    for box in boxes:
        for source in box.sources:
            users.setdefault(source, []).append(box)
    return users


def norm(gradient: np.ndarray) -> float:
    """The length of a gradient, taken as one vector."""
    return float(np.linalg.norm(gradient.ravel().astype(float)))
