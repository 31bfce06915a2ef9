"""The folder of a run: config.json, log.jsonl, metrics.json, checkpoint.npz and figures.

Every file is written whole or not at all; log.jsonl grows line by line.
"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.errors import CheckpointError
from minigrad.serialize import whole_file
from tasks.config import UsageError


class RunFolder:
    """Where a run's files lie."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.log = self.path / "log.jsonl"
        self.metrics = self.path / "metrics.json"
        self.checkpoint = self.path / "checkpoint.npz"

    def figure(self, name: str) -> Path:
        """Where the figure of that name lies."""
        return self.path / f"{name}.png"

    def figures(self) -> list[Path]:
        """The figures drawn so far, oldest first."""
        return sorted(self.path.glob("*.png"), key=lambda path: path.stat().st_mtime_ns)

    def create(self) -> None:
        """Make the folder, or raise a UsageError where it holds something or cannot be made."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            taken = any(self.path.iterdir())
        except OSError as error:
            raise UsageError(
                f"cannot make the folder {self.path}: {error.strerror}. Choose another with --out."
            ) from error
        if taken:
            resume = f"Go on with it by --resume {self.path}, or c" if self.config.exists() else "C"
            raise UsageError(f"{self.path} is not empty. {resume}hoose another folder with --out.")

    def discard_unbegun(self) -> None:
        """Remove the folder if nothing was measured or drawn: it would bar a second attempt."""
        if {*self.path.iterdir()} <= {self.config, self.log} and not _size(self.log):
            self.config.unlink()
            self.log.unlink(missing_ok=True)
            self.path.rmdir()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def read_config(folder: RunFolder) -> dict[str, Any]:
    """What config.json says of the run in that folder."""
    if not folder.config.is_file():
        raise UsageError(f"{folder.path} holds no run: there is no {folder.config}")
    record = _read_json(folder.config)
    if not isinstance(record.get("settings"), dict) or not isinstance(record.get("task"), str):
        raise CheckpointError(f"{folder.config} is no run's config.json. Start the run anew.")
    return record


def read_metrics(folder: RunFolder) -> dict[str, Any]:
    """The final figures of a finished run."""
    return _read_json(folder.metrics)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged ({error}). Start the run anew.") from error
    if not isinstance(record, dict):
        raise CheckpointError(f"{path} is damaged (no JSON object). Start the run anew.")
    return record


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write one JSON object, indented, whole or not at all."""
    with whole_file(path) as file:
        file.write((json.dumps(record, indent=2, allow_nan=False) + "\n").encode())


def versions() -> dict[str, str | None]:
    """What the numbers of a run depend on beside its settings."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in ("numpy", "numba", "minigrad"):
        try:
            found[name] = getattr(import_module(name), "__version__", None)
        except ImportError:  # Numba: there are Pythons without
            found[name] = None
    return found | {"platform": platform.platform()}


class Log:
    """The measurements of a run, in memory and as the lines of log.jsonl."""

    def __init__(self, path: Path, kept: int):
        """Keep the first `kept` lines of the file and drop the rest."""
        self.path = path
        lines = _read_lines(path)[:kept] if kept else []
        if len(lines) < kept:
            raise CheckpointError(
                f"{path} has {len(lines)} lines, and the checkpoint was made after {kept}. "
                "Start the run anew."
            )
        with whole_file(path) as file:
            file.writelines(lines)
        self._in_file = kept
        self.records: list[dict[str, Any]] = []
        self._kept = [_parse_line(path, line) for line in lines]

    def append(self, record: dict[str, Any]) -> None:
        """Add a line, unless the file has it from before the run was resumed."""
        self.records.append(record)
        if len(self.records) > self._in_file:
            try:
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(record, allow_nan=False) + "\n")
            except OSError as error:
                raise CheckpointError(f"cannot write {self.path}: {error.strerror}") from error
            self._in_file += 1

    def replay(self, count: int) -> None:
        """Go to where the log stood after `count` lines, on the way to the end of the kept ones."""
        self.records = self._kept[:count]


def _read_lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise CheckpointError(
            f"cannot read {path}: {error.strerror}. Without it the run cannot go on: start it anew."
        ) from error


def _parse_line(path: Path, line: bytes) -> dict[str, Any]:
    try:
        return json.loads(line)
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged ({error}). Start the run anew.") from error


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested measurements as one flat object of plain JSON values with dotted names.

    `{"error": {"st-cnn": np.float32(3.5)}}` becomes `{"error.st_cnn": 3.5}`; a number that is not
    finite becomes None, for JSON has none such.
    """
    flat: dict[str, Any] = {}
    for name, value in values.items():
        name = prefix + str(name).replace("-", "_")
        if isinstance(value, Mapping):
            flat |= flatten(value, name + ".")
        else:
            flat[name] = plain(value)
    return flat


def plain(value: Any) -> Any:
    """The value as JSON has it: no NumPy in it, and None for a number that is not finite."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
