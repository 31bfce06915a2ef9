"""Which calls of modules an operation belongs to, told from the call stack while it is recorded.

The engine knows no modules; but whatever has a method `forward` that is running when an operation is
recorded has made it.
"""

import inspect
import itertools
import sys
from collections.abc import Mapping
from types import CodeType, FrameType
from typing import Any

from minigrad import tape

#: A line of code: the code and an instruction in it, looked up only when it is shown.
Line = tuple[CodeType, int]


class Scope:
    """One call of a module.

    Attributes
    ----------
    module : object
    is_ours : bool
        Whether its forward stands in this library, and not in the caller's code.
    serial : int
        Grows from one call to the next.
    """

    _serials = itertools.count()

    def __init__(self, module: Any, is_ours: bool):
        self.module, self.is_ours = module, is_ours
        self.serial = next(self._serials)

    @property
    def kind(self) -> str:
        """The module's class."""
        return type(self.module).__name__

    def path(self, names: Mapping[Any, str]) -> str:
        """What the module is called: by a name that is known, else by its place in the outermost."""
        known = names.get(id(self.module))
        return getattr(self.module, "_path", "") or self.kind if known is None else known


class Scopes:
    """Tells the calls of modules apart as they are seen."""

    def __init__(self) -> None:
        # The frames are kept, so that no two calls share an identity.
        self._calls: dict[int, tuple[FrameType, Scope]] = {}

    def here(self) -> tuple[tuple[Scope, ...], Line | None]:
        """The calls that are running, from the outermost to the innermost, and where the latter has come to."""
        found: list[Scope] = []
        line = None
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_name == "forward" and (scope := self._scope(frame)) is not None:
                line = (frame.f_code, frame.f_lasti) if not found else line
                found.append(scope)
            frame = frame.f_back
        return tuple(reversed(found)), line

    def clear(self) -> None:
        """Let go of the frames."""
        self._calls.clear()

    def _scope(self, frame: FrameType) -> Scope | None:
        """The call that runs in a frame; None where its first argument does not have it as a method."""
        if id(frame) not in self._calls:
            code = frame.f_code
            first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
            if not _has_method(first, code):
                return None
            self._calls[id(frame)] = (frame, Scope(first, tape._is_ours[code.co_filename]))
        return self._calls[id(frame)][1]


def _has_method(value: Any, code: CodeType) -> bool:
    """Whether `code` is that of a method `forward` of a value's class, decorated or not, or of a base's."""
    own = (vars(kind).get("forward") for kind in type(value).__mro__)
    return any(getattr(inspect.unwrap(f), "__code__", None) is code for f in own if callable(f))
