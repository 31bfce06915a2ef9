"""Numbers and arrays in few characters."""

from typing import Any

import numpy as np

#: Arrays of up to this many entries are written out.
SMALL = 3
MINUS = "\N{MINUS SIGN}"


def short(number: float, digits: int = 3) -> str:
    """A number with `digits` significant figures: ``0.0312``, ``−1.5``, ``12345``, ``4e−09``, ``nan``.

    -0 is 0.
    """
    number = number + 0.0
    whole = 10**digits <= abs(number) < 1e6
    text = f"{number:.0f}" if whole else f"{number:.{digits}g}"
    return text.replace("-", MINUS).replace("e+", "e")


def brief(array: Any) -> str:
    """A small array in full, a large one by its range."""
    array = np.asarray(array)
    if array.size == 0:
        return "empty"
    if array.ndim == 0 or array.size == 1:
        return short(array.reshape(-1)[0])
    if array.ndim == 1 and array.size <= SMALL:
        return "[" + "  ".join(short(x, 2) for x in array) + "]"
    if not np.isfinite(array).all():
        return f"{int((~np.isfinite(array)).sum())} of {array.size} not finite"
    low, high = short(array.min(), 2), short(array.max(), 2)
    return f"all {low}" if low == high else f"{low} … {high}"
