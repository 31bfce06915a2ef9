"""Where the fault lies: which operation of f disagrees with numbers when it is checked alone."""

from typing import Any

import numpy as np

from minigrad.checking.case import SMALL, Case, take_cases
from minigrad.checking.comparison import EVERY, choose, compare
from minigrad.checking.diagnosis import diagnose
from minigrad.checking.maps import Map, Operation
from minigrad.checking.report import Finding
from minigrad.checking.slopes import Index
from minigrad.checking.tolerance import Tolerance
from minigrad.errors import GradientError

#: Entries of each operand that are tried to find the operation.
SEARCH = 200
#: Numbers in a Jacobian that is kept for the diagnosis.
JACOBIAN = 1 << 23

#: Rows of one that cannot be kept as a whole.
ROWS = 64
#: Rows of it without which there is nothing to tell.
FEWEST = 3

TOO_LARGE = Finding("unknown", "too large to be diagnosed: check a smaller input.")
UNKNOWN = Finding("unknown", "none of the known mistakes fits these numbers.")


def first_faulty(
    operations: list[Operation], tolerance: Tolerance, eps: float, rng: Any
) -> Operation | None:
    """The first operation in forward order whose gradients disagree with numbers."""
    for operation in operations:
        upstream = rng.standard_normal(sum(int(np.prod(s)) for s in operation.shapes))
        few = SEARCH if max(a.size for a in operation.arrays) <= EVERY else None
        try:
            with operation.undone():
                found = compare(
                    operation, upstream, choose(operation.arrays, few, rng), tolerance, eps, rng
                )
        except GradientError:
            return operation
        if found.wrong:
            return operation
    return None


def examine(subject: Map, tolerance: Tolerance, eps: float, rng: Any) -> list[Finding]:
    """What is wrong with the gradients of `subject`, array by array."""
    upstream = rng.standard_normal(subject.forward().size)
    most = JACOBIAN // max(1, upstream.size)
    if most < FEWEST:
        return [TOO_LARGE]
    rows: list[list[Index]] = [[] for _ in subject.arrays]
    whole = max(a.size for a in subject.arrays) <= min(most, EVERY)
    for k, i in choose(subject.arrays, None if whole else min(most, ROWS), rng):
        rows[k].append(i)
    try:
        cases = take_cases(subject, upstream, rows, eps)
    except GradientError:
        return []  # what it raised is said already
    largest = max((float(np.max(np.abs(c.right), initial=0)) for c in cases), default=1.0)
    scaled = Tolerance(tolerance.atol * np.clip(largest, SMALL, 1), tolerance.rtol)
    wrong = [case for case in cases if not _right(case, scaled)]
    findings = diagnose(wrong)
    if findings or not all(case.shaped for case in wrong):
        return findings  # a shape that is wrong is said already
    return [UNKNOWN]


def _right(case: Case, tolerance: Tolerance) -> bool:
    """Whether a gradient agrees with numbers, if need be after the tape has un-broadcast it."""
    try:
        fitted = case.subject.fit(case.k, case.yours)
    except GradientError:
        return False
    return bool(np.all(tolerance.agree(fitted.ravel()[case.index], case.right)))
