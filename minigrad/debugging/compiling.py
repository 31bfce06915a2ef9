"""Compiling: how long the kernels' compiler was at work, which is a cost of their first call alone."""

from collections.abc import Callable
from typing import Any, Self

from minigrad.kernels import JIT

_Listener: Any = object
if JIT:
    from numba.core import event

    _Listener = event.Listener
    #: Told where a kernel is compiled, and where it is read from disk.
    EVENT = "numba:compiler_lock"


class Compiling(_Listener):
    """A context that adds up the seconds in which anything is compiled, in whatever thread.

    Attributes
    ----------
    seconds : float
        Up to now, without what is not done yet.
    """

    def __init__(self, clock: Callable[[], float]):
        self.seconds = 0.0
        self._clock = clock
        self._depth = 0

    def __enter__(self) -> Self:
        if JIT:
            event.register(EVENT, self)
        return self

    def __exit__(self, *_: Any) -> None:
        if JIT:
            event.unregister(EVENT, self)

    def on_start(self, _event: Any) -> None:
        """The compiler begins, perhaps inside of another compilation."""
        if self._depth == 0:
            self._start = self._clock()
        self._depth += 1

    def on_end(self, _event: Any) -> None:
        """It has ended."""
        self._depth -= 1
        if self._depth == 0:
            self.seconds += self._clock() - self._start
