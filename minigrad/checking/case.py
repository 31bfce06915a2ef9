"""A wrong gradient and all that is known about it: what hypotheses are tested on."""

from collections.abc import Iterator
from functools import cached_property
from itertools import chain, combinations

import numpy as np

from minigrad.checking.maps import Map
from minigrad.checking.slopes import Index, Slopes
from minigrad.checking.tolerance import Tolerance
from minigrad.errors import MinigradError

#: A hypothesis fits where what it explains is met this closely, in proportion to the largest entry …
FIT = 1e-5
#: … and by so much better than without it.
BETTER = 1e-2
#: Other numbers are up to so many times those that were given; where f is another beyond an edge, not all will do.
ELSEWHERE = (1.01, 1.05, 1.2)
#: There a factor is the same if it is nearly so.
ROUGHLY = 1e-3
#: Where all slopes are small, what is next to nothing is this much smaller at most.
SMALL = 1e-3


class Case:
    """The gradient of one array of a map that disagrees with the numbers.

    Attributes
    ----------
    subject : Map
    k : int
        Which of its arrays.
    upstream : (outputs,) array
    rows : list of index
        The entries that were checked.
    jacobian : (rows, outputs) array
        By central differences: the slope of each output along each of those entries.
    all_yours, all_right : list of ndarray
        The gradients of all arrays as backward gave them, of whatever shape, and by numbers.
    eps : float
        The step of those numbers.
    """

    def __init__(self, subject: Map, k: int, upstream, rows, jacobian, all_yours, all_right, eps):
        self.subject, self.k, self.upstream, self.eps = subject, k, upstream, eps
        self.rows, self.jacobian = rows, jacobian
        self.all_yours, self.all_right = all_yours, all_right
        self.x: np.ndarray = subject.arrays[k]
        self.yours: np.ndarray = all_yours[k]
        self.right: np.ndarray = jacobian @ upstream
        #: The places of the rows in the flattened array.
        self.index = np.array([np.ravel_multi_index(i, self.x.shape) for i in rows], dtype=int)

    @property
    def complete(self) -> bool:
        """Whether every entry was checked."""
        return len(self.rows) == self.x.size

    @property
    def y_shape(self) -> tuple[int, ...]:
        """The shape of the output; all outputs as one axis where there are several."""
        shapes = self.subject.shapes
        return shapes[0] if len(shapes) == 1 else (self.upstream.size,)

    @property
    def shaped(self) -> bool:
        """Whether your gradient has the shape of its array."""
        return self.yours.shape == self.x.shape

    @cached_property
    def mine(self) -> np.ndarray:
        """Your gradient at the rows."""
        return self.yours.ravel()[self.index]

    @cached_property
    def wrong(self) -> np.ndarray:
        """At which rows it disagrees."""
        largest = float(np.max(np.abs(self.right), initial=0))
        return ~Tolerance(1e-7 * min(1.0, max(largest, SMALL)), FIT).agree(self.mine, self.right)

    @cached_property
    def missing(self) -> np.ndarray:
        """The right gradient less yours, where every entry was checked."""
        missing = np.empty(self.x.size)
        missing[self.index] = self.right - self.mine
        return missing.reshape(self.x.shape)

    @cached_property
    def sums(self) -> tuple[int, int]:
        """How many outputs an entry reaches, and how many entries an output takes, at most."""
        steep = np.abs(self.jacobian) > 1e-9 * np.max(np.abs(self.jacobian), initial=0)
        reached, taken = (int(np.max(steep.sum(axis), initial=0)) for axis in (1, 0))
        return reached, taken

    @property
    def one_to_one(self) -> bool:
        """Whether output and input have the same shape."""
        return self.y_shape == self.x.shape

    def becomes(self, changed: np.ndarray) -> float:
        """How far your gradient, changed like this, is from the right one; infinite where it cannot be."""
        if changed.shape != self.x.shape:
            return np.inf
        return distance(changed.ravel()[self.index], self.right)

    def comes_from(self, vector: np.ndarray) -> float:
        """How far a wrong gradient, given at the rows, is from yours, where yours is wrong."""
        if not self.shaped or not self.wrong.any():
            return np.inf
        return distance(vector[self.wrong], self.mine[self.wrong])

    def is_all(self, vector: np.ndarray) -> float:
        """How far a wrong gradient, given at the rows, is from yours at all of them, right ones too."""
        return max(self.comes_from(vector), distance(vector, self.mine))

    def with_upstream(self, upstream: np.ndarray) -> np.ndarray:
        """At the rows, the right gradient for another upstream gradient."""
        return self.jacobian @ upstream.ravel()

    def yours_for(self, upstream: np.ndarray) -> np.ndarray:
        """What your backward gives for another upstream gradient."""
        try:
            return np.asarray(self.subject.backward(upstream.ravel())[self.k])
        except (MinigradError, ValueError, IndexError):
            return np.zeros(0)

    def ratio_elsewhere(self, c: float) -> bool:
        """Whether yours is `c` times the right gradient at other numbers too."""
        return any(self._ratio_at(c, far) for far in ELSEWHERE)

    def _ratio_at(self, c: float, far: float) -> bool:
        """The same at numbers up to so many times as large, along one way of the wrong entries."""
        subject, rng = self.subject, np.random.default_rng(self.k)
        way = np.zeros(self.x.size)
        way[self.index[self.wrong]] = rng.standard_normal(int(self.wrong.sum()))
        way = (self.eps * way).reshape(self.x.shape) * np.maximum(1, np.abs(self.x))
        with subject.undone(), np.errstate(all="ignore"):
            for a in subject.arrays:
                a *= rng.uniform(1, far, a.shape)
            try:
                yours = float(np.sum(self.yours_for(self.upstream) * way))
                ends = []
                for step in (way, -2 * way):
                    self.x[...] += step
                    ends.append(float(self.upstream @ subject.forward()))
            except Exception:  # whatever a rule raises that does not take such inputs
                return True
        right = (ends[0] - ends[1]) / 2
        return not abs(yours - c * right) > ROUGHLY * abs(c * right)  # also where that is no number

    def yours_with(self, j: int, array: np.ndarray) -> np.ndarray:
        """What your rule gives with another array in the place of array `j`."""
        try:
            with self.subject.undone():
                self.subject.arrays[j][...] = array
                return np.asarray(self.subject.backward(self.upstream)[self.k])
        except (MinigradError, ValueError, IndexError):
            return np.zeros(0)

    def yours_after(self, j: int, array: np.ndarray) -> np.ndarray:
        """What your backward gives if array `j` becomes another after forward."""
        try:
            with self.subject.undone():
                backward = self.subject.graph()
                self.subject.arrays[j][...] = array
                return np.asarray(backward(self.upstream.copy())[self.k])
        except (MinigradError, ValueError, IndexError):
            return np.zeros(0)

    @cached_property
    def threshold(self) -> float:
        """How near a hypothesis must come: much nearer than the gradient itself."""
        if not self.shaped:
            return FIT
        return min(FIT, BETTER * distance(self.mine, self.right))


