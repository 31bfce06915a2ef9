"""What can be said of a gradient that no known mistake explains: where it is at odds with f's structure.

    axis         f keeps slices along an axis apart, and yours mixes them
    slope        yours is right but for a factor of its own at each entry, of dy or of x
    place        yours is right for some slices of dy, wrong for others

All but the last are functions of a Case that yield (distance, sentence), as in value_mistakes; what they
see is no matter of degree, and the distance 0.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from minigrad.checking.case import FIT, Case, distance
from minigrad.checking.maps import AWAY
from minigrad.checking.value_mistakes import Guess

#: Less than this, in proportion, is rounding.
ROUNDING = 1e-7
#: Along an axis of so many slices of dy at most, each is tried.
SLICES = 64
#: Smaller slopes, in proportion, are not known well enough to be compared one by one.
STEEP = 1e-3
#: So large a part of a region that is named as wrong must be; of what a slice of dy reaches, too.
MOSTLY = 0.75
#: So many entries of dy at most are tried one by one.
OUTPUTS = 64


def mixed(case: Case) -> Guess:
    """Slices that f keeps apart, mixed: of dy on the way to x, or of the arrays that the slope depends on."""
    if not case.shaped:
        return
    name, size = case.subject.names[case.k], np.max(np.abs(case.yours))
    for a, b in _kept_apart(case, case.k):
        for at in _ends(case.x.shape[a]):
            yours = case.yours_for(_only(case, b, at))
            if yours.shape == case.x.shape and _outside(yours, a, at) > ROUNDING * size:
                yield (
                    0.0,
                    f"axes mixed up: f keeps the slices of {name} along axis {a} apart, yours mixes those of dy",
                )
    for j, other in enumerate(case.subject.names):
        for a, b in _kept_apart(case, j):
            if any(_depends(case, j, a, b, at) for at in _ends(case.subject.arrays[j].shape[a])):
                yield (
                    0.0,
                    f"axes mixed up: f keeps the slices of {other} along axis {a} apart, yours mixes them",
                )


def slope_of_last_step(case: Case) -> Guess:
    """Each entry of dy times a factor of its own, the same on its way to all that it reaches."""
    if not case.shaped:
        return
    steep = np.abs(case.jacobian) > STEEP * np.max(np.abs(case.jacobian))
    reached = np.flatnonzero(steep.sum(0) > 1)
    for j in reached[:OUTPUTS]:
        one = np.zeros_like(case.upstream)
        one[j] = 1
        answer, right = case.yours_for(one), case.jacobian[:, j]
        if answer.shape != case.x.shape:
            return
        yours = answer.ravel()[case.index]
        if distance(yours, yours @ right / (right @ right) * right) > FIT:
            return
    if len(reached) > 1:
        yield (
            0.0,
            "right but for a factor of its own on each entry of dy, as a wrong slope in the last step puts there",
        )


def slope_of_first_step(case: Case) -> Guess:
    """Each entry times a factor of its own, whatever dy is."""
    another = np.random.default_rng(case.k).standard_normal(case.upstream.size)
    again = case.yours_for(another)
    reaching = np.count_nonzero(case.jacobian, axis=1) > 1
    if case.shaped and again.shape == case.x.shape and reaching.sum() > 1:
        factors = (case.mine / case.right)[reaching]
        if not case.mine[case.wrong].any():
            return  # entries left out, at a border maybe
        right = case.with_upstream(another)[reaching]
        if distance(again.ravel()[case.index][reaching], factors * right) < FIT:
            yield (
                0.0,
                "right but for a factor of its own on each entry, whatever dy, as a wrong slope in the first step puts there",
            )


def place_in_upstream(case: Case) -> str:
    """For which slices of dy yours is right, if for some; or nothing."""
    if not case.shaped or len(case.subject.shapes) > 1:
        return ""
    for axis, n in enumerate(case.y_shape):
        if not 1 < n <= SLICES:
            continue
        good: list[int] = []
        bad: list[int] = []
        for at in range(n):
            u = _only(case, axis, at)
            right = case.with_upstream(u)
            if np.max(np.abs(right)) > ROUNDING * np.max(np.abs(case.right)):
                share = _share_wrong(case, u, right)
                (bad if share else good).append(at)
                if 0 < share < MOSTLY:
                    break  # what is wrong lies elsewhere
        else:
            if good and bad:
                return f"right for dy where axis {axis} of y is {listed(good)}, wrong for dy where it is {listed(bad)}"
    return ""


def _share_wrong(case: Case, u: np.ndarray, right: np.ndarray) -> float:
    """For another dy, the share of the entries that it reaches at which yours is wrong."""
    yours = case.yours_for(u)
    if yours.shape != case.x.shape:
        return 1.0
    mine = yours.ravel()[case.index]
    size = np.maximum(np.abs(mine), np.abs(right))
    reached = size > ROUNDING * np.max(size)
    return float(np.mean((np.abs(mine - right) > FIT * np.max(size))[reached]))


def listed(places: list[int]) -> str:
    """Indices in words, a run of them as its ends."""
    if len(places) > 2 and places[-1] - places[0] == len(places) - 1:
        return f"{places[0]} to {places[-1]}"
    return ", ".join(map(str, places))


def _kept_apart(case: Case, j: int) -> Iterator[tuple[int, int]]:
    """Pairs of an axis of array `j` and one of y: no slice of y depends on another slice of the array."""
    array, y = case.subject.arrays[j], case.subject.forward().reshape(case.y_shape)
    for a, n in enumerate(array.shape):
        for b, m in enumerate(case.y_shape):
            if n == m > 1 and all(_alone(case, j, a, b, at, y) for at in _ends(n)):
                yield a, b


def _alone(case: Case, j: int, a: int, b: int, at: int, y: np.ndarray) -> bool:
    """Whether slice `at` of y stays as all others of the array move, and they do not."""
    with _moved(case, j, a, at):
        try:
            moved = case.subject.forward().reshape(case.y_shape)
        except Exception:  # whatever a forward raises that does not take such inputs
            return False
    same = np.abs(moved - y) <= ROUNDING * AWAY * np.max(np.abs(y))
    return bool(same.take(at, b).all() and not same.all())


def _depends(case: Case, j: int, a: int, b: int, at: int) -> bool:
    """Whether yours, for dy in slice `at` alone, follows other slices of array `j`, on which y there does not depend."""
    u = _only(case, b, at)
    before = case.yours_for(u)
    with _moved(case, j, a, at):
        after = case.yours_for(u)
    if before.shape != after.shape or not before.any():
        return False
    return bool(np.max(np.abs(after - before)) > ROUNDING * np.max(np.abs(before)))


@contextmanager
def _moved(case: Case, j: int, a: int, at: int) -> Iterator[None]:
    """Meanwhile all slices of array `j` along axis `a` but one are a little elsewhere."""
    array = case.subject.arrays[j]
    way = (
        AWAY * np.random.default_rng(j).uniform(0.5, 1, array.shape) * np.maximum(1, np.abs(array))
    )
    np.moveaxis(way, a, 0)[at] = 0
    with case.subject.undone():
        array += way
        yield


def _only(case: Case, axis: int, at: int) -> np.ndarray:
    """dy in one slice, 0 elsewhere."""
    u = case.upstream.reshape(case.y_shape)
    only = np.zeros_like(u)
    np.moveaxis(only, axis, 0)[at] = np.moveaxis(u, axis, 0)[at]
    return only


def _outside(array: np.ndarray, axis: int, at: int) -> float:
    """The largest number outside of a slice."""
    return float(np.max(np.abs(np.delete(array, at, axis))))


def _ends(n: int) -> tuple[int, int]:
    return 0, n - 1
