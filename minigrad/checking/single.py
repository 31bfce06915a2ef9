"""Does forward compute in float32? Then a small step drowns in its rounding, and no slope can be known.

It does if f, wherever an input is, cannot tell it from the number of float32 nearest to it. Where numbers
in float64 cancel inside of f, as in 1 - sigmoid(20), it stands still over short steps too; but they do
not end where those of float32 do, and rounding.py measures them.
"""

import numpy as np

from minigrad.checking.maps import AWAY, Map
from minigrad.checking.report import Finding

#: A step that float32 sees, in proportion to an entry.
SEEN = 1e-6
#: Over it so large a part must move of the outputs that move at all: a rounding to few digits leaps seldom.
MOST = 0.5
#: So many outputs must have stood still within a cell of float32.
ENOUGH = 400

IN_FLOAT32 = Finding(
    "float32",
    "forward computes in float32, though its inputs are float64 (a cast, as x.astype(np.float32)?): small "
    "steps drown in its rounding, and whether backward is right cannot be known.",
)


def in_float32(subject: Map) -> bool:
    """Whether outputs that move with an input are float32, or follow it in steps of float32."""
    return any(_in_cells(subject, k) for k in range(len(subject.arrays)))


def _in_cells(subject: Map, k: int) -> bool:
    """Whether the outputs move with array `k`, and never as its entries are rounded to float32."""
    array, rng = subject.arrays[k], np.random.default_rng(0)
    y, start = subject.forward(), array.copy()

    def moved(size: float) -> np.ndarray:
        array[...] = start * (1 + size * rng.uniform(-1, 1, start.shape))
        return subject.forward()

    with subject.undone():
        able = moved(AWAY) != y
        if np.dtype(np.float32) in subject.dtypes:
            return bool(able.any())
        asked = seen = 0
        while able.any() and asked < ENOUGH:
            fine = moved(SEEN)
            array[...] = array.astype(np.float32)
            if not np.array_equal(subject.forward(), fine, equal_nan=True):
                return False
            asked += int(able.sum())
            seen += int(np.sum(able & (fine != y)))
    return seen > MOST * asked
