"""Published runs: which there are, running those that are missing, and the page made of them.

A topic's `results.py` says what is planned and how the page looks. A finished run adds its command,
metrics, versions and, where one is kept, its curve to results.json; a run that was stopped goes on from
its checkpoint in runs/published; no run is chosen over another.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from minigrad.serialize import whole_file
from tasks.run_folder import RunFolder, read_config, read_metrics

Record = dict[str, dict[str, Any]]


@dataclass
class Published:
    """The published runs of a topic.

    Attributes
    ----------
    record, table : Path
        results.json and RESULTS.md.
    planned : dict from a run's name to what follows ``python -m tasks``
        The most telling first.
    page : callable
        From the record and the plan to the text of RESULTS.md.
    curve : (str, str), optional
        What the log calls the steps and values of a curve that results.json keeps.
    draw : callable, optional
        Draws the pictures that the page shows, from the record into the folder ``pictures`` beside it.
    folder : Path
        Where the runs lie.
    """

    record: Path
    table: Path
    planned: Mapping[str, list[str]]
    page: Callable[[Record, Mapping[str, list[str]]], str]
    curve: tuple[str, str] | None = None
    draw: Callable[[Record, Path], None] | None = None
    folder: Path = field(default=Path("runs", "published"))

    def read(self) -> Record:
        """The finished runs by name."""
        return json.loads(self.record.read_text(encoding="utf-8")) if self.record.exists() else {}

    def command(self, name: str) -> str:
        """What is typed for a planned run; one that was recorded by another is missing."""
        return shlex.join(["python", "-m", "tasks", *self.planned[name]])

    def write_table(self) -> None:
        """Write the page, and draw its pictures."""
        record = self.read()
        if self.draw:
            self.draw(record, self.table.with_name("pictures"))
        with whole_file(self.table) as file:
            file.write(self.page(record, self.planned).encode())

    def run_missing(self, side_by_side: int) -> bool:
        """Run what the record lacks, so many processes at a time; whether all came to their end."""
        lock = Lock()

        def run(name: str) -> bool:
            entry = self._see_through(name)
            if entry:
                with lock:
                    record = json.dumps({**self.read(), name: entry}, indent=1, sort_keys=True)
                    with whole_file(self.record) as file:
                        file.write(record.encode() + b"\n")
                    self.write_table()
            return entry is not None

        finished = self.read()
        missing = [
            name
            for name in self.planned
            if finished.get(name, {}).get("command") != self.command(name)
        ]
        with ThreadPoolExecutor(side_by_side) as executor:
            return all([*executor.map(run, missing)])

    def _see_through(self, name: str) -> dict[str, Any] | None:
        """Start the run or go on with it: its entry, or None where it ended early."""
        words, folder = self.planned[name], RunFolder(self.folder / name.replace(" ", "-"))
        begun = folder.config.exists()
        print(f"{'resuming' if begun else 'starting'} {name}", flush=True)
        # With its settings also where it goes on: those of another run are refused.
        command = [sys.executable, "-m", "tasks", *words, "--resume" if begun else "--out"]
        command.append(str(folder.path))
        done = subprocess.run(command, stdout=subprocess.DEVNULL)
        print(f"{name} ended with exit code {done.returncode}", flush=True)
        if done.returncode:
            return None
        entry = {
            "command": self.command(name),
            "metrics": read_metrics(folder),
            "versions": read_config(folder)["versions"],
        }
        return entry | ({"curve": _curve(folder, *self.curve)} if self.curve else {})

    def main(self, prog: str, arguments: Sequence[str] | None = None) -> None:
        """Do what was typed after ``python -m`` `prog`."""
        parser = argparse.ArgumentParser(
            prog=f"python -m {prog}",
            description="Write RESULTS.md from the runs that are finished.",
        )
        parser.add_argument(
            "--run", type=int, metavar="N", help="first run those that are missing, N at a time"
        )
        side_by_side = parser.parse_args(arguments).run
        complete = True
        if side_by_side is not None:
            if side_by_side < 1:
                parser.error(f"--run {side_by_side} must be at least 1")
            complete = self.run_missing(side_by_side)
        self.write_table()
        if not complete:
            parser.exit(1, "Not all runs came to their end: see above.\n")


def commands(record: Record) -> str:
    """The section of a page that has each run's command and what it took."""
    rows = [
        [name, f"`{run['command']}`", f"{run['metrics']['seconds'] / 60:.0f}"]
        for name, run in sorted(record.items())
    ]
    return "## Commands\n\n" + markdown_table(["run", "command", "minutes"], rows)


def markdown_table(head: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _curve(folder: RunFolder, steps: str, value: str) -> list[list[float]]:
    lines = map(json.loads, folder.log.read_text(encoding="utf-8").splitlines())
    return [[line[steps], line[value]] for line in lines if value in line]
