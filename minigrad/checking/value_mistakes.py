"""Known mistakes in the numbers of a gradient whose shape is right.

Each is a function of a Case that yields (distance, sentence): how far the case is from what the
mistake predicts, on the entries that disagree. The sentence counts only if that is next to nothing.
"""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from minigrad.checking.case import FIT, Case, distance, subsets
from minigrad.checking.slopes import Slopes

Guess = Iterator[tuple[float, str]]


def sign(case: Case) -> Guess:
    """-dx for dx."""
    yield case.comes_from(-case.right), "sign flipped: yours times -1 matches"


def factor(case: Case) -> Guess:
    """A constant times the right gradient."""
    c, error = _ratio(case)
    if abs(c + 1) < 1e-6 or not np.isfinite(error):
        return
    name = _named(case, c)
    if (name or case.wrong.sum() > 2) and case.ratio_elsewhere(c):
        yield error, f"a constant factor: yours is {name or f'{c:.6g}'} times the right gradient"


def factor_that_varies(case: Case) -> Guess:
    """One number times the right gradient, another where the inputs are others."""
    c, error = _ratio(case)
    if np.isfinite(error) and case.wrong.sum() > 2 and not case.ratio_elsewhere(c):
        yield (
            error,
            f"right but for a factor that follows the inputs: {c:.6g} here, another number elsewhere, as a "
            "wrong slope in the last step puts there",
        )


def mean_for_sum(case: Case) -> Guess:
    """1/N times the right gradient where N numbers are added up, or N times."""
    c, error = _ratio(case)
    for n, what in _counts(case):
        if n == 2 and n not in case.sums:
            continue  # more likely the factor of a square's slope
        if abs(c * n - 1) < 1e-6:
            yield error, f"a mean where a sum is due: yours is divided by {n}, {what}"
        if abs(c / n - 1) < 1e-6:
            yield error, f"a sum where a mean is due: yours is not divided by {n}, {what}"
    if case.shaped:
        uses = np.maximum(1, np.count_nonzero(np.abs(case.jacobian) > 1e-9, axis=1))
        if uses.max() > uses.min():
            yield (
                case.comes_from(case.right / uses),
                "a mean where a sum is due: each entry of yours is divided by the number of outputs that use it",
            )


def without_upstream(case: Case) -> Guess:
    """A term that is there without dy."""
    rest = case.yours_for(np.zeros_like(case.upstream))
    if case.shaped and rest.shape == case.x.shape and rest.any():
        yield (
            case.becomes(case.yours - rest),
            "a term is not multiplied by dy: without it yours matches",
        )


def upstream_unused(case: Case) -> Guess:
    """The same whatever dy is."""
    another = np.random.default_rng(case.k).standard_normal(case.upstream.size)
    if case.yours.any() and np.array_equal(case.yours_for(another), case.yours):
        ones = case.comes_from(case.with_upstream(np.ones_like(case.upstream)))
        if ones <= case.threshold:
            yield ones, "dy is ignored: yours is what dy = 1 gives"
        else:
            yield (
                0.0,
                "dy is ignored: yours is the same whatever dy is; nor is it what dy = 1 gives",
            )


def not_linear(case: Case) -> Guess:
    """A rule that is not in proportion to dy, or whose shares do not add up, apart from a term without dy."""
    u, v = case.upstream, np.random.default_rng(case.k).standard_normal(case.upstream.size)
    rest = case.yours_for(np.zeros_like(u))
    answers = [case.yours_for(w) for w in (v, -u, 2 * u, u + v)]
    if not case.shaped or any(a.shape != case.x.shape for a in (rest, *answers)):
        return
    mine, other, *found = (a - rest for a in (case.yours, *answers))
    expected = (("-dy", -mine), ("2 dy", 2 * mine), ("the sum of two", mine + other))
    for answer, (of_what, due) in zip(found, expected):
        if np.max(np.abs(answer - due), initial=0) > FIT * np.max(np.abs(due), initial=0):
            yield (
                0.0,
                f"not linear in dy: for {of_what} yours is not what it must be, given yours for dy",
            )
            return


def flat(case: Case) -> Guess:
    """A slope where f has none."""
    slopes = Slopes(case.subject, case.eps)
    if not any(slopes.between(case.k, i, -1, 1).any() for i in case.rows):
        yield (
            0.0,
            "f is flat here: it stands still as this input moves a step to either side, and yours is not 0",
        )


