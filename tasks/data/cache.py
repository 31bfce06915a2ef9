"""Where data sets lie on this machine, and the check that what lies there is whole.

A data set is a few files, each known by the SHA-256 of its uncompressed bytes. The cache holds those
bytes; they are checked before they go in and again whenever they are read.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from minigrad.errors import CheckpointError
from minigrad.serialize import whole_file
from tasks.data.errors import DataError


@dataclass(frozen=True)
class DataSet:
    """What is known of a public data set: enough to fetch it, check it and say whose it is."""

    name: str
    about: str
    licence: str
    mirrors: tuple[str, ...]  # addresses that end in "/"; each serves every file as NAME.gz
    files: Mapping[str, str]  # name -> SHA-256 of the uncompressed bytes
    embedded: str = ""  # what of it comes with this package

    @property
    def folder(self) -> Path:
        """Where its files lie once they are fetched or imported."""
        return cache_root() / self.name

    @property
    def missing(self) -> list[str]:
        """Names of the files that are not in the cache."""
        return [name for name in self.files if not (self.folder / name).is_file()]


def cache_root() -> Path:
    """$MINIGRAD_DATA, else the folder `minigrad` where this platform keeps a user's caches."""
    chosen = os.environ.get("MINIGRAD_DATA")
    if chosen:
        return Path(chosen).expanduser()
    home = Path.home()
    if sys.platform == "darwin":
        base = home / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "minigrad"


def make_folder(dataset: DataSet) -> Path:
    """The data set's folder in the cache, made where there is none."""
    try:
        dataset.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"cannot make the cache folder {dataset.folder}: {error.strerror or error}.\n"
            "Set the environment variable MINIGRAD_DATA to a folder where you may write."
        ) from error
    return dataset.folder


def check(dataset: DataSet, name: str, data: bytes, source: str | Path) -> None:
    """Raise DataError unless `data`, which came from `source`, are the bytes of file `name`."""
    got = hashlib.sha256(data).hexdigest()
    if got != dataset.files[name]:
        raise DataError(
            f"{source} is not {dataset.name}'s {name}, or is damaged ({len(data)} bytes): the "
            f"SHA-256 of its uncompressed bytes\n    should be {dataset.files[name]}\n"
            f"    but is    {got}"
        )


def store(dataset: DataSet, name: str, data: bytes, source: str | Path) -> Path:
    """Check `data` and put them into the cache as file `name`, whole or not at all."""
    check(dataset, name, data, source)
    path = make_folder(dataset) / name
    try:
        with whole_file(path) as file:
            file.write(data)
    except CheckpointError as error:
        raise DataError(str(error)) from error
    return path


def read(dataset: DataSet, name: str) -> bytes:
    """The bytes of file `name` from the cache, checked."""
    path = dataset.folder / name
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(
            f"the full data set {dataset.name} is not on this machine: there is no {path}.\n"
            + remedies(dataset)
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        check(dataset, name, data, path)
    except DataError as error:
        raise DataError(
            f"{error}\nDelete it and run `python -m tasks.data fetch {dataset.name}`, "
            "or import a sound copy."
        ) from None
    return data


def remedies(dataset: DataSet) -> str:
    """What a user can do who needs this data set and has not got it."""
    lines = [
        f"  - with a network:  python -m tasks.data fetch {dataset.name}",
        "  - with the files at hand:  python -m tasks.data import FILE…",
    ]
    if dataset.embedded:
        lines.append(f"  - with neither:  --data embedded  ({dataset.embedded})")
    lines.append(f"The cache is {cache_root()}; the environment variable MINIGRAD_DATA moves it.")
    return "\n".join(lines)
