"""What the command line prints: the list of tasks, a task's help, a finished run."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.config import as_text, describe_type, field_types, flag
from tasks.registry import Task

USAGE = """\
python -m tasks                 this list
python -m tasks NAME            run a task (--preset quick for a smoke run of seconds)
python -m tasks NAME --help     its settings
python -m tasks sweep NAME      many runs, each with settings of its own draw (sweep --help)
python -m tasks.data list       the data sets"""


def task_list(tasks: Mapping[str, Task]) -> str:
    """Every task: what it shows, how long it takes, its headline result."""
    blocks = [
        f"{task.name}\n"
        + "\n".join(
            _wrapped(label, text)
            for label, text in (
                ("", task.summary),
                ("slide   ", task.slide),
                ("takes   ", task.duration),
                ("result  ", task.headline),
            )
        )
        for task in tasks.values()
    ]
    return "\n\n".join([*blocks, USAGE])


def task_help(task: Task) -> str:
    """A task's settings: for each its type, default, line of help and what the presets make of it."""
    kind, presets = task.config, task.presets
    kinds = field_types(kind)
    lines = [
        f"python -m tasks {task.name} [--preset {'|'.join(presets)}] [--out DIR] [--resume DIR] "
        "[--FIELD VALUE ...]",
        _wrapped("", task.summary),
        _wrapped("takes   ", task.duration),
        "",
        "--preset NAME",
        _wrapped("", f"where the fields start from: {', '.join(presets)}"),
        "--out DIR",
        _wrapped("", f"a new folder for the run (runs/{task.name}-PRESET-seedN unless told)"),
        "--resume DIR",
        _wrapped("", "go on with the run in that folder"),
    ]
    if task.watch:
        lines += [
            "--watch [DIR]",
            _wrapped("", "show what was trained: what comes with the repository, or a run's"),
        ]
    for field in dataclasses.fields(kind):
        values = {
            name: preset[field.name] for name, preset in presets.items() if field.name in preset
        }
        start = values.pop("default", field.default)
        others = "".join(f"; {name}: {as_text(value)}" for name, value in values.items())
        lines += [
            f"{flag(field.name)} {as_text(start)}{others}",
            _wrapped("", field.metadata.get("help", "")),
            _wrapped("", f"({describe_type(kinds[field.name])})"),
        ]
    return "\n".join(lines)


def run_summary(folder: Path, metrics: Mapping[str, Any], figures: Sequence[Path]) -> str:
    """A finished run: its figures, its metrics in a table, its folder."""
    width = max(map(len, metrics), default=0)
    rows = [f"  {name:<{width}}  {_number(value)}" for name, value in metrics.items()]
    drawn = [f"  {path}" for path in figures]
    return "\n".join([f"run in {folder}", *rows, *(["figures", *drawn] if drawn else [])])


def _number(value: Any) -> str:
    return f"{value:>12.5g}" if isinstance(value, float) else f"{as_text(value):>12}"


def _wrapped(label: str, text: str) -> str:
    return textwrap.fill(
        label + text, 98, initial_indent="    ", subsequent_indent=" " * (4 + len(label))
    )
