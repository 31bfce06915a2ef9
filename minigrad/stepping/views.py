"""Views: a layer is one node, and opens into its own hand-derived steps.

Who knows a layer registers a view under its operation's name. A view is a drawing with frames: one
frame a window, a pixel or a time step, each with a few lines of words and what is laid over the
drawing meanwhile. In a page one steps through the frames; in a terminal ``print(view)`` tells them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.errors import GraphError

Maker = Callable[[Any, "Shown"], "View | None"]
_makers: dict[str, Maker] = {}
#: By axis (example, channel, filter), which one is shown and of how many.
Picked = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Shown:
    """Which example of the batch, which channel, which filter a view shows; where there are fewer, the last."""

    example: int = 0
    channel: int = 0
    filter: int = 0

    def __post_init__(self) -> None:
        for axis, number in vars(self).items():
            if not isinstance(number, (int, np.integer)) or number < 0:
                raise GraphError(
                    f"stepper: {axis}={number!r} shows nothing; give the number of one {axis}, from 0."
                )

    def among(self, **counts: int) -> tuple[list[int], Picked]:
        """The numbers of those that are shown, of so many, and both together."""
        numbers = [min(getattr(self, axis), count - 1) for axis, count in counts.items()]
        return numbers, dict(zip(counts, zip(numbers, counts.values())))


FIRST = Shown()


@dataclass
class Frame:
    """One hand-derived step.

    Attributes
    ----------
    words : str
        What happens, in plain text lines.
    overlay : str
        SVG elements laid over the view's drawing.
    """

    words: str
    overlay: str = ""


@dataclass
class View:
    """The inside of a step.

    Attributes
    ----------
    title : str
    size : (width, height) of the drawing
    drawing : str
        SVG elements. One with the attribute ``data-frame="3"`` goes to that frame when it is clicked.
    frames : list of Frame
    start : int
        The frame that is shown first.
    picked : dict from axis to (number, count)
        Which of the examples, channels and filters it shows, and how many there are.
    """

    title: str
    size: tuple[float, float]
    drawing: str
    frames: list[Frame]
    start: int = 0
    picked: Picked = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """Which of several examples, channels and filters it shows, in words."""
        several = (f"{axis} {k} of {n}" for axis, (k, n) in self.picked.items() if n > 1)
        return ", ".join(several)

    def __str__(self) -> str:
        parts = (f"[{number}] {frame.words}" for number, frame in enumerate(self.frames))
        shown = [f"{self.shown}; another: step.inside(example=1)"] if self.shown else []
        return "\n".join([self.title, *shown, *parts])


def register(name: str) -> Callable[[Maker], Maker]:
    """Decorate a function from a Step of the operation `name`, and what of it is to be shown, to its View.

    It returns None where values lack.
    """

    def keep(maker: Maker) -> Maker:
        _makers[name] = maker
        return maker

    return keep


def opens(step: Any) -> bool:
    """Whether somebody has registered a view of such a step."""
    return step.name in _makers


def view_of(step: Any, shown: Shown) -> View | None:
    """The inside of a step; None where nobody has registered one, or too little was recorded."""
    maker = _makers.get(step.name)
    return maker(step, shown) if maker else None
