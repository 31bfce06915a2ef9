"""Compiled loops, each with a plain NumPy twin: the one place that decides which of the two serves.

The twin of a kernel has its signature. It is the lesson, it serves where Numba cannot be imported or
is switched off (``NUMBA_DISABLE_JIT=1``), and the tests hold the loop to it. What is scalar code
anyway, the rules of the game, is a `part`: one text, compiled or run as it stands.

Loops are compiled when first called, run without the GIL, and are kept on disk by Numba.
"""

import warnings
from collections.abc import Callable
from typing import Any

try:
    import numba

    JIT: bool = not numba.config.DISABLE_JIT  # type: ignore[attr-defined]
except (ImportError, OSError) as error:  # OSError: llvmlite is there but its library does not load
    JIT = False
    warnings.warn(
        f"Numba cannot be imported ({error}); the maze is drawn by plain NumPy: the same pictures, "
        "many times slower. `pip install numba` makes it fast.",
        RuntimeWarning,
        stacklevel=2,
    )

if JIT:
    from maze.kernels.cache import compile_lazily

__all__ = ["JIT", "kernel", "part"]


def kernel(twin: Callable) -> Callable[[Callable], Any]:
    """Decorate a loop: compiled where Numba serves, else replaced by its NumPy `twin`."""

    def choose(loop: Callable) -> Any:
        chosen: Any = compile_lazily(loop) if JIT else twin
        chosen.twin = twin
        return chosen

    return choose


def part(loop: Callable) -> Any:
    """Decorate a function that kernels call: compiled into them where Numba serves, else plain Python."""
    if not JIT:
        return loop
    # error_model: a division by zero gives infinity, as NumPy has it, and needs no branch.
    return numba.njit(nogil=True, error_model="numpy")(loop)
