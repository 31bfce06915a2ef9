"""Functions timed in turn, and their times as cells of a table."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

REPETITIONS = 25


def medians(*functions: Callable[[], Any]) -> list[float]:
    """ms of each; they take turns, and the first turn does not count."""
    taken: list[list[float]] = []
    for _ in range(REPETITIONS + 1):
        taken.append([])
        for function in functions:
            start = time.perf_counter()
            function()
            taken[-1].append(1e3 * (time.perf_counter() - start))
    return [median(column) for column in zip(*taken[1:])]


def times(*ms: float) -> list[str]:
    """As text."""
    return [f"{t:.2f}" for t in ms]


def rate(ms: float, work: float, peak: float) -> list[str]:
    """ms, and GF/s and share of the peak where `work` (MF) is done."""
    return [f"{ms:.2f}", *([f"{work / ms:.0f}", percent(work / ms, peak)] if work else ["", ""])]


def percent(part: float, whole: float) -> str:
    """A share as text."""
    return f"{100 * part / whole:.0f} %"
