"""Known mistakes in the arrangement of a gradient: transposed, flipped, permuted, in a wrong shape.

Functions of a Case that yield (distance, sentence), as in value_mistakes.
"""

from itertools import combinations, permutations

import numpy as np

from minigrad.checking.case import Case, distance, subsets
from minigrad.checking.value_mistakes import Guess
from minigrad.shapes import unbroadcast


def sum_missing(case: Case) -> Guess:
    """The gradient of a broadcast operand, not summed over where it was repeated."""
    if case.shaped:
        return
    try:
        yield (
            case.becomes(unbroadcast(case.yours, case.x.shape)),
            _sum_missing(case, "the broadcast axes"),
        )
    except ValueError:
        pass
    for axes in subsets(case.yours.ndim):
        summed = case.yours.sum(axis=axes)
        if summed.size == case.x.size:
            listed = "axis " + ", ".join(map(str, axes))
            yield case.becomes(summed.reshape(case.x.shape)), _sum_missing(case, listed)


def _sum_missing(case: Case, axes: str) -> str:
    return f"the sum over {axes} is missing: yours, of shape {case.yours.shape}, summed over it matches"


def reshaped(case: Case) -> Guess:
    """The right numbers in a wrong shape."""
    if not case.shaped and case.yours.size == case.x.size:
        error = case.becomes(case.yours.reshape(case.x.shape))
        yield (
            error,
            f"shape wrong: yours, reshaped from {case.yours.shape} to {case.x.shape}, matches",
        )


def summed_over_another(case: Case) -> Guess:
    """What is summed into a broadcast operand, summed over as many other axes."""
    if not case.complete or case.sums[1] > 1:
        return  # an output that takes several entries is more than a broadcast
    shares = (case.jacobian * case.upstream).sum(0).reshape(case.y_shape)
    for axes in combinations(range(shares.ndim), max(0, shares.ndim - case.x.ndim)):
        summed = shares.sum(axes)
        if axes and summed.shape == case.yours.shape:
            listed = ", ".join(map(str, axes))
            yield (
                distance(case.yours, summed),
                f"axis wrong: yours, of shape {case.yours.shape}, is summed over axis {listed} of y",
            )


def transposed(case: Case) -> Guess:
    """Axes in another order; or an operand, or dy, used with its axes exchanged."""
    n = case.yours.ndim
    if n <= 4:
        for axes in permutations(range(n)):
            if axes != tuple(range(n)):
                how = "transposed" if n == 2 else f"transposed by {axes}"
                yield case.becomes(case.yours.transpose(axes)), f"transposed: yours, {how}, matches"
    if case.complete and case.jacobian.shape[0] == case.jacobian.shape[1] and not _permutes(case):
        turned = np.empty(case.x.size)
        turned[case.index] = case.upstream
        yield (
            case.comes_from((case.jacobian.T @ turned)[case.index]),
            "transposed: yours is J dy where Jᵀ dy is due",
        )
    yield from _operands_turned(case, "transposed", _transposes)


def flipped(case: Case) -> Guess:
    """An axis in reverse order; or an operand, or dy, used in reverse."""
    for axes in subsets(case.yours.ndim):
        error = case.becomes(np.flip(case.yours, axes))
        yield error, f"flipped: yours, flipped along axis {', '.join(map(str, axes))}, matches"
    yield from _operands_turned(case, "flipped", _flips)
    yield from _products_flipped(case)


def _products_flipped(case: Case) -> Guess:
    """A flip missing before or after a sum of dy y that is divided by x, as in a running product's rule."""
    if not (case.one_to_one and case.shaped):
        return
    u, y = case.upstream.reshape(case.y_shape), case.subject.forward().reshape(case.y_shape)
    for axis in range(case.x.ndim):
        before = case.yours_for(np.flip(u * y, axis) / y)
        if before.shape != case.x.shape:
            return
        told = f"flipped: with dy y, flipped along axis {axis}, for dy y"
        yield case.becomes(before), f"{told}, yours matches"
        after = "yours times x, flipped along axis {}, over x,"
        yield (
            case.becomes(np.flip(before * case.x, axis) / case.x),
            f"{told}, {after.format(axis)} matches",
        )
        yield (
            case.becomes(np.flip(case.yours * case.x, axis) / case.x),
            f"flipped: {after.format(axis)} matches",
        )


