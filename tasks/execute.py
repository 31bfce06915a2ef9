"""Start a run or resume one, and see it through to its metrics.json."""

from __future__ import annotations

import dataclasses
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from minigrad.errors import CheckpointError
from minigrad.kernels.threads import get_num_threads, set_num_threads, usable_cores
from tasks.config import Config, UsageError, as_text, flag, from_settings, parse_fields, to_settings
from tasks.lock import alone_with
from tasks.registry import Task
from tasks.run import Run
from tasks.run_folder import (
    RunFolder,
    flatten,
    read_config,
    read_metrics,
    versions,
    write_json,
)


def start(
    task: Task, config: Config, folder: RunFolder, preset: str = "default", command: str = ""
) -> dict[str, Any]:
    """Run the task in a new folder, and return its metrics.

    Raises
    ------
    UsageError
        Where the folder holds something already or cannot be made; for more threads than cores.
    tasks.run.Interrupted
        After Ctrl-C; `resume` goes on.
    """
    if config.threads is not None and config.threads > usable_cores():
        raise UsageError(
            f"--threads {config.threads} must be at most {usable_cores()}: this process may use so many cores"
        )
    folder.create()
    with _thread_count(config.threads) as threads:
        config = dataclasses.replace(config, threads=threads)
        record = {
            "task": task.name,
            "preset": preset,
            "settings": to_settings(config),
            "versions": versions(),
            "command": command,
        }
        write_json(folder.config, record)
        try:
            return _see_through(task, config, folder)
        except Exception:
            folder.discard_unbegun()
            raise


def resume(
    task: Task, folder: RunFolder, texts: Mapping[str, str], preset: str | None = None
) -> dict[str, Any]:
    """Go on with the run in that folder, to the numbers that it would have had without a break.

    `texts` (field to text) and `preset` are what was asked for beside; a UsageError lists where they
    differ from the run's own settings, or says that the run is in progress. A run without a checkpoint
    starts anew.
    """
    record = read_config(folder)
    if record["task"] != task.name:
        raise UsageError(
            f"{folder.path} holds a run of {record['task']}, not of {task.name}. "
            f"Type: python -m tasks {record['task']} --resume {folder.path}"
        )
    try:
        config = from_settings(task.config, record["settings"])
    except (UsageError, TypeError) as error:
        raise CheckpointError(
            f"{folder.config} does not fit this version of {task.name}: {error}\nStart the run anew."
        ) from error
    _refuse_other_settings(record, config, texts, preset)
    if folder.metrics.exists():
        print("This run is finished: nothing is left to do.")
        return read_metrics(folder)
    _tell_other_versions(record)
    with _thread_count(config.threads):
        return _see_through(task, config, folder)


def _tell_other_versions(record: Mapping[str, Any]) -> None:
    then = record.get("versions", {})
    for name, now in versions().items():
        if then.get(name) != now:
            print(f"note: {name} was {then.get(name)} when the run began, and is {now} now:")
            print("      the numbers may differ from those of an uninterrupted run.")


def _refuse_other_settings(
    record: Mapping[str, Any], config: Config, texts: Mapping[str, str], preset: str | None
) -> None:
    asked = parse_fields(type(config), texts)
    pairs = {flag(name): (getattr(config, name), value) for name, value in asked.items()}
    if preset is not None:
        pairs["--preset"] = (record["preset"], preset)
    differences = [
        f"  {name}: {as_text(own)} in the run, {as_text(other)} asked for"
        for name, (own, other) in pairs.items()
        if own != other
    ]
    if differences:
        lines = "\n".join(differences)
        raise UsageError(f"a resumed run keeps its settings:\n{lines}\nStart a new run for others.")


def _see_through(task: Task, config: Config, folder: RunFolder) -> dict[str, Any]:
    with alone_with(folder.config):
        run = Run(config, folder)
        with _stopped_by_signals(run):
            task.main(run)
        metrics = flatten(run.metrics) | {"seconds": round(run.seconds, 1)}
        write_json(folder.metrics, metrics)
    return metrics


@contextmanager
def _thread_count(threads: int | None) -> Iterator[int]:
    before = get_num_threads()
    if threads is not None:
        set_num_threads(threads)
    try:
        yield get_num_threads()
    finally:
        set_num_threads(before)


@contextmanager
def _stopped_by_signals(run: Run) -> Iterator[None]:
    """Let Ctrl-C, and the word to terminate, end the run in order; where one is ignored, it stays so."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets only the main thread say what a signal does
        return
    both = (signal.SIGINT, signal.SIGTERM)
    heeded = [number for number in both if signal.getsignal(number) is not signal.SIG_IGN]
    before = [signal.signal(number, lambda *_: run.stop()) for number in heeded]
    try:
        yield
    finally:
        for number, handler in zip(heeded, before, strict=True):
            signal.signal(number, handler)
