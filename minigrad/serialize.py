"""Named arrays in one file: `.npz` without pickle, or `.safetensors` where that package is installed.

A file is written whole or not at all: the bytes go to a temporary file in the same folder, reach
the disk, and only then take the name. Whoever stops the program in between finds the old file.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike

from minigrad.errors import CheckpointError, DtypeError

_DAMAGE = (zipfile.BadZipFile, zlib.error, ValueError, EOFError, KeyError, NotImplementedError)


def save(path: str | os.PathLike, arrays: Mapping[str, ArrayLike]) -> None:
    """Write arrays (or numbers, or text) under their names.

    Parameters
    ----------
    path
        Ends in `.npz` or `.safetensors`. A file of that name is replaced, once the new one is whole.
    arrays
        Name to array, of any shape and of any dtype but object. A name may contain `.` and `/`.

    Raises
    ------
    DtypeError
        For a path that is none, what is no dict with names, and for an array of Python objects: storing one would take
        pickle, which can run code on loading.
    CheckpointError
        Where the file cannot be written (no such folder, no right, no space).
    """
    path = _with_known_suffix(path)
    if not isinstance(arrays, Mapping) or not all(isinstance(name, str) for name in arrays):
        raise DtypeError(
            f"save takes a dict from name (text) to array, not {_described(arrays)}. Of a module or an "
            "optimizer, pass its state_dict()."
        )
    plain = {name: _plain_array(name, value) for name, value in arrays.items()}
    if path.suffix == ".safetensors":
        data = _safetensors().save({name: np.ascontiguousarray(a) for name, a in plain.items()})
        with whole_file(path) as file:
            file.write(data)
        return
    with whole_file(path) as file, zipfile.ZipFile(file, "w", allowZip64=True) as archive:
        for name, array in plain.items():  # np.savez would take the names as keywords: not "file"
            with archive.open(name + ".npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def load(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read what `save` wrote: name to array.

    Raises
    ------
    CheckpointError
        For a file that is missing, cut short or damaged (each array carries a checksum).
    """
    path = _with_known_suffix(path)
    try:
        if path.suffix == ".safetensors":
            return _load_safetensors(path)
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):  # np.load would take it for a pickle
                raise zipfile.BadZipFile("it is no zip archive")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {_reason(error)}") from error
    except _DAMAGE as error:
        raise CheckpointError(
            f"{path} is cut short, damaged, or no file of named arrays ({error}).\n"
            "Take a copy of it, or make it anew."
        ) from error


@contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Open a binary file for writing that appears under `path` only when the block has ended well.

    Raises
    ------
    CheckpointError
        Where it cannot be written. What stood under `path` before is then still there.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            if temporary.exists():
                temporary.unlink()
    except OSError as error:
        raise CheckpointError(
            f"cannot write {path}: {_reason(error)}.\n"
            "See that its folder exists, that you may write there, and that the disk has room."
        ) from error


def _described(arrays: Any) -> str:
    if not isinstance(arrays, Mapping):
        return f"a {type(arrays).__name__}"
    return f"one with the name {next(n for n in arrays if not isinstance(n, str))!r}"


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _with_known_suffix(path: str | os.PathLike) -> Path:
    if not isinstance(path, (str, os.PathLike)):
        raise DtypeError(
            f"the path of the file comes first, and is text, not a {type(path).__name__}: save(path, arrays)"
        )
    path = Path(path)
    if path.suffix not in (".npz", ".safetensors"):
        raise CheckpointError(f"{path}: the name of such a file ends in .npz or .safetensors")
    return path


def _plain_array(name: str, value: ArrayLike) -> np.ndarray:
    array = np.asanyarray(value)
    if array.dtype.hasobject:
        raise DtypeError(
            f"{name!r} is an array of Python objects ({type(value).__name__}): only numbers, bools "
            "and text are saved. Give each part a name of its own, or make a numeric array of it."
        )
    return array


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "a .safetensors file takes the package safetensors: pip install safetensors, "
            "or choose a name that ends in .npz"
        ) from error
    return safetensors.numpy


def _load_safetensors(path: Path) -> dict[str, np.ndarray]:
    library = _safetensors()
    data = path.read_bytes()
    try:
        return library.load(data)
    except Exception as error:  # its SafetensorError lives in a compiled module of changing name
        raise ValueError(str(error)) from error
