"""Backward held to differences, entry by entry, off kinks.

At a kink (a tie in max, a zero in relu, a sample exactly on a pixel) a central difference lies
between the slopes of the two sides, and a right rule need not agree with it. An entry there is moved
off its kink and tried again; a wrong rule still fails, being wrong beside it too. Kinks inside of f
may cancel, as in relu(x) - relu(-x): backward then is off where f is smooth.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.checking.maps import Map
from minigrad.checking.slopes import CLEAR, LONGER, SHORTER, Index, Slopes
from minigrad.checking.tolerance import Tolerance

#: How near a complex step must come to a difference to take its place, being exact.
SECOND = 1e-3
#: How often an entry may be moved before it is left unchecked.
MOVES = 12
#: How often it may be moved for a kink that only shows as several entries move at once, or inside of f.
JOINT_MOVES = 3
#: By how much, in proportion, and so much less where f is not finite that far away.
FAR, NEAR = (1e-3, 1e-2), (1.0, 1e-3, 1e-6)
#: In how many random directions such a kink is looked for; in one where so many numbers are moved.
DIRECTIONS, LARGE = 5, 1 << 16
#: atol is no smaller than this, for the rounding of backward, and than so many times that of differences.
SMALLEST, DOUBT = 1e-12, 10
#: Up to this size every entry of an array is checked, beyond it a sample …
EVERY = 4096
#: … of so many entries, fewer where the arrays are so large that this many numbers are computed.
SAMPLE, NUMBERS = 256, 1e8

Entry = tuple[int, Index]


@dataclass
class Comparison:
    """What backward and differences gave.

    Attributes
    ----------
    tolerance : Tolerance
        With an atol in proportion to the largest slope where that is below 1.
    analytic, numeric : list of ndarray
        For each array; `numeric` is nan where an entry was not checked.
    checked : list of bool ndarray
        Which entries were.
    moved, kinked, stuck : list of (array, index)
        Entries that were moved off a kink; that sat on one, moved or not; that never got off it, and
        whose gradient is one of the slopes between its two sides.
    seconded : int
        How many differences a complex step replaced, which agreed with them roughly and is exact.
    lengthened : int
        How many took a longer step, rounding having drowned the usual one.
    hidden : int
        How many were left unchecked, as rounding drowned each step.
    coarse : bool
        Whether it was rounding inside of the map, and not of its outputs.
    """

    tolerance: Tolerance
    analytic: list[np.ndarray]
    numeric: list[np.ndarray]
    checked: list[np.ndarray]
    moved: list[Entry] = field(default_factory=list)
    kinked: list[Entry] = field(default_factory=list)
    stuck: list[Entry] = field(default_factory=list)
    seconded: int = 0
    lengthened: int = 0
    hidden: int = 0
    coarse: bool = False

    @property
    def wrong(self) -> int:
        """How many checked entries disagree."""
        return sum(
            int(np.sum(~self.tolerance.agree(a[c], n[c])))
            for a, n, c in zip(self.analytic, self.numeric, self.checked)
        )


def choose(arrays: list[np.ndarray], samples: int | None, rng: Any) -> list[Entry]:
    """Every entry of each array, or `samples` of those of a large one."""
    size = max(1, sum(a.size for a in arrays))
    entries: list[Entry] = []
    for k, array in enumerate(arrays):
        few = samples
        if samples is None and array.size > EVERY:
            few = max(8, min(SAMPLE, int(NUMBERS / size)))
        places: Any = range(array.size)
        if few is not None and few < array.size:
            places = np.sort(rng.choice(array.size, few, replace=False, shuffle=False))
        entries += [(k, tuple(map(int, np.unravel_index(p, array.shape)))) for p in places]
    return entries


def compare(
    subject: Map, upstream: np.ndarray, entries: list[Entry], tolerance: Tolerance, eps: float, rng: Any,
    inner_kink: Callable[[], bool] = lambda: False,
) -> Comparison:  # fmt: skip
    """Hold the gradients of <upstream, subject> to differences at `entries`, moving those on kinks.

    `inner_kink` says whether an operation inside of the subject sits on a kink. The arrays of `subject`
    are left where they were moved to.
    """
    start = [a.copy() for a in subject.arrays]
    gradients = subject.gradients(upstream)
    found = Comparison(
        tolerance,
        [g.copy() for g in gradients],
        [np.full(a.shape, np.nan) for a in start],
        [np.zeros(a.shape, bool) for a in start],
    )
    pending, ways_out, bent = entries, dict[Entry, int](), None
    for attempt in range(MOVES + 1):
        for (k, i), side in ways_out.items():
            _move(subject, k, i, start[k][i], side or rng.choice([-1, 1]), rng)
        if ways_out:
            gradients, ways_out, bent = subject.gradients(upstream), {}, None
        slopes = Slopes(subject, eps)
        for k, i in pending:
            analytic = gradients[k][i]
            numeric, way, how = _numeric(slopes, upstream, k, i, analytic, tolerance)
            found.seconded += how == "complex"
            found.lengthened += how == "longer"
            found.hidden += how == "hidden"
            found.analytic[k][i], found.numeric[k][i] = analytic, numeric
            found.checked[k][i] = how != "hidden"
            if way is not None and attempt == 0:
                found.kinked.append((k, i))
                ways_out[k, i] = way  # also where it agrees: a rule may be right on the kink alone
                continue
            if how == "hidden" or tolerance.agree(analytic, numeric):
                continue
            if way is not None:
                ways_out[k, i] = way
            elif attempt < JOINT_MOVES:
                if bent is None:
                    bent = joint_kink(slopes, upstream, tolerance, rng) or inner_kink()
                if bent:
                    ways_out[k, i] = 0
        if not ways_out:
            break
        pending = list(ways_out)
        found.moved = found.moved or pending
    for k, i in ways_out:
        if _between(slopes, upstream, k, i, found.analytic[k][i], tolerance):
            found.stuck.append((k, i))
            found.checked[k][i] = False
    found.coarse = bool(found.hidden or found.lengthened) and slopes.coarse
    found.tolerance = _scaled(found, slopes, upstream)
    return found


def _scaled(found: Comparison, slopes: Slopes, upstream: np.ndarray) -> Tolerance:
    """A tolerance that a gradient of small numbers, as that of a large mean, must meet as well.

    Where that is finer than the differences are sure to, which a longer step tells, it is no finer.
    """
    tolerance = found.tolerance
    largest = max(
        (float(np.max(np.abs(n[c]), initial=0)) for n, c in zip(found.numeric, found.checked)),
        default=0.0,
    )
    if not 0 < largest < 1:
        return tolerance
    atol = max(tolerance.atol * largest, SMALLEST)
    strict, doubt = Tolerance(min(atol, tolerance.atol), tolerance.rtol), 0.0
    for k, (a, n, c) in enumerate(zip(found.analytic, found.numeric, found.checked)):
        for place in np.argwhere(c & tolerance.agree(a, n) & ~strict.agree(a, n)):
            i = tuple(map(int, place))
            again = float(upstream @ slopes.between(k, i, -LONGER[0], LONGER[0]))
            drowned = float(np.abs(upstream) @ slopes.rounding(k, i)) / LONGER[0]
            doubt = max(doubt, DOUBT * abs(again - float(n[i])), drowned)
    return Tolerance(min(max(strict.atol, doubt), tolerance.atol), tolerance.rtol)


def _move(subject: Map, k: int, i: Index, start: float, side: int, rng: Any) -> None:
    """Move an entry to a side, or to the other one or less far, where f is as finite as before."""
    finite = np.isfinite(subject.forward()).sum()
    size = rng.uniform(*FAR) * max(1.0, abs(start))
    for near in NEAR:
        for way in (side, -side):
            subject.arrays[k][i] = start + way * near * size
            if np.isfinite(subject.forward()).sum() >= finite:
                return


def _between(
    slopes: Slopes, upstream: np.ndarray, k: int, i: Index, analytic: float, tolerance: Tolerance
) -> bool:
    """Whether a gradient is one of the slopes between the two sides of an entry."""
    low, high = sorted(float(upstream @ side) for side in slopes.sides(k, i))
    return bool(tolerance.agree(analytic, np.clip(analytic, low, high)))


def joint_kink(slopes: Slopes, upstream: np.ndarray, tolerance: Tolerance, rng: Any) -> bool:
    """Whether there is a kink that single entries do not show."""
    size = sum(array.size for array in slopes.map.arrays)
    for seed in rng.integers(
        1 << 32, size=DIRECTIONS if upstream.size <= EVERY and size <= LARGE else 1
    ):
        bend, slope = slopes.joint_bend(upstream, seed)
        if tolerance.agree(slope + bend / 2, slope):
            continue
        if not _straightens(slopes, upstream, bend, seed, tolerance):
            return True
    return False


def _straightens(
    slopes: Slopes, upstream: np.ndarray, bend: float, seed: int, tolerance: Tolerance
) -> bool:
    """Whether f no longer bends over shorter steps the same way, and rounding does not hide it."""
    for factor in SHORTER:
        closer = slopes.with_steps(factor)
        if float(np.abs(upstream) @ closer.doubt) / closer.eps > CLEAR * bend:
            return False
        rest, slope = closer.joint_bend(upstream, seed)
        if tolerance.agree(slope + rest / 2, slope):
            return True
    return False


def _numeric(
    slopes: Slopes, upstream: np.ndarray, k: int, i: Index, analytic: float, tolerance: Tolerance
) -> tuple[float, int | None, str]:
    """The slope at an entry by numbers; the way off its kink, if there is one; by which other step.

    The way is 1 or -1 at the edge of f's domain, 0 where either will do. A kink is looked for where
    the slopes of the two sides differ, and where they differ from `analytic`: those of a jump, or of a
    vertical tangent, are the same.
    """
    left, right = slopes.sides(k, i)
    weights = np.abs(upstream)
    with np.errstate(all="ignore"):
        one, two = float(upstream @ left), float(upstream @ right)
        numeric = (one + two) / 2
        right_rule = bool(tolerance.agree(analytic, numeric))
        if tolerance.agree(one, two) and right_rule:
            return numeric, None, ""
        if np.isfinite(one) != np.isfinite(two):
            near = _closer(slopes, upstream, k, i, analytic, np.inf, tolerance)
            return near or (numeric, 1 if np.isfinite(two) else -1, "")
        drowned = float(weights @ slopes.rounding(k, i))
        bend = float(weights @ slopes.bend(k, i, left, right))
        unsure = not right_rule and abs(analytic - numeric) <= drowned
        exact = None if right_rule else slopes.complex(k, i)
        if exact is not None:
            # No farther from the difference than that can be off: abs, norm and casts drop a complex step.
            value, off = float(upstream @ exact), abs(float(upstream @ exact) - numeric)
            close = off <= min(SECOND * abs(numeric) + tolerance.atol, drowned + bend)
            met = tolerance.agree(value, np.array([analytic, numeric])).any()
            if close and (met or not unsure):
                return value, None, "complex"
        if unsure:
            longer = _longer(slopes, upstream, k, i, analytic, drowned, tolerance)
            if longer:
                return longer
        if tolerance.agree(numeric + bend / 2, numeric):
            return numeric, None, ""
        near = _closer(slopes, upstream, k, i, analytic, bend, tolerance)
        return near or (numeric, 0, "")


def _longer(
    slopes: Slopes, upstream: np.ndarray, k: int, i: Index, analytic: float, drowned: float, tolerance: Tolerance
) -> tuple[float, None, str] | None:  # fmt: skip
    """The slope by a longer step; where not even that can know it, "hidden"."""
    value = np.nan
    for steps in LONGER:
        value = float(upstream @ slopes.between(k, i, -steps, steps))
        if tolerance.agree(analytic, value):
            return value, None, "longer"
    double = float(upstream @ slopes.between(k, i, -2 * steps, 2 * steps))
    straight = value + (value - double) / 3  # without the error in h² (Richardson)
    if tolerance.agree(analytic, straight):
        return straight, None, "longer"
    hidden = abs(analytic - straight) <= drowned / steps + abs(value - double) / 3
    return (straight, None, "hidden") if hidden else None


def _closer(
    slopes: Slopes, upstream: np.ndarray, k: int, i: Index, analytic: float, bend: float, tolerance: Tolerance
) -> tuple[float, None, str] | None:  # fmt: skip
    """The slope by a shorter step, if f is straight over that; nothing at a kink, or where rounding might hide one."""
    for closer in slopes.closer(k, i):
        left, right = closer.sides(k, i)
        numeric = float(upstream @ (left + right)) / 2
        drowned = float(np.abs(upstream) @ closer.rounding(k, i))
        if drowned > CLEAR * bend:
            return None
        rest = float(np.abs(upstream) @ closer.bend(k, i, left, right))
        if not tolerance.agree(numeric + rest / 2, numeric):
            continue
        unsure = abs(analytic - numeric) <= drowned and not tolerance.agree(analytic, numeric)
        return None if unsure else (numeric, None, "closer")
    return None