def flat_entries(case: Case) -> Guess:
    """Entries on which nothing depends, and which have a slope nevertheless."""
    if not case.shaped or case.one_to_one or not case.wrong.any():
        return
    if not case.jacobian[case.wrong].any():
        yield (
            0.0,
            "f stands still as the wrong entries move, and yours is not 0 there: a mask is missing, or forward "
            "overwrites them (y[i] += a keeps one of equal i, np.add.at adds all)",
        )


def upstream_ignored(case: Case) -> Guess:
    """The rule for dy = 1."""
    ones = np.ones_like(case.upstream)
    yield case.comes_from(case.with_upstream(ones)), "dy is ignored: yours is what dy = 1 gives"


def upstream_averaged(case: Case) -> Guess:
    """The mean of dy for each of its entries."""
    yield from _pooled(case, np.mean, "dy is averaged: yours is what its mean{} gives")


def upstream_summed(case: Case) -> Guess:
    """The sum of dy for each of its entries."""
    yield from _pooled(case, np.sum, "only the sum of dy is used: yours is what its sum{} gives")


def one_of_the_sum(case: Case) -> Guess:
    """One slice of dy where all must be added up."""
    u = case.upstream.reshape(case.y_shape)
    for axis in range(u.ndim):
        for at in {0, u.shape[axis] - 1}:
            part = np.zeros_like(u)
            here = (slice(None),) * axis + (at,)
            part[here] = u[here]
            yield (
                case.comes_from(case.with_upstream(part)),
                f"not summed over axis {axis}: yours has what dy[{'last' if at else 'first'}] gives and no more",
            )


def diagonal(case: Case) -> Guess:
    """Each output by its own input alone."""
    if case.one_to_one and case.shaped:
        own = case.jacobian[np.arange(len(case.rows)), case.index]
        yield (
            case.is_all(own * case.upstream[case.index]),
            "only the Jacobian's diagonal: yours takes each output by its own entry alone",
        )


def exchanged(case: Case) -> Guess:
    """The gradient of another argument."""
    for j, other in enumerate(case.all_right):
        if j == case.k or np.isnan(other).any():
            continue
        if case.yours.shape == other.shape != case.x.shape:
            error = distance(case.yours, other)
        elif case.shaped and other.size == case.x.size:
            error = case.comes_from(other.ravel()[case.index])
        else:
            continue
        yield error, f"gradients exchanged: yours is that of {case.subject.names[j]}"


def output_for_input(case: Case) -> Guess:
    """The slope at y where that at x is due, as 1 - x² where 1 - y² is."""
    y = case.subject.forward()
    for j, operand in enumerate(case.subject.arrays):
        if operand.shape == case.y_shape:
            error = case.becomes(case.yours_after(j, y.reshape(operand.shape)))
            name = case.subject.names[j]
            yield error, f"an input for the output: with y for {name} in backward, yours matches"


def overwritten(case: Case) -> Guess:
    """The last of several shares where all must be added up."""
    if not case.shaped or np.max(np.count_nonzero(case.jacobian, axis=1), initial=0) < 2:
        return
    shares = (case.jacobian * case.upstream).reshape(-1, *case.y_shape)
    for axes in [(), *subsets(len(case.y_shape))][: 2 ** len(case.y_shape) - 1]:
        kept = shares.sum(axis=tuple(a + 1 for a in axes)).reshape(len(shares), -1)
        for which, order in (("last", kept[:, ::-1]), ("first", kept)):
            one = order[np.arange(len(order)), np.argmax(np.abs(order) > 1e-12, axis=1)]
            yield (
                case.comes_from(one),
                f"overwritten where it should add up: yours is the {which} share of each entry (np.add.at, or +=)",
            )


def mask(case: Case) -> Guess:
    """Gradients let through where they must not be, and the reverse."""
    if not case.shaped:
        return
    yours, right = np.abs(case.mine) > 1e-12, np.abs(case.right) > 1e-8
    if yours.any() and right.any() and not (yours & right).any() and case.wrong.sum() > 1:
        if (yours | right).all():
            yield (
                0.0,
                "mask inverted: yours is 0 where the right gradient is not, and not 0 everywhere else",
            )
        else:
            yield (
                0.0,
                "the wrong entries are marked: yours is 0 in all in which the right gradient is not",
            )
    elif case.one_to_one:
        yield from _let_through(case, yours, right)
        yield from _slopes_exchanged(case)


