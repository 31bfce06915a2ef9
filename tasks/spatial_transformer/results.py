"""The published runs: which there are, running those that are missing, and RESULTS.md from them.

    python -m tasks.spatial_transformer.results                 rewrites RESULTS.md from results.json
    python -m tasks.spatial_transformer.results --run 2         first runs what is missing, two at a time

The full MNIST must be in the cache (`python -m tasks.data fetch mnist`). A run that was stopped goes
on from its checkpoint in runs/published. Every finished run adds its metrics, command and versions to
results.json; no run is chosen over another.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

from minigrad.serialize import whole_file
from tasks.run_folder import RunFolder, read_config, read_metrics
from tasks.spatial_transformer import results_table

RECORD = Path(__file__).with_name("results.json")
TABLE = Path(__file__).with_name("RESULTS.md")
FOLDER = Path("runs", "published")
STEPS = 15_000
DIGITS = "0,1,2,3,4,5,6,7,8,9"

Planned = tuple[str, list[str]]  # its name, and what follows `python -m tasks`


def planned() -> Iterator[Planned]:
    """Every published run, the most telling first."""
    for seed in (0, 1, 2):
        for net in ("st-cnn", "fcn", "st-fcn", "cnn"):
            yield _digits("RTS", net, seed=seed)
    for net in ("fcn", "2st-fcn", "st-fcn", "cnn"):
        yield _addition(net)
    for seed in (0, 1, 2):
        yield _digits("RTS", "st-cnn", "tps", seed)
    for net in ("fcn", "cnn", "st-fcn", "st-cnn"):
        yield _digits("R", net)
    yield _digits("R", "st-cnn", "tps")
    for setting in ("T", "TC"):
        words = ["colocalise", "--setting", setting, "--digits", DIGITS, "--data", "full"]
        yield _command(f"colocalise {setting}", words)
    for seed in (1, 2):
        for net in ("fcn", "2st-fcn", "st-fcn", "cnn"):
            yield _addition(net, seed=seed)
    for distortion in ("P", "E", "TC"):
        for net in ("fcn", "cnn", "st-fcn", "st-cnn"):
            yield _digits(distortion, net)
    for distortion in ("P", "E"):
        for transform in ("projective", "tps"):
            yield _digits(distortion, "st-cnn", transform)
    for distortion in ("R", "RTS"):
        for transform in ("attention", "projective"):
            yield _digits(distortion, "st-cnn", transform)
    for distortion in ("R", "RTS", "P", "E"):
        for transform in ("projective", "tps"):
            yield _digits(distortion, "st-fcn", transform)
    for transform in ("projective", "tps"):
        for net in ("st-fcn", "2st-fcn"):
            yield _addition(net, transform)


def _digits(distortion: str, net: str, transform: str = "affine", seed: int = 0) -> Planned:
    words = ["distorted_mnist", "--distortion", distortion, "--nets", net]
    return _command(*_with_transform(f"{distortion} {net}", words, net, transform, seed))


def _addition(net: str, transform: str = "affine", seed: int = 0) -> Planned:
    words = ["mnist_addition", "--nets", net]
    return _command(*_with_transform(f"addition {net}", words, net, transform, seed))


def _with_transform(name: str, words: list[str], net: str, transform: str, seed: int) -> Planned:
    if "st" in net:
        name, words = f"{name} {transform}", [*words, "--transform", transform]
    words += ["--steps", str(STEPS), "--evaluate-every", "1000", "--data", "full"]
    return f"{name} seed{seed}", [*words, "--seed", str(seed)]


def _command(name: str, words: list[str]) -> Planned:
    return name, [*words, "--threads", "1"]


def run_missing(side_by_side: int) -> None:
    """Run what results.json lacks, `side_by_side` processes at a time of one thread each."""
    lock = Lock()

    def run(item: Planned) -> None:
        name, words = item
        entry = _see_through(name, words)
        if entry:
            with lock:
                record = json.dumps({**read_record(), name: entry}, indent=1, sort_keys=True)
                with whole_file(RECORD) as file:
                    file.write(record.encode() + b"\n")
                write_table()

    missing = [item for item in planned() if item[0] not in read_record()]
    with ThreadPoolExecutor(side_by_side) as executor:
        list(executor.map(run, missing))


def _see_through(name: str, words: list[str]) -> dict[str, Any] | None:
    """Start the run or go on with it: its entry in results.json, or None where it ended early."""
    folder = RunFolder(FOLDER / name.replace(" ", "-"))
    if folder.config.exists():
        print(f"resuming {name}", flush=True)
        words_now = [words[0], "--resume", str(folder.path)]
    else:
        print(f"starting {name}", flush=True)
        words_now = [*words, "--out", str(folder.path)]
    done = subprocess.run([sys.executable, "-m", "tasks", *words_now], stdout=subprocess.DEVNULL)
    print(f"{name} ended with exit code {done.returncode}", flush=True)
    if done.returncode:
        return None
    return {
        "command": shlex.join(["python", "-m", "tasks", *words]),
        "metrics": read_metrics(folder),
        "versions": read_config(folder)["versions"],
    }


def read_record() -> dict[str, dict[str, Any]]:
    """The finished runs: name to command, metrics and versions."""
    return json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}


def write_table() -> None:
    """Write RESULTS.md from what results.json holds."""
    with whole_file(TABLE) as file:
        file.write(results_table.page(read_record(), dict(planned())).encode())


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what was typed after `python -m tasks.spatial_transformer.results`."""
    parser = argparse.ArgumentParser(
        prog="python -m tasks.spatial_transformer.results",
        description="Write RESULTS.md from the published runs that are finished.",
    )
    parser.add_argument(
        "--run", type=int, metavar="N", help="first run those that are missing, N at a time"
    )
    side_by_side = parser.parse_args(arguments).run
    if side_by_side is not None:
        if side_by_side < 1:
            parser.error(f"--run {side_by_side} must be at least 1")
        run_missing(side_by_side)
    write_table()


if __name__ == "__main__":
    main()
