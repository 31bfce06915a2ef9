"""How far rounding may put off the outputs of a map.

In its last places each output is off anyway. Where numbers cancel inside of f, as in log(1 - p) near
p = 0, it is off by more, and what is seen of it is measured: over short steps a smooth f is as good as a
cubic, and what a cubic leaves over is rounding.
"""

import numpy as np

from minigrad.checking.maps import AWAY, Map

#: By how many units in its last place a difference of outputs may be off, sums of many numbers included.
UNITS = 8
#: Over so many times eps the points lie, the least over which an output moves …
REACH = (1e-5, 1e-2, 10, 1e3, 3e4)
#: … and so many of them, from so many places beside the inputs.
POINTS, PLACES = 12, 2
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
    return np.min(found, axis=0)


def _along(map: Map, start: list[np.ndarray], way: list[np.ndarray]) -> np.ndarray:
    """By how much each output is off along a way, over the shortest steps over which it moves."""
    at = (
        np.linspace(0, 1, POINTS) ** 1.5
    )  # evenly, steps of rounding might fall in with those along the way
    off, unknown = np.zeros(1), np.ones(1, bool)
    with map.undone(), np.errstate(all="ignore"):
        for reach in REACH:
            values = []
            for steps in reach * at:
                for a, here, along in zip(map.arrays, start, way):
                    a[...] = here + steps * along
                values.append(map.forward())
            rise = np.array(values) - values[0]
            moves = np.count_nonzero(np.diff(rise, axis=0), axis=0) > 1  # and does not leap, once
            finite = np.isfinite(rise).all(0)
            rough = SAFE * np.max(np.abs(_rest(at, np.where(finite, rise, 0))), axis=0)
            off, unknown = np.where(unknown & moves, rough, off), unknown & ~moves
            if not unknown.any():
                break
    return off


def _rest(at: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What the cubic that is nearest to each column of values leaves over."""
    powers = np.vander(at, 4)
    return values - powers @ np.linalg.lstsq(powers, values, rcond=None)[0]
