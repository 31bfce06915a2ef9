"""Known mistakes in which paths a gradient takes: one lost, or counted twice.

Functions of a Case that yield (distance, sentence), as in value_mistakes. What is missing, right -
yours, tells the path: through a mean it is the same for all entries of the mean; through a variance,
proportional to x - mean(x); through the sum that a softmax divides by, proportional to y.
"""

from collections.abc import Iterator

import numpy as np

from minigrad.checking.case import FIT, Case, distance, subsets
from minigrad.checking.report import short
from minigrad.checking.value_mistakes import Guess

#: What is missing, a small part of a gradient maybe, is proportional to x where it is so nearly.
NEARLY = 1e-3
#: Entries this much smaller, in proportion, are 0 in what is missing.
ONE_HOT = 1e-4


def nothing(case: Case) -> Guess:
    """No gradient at all."""
    if not np.any(case.yours) and np.any(np.abs(case.right) > 1e-8):
        yield 0.0, "a path lost: yours is 0 everywhere"


def shared_path(case: Case) -> Guess:
    """A path through a mean, a variance or a sum that all entries along some axes share."""
    if not (case.shaped and case.complete):
        return
    right = case.missing + case.yours
    for axes in subsets(case.x.ndim):
        group = int(np.prod([case.x.shape[a] for a in axes]))
        for parts, sentence, least in _shares(case, axes):
            if _rest(right, parts, axes) <= case.threshold:
                continue  # whatever multiple of it yours is, what is missing looks like this
            if group >= least and group * (case.x.size // group) > 2:
                listed = ", ".join(map(str, axes))
                error = _rest(case.missing, parts, axes)
                yield error, sentence.format(listed)
                if error <= case.threshold:
                    break  # more paths would fit as well, and say less


def penalty(case: Case) -> Guess:
    """A term of the loss that grows with x², as that of weight decay."""
    if not (case.shaped and case.complete and case.upstream.size == 1 and case.x.size > 2):
        return
    missing, x = case.missing / case.upstream, case.x
    if _rest(case.missing + case.yours, [x], tuple(range(x.ndim))) < NEARLY:
        return  # all of the gradient is in proportion to x, whatever is missing of it
    c = float(np.sum(missing * x) / np.sum(x * x)) if x.any() else 0.0
    name = case.subject.names[case.k]
    if c and distance(missing, c * x) < NEARLY and _follows_upstream(case):
        yield (
            case.becomes(case.yours + c * x * case.upstream),
            f"a path lost: what is missing is {c:.4g} times {name}, as of a penalty {c / 2:.4g} times its squares",
        )


def one_hot(case: Case) -> Guess:
    """What is taken from one entry of each row, as from that of the label."""
    if not (case.shaped and case.complete and case.x.ndim and case.x.shape[-1] > 2):
        return
    missing = case.missing.reshape(-1, case.x.shape[-1])
    if len(missing) < 2:
        return  # any one entry is one of its row
    ones = np.abs(missing) > ONE_HOT * np.max(np.abs(missing))
    if case.upstream.size not in (1, len(missing)) or not (ones.sum(1) == 1).all():
        return
    if not _follows_upstream(case):
        return
    c = missing[ones] / case.upstream
    predicted = ones * np.mean(c) * np.reshape(case.upstream, (-1, 1))
    yield (
        case.becomes(case.yours + predicted.reshape(case.x.shape)),
        f"a path lost: what is missing is {short(np.mean(c))} dy in one entry of each row, as in p - onehot(label)",
    )


def _follows_upstream(case: Case) -> bool:
    """Whether what is missing is in proportion to dy."""
    another = -1.5 * case.upstream
    yours = case.yours_for(another)
    if yours.shape != case.x.shape:
        return False
    missing = case.with_upstream(another) - yours.ravel()[case.index]
    return distance(missing, -1.5 * case.missing.ravel()[case.index]) < NEARLY


def _shares(case: Case, axes: tuple[int, ...]) -> Iterator[tuple[list[np.ndarray], str, int]]:
    """What a path may add to each entry, in which words, and the fewest entries that can tell."""
    ones = np.ones(case.x.shape)
    centred: np.ndarray = case.x - case.x.mean(axes, keepdims=True)
    told = "lost or miscounted: what is missing is, along axis {},"
    yield [ones], f"a path through the mean (or sum) {told} the same for all", 2
    yield [centred], f"a path through the variance {told} proportional to x - mean(x)", 3
    if case.one_to_one:
        y = case.subject.forward().reshape(case.x.shape)
        divisor = "norm" if _rest(y, [case.x], axes) <= FIT else "sum"
        yield [y], f"a path through the {divisor} that divides {told} proportional to y", 3
        with np.errstate(over="ignore"):
            yield [np.exp(y)], f"a path through the log of a sum {told} proportional to exp(y)", 3
    yield [ones, centred], f"paths through mean and variance {told} a + b (x - mean(x))", 4


def _rest(missing: np.ndarray, parts: list[np.ndarray], axes: tuple[int, ...]) -> float:
    """What multiples of the (orthogonal) parts, one for each group along the axes, leave over."""
    rest = missing
    with np.errstate(all="ignore"):
        for part in parts:
            share = (rest * part).sum(axes, keepdims=True) / (part * part).sum(axes, keepdims=True)
            rest = rest - share * part
    return distance(missing - rest, missing)


def straight_path(case: Case) -> Guess:
    """dy itself, past the operation: y = x + ..."""
    if case.one_to_one and case.shaped:
        u, missing = case.upstream[case.index], case.right - case.mine
        yield distance(missing, u), "a path lost: what is missing is dy itself (y = x + ...)"
        yield (
            distance(-missing, u),
            "a path counted twice: what is too much is dy itself (y = x + ...)",
        )


def other_use(case: Case) -> Guess:
    """The second use of a value in a symmetric result, as in x xᵀ."""
    shape = case.y_shape
    if len(shape) > 1 and shape[-1] == shape[-2]:
        turned = case.yours_for(case.upstream.reshape(shape).swapaxes(-1, -2))
        if turned.shape == case.yours.shape:
            yield (
                case.becomes(case.yours + turned),
                "a path lost: yours, plus yours for dy transposed, matches (x is used twice)",
            )


def output_ignored(case: Case) -> Guess:
    """The gradient that comes in through one of several outputs."""
    parts = case.subject.split(case.upstream)
    if len(parts) < 2:
        return
    for number in range(len(parts)):
        kept = [p * (n == number) for n, p in enumerate(parts)]
        only = np.concatenate([p.ravel() for p in kept])
        told = "a path lost: yours is what the gradient of output {} {} gives"
        yield case.comes_from(case.with_upstream(only)), told.format(number, "alone")
        if len(parts) > 2:
            others = case.with_upstream(case.upstream - only)
            yield case.comes_from(others), told.format(number, "being 0")