def distance(one: np.ndarray, two: np.ndarray) -> float:
    """The largest difference, in proportion to the largest entry."""
    if one.size == 0:
        return np.inf
    size = max(np.max(np.abs(one)), np.max(np.abs(two)))
    error = np.max(np.abs(one - two))
    return float(error / size) if np.isfinite(error) and size > 1e-9 else np.inf


def subsets(axes: int) -> Iterator[tuple[int, ...]]:
    """All sets of some of the first `axes` axes, small ones first; not the empty one."""
    return chain.from_iterable(combinations(range(axes), n) for n in range(1, axes + 1))


def take_cases(
    subject: Map, upstream: np.ndarray, rows: list[list[Index]], eps: float
) -> list[Case]:
    """A case for each array of a map, `rows` being the entries of each to look at."""
    slopes = Slopes(subject, eps)
    jacobians, right = [], []
    for k, entries in enumerate(rows):
        jacobian = np.zeros((len(entries), upstream.size))
        for row, i in enumerate(entries):
            jacobian[row] = slopes.clear(k, i)
        full = np.full(subject.arrays[k].shape, np.nan)
        for i, value in zip(entries, jacobian @ upstream):
            full[i] = value
        jacobians.append(jacobian)
        right.append(full)
    yours = [np.asarray(g) for g in subject.backward(upstream)]
    return [
        Case(subject, k, upstream, rows[k], jacobians[k], yours, right, eps)
        for k in range(len(rows))
    ]
