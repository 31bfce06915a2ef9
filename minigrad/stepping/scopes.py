"""Which calls of modules an operation belongs to, told from the call stack while it is recorded.

The engine knows no modules; but whatever has a method `forward(self, …)` and is running when an
operation is recorded has made it.
"""

import sys
from types import FrameType
from typing import NamedTuple


class Scope(NamedTuple):
    """One call of a module: the module's kind, and which of all calls it was."""

    name: str
    number: int


class Scopes:
    """Numbers the calls of modules as they are seen."""

    def __init__(self) -> None:
        # The frames are kept, so that no two calls share an identity.
        self._calls: dict[int, tuple[FrameType, Scope]] = {}

    def here(self) -> tuple[Scope, ...]:
        """The calls that are running, from the outermost to the innermost."""
        found: list[Scope] = []
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            code = frame.f_code
            if code.co_name == "forward" and code.co_argcount and code.co_varnames[0] == "self":
                found.append(self._scope(frame))
            frame = frame.f_back
        return tuple(reversed(found))

    def clear(self) -> None:
        """Let go of the frames."""
        self._calls.clear()

    def _scope(self, frame: FrameType) -> Scope:
        known = self._calls.get(id(frame))
        if known is None:
            name = type(frame.f_locals["self"]).__name__
            known = self._calls[id(frame)] = (frame, Scope(name, len(self._calls)))
        return known[1]
