"""How far rounding may put off the outputs of a map.

In its last places each output is off anyway. Where numbers cancel inside of f, as in log(1 - p) near
p = 0, it is off by more, and what is seen of it is measured: over short steps a smooth f is as good as a
cubic, and what a cubic leaves over is rounding.
"""

import numpy as np

from minigrad.checking.maps import AWAY, Map

#: By how many units in its last place a difference of outputs may be off, sums of many numbers included.
UNITS = 8
#: Over so many times eps the points lie, the least over which an output moves, and all up to a step:
#: where float32 computes a part, the rest moves smoothly over the least …
REACH = (1e-5, 1e-2, 1, 10, 1e3, 3e4)
#: … and so many of them, from so many places beside the inputs.
POINTS, PLACES = 16, 2
#: They begin at such a part of it, as at the start may be an edge.
BESIDE = 0.25
#: The polynomials that are fitted; of what is smooth, however steep, the second leaves less than this part.
TERMS, LESS = (4, 8), 0.1
#: Rounding adds less than so many times what is left over to any sum of a few outputs.
SAFE = 16


def last_places(y: np.ndarray) -> np.ndarray:
    """By how much outputs are off where nothing cancels."""
    return UNITS * np.spacing(np.abs(y))


def measured(map: Map, eps: float) -> np.ndarray:
    """By how much each output is seen to be off, beside the inputs; 0 where that cannot be seen.

    There is rounding to both sides of a place, and hardly ever a kink.
    """
    rng, found = np.random.default_rng(0), []
    for _ in range(PLACES):
        start = [a * (1 + AWAY * rng.uniform(-1, 1, a.shape)) for a in map.arrays]
        way = [eps * rng.choice([-1, 1], a.shape) * np.maximum(1, np.abs(a)) for a in map.arrays]
        found += [_along(map, start, way), _along(map, start, [-along for along in way])]
    return np.nan_to_num(np.fmin.reduce(found))


def _along(map: Map, start: list[np.ndarray], way: list[np.ndarray]) -> np.ndarray:
    """By how much each output is off along a way, over steps up to `way`, or the shortest over which it moves.

    Not a number where it leaps just once: that may be an edge, or rounding too coarse to be measured.
    """
    # Evenly, steps of rounding might fall in with those along the way.
    at = BESIDE + (1 - BESIDE) * np.linspace(0, 1, POINTS) ** 1.5
    off, unknown = np.zeros(1), np.ones(1, bool)
    with map.undone(), np.errstate(all="ignore"):
        for reach in REACH:
            values = []
            for steps in reach * at:
                for a, here, along in zip(map.arrays, start, way):
                    a[...] = here + steps * along
                values.append(map.forward())
            rise = np.array(values) - values[0]
            leaps = np.count_nonzero(np.diff(rise, axis=0), axis=0)
            moves = leaps > 1
            finite = np.isfinite(rise).all(0)
            rough = SAFE * _rough(at, np.where(finite, rise, 0))
            off = np.where((unknown | (reach <= 1)) & moves, np.fmax(off, rough), off)
            unknown = unknown & ~moves
            if reach >= 1 and not unknown.any():
                break
    return np.where(unknown & (leaps == 1), np.nan, off)


def _rough(at: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What a cubic leaves over of each column of values; 0 where more terms leave far less."""
    few, many = (_rest(np.vander(at - at[0], terms), values) for terms in TERMS)
    return np.where(many > LESS * few, few, 0)


def _rest(powers: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The largest part of each column of values that no sum of the powers reaches."""
    nearest = powers @ np.linalg.lstsq(powers, values, rcond=None)[0]
    return np.max(np.abs(values - nearest), axis=0)
