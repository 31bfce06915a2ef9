"""Ties: equal entries, of which a maximum, a minimum or a sort takes one.

Each of them alone sits on a kink, and any slope between those of its two sides will do. Not so for all
together: equals that are moved as one stay equal, and f has a single slope along their way, to which
their slopes must add up. A right rule answers with the slopes of a place beside the tie, or with a
mean of several; so this holds wherever that slope is the same at all places beside it, and only there
is it asked for.
"""

from typing import Any

import numpy as np

from minigrad.checking.maps import Operation
from minigrad.checking.report import Finding, short
from minigrad.checking.tolerance import Tolerance
from minigrad.errors import GradientError

#: So many values that several entries share are looked at, the most frequent first; so many outputs.
VALUES, OUTPUTS = 32, 256
#: So many places beside a tie are tried, up to so many steps away.
PLACES, REACH = 16, 10
#: Slopes that differ by less, in proportion, are the same; sums that differ by more are not.
SAME, OTHER = 1e-3, 1e-2

Ways = list[np.ndarray]


def check_ties(operation: Operation, eps: float, tolerance: Tolerance, rng: Any) -> Finding | None:
    """What is wrong with the slopes of equal entries, taken together, if anything."""
    ties = [(value, *_joint_slope(operation, value, eps, rng)) for value in _shared(operation)]
    outputs = np.arange(operation.forward().size)
    if len(outputs) > OUTPUTS:
        outputs = np.sort(rng.choice(outputs, OUTPUTS, replace=False))
    upstream = np.zeros_like(operation.forward())
    for output in outputs if ties else ():
        upstream[output] = 1
        try:
            gradients = operation.gradients(upstream)
        except GradientError:
            return None  # said of the operation at large
        upstream[output] = 0
        for value, slope, spread in ties:
            found = _wrong(operation, gradients, value, slope[output], spread[output], tolerance)
            if found:
                return found
    return None


def left_out(operation: Operation) -> int:
    """How many of the values that several entries share are not looked at."""
    counts = np.unique(np.concatenate([a.ravel() for a in operation.arrays]), return_counts=True)[1]
    return max(0, int(np.sum(counts > 1)) - VALUES)


def _shared(operation: Operation) -> list[float]:
    """The values that several entries have."""
    values, counts = np.unique(
        np.concatenate([a.ravel() for a in operation.arrays]), return_counts=True
    )
    frequent = np.argsort(-counts, kind="stable")[:VALUES]
    return [float(values[n]) for n in frequent if counts[n] > 1]


def _joint_slope(
    operation: Operation, value: float, eps: float, rng: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The slope of each output as all entries of a value move as one; how much it varies beside them."""
    step = eps * max(1.0, abs(value))
    way = [step * (a == value) for a in operation.arrays]
    here = [np.zeros(a.shape) for a in operation.arrays]
    middle = operation.forward()
    found = [
        (_moved(operation, here, way, 1) - middle) / step,
        (middle - _moved(operation, here, way, -1)) / step,
    ]
    for _ in range(PLACES):
        place = [REACH * step * rng.uniform(-1, 1, a.shape) for a in operation.arrays]
        rise = _moved(operation, place, way, 1) - _moved(operation, place, way, -1)
        found.append(rise / (2 * step))
    low, high = np.min(found, 0), np.max(found, 0)
    return (low + high) / 2, high - low


def _moved(operation: Operation, place: Ways, way: Ways, steps: int) -> np.ndarray:
    """The outputs at a place beside the inputs, so many steps along a way."""
    with operation.undone():
        for a, aside, step in zip(operation.arrays, place, way):
            a += aside + steps * step
        return operation.forward()


def _wrong(
    operation: Operation, gradients: list[np.ndarray], value: float, slope: float, spread: float, tolerance: Tolerance
) -> Finding | None:  # fmt: skip
    """What is wrong with the slopes of one output along the entries of a value, if anything."""
    slopes = np.concatenate([g[a == value] for g, a in zip(gradients, operation.arrays)])
    size, total = np.sum(np.abs(slopes)) + abs(slope), float(np.sum(slopes))
    one_slope = spread <= SAME * size
    if not one_slope or abs(total - slope) <= max(OTHER * size, tolerance.atol):
        return None
    where = [
        f"{name}{i.tolist()}"
        for name, g, a in zip(operation.names, gradients, operation.arrays)
        for i in np.argwhere((a == value) & ((g != 0) | (total == 0)))
    ]
    listed = " and ".join(where[:2]) + (", ..." if len(where) > 2 else "")
    return Finding(
        "kink",
        f"{operation.label} at a tie, {listed}, all {short(value)}: moved together they have the slope "
        f"{short(slope)}, and yours add up to {short(total)}. Let one of them have it, or share it.",
    )
