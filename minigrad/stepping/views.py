"""Views: a layer is one node, and opens into its own hand-derived steps.

Who knows a layer registers a view under its operation's name. A view is a drawing with frames: one
frame a window, a pixel or a time step, each with a few lines of words and what is laid over the
drawing meanwhile. In a page one steps through the frames; in a terminal ``print(view)`` tells them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

Maker = Callable[[Any, "Shown"], "View | None"]
_makers: dict[str, Maker] = {}


class Shown(NamedTuple):
    """Which example of the batch, which channel, which filter a view shows; where there are fewer, the last."""

    example: int = 0
    channel: int = 0
    filter: int = 0

    def among(self, **counts: int) -> tuple[list[int], str]:
        """The numbers of those that are shown, of so many, and the same in words."""
        numbers = {axis: min(getattr(self, axis), count - 1) for axis, count in counts.items()}
        several = [
            f"{axis} {k} of {counts[axis]}" for axis, k in numbers.items() if counts[axis] > 1
        ]
        return list(numbers.values()), ", ".join(several)


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
    shown : str
        Which of several examples, channels and filters it shows, in words.
    """

    title: str
    size: tuple[float, float]
    drawing: str
    frames: list[Frame]
    start: int = 0
    shown: str = ""

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
