"""Write TABLE.md: what gradcheck and seven public checkers let through, and what gradcheck names."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import gradcheck
from tests.gradcheck_bank.everything import LARGE, MISTAKES, OPERATIONS, SMALL
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


def peers_table(runs: int) -> Iterator[str]:
    """Percentage of runs in which each checker passed."""
    columns = [*CHECKERS, "**gradcheck**", "gradcheck names"]
    yield "| case | " + " | ".join(columns) + " |"
    yield "|---|" + "---|" * len(columns)
    for name, forward, backward, draw in cases():
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
        yield f"| {name} | " + " | ".join(cells) + " |"


def bank_table(size: tuple[int, int], runs: int) -> Iterator[str]:
    """Each planted mistake: how often it was caught, how often named right, what else was named."""
    caught_in_all = named_in_all = 0
    rows = []
    for mistake in MISTAKES:
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
        rows.append(f"| {mistake} | {caught} | {named} | {', '.join(others)} |")
        caught_in_all += caught
        named_in_all += named
    total = runs * len(MISTAKES)
    yield (
        f"{len(MISTAKES)} mistakes in {len({m.operation for m in MISTAKES})} operations, {runs} seeds: "
        f"{caught_in_all} of {total} caught, {named_in_all} ({100 * named_in_all / total:.1f} %) named right."
    )
    yield ""
    yield f"| mistake | caught of {runs} | named right | also named |"
    yield "|---|---|---|---|"
    yield from rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.gradcheck_bank", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="runs a case of the first table")
    parser.add_argument("--seeds", type=int, default=20, help="seeds a planted mistake")
    parser.add_argument("--large-seeds", type=int, default=20, help="the same for large inputs")
    given = parser.parse_args()
    command = " ".join(["python -m tests.gradcheck_bank", *sys.argv[1:]])
    lines = [
        "# gradcheck and the planted mistakes",
        "",
        f"Written by `{command}`.",
        "The columns of the peers are their comparison rules, re-implemented from reading",
        "(`public_checkers.py`), on the same pairs of functions: the figures are those of that re-implementation",
        "on the numbers drawn here, and no figures of the packages themselves; other draws give others.",
        "",
        f"Percentage of {given.runs} runs in which a check passed: 0 is right for a mistake, 100 for what is right.",
        'In the row of the ReLU, gradcheck is told `kinks={"relu": 0}`; without, any slope from 0 to 1 passes',
        "with a note.",
        "",
        *peers_table(given.runs),
    ]
    for (rows, columns), seeds in ((SMALL, given.seeds), (LARGE, given.large_seeds)):
        lines += ["", f"## Inputs of {rows} × {columns}", ""]
        lines += bank_table((rows, columns), seeds)
    text = "\n".join(lines) + "\n"
    print(text)
    Path(__file__).with_name("TABLE.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
