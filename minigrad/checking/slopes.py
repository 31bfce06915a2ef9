"""Slopes by small steps: central and one-sided differences, the complex step, and signs of a kink.

central      (f(x + h) - f(x - h)) / 2h       exact to h²
one-sided    (f(x + h) - f(x)) / h            exact to h, and different on the two sides of a kink
complex      Im f(x + ih) / h                 exact to the last digit, for an analytic f alone
"""

import warnings
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from minigrad.checking.maps import Map, Operation
from minigrad.checking.rounding import last_places, measured
from minigrad.checking.tolerance import Tolerance

Index = tuple[int, ...]

#: Rounding is no matter where it is so small a part of a slope.
FINE = 1e-6
#: A kink shows where rounding is so small a part of it.
CLEAR = 0.1
#: No difference is taken in a complex step, so that it may be as small as numbers are.
COMPLEX_STEP = 1e-30
#: Of larger arrays a complex forward takes long.
LARGE = 4096
#: Outputs that are off by so many times what their last places are, are so by rounding inside of f.
COARSE = 8
#: Steps so many times longer are tried where rounding drowns the usual one …
LONGER = (1e2, 1e4)
#: … and so many times shorter where the usual one is too long for how f curves.
SHORTER = (1e-1, 1e-2, 1e-4)


