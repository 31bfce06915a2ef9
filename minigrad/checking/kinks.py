"""Kinks, operation by operation, at inputs that were not moved.

There an output has one slope to the left of an entry and another to the right, and each number between
them is as right as any other: a subgradient. The two slopes are found by one-sided differences; yours,
by a backward pass of this operation alone whose upstream gradient is 1 in that output and 0 elsewhere.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from minigrad.checking.comparison import choose, joint_kink
from minigrad.checking.maps import Operation
from minigrad.checking.report import Finding, entries, short
from minigrad.checking.slopes import Index, Slopes
from minigrad.checking.ties import check_ties, left_out
from minigrad.checking.tolerance import Tolerance
from minigrad.errors import GradientError, GraphError

#: What PyTorch answers at the kinks of an operation.
PYTORCH = {
    "relu": "0",
    "leaky_relu": "that of the negative side",
    "absolute": "0",
    "maximum": "1/2",
    "minimum": "1/2",
    "max": "shared evenly by equals (torch.amax)",
    "min": "shared evenly by equals (torch.amin)",
    "clip": "1",
    "max_pool2d": "1 for the first of equals",
    "grid_sample": "that of the right side",
}

#: Kinks of so many outputs of one operation are checked.
OUTPUTS = 256
#: A kink that a step so much smaller still sees is at the entry itself and not merely near.
NEARER = 1e-3
#: At so many places beside a kink, up to so many steps away, its slope may be that of a right rule.
PLACES, REACH = 200, 10
#: A slope steeper than this is followed towards its entry, to see whether it grows: by so many times at least.
STEEP, GROWTH = 30.0, 10.0
#: A slope larger than this is that of a jump.
JUMP = 1e4


class Kink(NamedTuple):
    """An entry of an array, and what slope an output has to its left and to its right."""

    k: int
    i: Index
    output: int
    left: float
    right: float


def check_kinks(
    operations: list[Operation],
    demanded: Mapping[str, float],
    samples: int | None,
    eps: float,
    tolerance: Tolerance,
    rng: Any,
) -> tuple[list[str], list[Finding]]:
    """Notes on the kinks that were met, and what was wrong there.

    Raises
    ------
    GraphError
        A convention is demanded of an operation that does not occur.
    """
    occurring = {operation.name for operation in operations}
    for name in demanded:
        if name not in occurring:
            raise GraphError(
                f"gradcheck: kinks names {name!r}, which f does not use. Its operations are "
                f"{', '.join(sorted(occurring)) or 'none'}."
            )
    notes, problems = [], []
    for operation in operations:
        nowhere = _no_number(operation)
        if nowhere:
            problems.append(nowhere)
            continue
        edges = find_edges(operation, samples, eps, rng)
        tried = (
            _bounded(operation, edge, yours) for edge, yours in _answers(operation, edges, rng)
        )
        wrong = next((problem for problem in tried if problem), None)
        if wrong:
            problems.append(wrong)
            continue
        kinks = find_kinks(operation, samples, eps, tolerance, rng)
        answers = _answers(operation, kinks, rng)
        demand = demanded.get(operation.name)
        tried = (
            _wrong(operation, kink, yours, demand, eps, tolerance, rng) for kink, yours in answers
        )
        wrong = next((problem for problem in tried if problem), None)
        if not wrong and (kinks or _joint_kink(operation, eps, tolerance, rng)):
            wrong = check_ties(operation, eps, tolerance, rng)
            missed = left_out(operation)
            if missed:
                notes.append(f"{operation.label}: ties of {missed} more values were not looked at.")
        if wrong:
            problems.append(wrong)
            continue
        at = [answer for answer in answers if _at(operation, answer[0], eps)]
        near = [answer for answer in answers if answer not in at]
        notes += [_note(operation, some, some is at) for some in (at, near) if some]
    return notes, problems


def _no_number(operation: Operation) -> Finding | None:
    """Where backward gives NaN although all that goes into forward, and comes out of it, is finite."""
    y = operation.forward()
    if not np.isfinite(y).all():
        return None
    try:
        gradients = operation.gradients(np.ones_like(y))
    except GradientError:
        return None  # said of the operation at large
    for name, x, gradient in zip(operation.names, operation.arrays, gradients):
        lost = np.argwhere(np.isnan(gradient) & np.isfinite(x))
        if len(lost):
            where = f"{operation.label}, {name}{lost[0].tolist()}"
            return Finding("nan", f"{where}: backward gives nan, where forward is finite.")
    return None


def find_kinks(
    operation: Operation, samples: int | None, eps: float, tolerance: Tolerance, rng: Any
) -> list[Kink]:
    """All pairs of an entry and an output between which there is a kink."""
    slopes = Slopes(operation, eps)
    found = []
    for k, i in choose(operation.arrays, samples, rng):
        left, right = slopes.sides(k, i)
        with np.errstate(all="ignore"):
            apart = ~tolerance.agree(left, right) & np.isfinite(left) & np.isfinite(right)
            if not apart.any():
                continue
            bend = slopes.bend(k, i, left, right)
            apart &= ~tolerance.agree(left + bend / 2, left)
            if apart.any():
                apart &= slopes.stays(k, i, bend, tolerance)
        found += [
            Kink(k, i, int(j), float(left[j]), float(right[j])) for j in np.flatnonzero(apart)
        ]
    return found


def _joint_kink(operation: Operation, eps: float, tolerance: Tolerance, rng: Any) -> bool:
    """Whether there is a kink that single entries do not show, as in the median of five equals."""
    slopes = Slopes(operation, eps)
    return joint_kink(slopes, rng.standard_normal(slopes.middle.size), tolerance, rng)


def find_edges(operation: Operation, samples: int | None, eps: float, rng: Any) -> list[Kink]:
    """All pairs of an entry and an output whose slope grows without bound towards the entry.

    As that of √x at 0 does: over a step so much smaller it is larger, but not as much as at a jump.
    """
    wide, narrow = Slopes(operation, eps), Slopes(operation, eps * NEARER)
    found = []
    for k, i in choose(operation.arrays, samples, rng):
        far = wide.sides(k, i)
        if not any((np.abs(side) > STEEP).any() for side in far):
            continue
        near = narrow.sides(k, i)
        for j in range(wide.middle.size):
            for before, after in zip(far, near):
                if np.isfinite(before[j]) and abs(before[j]) > STEEP:
                    if GROWTH < abs(after[j] / before[j]) < 0.2 / NEARER:
                        found.append(Kink(k, i, j, float(before[j]), float(after[j])))
    return found


def _bounded(operation: Operation, edge: Kink, yours: float) -> Finding | None:
    """What is wrong with a slope given where it grows from `edge.left` to `edge.right` and on, if anything."""
    if yours * np.sign(edge.right) > abs(edge.right) / GROWTH:
        return None
    where = f"{operation.label}, {operation.names[edge.k]}{list(edge.i)}"
    return Finding(
        "kink",
        f"{where}: towards it the slope grows without bound ({short(edge.left)}, "
        f"{short(edge.right)}, ...), yours {short(yours)}.",
    )


def _answers(operation: Operation, kinks: list[Kink], rng: Any) -> list[tuple[Kink, float]]:
    """Each kink with the slope that backward gives, one output at a time."""
    by_output = defaultdict(list)
    for kink in kinks:
        by_output[kink.output].append(kink)
    outputs = sorted(by_output)
    if len(outputs) > OUTPUTS:
        outputs = sorted(rng.choice(outputs, OUTPUTS, replace=False))
    answers = []
    upstream = np.zeros_like(operation.forward())
    for output in outputs:
        upstream[output] = 1
        try:
            gradients = operation.gradients(upstream)
        except GradientError:
            return []  # said of the operation at large
        upstream[output] = 0
        answers += [(kink, float(gradients[kink.k][kink.i])) for kink in by_output[output]]
    return answers


def _wrong(
    operation: Operation,
    kink: Kink,
    yours: float,
    demand: float | None,
    eps: float,
    tolerance: Tolerance,
    rng: Any,
) -> Finding | None:
    """What is wrong with the slope given at a kink, if anything."""
    low, high = sorted((kink.left, kink.right))
    where = f"{operation.label} at a kink, {operation.names[kink.k]}{list(kink.i)}"
    sides = f"slopes {short(kink.left)} and {short(kink.right)}, yours {short(yours)}"
    with np.errstate(invalid="ignore"):
        inside = low <= yours <= high or tolerance.agree(yours, np.clip(yours, low, high))
    if not inside and not _beside(operation, kink, yours, eps, tolerance, rng):
        return Finding("kink", f"{where}: {sides}, which is not between them.")
    if demand is not None and not tolerance.agree(yours, demand) and _at(operation, kink, eps):
        return Finding("kink", f"{where}: {sides}; {short(demand)} is asked for.")
    return None


def _beside(
    operation: Operation, kink: Kink, yours: float, eps: float, tolerance: Tolerance, rng: Any
) -> bool:
    """Whether a slope lies between those of places beside a kink, with all entries a little elsewhere.

    Of three equals that a quantile weighs, none has the slope of the middle one as it moves alone.
    """
    low, high = sorted((kink.left, kink.right))
    for _ in range(PLACES):
        with operation.undone():
            for a in operation.arrays:
                a += REACH * eps * rng.uniform(-1, 1, a.shape) * np.maximum(1, np.abs(a))
            slope = float(Slopes(operation, eps).between(kink.k, kink.i, -1, 1)[kink.output])
        low, high = min(low, slope), max(high, slope)
        if tolerance.agree(yours, np.clip(yours, low, high)):
            return True
    return False


def _at(operation: Operation, kink: Kink, eps: float) -> bool:
    """Whether the kink is at the entry itself."""
    left, right = Slopes(operation, eps * NEARER).sides(kink.k, kink.i)
    gap = kink.right - kink.left
    return abs(right[kink.output] - left[kink.output] - gap) < 0.1 * abs(gap)


def _note(operation: Operation, answers: list[tuple[Kink, float]], at: bool) -> str:
    """One kink as an example of all that an operation has; `at` an entry, or within a step of it."""
    kink, yours = answers[0]
    met = entries(len({(k.k, k.i) for k, _ in answers}))
    if max(abs(kink.left), abs(kink.right)) > JUMP:
        return f"{operation.label} at a jump ({met}): yours {short(yours)}."
    if not at:
        return f"{operation.label} so near a kink that a step crosses it ({met})."
    theirs = PYTORCH.get(operation.name)
    return (
        f"{operation.label} at a kink ({met}): slopes {short(kink.left)} and "
        f"{short(kink.right)}, yours {short(yours)}"
        + (f"; PyTorch's is {theirs}." if theirs else ".")
    )
