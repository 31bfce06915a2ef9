"""Does forward compute in float32? Then a small step drowns in its rounding, and no slope can be known.

It does if f, wherever an input is, cannot tell it from the number of float32 nearest to it. Where numbers
in float64 cancel inside of f, as in 1 - sigmoid(20), it stands still over short steps too; but they do
not end where those of float32 do, and rounding.py measures them.

A part of f may do so beside others that do not. Then a cast to float32 is seen as forward runs, or a
constant that follows the inputs and holds numbers of float32 alone, as minigrad.tensor makes them.
"""

import numpy as np

from minigrad.checking.maps import AWAY, Map, Operation, Whole
from minigrad.checking.recorder import followers, operations
from minigrad.checking.report import Finding
from minigrad.checking.rounding import measured

#: A step that float32 sees, in proportion to an entry.
SEEN = 1e-6
#: Over it so large a part must move of the outputs that move at all: a rounding to few digits leaps seldom.
MOST = 0.5
#: So many outputs must have stood still within a cell of float32.
ENOUGH = 400
#: So large a part of a constant must move with the inputs: a mask leaps seldom.
MOVING = 0.25
#: A cast counts if over such steps outputs are rough by so large a part of the largest: a mask does not follow it.
FAR, ROUGH = 1e-4, 1e-10

IN_FLOAT32 = Finding(
    "float32",
    "forward computes in float32, though its inputs are float64 (a cast, as x.astype(np.float32)?): small "
    "steps drown in its rounding, and whether backward is right cannot be known.",
)
PART = (
    "a part of forward computes in float32; the fault lies in {}. Small steps drown in its rounding, and whether "
    "backward is right cannot be known. Keep to float64: no cast, as x.astype(np.float32), and "
    "minigrad.tensor(array, dtype=np.float64), which by default makes float32."
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


def part_in_float32(subject: Map) -> Finding | None:
    """What is said where a part of f computes in float32, if one does."""
    for operation in operations(subject)[0]:
        if _casts(operation) and _is_rough(operation):
            node = operation.node
            where = operation.name + (f", called at {node.line()}" if node else "")
            return Finding("float32", PART.format(where))
    for where, here, there in followers(subject) if isinstance(subject, Whole) else ():
        if np.array_equal(there, np.float32(there)) and np.mean(here != there) > MOVING:
            return Finding("float32", PART.format(where))
    return None


def _casts(operation: Operation) -> bool:
    """Whether forward is seen to make float32 of what it makes of its operands."""
    seen, kept = [], operation.operands

    class Watched(np.ndarray):
        def __array_finalize__(self, source: np.ndarray | None) -> None:
            if source is not None and (source.dtype, self.dtype) == (np.float64, np.float32):
                seen.append(self.shape)

    operation.operands = list(kept)
    for place in operation.places:
        operation.operands[place] = kept[place].view(Watched)
    try:
        operation.forward()
    except Exception:  # whatever a forward raises that takes plain arrays alone
        return False
    finally:
        operation.operands = kept
    return bool(seen)


def _is_rough(operation: Operation) -> bool:
    """Whether outputs move in steps as large as those of float32."""
    largest = np.max(np.abs(operation.forward()), initial=0)
    return bool(np.max(measured(operation, FAR), initial=0) > ROUGH * largest)
