"""The rows of TABLE.md, each computed by a process of a pool."""

from collections.abc import Iterator
from concurrent.futures import Executor
from itertools import repeat
from typing import Any

import numpy as np

from minigrad import gradcheck
from tests.gradcheck_bank.everything import MISTAKES, OPERATIONS, SMALL
from tests.gradcheck_bank.public_checkers import CHECKERS

Case = tuple[str, Any, Any, Any]  # name, forward, backward, draw(rng)


def cases() -> Iterator[Case]:
    """The rows of the first table."""
    planted = {str(mistake): mistake for mistake in MISTAKES}
    for name, key in (
        ("sign flipped", "matmul: dW with the sign flipped"),
        ("factor 2 missing", "square: factor 2 missing"),
        ("W not transposed", "matmul: W not transposed"),
        ("upstream gradient ignored", "multiply: dy ignored"),
        ("upstream gradient averaged", "multiply: dy averaged"),
        ("flip not undone", "flip: not undone"),
        ("transpose not undone", "transpose: reshaped for transposed"),
        ("softmax backward returns zeros", "softmax: zeros"),
        ("factor wrong by 0.5 %", "square: factor wrong by 0.5 %"),
    ):
        mistake = planted[key]
        yield name, mistake.forward, mistake.backward, lambda rng, m=mistake: m.draw(rng, SMALL)
    square, relu = OPERATIONS["square"], OPERATIONS["relu"]

    def one_of_200(dy, x):
        dx = 2 * x * dy
        dx[7, 3] *= 2
        return dx

    def now_and_then(dy, x):
        return 2 * x * dy * (1.01 if np.random.default_rng().random() < 0.15 else 1)

    def tanh(x):
        return np.tanh(x), x

    yield "wrong in 1 entry of 200", square.forward, one_of_200, lambda rng: [rng.uniform(1, 2, (20, 10))]  # fmt: skip
    yield "backward differs from call to call", square.forward, now_and_then, lambda rng: [rng.uniform(1, 2, (3, 4))]  # fmt: skip
    yield "ReLU slope 1 at x = 0", relu.forward, lambda dy, x: dy * (x >= 0), _with_a_zero
    yield "*right*: tanh, float32 input", tanh, lambda dy, x: dy * (1 - np.tanh(x) ** 2), _single
    yield "*right*: ReLU, input 1e-7 from the kink", relu.forward, relu.backward, _near_a_kink


def _with_a_zero(rng: Any) -> Any:
    x = rng.standard_normal((3, 4))
    x[rng.integers(3), rng.integers(4)] = 0
    return [x]


def _single(rng: Any) -> Any:
    return [rng.standard_normal((3, 4)).astype(np.float32)]


def _near_a_kink(rng: Any) -> Any:
    x = rng.standard_normal((3, 4))
    x[rng.integers(3), rng.integers(4)] = rng.choice([-1e-7, 1e-7])
    return [x]


def peers_table(runs: int, pool: Executor) -> Iterator[str]:
    """Percentage of runs in which each checker passed."""
    columns = [*CHECKERS, "**gradcheck**", "gradcheck names"]
    yield "| case | " + " | ".join(columns) + " |"
    yield "|---|" + "---|" * len(columns)
    yield from pool.map(_peers_row, range(len(list(cases()))), repeat(runs))


def _peers_row(number: int, runs: int) -> str:
    name, forward, backward, draw = list(cases())[number]
    cells = []
    for checker in CHECKERS.values():
        rngs = [np.random.default_rng([seed, 1]) for seed in range(runs)]
        passed = [checker(forward, backward, draw(rng), rng) for rng in rngs]
        cells.append(f"{100 * np.mean(passed):.0f}")
    kinks = {"relu": 0.0} if "slope 1" in name else None
    reports = [
        gradcheck((forward, backward), draw(np.random.default_rng([seed, 1])), seed=seed, kinks=kinks)
        for seed in range(runs)
    ]  # fmt: skip
    named = {kind for report in reports[:1] for kind in report.mistakes}
    cells += [f"**{100 * np.mean([bool(r) for r in reports]):.0f}**", ", ".join(sorted(named))]
    return f"| {name} | " + " | ".join(cells) + " |"


def bank_table(size: tuple[int, int], runs: int, pool: Executor) -> Iterator[str]:
    """Each planted mistake: how often it was caught, how often named right, what else was named."""
    numbers = range(len(MISTAKES))
    caught, named, rows = zip(
        *pool.map(_bank_row, numbers, repeat(size), repeat(runs)), strict=True
    )
    caught_in_all, named_in_all = sum(caught), sum(named)
    total = runs * len(MISTAKES)
    yield (
        f"{len(MISTAKES)} mistakes in {len({m.operation for m in MISTAKES})} operations, {runs} seeds: "
        f"{caught_in_all} of {total} caught, {named_in_all} ({100 * named_in_all / total:.1f} %) named right."
    )
    yield ""
    yield f"| mistake | caught of {runs} | named right | also named |"
    yield "|---|---|---|---|"
    yield from rows


def _bank_row(number: int, size: tuple[int, int], runs: int) -> tuple[int, int, str]:
    mistake = MISTAKES[number]
    reports = [
        gradcheck(
            (mistake.forward, mistake.backward),
            mistake.draw(np.random.default_rng([seed, 2]), size),
            seed=seed,
        )
        for seed in range(runs)
    ]
    caught = sum(not report for report in reports)
    named = sum(bool(report.mistakes & set(mistake.kinds)) for report in reports)
    others = sorted(set().union(*(r.mistakes for r in reports)) - set(mistake.kinds))
    return caught, named, f"| {mistake} | {caught} | {named} | {', '.join(others)} |"
