"""Slopes by small steps: central and one-sided differences, the complex step, and signs of a kink.

central      (f(x + h) - f(x - h)) / 2h       exact to h²
one-sided    (f(x + h) - f(x)) / h            exact to h, and different on the two sides of a kink
complex      Im f(x + ih) / h                 exact to the last digit, for an analytic f alone
"""

import warnings

import numpy as np

from minigrad.checking.maps import Map, Operation

Index = tuple[int, ...]

#: No difference is taken in a complex step, so that it may be as small as numbers are.
COMPLEX_STEP = 1e-30


class Slopes:
    """Slopes of a map along single entries of its arrays, by steps in proportion to `eps`."""

    def __init__(self, map: Map, eps: float):
        self.map, self.eps = map, eps
        self.middle = map.forward()

    def between(self, k: int, i: Index, low: float, high: float) -> np.ndarray:
        """Slope of each output along entry `i` of array `k`, between two points given in steps."""
        array = self.map.arrays[k]
        kept = array[i]
        h = self.eps * max(1.0, abs(kept))
        with np.errstate(all="ignore"):
            ends = []
            for steps in (high, low):
                array[i] = kept + steps * h
                ends.append(self.map.forward() if steps else self.middle)
            array[i] = kept
            return (ends[0] - ends[1]) / ((high - low) * h)

    def sides(self, k: int, i: Index) -> tuple[np.ndarray, np.ndarray]:
        """Slopes of each output to the left and to the right."""
        return self.between(k, i, -1, 0), self.between(k, i, 0, 1)

    def bend(self, k: int, i: Index, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """By how much each output bends within two steps: the jump of slope at a kink there, or more than a third of it.

        The slopes of a smooth function over four steps in a row grow evenly. A kink within the four
        breaks that; it cannot hide from both of the two second differences.
        """
        with np.errstate(all="ignore"):
            first, last = self.between(k, i, -2, -1), self.between(k, i, 1, 2)
            return np.fmax(np.abs(first - 2 * left + right), np.abs(left - 2 * right + last))

    def complex(self, k: int, i: Index) -> np.ndarray | None:
        """The slope by a complex step; None where that cannot be taken."""
        if not isinstance(self.map, Operation):
            return None
        h = COMPLEX_STEP
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of an imaginary part that forward drops
            y = self.map.complex_forward(k, i, 1j * h)
            return None if y is None or y.dtype.kind != "c" else y.imag / h
