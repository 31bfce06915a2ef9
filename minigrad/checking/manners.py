"""What a rule must do apart from being right: answer twice alike, leave what it is given alone.

forward     the same outputs for the same inputs, which stay as they are
backward    the same gradients each time, inputs and upstream gradient untouched, 0 for 0
"""

import numpy as np

from minigrad.checking.maps import Map
from minigrad.checking.report import Finding


def check_forward(subject: Map, start: list[np.ndarray]) -> list[Finding]:
    """Does forward leave its inputs, once `start`, alone, and answer twice alike?"""
    one, two = subject.forward(), subject.forward()
    if not _equal(subject.arrays, start):
        k = [np.array_equal(a, b, equal_nan=True) for a, b in zip(subject.arrays, start)].index(False)  # fmt: skip
        return [
            Finding(
                "modified",
                f"f changes its inputs in place ({subject.names[k]}): work on a copy, x = x.copy().",
            )
        ]
    if np.isnan(one).any():
        return [
            Finding(
                "nan",
                f"f gives NaN in {np.isnan(one).sum()} of {one.size} outputs, and NaN has no slope. Run f "
                "inside of minigrad.anomaly(): it names the line that makes the first one.",
            )
        ]
    if not _equal([one], [two]):
        return [
            Finding(
                "not deterministic",
                "f gives different results for the same inputs: does it draw random numbers (seed a "
                "generator inside f), or remember earlier calls?",
            )
        ]
    return []


#: How often backward is repeated: to see chance that strikes seldom; and where arrays are large.
PASSES, LARGE, FEW = 40, 1 << 16, 2


def check_backward(subject: Map, upstream: np.ndarray) -> list[Finding]:
    """Does backward answer twice alike, leave what it is given alone, and give 0 for 0?"""
    before = [a.copy() for a in (*subject.arrays, upstream)]
    given = upstream.copy()
    with np.errstate(all="ignore"):
        backward = subject.graph()
        one = backward(given)
        passes = PASSES if given.size + sum(a.size for a in subject.arrays) < LARGE else FEW
        equal = all(_equal(one, backward(given)) for _ in range(passes - 1))
        if not _equal([*subject.arrays, given], before):
            return [
                Finding(
                    "modified", "backward changes an input, or the gradient it is given, in place."
                )
            ]
        if not equal:
            return [_unequal(subject, upstream)]
        nothing = backward(np.zeros_like(upstream))
    for name, gradient in zip(subject.names, nothing):
        if np.any(gradient[np.isfinite(gradient)] != 0):
            return [
                Finding(
                    "from nothing",
                    f"An upstream gradient of 0 does not give gradients of 0 ({name}): a term of the "
                    "rule is not multiplied by it.",
                )
            ]
    return []


def _unequal(subject: Map, upstream: np.ndarray) -> Finding:
    """Why two passes over one graph differ: chance, if passes over two graphs differ as well."""
    one = subject.backward(upstream)
    if all(_equal(one, subject.backward(upstream)) for _ in range(PASSES)):
        return Finding(
            "not repeatable",
            "A second backward pass over the same graph gives other gradients: does a rule change in "
            "place what it kept on ctx?",
        )
    return Finding(
        "not deterministic",
        "backward gives other gradients each time, in a second backward pass and on a new graph: does "
        "it draw random numbers? Keep forward's on ctx.",
    )


def _equal(one: list[np.ndarray], two: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, two, strict=True))
