"""The published runs: which there are, running those that are missing, and RESULTS.md from them.

    python -m tasks.spatial_transformer.results                 rewrites RESULTS.md from results.json
    python -m tasks.spatial_transformer.results --run 2         first runs what is missing, two at a time

The full MNIST must be in the cache (`python -m tasks.data fetch mnist`). A run that was stopped goes
on from its checkpoint in runs/published. Every finished run adds its metrics, command and versions to
results.json; no run is chosen over another.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from minigrad.serialize import whole_file
from tasks.spatial_transformer import results_table

RECORD = Path(__file__).with_name("results.json")
TABLE = Path(__file__).with_name("RESULTS.md")
FOLDER = Path("runs", "published")
STEPS = 15_000


def planned() -> Iterator[tuple[str, list[str]]]:
    """Every published run, the most telling first: its name and what follows `python -m tasks`."""
    for seed in (0, 1, 2):
        for net in ("st-cnn", "fcn", "st-fcn", "cnn"):
            yield _digits("RTS", net, seed=seed)
    for net in ("fcn", "2st-fcn", "st-fcn", "cnn"):
        yield _addition(net)
    for seed in (0, 1, 2):
        yield _digits("RTS", "st-cnn", "tps", seed)
    for net, transform in (
        ("fcn", "affine"),
        ("cnn", "affine"),
        ("st-fcn", "affine"),
        ("st-cnn", "affine"),
        ("st-cnn", "tps"),
    ):
        yield _digits("R", net, transform)
    for setting in ("T", "TC"):
        yield _command(f"colocalise {setting}", ["colocalise", "--setting", setting])
    for seed in (1, 2):
        for net in ("fcn", "2st-fcn", "st-fcn", "cnn"):
            yield _addition(net, seed=seed)
    for distortion in ("P", "E", "TC"):
        for net in ("fcn", "cnn", "st-fcn", "st-cnn"):
            yield _digits(distortion, net)
    for distortion, transform in (
        ("P", "projective"),
        ("P", "tps"),
        ("E", "projective"),
        ("E", "tps"),
        ("R", "attention"),
        ("R", "projective"),
        ("RTS", "attention"),
        ("RTS", "projective"),
    ):
        yield _digits(distortion, "st-cnn", transform)
    for transform in ("projective", "tps"):
        for net in ("st-fcn", "2st-fcn"):
            yield _addition(net, transform)


def _digits(distortion: str, net: str, transform: str = "affine", seed: int = 0):
    words = ["distorted_mnist", "--distortion", distortion, "--nets", net]
    return _command(*_with_transform(f"{distortion} {net}", words, net, transform, seed))


def _addition(net: str, transform: str = "affine", seed: int = 0):
    words = ["mnist_addition", "--nets", net]
    return _command(*_with_transform(f"addition {net}", words, net, transform, seed))


def _with_transform(name: str, words: list[str], net: str, transform: str, seed: int):
    if "st" in net:
        name, words = f"{name} {transform}", [*words, "--transform", transform]
    words += ["--steps", str(STEPS), "--evaluate-every", "1000", "--data", "full"]
    return f"{name} seed{seed}", [*words, "--seed", str(seed)]


def _command(name: str, words: list[str]) -> tuple[str, list[str]]:
    return name, [*words, "--threads", "1"]


def run_missing(side_by_side: int) -> None:
    """Run what results.json lacks, `side_by_side` processes at a time of one thread each."""
    lock = Lock()

    def run(item: tuple[str, list[str]]) -> None:
        name, words = item
        folder = FOLDER / name.replace(" ", "-")
        started = (folder / "config.json").exists()
        where = ["--resume", str(folder)] if started else ["--out", str(folder)]
        words_now = [words[0], *where] if started else [*words, *where]
        print(f"{'resuming' if started else 'starting'} {name}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "tasks", *words_now], stdout=subprocess.DEVNULL
        )
        if done.returncode:
            print(f"{name} ended with exit code {done.returncode}", flush=True)
            return
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        with lock:
            record = read_record()
            record[name] = {
                "command": shlex.join(["python", "-m", "tasks", *words]),
                "metrics": metrics,
                "versions": config["versions"],
            }
            with whole_file(RECORD) as file:
                file.write(json.dumps(record, indent=1, sort_keys=True).encode() + b"\n")
            write_table()
        print(f"finished {name}", flush=True)

    missing = [item for item in planned() if item[0] not in read_record()]
    with ThreadPoolExecutor(side_by_side) as executor:
        list(executor.map(run, missing))


def read_record() -> dict[str, dict]:
    """The finished runs: name to command, metrics and versions."""
    return json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}


def write_table() -> None:
    """Write RESULTS.md from what results.json holds."""
    with whole_file(TABLE) as file:
        file.write(results_table.page(read_record(), dict(planned())).encode())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run_missing(int((sys.argv[2:] or ["2"])[0]))
    write_table()
