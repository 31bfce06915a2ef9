"""The paired timer: ours, theirs, ours, theirs, ...; what disturbs the machine disturbs both."""

import gc
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles

SAMPLE = 0.002  # seconds that a sample lasts at least: calls are repeated until it does
REST = 0.01  # seconds before each sample: idle OpenMP threads go on spinning for some 5 ms


@dataclass(frozen=True)
class Pairs:
    """Seconds a call, of samples taken in turn."""

    ours: list[float]
    theirs: list[float]

    @property
    def ratio(self) -> float:
        """How many times as fast as theirs ours is: the median over the pairs."""
        return median(self._ratios)

    @property
    def middle(self) -> tuple[float, float]:
        """The quartiles: between them lies half of the pairs' ratios."""
        first, _, third = quantiles(self._ratios, n=4)
        return first, third

    @property
    def _ratios(self) -> list[float]:
        return [b / a for a, b in zip(self.ours, self.theirs, strict=True)]


def measure(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    seconds: float,
    fewest: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Pairs:
    """Time both in turn for about `seconds`, and at least `fewest` pairs.

    The garbage collector runs as it does for a user, but not over what was there before: all the
    modules that the other side has imported.
    """
    sides = ours, theirs
    calls = [_calls(side, clock) for side in sides]
    samples: tuple[list[float], list[float]] = [], []
    gc.collect()
    gc.freeze()
    try:
        start = clock()
        while len(samples[0]) < fewest or clock() - start < seconds:
            for side, n, times in zip(sides, calls, samples):
                time.sleep(REST)
                side()  # brings its data back into the caches, and wakes its threads
                times.append(_time(side, n, clock))
    finally:
        gc.unfreeze()
    return Pairs(*samples)


def _calls(side: Callable[[], object], clock: Callable[[], float]) -> int:
    """How many calls make a sample; the first call, which may compile, does not count."""
    side()
    return max(1, math.ceil(SAMPLE / _time(side, 1, clock)))


def _time(side: Callable[[], object], n: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(n):
        side()
    return (clock() - start) / n
