"""``python -m tests.benchmarks.maze``: frames a second of the maze beside the peers that are installed.

Every world has a process of its own, pinned to one core (to two where two threads are timed). The processes
take turns, a round each, so that a busy moment of the machine falls on all of them.
"""

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks.maze_worlds import KINDS, Kind

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).with_name("MAZE.md")
NAN = float("nan")

TEXT = """\
Frames a second under random actions, resets apart: the median over {rounds} rounds of {seconds:g} s, and the
lowest and the highest. The worlds take turns, each in a process of its own on one core, or on two where two
threads are timed. The last column is the rate of the first row by that of this one, the median over rounds. A
frame of ours is a step of an agent: four frames of the game are simulated and one is drawn. The peers simulate
one and draw it. "A CPU second" is the rate by the process's own processor time, which is nearly the same
on a machine that has other things to do; ViZDoom's engine is a process apart, whose time and memory are not seen."""


class Running:
    """A world in its process."""

    def __init__(self, kind: Kind, seconds: float, rounds: int, place: str) -> None:
        self.kind = kind
        command = [sys.executable, "-m", "tests.benchmarks.maze_worlds", kind.name]
        self.process = subprocess.Popen(
            [*command, str(seconds), str(rounds)],
            cwd=place,  # some leave files where they run
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.rates: list[float] = []  # of each round: frames a second,
        self.processor_rates: list[float] = []  # and a second of processor time
        self.reset, self.memory, self.failure = NAN, NAN, ""

    def ask(self) -> list[float] | None:
        """Let it go on, and return the two numbers that it prints; None where it has failed."""
        if self.failure:
            return None
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            while line := self.process.stdout.readline():
                if line.startswith("["):  # worlds print words of their own as well
                    return json.loads(line)
        except BrokenPipeError:
            pass
        said = self.process.stderr.read().strip().splitlines()
        self.failure = said[-1] if said else "it ended without a word"
        return None


def measure(kinds: Sequence[Kind], seconds: float, rounds: int) -> list[Running]:
    """Time the worlds in turn."""
    with TemporaryDirectory() as place:
        running = [Running(kind, seconds, rounds, place) for kind in kinds]
        for world in running * rounds:
            rates = world.ask()
            if rates is not None:
                world.rates.append(rates[0])
                world.processor_rates.append(rates[1])
        for world in running:
            rest = world.ask()
            if rest is not None:
                world.reset, world.memory = rest
            world.process.communicate()
    return running


def report(command: str, worlds: Sequence[Running], seconds: float, rounds: int) -> str:
    """The Markdown."""
    header = [
        "world",
        "what",
        "frames/s",
        "lowest to highest",
        "a CPU second",
        "reset, ms",
        "MB",
        "ours by it",
    ]
    rows = []
    for world in worlds:
        if world.failure:
            rows.append([world.kind.name, world.failure, "", "", "", "", "", ""])
            continue
        ratio = median(a / b for a, b in zip(worlds[0].rates, world.rates))
        rows.append(
            [
                world.kind.name,
                world.kind.what,
                f"{median(world.rates):,.0f}",
                f"{min(world.rates):,.0f} to {max(world.rates):,.0f}",
                "" if world.kind.apart else f"{median(world.processor_rates):,.0f}",
                f"{world.reset:.2f}",
                f"{world.memory:.0f}",
                f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}",
            ]
        )
    parts = [
        "# The maze beside its peers",
        f"    {command}",
        ", ".join(f"{name} {value}" for name, value in _machine().items()),
        TEXT.format(rounds=rounds, seconds=seconds),
        _table(header, rows),
    ]
    missing = sorted({kind.package for kind in KINDS if find_spec(kind.package) is None})
    if missing:
        parts.append(f"Not installed, and so not measured: {', '.join(missing)}.")
    return "\n\n".join(parts) + "\n"


def _machine() -> dict[str, str]:
    packages = ["numpy", "numba", "gymnasium", "vizdoom", "miniworld"]
    versions = {"cores": str(os.cpu_count()), "Python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def _table(header: list[str], rows: list[list[str]]) -> str:
    widths = [max(3, *map(len, column)) for column in zip(header, *rows)]
    rule = ["-" * width if k < 2 else "-" * (width - 1) + ":" for k, width in enumerate(widths)]
    lines = [
        [cell.ljust(w) if k < 2 else cell.rjust(w) for k, (cell, w) in enumerate(zip(row, widths))]
        for row in (header, rule, *rows)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.maze", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few and short rounds")
    parser.add_argument(
        "--only", metavar="SUBSTRING", default="", help="worlds with this in their name"
    )
    parser.add_argument(
        "--out", type=Path, help="default: MAZE.md here; nowhere with --quick or --only"
    )
    options = parser.parse_args(arguments)
    kinds = [
        kind for kind in KINDS if options.only in kind.name and find_spec(kind.package) is not None
    ]
    if not kinds:
        parser.error(f"no world that is installed has {options.only!r} in its name")
    seconds, rounds = (0.2, 2) if options.quick else (3.0, 7)
    command = shlex.join(["python", "-m", "tests.benchmarks.maze", *arguments])
    text = report(command, measure(kinds, seconds, rounds), seconds, rounds)
    print(text)
    if path := options.out or (None if options.quick or options.only else RESULTS):
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