def permutation(case: Case) -> Guess:
    """Entries that forward rearranged, not put back, or rearranged once more."""
    if not (case.shaped and _permutes(case)):
        return
    u = case.upstream
    if u.size == case.x.size:
        yield (
            case.is_all(u[case.index]),
            "a permutation not undone: yours is dy in the order it came in",
        )
        if case.complete:
            again = np.empty(case.x.size)
            again[case.index] = u
            yield (
                case.is_all((case.jacobian.T @ again)[case.index]),
                "a permutation done the wrong way: yours is dy permuted as forward permutes x",
            )
    for how, turned in (*_flips(u.reshape(case.y_shape)), *_transposes(u.reshape(case.y_shape))):
        yield (
            case.is_all(case.with_upstream(turned)),
            f"a permutation not undone: yours is what dy {how} gives",
        )


def axis(case: Case) -> Guess:
    """The rule of another axis."""
    if not (case.one_to_one and case.shaped and case.complete and case.x.ndim > 1):
        return
    for a, b in permutations(range(case.x.ndim), 2):
        if a < b and case.x.shape[a] == case.x.shape[b]:
            yield from _on_exchanged_axes(case, a, b)
    y = case.subject.forward().reshape(case.x.shape)
    with np.errstate(all="ignore"):
        weights = (("", 1.0), (", times y,", y), (", times exp(y),", np.exp(y)))
    for what, weight in weights:
        with np.errstate(all="ignore"):
            rest = case.missing / weight
        for a, b in permutations(range(case.x.ndim), 2):
            if a < b and min(case.x.shape[a], case.x.shape[b]) > 1:
                yield (
                    _not_additive(rest, a, b),
                    f"axis wrong: what is missing{what} is a sum along axis {a} less one along axis {b}",
                )


def _not_additive(rest: np.ndarray, a: int, b: int) -> float:
    """How far an array is from one part that is constant along axis `a` plus one along axis `b`."""
    along_a, along_b = rest - rest.mean(a, keepdims=True), rest - rest.mean(b, keepdims=True)
    size = np.max(np.abs(rest))
    if min(np.max(np.abs(along_a)), np.max(np.abs(along_b))) < 1e-4 * size:
        return np.inf  # one part alone: a path, not an axis
    return distance(along_a - along_a.mean(b, keepdims=True) + rest, rest)


def _on_exchanged_axes(case: Case, a: int, b: int) -> Guess:
    u = case.upstream.reshape(case.y_shape).swapaxes(a, b)
    with case.subject.undone():
        case.x[...] = case.x.swapaxes(a, b).copy()
        turned = case.yours_for(u)
    if turned.shape == case.x.shape:
        yield (
            case.becomes(turned.swapaxes(a, b)),
            f"axis wrong: yours matches on arrays with axes {a} and {b} exchanged",
        )


def _permutes(case: Case) -> bool:
    """Whether forward only rearranges entries: each slope is 0 or 1, and at most one in an output."""
    near = np.abs(case.jacobian)
    if case.one_to_one and not np.any(near.sum(1) > near[np.arange(len(near)), case.index] + 1e-6):
        return False  # each stays where it is
    ones = np.abs(case.jacobian - 1) < 1e-6
    return bool(np.all((near < 1e-6) | ones) and np.all(near.sum(0) < 1.5))


def _operands_turned(case: Case, word: str, turns) -> Guess:
    """Your rule, given an operand or dy turned round, gives the right gradient.

    A longer function turns an operand in backward alone: forward's result depends on it too.
    """
    if not case.shaped:
        return
    for how, u in turns(case.upstream.reshape(case.y_shape)):
        if u.shape == case.y_shape:
            yield case.becomes(case.yours_for(u)), f"{word}: with dy {how}, yours matches"
    for j, operand in enumerate(case.subject.arrays):
        for how, turned in turns(operand):
            if turned.shape == operand.shape:
                told = f"{word}: with {case.subject.names[j]} {how}"
                if j != case.k:
                    yield case.becomes(case.yours_with(j, turned)), f"{told}, yours matches"
                error = case.becomes(case.yours_after(j, turned))
                yield error, f"{told} in backward alone, yours matches"


def _flips(array: np.ndarray) -> list[tuple[str, np.ndarray]]:
    last = min(2, array.ndim)
    axes = [tuple(array.ndim - last + a for a in some) for some in subsets(last)]
    return [(f"flipped along axis {', '.join(map(str, a))}", np.flip(array, a)) for a in axes]


def _transposes(array: np.ndarray) -> list[tuple[str, np.ndarray]]:
    return [("transposed", array.swapaxes(-1, -2).copy())] if array.ndim > 1 else []