def _let_through(case: Case, yours: np.ndarray, right: np.ndarray) -> Guess:
    """Entries of dy that forward's mask stops; or those of another mask, where f takes each by itself."""
    wrong, count = case.wrong, int(case.wrong.sum())
    if not right[wrong].any() and not wrong.all():
        mine, u = case.mine[wrong], case.upstream[case.index][wrong]
        c = float(mine @ u / (u @ u))
        once = abs(c - 1) < 1e-6
        if once or count > 1:  # one number is some multiple of any other
            what = "dy" if once else f"{c:.6g} dy"
            yield (
                distance(mine, c * u),
                f"the mask is missing: yours lets {what} through where the right gradient is 0",
            )
    lost, extra = int((right & ~yours)[wrong].sum()), int((yours & ~right)[wrong].sum())
    if max(case.sums) < 2 and lost and extra and lost + extra == count > 2:
        yield (
            0.0,
            f"another mask in backward: yours is 0 in {lost} entries in which the right gradient is not, "
            f"and not 0 in {extra} in which it is",
        )


def _slopes_exchanged(case: Case) -> Guess:
    """Each of two slopes where the other is due."""
    mine, u = case.mine, case.upstream[case.index]
    slopes = np.unique(np.round(case.right / u, 4))
    both = float(slopes.sum())
    if slopes.size == 2 and not np.allclose(mine, both / 2 * u):
        c = float((mine + case.right) @ u / (u @ u))
        if abs(c - both) < 1e-3:  # as they were rounded
            yield distance(mine + case.right, c * u), "mask inverted: the two slopes are exchanged"


def _ratio(case: Case) -> tuple[float, float]:
    """yours / right where they disagree, as one number, and how far that is from the truth."""
    if not case.shaped or not case.wrong.any():
        return np.nan, np.inf
    yours, right = case.mine[case.wrong], case.right[case.wrong]
    with np.errstate(all="ignore"):
        c = float(yours @ right / (right @ right))
    if not np.isfinite(c) or abs(c) <= 1e-9:
        return c, np.inf
    another = -1.5 * case.upstream[::-1]  # of one number, any gradient is a multiple
    again = case.yours_for(another)
    if again.shape != case.x.shape:
        return c, np.inf
    same = distance(
        again.ravel()[case.index][case.wrong], c * case.with_upstream(another)[case.wrong]
    )
    return c, max(distance(yours, c * right), same)


def _counts(case: Case) -> list[tuple[int, str]]:
    """Numbers of entries that a sum or mean may run over, if there is one, with words for each."""
    found: dict[int, str] = {}
    if case.complete and max(case.sums) < 2:
        return []
    for shape, what in ((case.x.shape, "x"), (case.y_shape, "y")):
        for axes in subsets(len(shape)):
            n = int(np.prod([shape[a] for a in axes]))
            listed = f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))}"
            found.setdefault(n, f"the entries along {listed} of {what}")
    return [(n, what) for n, what in found.items() if n > 1]


def _named(case: Case, c: float) -> str:
    """A factor in words: a small fraction, or N or 1/N for a number of entries."""
    for n, what in _counts(case) if c > 0 else ():
        for value, name in ((n, f"{n}"), (1 / n, f"1/{n}"), (n / (n - 1), f"{n}/{n - 1}"), ((n - 1) / n, f"{n - 1}/{n}")):  # fmt: skip
            if abs(c / value - 1) < 1e-6 and value not in (1, 2, 0.5):
                return f"{name} ({n}: {what})"
    simple = Fraction(c).limit_denominator(10)
    return str(simple) if simple and abs(c / float(simple) - 1) < 1e-6 else ""


def _pooled(case: Case, pool, sentence: str) -> Guess:
    u = case.upstream.reshape(case.y_shape)
    if u.size == 1:
        return
    for axes in subsets(u.ndim):
        if all(u.shape[a] == 1 for a in axes):
            continue
        pooled = np.broadcast_to(pool(u, axis=axes, keepdims=True), u.shape)
        where = "" if len(axes) == u.ndim else f" over axis {', '.join(map(str, axes))}"
        yield case.comes_from(case.with_upstream(pooled)), sentence.format(where)
