"""Numba's disk cache, made forgiving: what cannot be read is compiled, what cannot be written is let go."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache

#: Without the GIL. A division by 0 is inf or NaN, as in the twins: a test for it at each division, as in
#: Python, would keep the compiler from vectors.
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}


class ForgivingCache(FunctionCache):
    """A cache of compiled loops whose damage costs time and nothing else.

    Numba's own raises where an index or a data file is cut short, or its folder is gone or full; and
    it takes a loop for unchanged as long as its own file is, though it calls functions of others.
    """

    def __init__(self, loop: Callable) -> None:
        super().__init__(loop)
        sources = sorted(Path(loop.__code__.co_filename).parent.glob("*.py"))
        stamps = [(path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in sources]
        self._cache_file._source_stamp = stamps

    def load_overload(self, sig: object, target_context: object) -> object | None:
        """Return the compiled loop for the types `sig`, None where there is none to be read."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # unpickling a damaged file can raise nearly anything
            self._forget()
            return None

    def save_overload(self, sig: object, data: object) -> None:
        """Keep a compiled loop, if that can be done."""
        try:
            super().save_overload(sig, data)
        except Exception:
            self._forget()

    def _forget(self) -> None:
        try:
            self.flush()  # an empty index in place of the damaged one
        except OSError:
            pass


def compile_lazily(loop: Callable) -> Any:
    """Return `loop` as a Numba function that compiles at its first call and releases the GIL."""
    compiled: Any = numba.njit(**OPTIONS)(loop)
    try:
        compiled._cache = ForgivingCache(loop)
    except (RuntimeError, OSError, AttributeError):
        pass  # no folder can be written, or a new Numba keeps its cache otherwise: compiled in each process
    return compiled
