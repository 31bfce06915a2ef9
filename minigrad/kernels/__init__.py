"""Compiled loops, each with a plain NumPy twin: the one place that decides which of the two serves.

A kernel is written twice with the same signature. The twin is whole-array NumPy: it is the lesson,
it serves where Numba cannot be imported (Python in a browser) or is switched off
(``NUMBA_DISABLE_JIT=1``), and it is what the tests hold the loop to::

    def _scale_numpy(x, factor, y):
        y[...] = x * factor

    @kernel(twin=_scale_numpy)
    def _scale(x, factor, y):
        for i in range(x.size):
            y[i] = x[i] * factor

Loops are compiled when first called, once a dtype, and run without the GIL, so that slices of a
batch run side by side (see `minigrad.kernels.threads`). What is compiled is kept on disk by Numba.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.kernels.memory import keep_freed_memory

try:
    import numba

    JIT: bool = not numba.config.DISABLE_JIT  # type: ignore[attr-defined]
except (ImportError, OSError) as error:  # OSError: llvmlite is there but its library does not load
    JIT = False
    warnings.warn(
        f"Numba cannot be imported ({error}); plain NumPy serves in its place: the same numbers, "
        "several times slower. `pip install numba` makes it fast.",
        RuntimeWarning,
        stacklevel=2,
    )

if JIT:
    from minigrad.kernels.cache import OPTIONS, compile_lazily

__all__ = ["JIT", "kernel", "part", "plain"]

FLOAT32 = np.dtype(np.float32)

keep_freed_memory()


def kernel(twin: Callable) -> Callable[[Callable], Any]:
    """Decorate a loop: compiled where Numba serves, else replaced by its NumPy `twin`.

    What comes back has both at hand, for the tests: ``.twin`` and, uncompiled, ``.py_func``.
    """

    def choose(loop: Callable) -> Any:
        chosen: Any = compile_lazily(loop) if JIT else twin
        chosen.twin, chosen.py_func = twin, loop
        return chosen

    return choose


def part(loop: Callable) -> Any:
    """Decorate a function that kernels call: compiled into them where Numba serves, else plain Python."""
    if not JIT:
        return loop
    return numba.njit(**OPTIONS)(loop)


def plain(*arrays: np.ndarray, dtype: type | None = None) -> list[np.ndarray]:
    """Return the arrays as every kernel takes them: C-contiguous, aligned, writable, of one dtype.

    Without `dtype` that is float32 when all of them fit in it, else float64. Numba compiles anew
    for each layout and for read-only arrays, so what differs is copied; what is plain already is
    returned as it is.
    """
    if dtype is None:
        single = all(a.dtype is FLOAT32 for a in arrays)
        single = single or np.result_type(np.float32, *arrays) == FLOAT32
        dtype = np.float32 if single else np.float64
    wanted = np.dtype(dtype)
    return [
        a
        if type(a) is np.ndarray and a.dtype is wanted and a.flags.carray
        else np.require(a, wanted, ["C", "ALIGNED", "WRITEABLE", "ENSUREARRAY"])
        for a in arrays
    ]
