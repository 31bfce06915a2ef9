"""What a training step and a graph of small operations spend their time on; two sections of PROFILE.md."""

import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np

import minigrad
from tests.benchmarks import networks_ours, rounds

OPERATIONS = 10_000
SMALL = 0.01  # of a step: operations that take less share a row

STEP = """
## Training step, {}

By operation, from the project's profiler, in ms forward and backward, and as a share of the step; operations below 1 %
stand together. The gain is the time on one thread by that on two. The rest is the tape, the modules' Python and
what large arrays take between operations; below it, what it is with one picture in the batch: Python alone.
"""
OVERHEAD = """
## Overhead, graph of {:,} operations on 8x8

µs an operation. NumPy alone does the same additions and negations on arrays, forward, and backward those of the gradients.
"""
STEPPING, REST, PICTURE, WHOLE = "Adam", "the rest", "… with one picture", "step"


def training(name: str) -> dict[str, tuple[float, ...]]:
    """ms forward and backward by operation, of the optimiser, the rest and the whole step."""
    step = networks_ours.step(name)
    found = _by_operation(step)
    step.x, step.y = step.x[:1], step.y[:1]
    rest, whole = _by_operation(step)[REST], found.pop(WHOLE)
    return {**found, PICTURE: rest, WHOLE: whole}


def _by_operation(step: Any) -> dict[str, tuple[float, ...]]:
    profiles: list[Any] = []

    def profiled() -> None:
        with minigrad.profile() as profile:
            step()
        profiles.append(profile)

    whole, optimiser, _ = rounds.medians(step, step.optimiser.step, profiled)
    columns = {
        name: zip(*(_seconds(profile.costs[name]) for profile in profiles[1:]))
        for name in profiles[0].costs
    }
    costs = {name: tuple(1e3 * median(c) for c in both) for name, both in columns.items()}
    rest = whole - optimiser - sum(map(sum, costs.values()))
    return {**costs, STEPPING: (optimiser,), REST: (rest,), WHOLE: (whole,)}


def _seconds(cost: Any) -> tuple[float, float]:
    return cost.seconds, cost.backward_seconds


def training_rows(by_threads: Sequence[dict[str, tuple[float, ...]]]) -> list[list[str]]:
    """Rows of operations, the slowest first; then those of the optimiser, the rest and the step."""
    total = {name: sum(ms) for name, ms in by_threads[0].items()}
    last = (STEPPING, REST, PICTURE, WHOLE)
    order = sorted(set(total) - set(last), key=lambda name: -total[name])
    small = [name for name in order if total[name] < SMALL * total[WHOLE]]
    rows = [(name, [name]) for name in order if name not in small]
    rows += [("others", small)] * bool(small) + [(name, [name]) for name in last]
    return [[title, *_cells(names, by_threads)] for title, names in rows]


def _cells(names: list[str], by_threads: Sequence[dict[str, tuple[float, ...]]]) -> list[str]:
    cells, totals = [], []
    for found in by_threads:
        ms = [sum(column) for column in zip(*(found[name] for name in names))]
        totals.append(sum(ms))
        cells += [*rounds.times(*ms), ""][:2] + [rounds.percent(totals[-1], *found[WHOLE])]
    return [*cells, f"{totals[0] / totals[-1]:.2f}"]


def overhead() -> list[float]:
    """µs an operation: NumPy forward and backward, without a graph, forward, backward, both."""
    arrays = np.random.default_rng(0).standard_normal((2, 8, 8), np.float32)
    leaves = [minigrad.tensor(a, requires_grad=True) for a in arrays]
    seed, times = minigrad.tensor(arrays[0]), []

    def turns(y: Any, z: Any) -> Any:
        for _ in range(OPERATIONS // 2):
            y, z = y + z, -y
        return y

    def numpy_back(dy: Any, dz: Any) -> Any:
        for _ in range(OPERATIONS // 2):
            dy, dz = dy + -dz, dy
        return dy

    for _ in range(rounds.REPETITIONS + 1):
        marks = [time.perf_counter()]
        for function, given in ((turns, arrays), (numpy_back, arrays)):
            function(*given)
            marks.append(time.perf_counter())
        with minigrad.no_grad():
            turns(*leaves)
        marks.append(time.perf_counter())
        y = turns(*leaves)
        marks.append(time.perf_counter())
        y.backward(seed)
        del y
        marks.append(time.perf_counter())
        times.append([1e6 / OPERATIONS * (b - a) for a, b in zip(marks, marks[1:])])
    found = [median(column) for column in zip(*times[1:])]
    return [*found, found[-2] + found[-1]]


PARTS_OF_OVERHEAD = (
    *("NumPy alone, forward", "NumPy alone, backward", "without a graph"),
    *("forward with a graph", "backward", "forward+backward"),
)
