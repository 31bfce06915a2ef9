"""Vectors of LANES numbers, for the innermost loops: load, store, splat, add, fma, total, transpose,
interleave.

A processor's vector unit multiplies and adds LANES numbers at once, if its compiler sees that it may.
Where sums must stay in registers over a long loop it does not see it, so those loops say it::

    sums = splat(a.dtype.type(0))
    for i in range(0, a.size, LANES):
        sums = fma(load(a, i), load(b, i), sums)      # LANES products, LANES sums
    product = total(sums)

These are the functions in plain NumPy; simd_compiled.py tells Numba what to make of them. Compiled,
nothing checks the index.
"""

from typing import Any

import numpy as np

from minigrad.kernels import JIT

__all__ = ["LANES", "add", "fma", "interleave", "load", "splat", "store", "total", "transpose"]


def load(array: np.ndarray, i: int) -> Any:
    """The vector array[i : i + LANES] of a contiguous array of one axis."""
    return array[i : i + LANES].copy()


def store(array: np.ndarray, i: int, vector: Any) -> None:
    """Write a vector into array[i : i + LANES]."""
    array[i : i + LANES] = vector


def splat(number: Any) -> Any:
    """A vector of one number."""
    return np.full(LANES, number)


def add(a: Any, b: Any) -> Any:
    """a + b."""
    return a + b


def fma(a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once where the processor can."""
    return a * b + c


def total(vector: Any) -> Any:
    """The sum of a vector's numbers."""
    return vector.sum()


def transpose(
    source: np.ndarray, i: int, step: int, target: np.ndarray, k: int, pitch: int, plus: Any
) -> None:
    """Turn LANES vectors into LANES others, row by column, and add `plus`.

    They are read from source[i], source[i + step], … and written to target[k], target[k + pitch], ….
    """
    rows = np.array([load(source, i + r * step) for r in range(LANES)])
    for r in range(LANES):
        store(target, k + r * pitch, rows[:, r] + plus)


def interleave(
    source: np.ndarray,
    i: int,
    step: int,
    lines: int,
    target: np.ndarray,
    k: int,
    places: np.ndarray,
    j: int,
) -> None:
    """Write LANES columns of `lines` lines each to its place: LANES lines, or half as many.

    The lines start at source[i], source[i + step], …; column t goes to target[k + places[j + t]] and
    the numbers after it.
    """
    for t in range(LANES):
        to = k + places[j + t]
        target[to : to + lines] = source[i + t : i + t + lines * step : step]


if JIT:
    from minigrad.kernels.simd_compiled import LANES
else:
    LANES = 4