class Slopes:
    """Slopes of a map along single entries of its arrays, by steps in proportion to `eps`."""

    def __init__(self, map: Map, eps: float, like: "Slopes | None" = None):
        self.map, self.eps = map, eps
        self.middle: np.ndarray = like.middle if like else map.forward()
        self._like = like

    def between(self, k: int, i: Index, low: float, high: float) -> np.ndarray:
        """Slope of each output along entry `i` of array `k`, between two points given in steps."""
        array = self.map.arrays[k]
        kept = array[i]
        h = self.eps * max(1.0, abs(kept))
        with np.errstate(all="ignore"):
            ends, at = [], []
            for steps in (high, low):
                array[i] = kept + steps * h
                at.append(array[i])
                ends.append(self.map.forward() if steps else self.middle)
            array[i] = kept
            # Equal infinities, a mask's, have the slope 0 and not inf - inf.
            rise = np.where(ends[0] == ends[1], 0.0, ends[0] - ends[1])
            return rise / (at[0] - at[1])  # the step as it was rounded

    def clear(self, k: int, i: Index) -> np.ndarray:
        """Central slopes by a longer step where rounding drowns the usual one, by a shorter one where f curves."""
        slopes = self.between(k, i, -1, 1)
        if np.max(self.rounding(k, i), initial=0) > FINE * np.max(np.abs(slopes), initial=0):
            return self.between(k, i, -LONGER[0], LONGER[0])
        if self._straight(k, i, slopes):
            return slopes
        for closer in self.closer(k, i):
            near = closer.between(k, i, -1, 1)
            if np.max(closer.rounding(k, i), initial=0) > FINE * np.max(np.abs(near), initial=0):
                break
            if closer._straight(k, i, near):
                return near
        return slopes

    def _straight(self, k: int, i: Index, slopes: np.ndarray) -> bool:
        """Whether central slopes are off, to h², by next to nothing."""
        off = np.abs(self.between(k, i, -2, 2) - slopes) / 3
        return bool(np.max(off, initial=0) <= FINE * np.max(np.abs(slopes), initial=0))

    def with_steps(self, factor: float) -> "Slopes":
        """The same by steps so many times as long."""
        return Slopes(self.map, self.eps * factor, like=self)

    def closer(self, k: int, i: Index) -> Iterator["Slopes"]:
        """The same with shorter steps, down to one in proportion to a small entry, or of `eps` at a large one.

        The two sides of a kink stay apart however short the step; what curves, straightens out.
        """
        size = abs(float(self.map.arrays[k][i]))
        own = {min(size, 1 / size)} if size else set()
        for factor in sorted({*SHORTER, *own} - {1.0}, reverse=True):
            yield self.with_steps(factor)

    def stays(self, k: int, i: Index, bend: np.ndarray, tolerance: Tolerance) -> np.ndarray:
        """Which outputs bend as sharply at a shorter step; also those where rounding would hide it."""
        kinked = np.ones(bend.shape, bool)
        for closer in self.closer(k, i):
            left, right = closer.sides(k, i)
            with np.errstate(all="ignore"):
                shows = closer.rounding(k, i) < CLEAR * bend
                straight = tolerance.agree(left + closer.bend(k, i, left, right) / 2, left)
            kinked &= ~(shows & straight)
        return kinked

    def sides(self, k: int, i: Index) -> tuple[np.ndarray, np.ndarray]:
        """Slopes of each output to the left and to the right."""
        return self.between(k, i, -1, 0), self.between(k, i, 0, 1)

    @cached_property
    def doubt(self) -> np.ndarray:
        """By how much each output may be off."""
        if self._like:
            return self._like.doubt
        return np.fmax(last_places(self.middle), measured(self.map, self.eps))

    @property
    def coarse(self) -> bool:
        """Whether outputs are off by more than in their last places, by rounding inside of f."""
        return bool(np.any(self.doubt > COARSE * last_places(self.middle)))

    def rounding(self, k: int, i: Index) -> np.ndarray:
        """How far the rounding of each output may put off its one-sided slope along an entry."""
        h = self.eps * max(1.0, abs(self.map.arrays[k][i]))
        return self.doubt / h

    def bend(self, k: int, i: Index, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """By how much each output bends within two steps: the jump of slope at a kink there, or more than a third of it.

        The slopes of a smooth function over four steps in a row grow evenly. A kink within the four
        breaks that; it cannot hide from both of the two second differences.
        """
        with np.errstate(all="ignore"):
            first, last = self.between(k, i, -2, -1), self.between(k, i, 1, 2)
            bend = np.fmax(np.abs(first - 2 * left + right), np.abs(left - 2 * right + last))
            return np.fmax(bend - self.rounding(k, i), 0)

    def joint_bend(self, upstream: np.ndarray, seed: int) -> tuple[float, float]:
        """How <upstream, outputs> bends as all entries move at once; and its slope in a direction drawn from a seed.

        Ties of three and more do not show along single entries: the median of five equal numbers stays
        when one of them moves. There the slopes along a line grow unevenly, or those in two directions
        do not add up to that in their sum.
        """
        rng = np.random.default_rng(seed)
        v, w = (
            [
                self.eps * rng.uniform(-1, 1, a.shape) * np.maximum(1, np.abs(a))
                for a in self.map.arrays
            ]
            for _ in range(2)
        )
        with np.errstate(all="ignore"):
            low, less, more, high = (self._at(upstream, v, steps) for steps in (-2, -1, 1, 2))
            middle = float(upstream @ self.middle)
            sums = [more - less]
            for way in (w, [a + b for a, b in zip(v, w)]):
                sums.append(self._at(upstream, way, 1) - self._at(upstream, way, -1))
            slopes = np.diff([low, less, middle, more, high])
            gap = abs(sums[0] + sums[1] - sums[2]) / 2
            bend = max(float(np.max(np.abs(np.diff(slopes, 2)))), gap)
            bend -= float(np.abs(upstream) @ self.doubt)
            return max(bend, 0.0) / self.eps, float(slopes[1]) / self.eps

    def _at(self, upstream: np.ndarray, way: list[np.ndarray], steps: int) -> float:
        """<upstream, outputs>, so many steps away."""
        with self.map.undone():
            for a, step in zip(self.map.arrays, way):
                a += steps * step
            return float(upstream @ self.map.forward())

    def complex(self, k: int, i: Index) -> np.ndarray | None:
        """The slope by a complex step; None where that cannot be taken."""
        if not isinstance(self.map, Operation) or self.map.arrays[k].size > LARGE:
            return None
        h = COMPLEX_STEP
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of an imaginary part that forward drops
            y = self.map.complex_forward(k, i, 1j * h)
            return None if y is None or y.dtype.kind != "c" else y.imag / h
