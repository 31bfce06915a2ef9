"""``python -m tests.benchmarks``: measure, print, and write tests/benchmarks/RESULTS.md."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from tests.benchmarks import cold, machine, memory
from tests.benchmarks.cases import cases
from tests.benchmarks.pairs import measure
from tests.benchmarks.report import Peak, Report, Timing

RESULTS = Path(__file__).with_name("RESULTS.md")
ROUNDS = 3  # a case has so many turns, minutes apart: a virtual machine's cores have slow minutes
COLD = "cold start"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = _parser()
    options = parser.parse_args(arguments)
    timed = [case for case in cases() if options.only in f"{case.kind}: {case.name}"]
    steps = [name for name in memory.STEPS if options.only in name]
    if not (timed or steps or options.only in COLD):
        parser.error(f"no case has {options.only!r} in its name")

    seconds, fewest, rounds = (0.0, 3, 1) if options.quick else (2.0 / ROUNDS, 3, ROUNDS)
    report = Report(
        command=shlex.join(["python", "-m", "tests.benchmarks", *arguments]),
        machine=machine.describe(),
        peaks={n: machine.peaks(n, rounds * fewest) for n in options.threads},
    )
    timings = {(case.name, n): Timing(case, n) for case in timed for n in options.threads}
    for case in tqdm(timed * rounds, disable=None, desc="speed"):
        torch.manual_seed(0)  # of its layers' parameters: the same in each turn
        passes = case.prepare()
        for n in options.threads:
            with machine.running_on(n):
                for name, sides in passes.items():
                    timings[case.name, n].add(name, measure(*sides, seconds, fewest))
    report.timings += timings.values()
    for name in tqdm(steps, disable=None, desc="peak memory"):
        for n in options.threads:
            report.memory.append(Peak(name, n, *memory.peaks(name, n)))
    if options.only in COLD:
        report.waits = cold.seconds(1 if options.quick else 3)

    print(report)
    whole = not options.quick and not options.only
    if path := options.out or (RESULTS if whole else None):
        path.write_text(str(report), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Measure this project beside PyTorch, in turn, on the same number of threads.",
    )
    parser.add_argument("--quick", action="store_true", help="few repetitions")
    parser.add_argument(
        "--only", metavar="SUBSTRING", default="", help="the cases with this in their kind or name"
    )
    parser.add_argument(
        "--threads", metavar="N", type=int, nargs="+", default=[1, 2], help="default: 1 2"
    )
    parser.add_argument(
        "--out",
        metavar="PATH",
        type=Path,
        help="where to write; default: RESULTS.md here, and nowhere with --quick or --only",
    )
    return parser


if __name__ == "__main__":
    main()
