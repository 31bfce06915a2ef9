"""Each operation of a tape alone, at its own inputs, a few entries of each.

Two mistakes in a row may cancel end to end, and one may have no effect on it at these inputs.
"""

from typing import Any

import numpy as np

from minigrad.checking.comparison import EVERY, Comparison, choose, compare
from minigrad.checking.maps import Operation
from minigrad.checking.tolerance import Tolerance
from minigrad.errors import GradientError, GraphError

#: So many operations at most are checked, the first of each rule before others …
MOST = 32
#: … none of them with more numbers than this …
LARGEST = 1 << 20
#: … and so many entries of each operand, or of a large one.
ENTRIES, FEW = 16, 4


def chosen(operations: list[Operation]) -> list[Operation]:
    """Those that are looked at, in forward order."""
    small = [n for n, op in enumerate(operations) if sum(a.size for a in op.arrays) <= LARGEST]
    first = {operations[n].rule: n for n in reversed(small)}
    again = [n for n in small if n not in first.values()]
    return [operations[n] for n in sorted([*sorted(first.values()), *again][:MOST])]


def compare_alone(
    operation: Operation, tolerance: Tolerance, eps: float, rng: Any
) -> Comparison | None:
    """What backward and differences give for an operation, left where it was; None if it cannot be compared."""
    y = operation.forward()
    if not all(np.isfinite(a).all() for a in (y, *operation.arrays)):
        return None
    few = ENTRIES if max(a.size for a in operation.arrays) <= EVERY else FEW
    entries = choose(operation.arrays, few, rng)
    try:
        with operation.undone():
            return compare(operation, rng.standard_normal(y.size), entries, tolerance, eps, rng)
    except (GradientError, GraphError):
        return None  # said, where it matters, of f as a whole
