"""MNIST: 70,000 handwritten digits of 28x28 grey levels, by LeCun, Cortes and Burges.

A sixth of it comes with this package (see README.md beside this file); the whole of it is fetched or
imported once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minigrad.errors import CheckpointError
from minigrad.serialize import load, whole_file
from tasks.data import cache, idx
from tasks.data.cache import DataSet
from tasks.data.errors import DataError

# The arrays by the names that Keras gave them in its mnist.npz, and the files that hold them.
_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
_SHA256 = {
    "x_train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "y_train": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "x_test": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "y_test": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_SHOWN = 6  # names in a message: a file of another kind may have hundreds
_EMBEDDED = Path(__file__).with_name("mnist_embedded.npz")

MNIST = DataSet(
    name="mnist",
    about="60,000 + 10,000 handwritten digits, 28x28 grey levels, 10 classes (12 MB to fetch)",
    licence="LeCun, Cortes, Burges, after NIST; CC BY-SA 3.0",
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    files={_FILES[key]: _SHA256[key] for key in _FILES},
    embedded="10,000 + 2,000 of its digits, in this package",
)


class Mnist(NamedTuple):
    """Images (N, 28, 28) uint8, 0 the background and 255 the ink; labels (N,) int64. Read-only."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def load_mnist(source: str | Path = "embedded") -> Mnist:
    """The digits.

    Parameters
    ----------
    source
        "embedded": every sixth training digit and every fifth test digit, from this package.
        "full": all of them, from the cache.
        Else the path of a local .npz with Keras's names, or of a folder with the four IDX files
        (plain or .gz). These may be any digits of the same form; no checksum is asked of them.

    Raises
    ------
    DataError
        When it is not there, is damaged or has another form; says what to do.
    """
    if source == "embedded":
        return _from_npz(_EMBEDDED)
    if source == "full":
        contents = {key: cache.read(MNIST, name) for key, name in _FILES.items()}
        return _digits(
            {key: idx.decode(data, _FILES[key]) for key, data in contents.items()}, "full"
        )
    path = Path(source).expanduser()
    if path.is_dir():
        return _from_folder(path)
    if path.is_file():
        return _from_npz(path)
    raise DataError(
        f"no such data: {path}. It is either the word embedded or full, "
        "or the path of an .npz or of a folder with the four IDX files."
    )


def import_mnist(paths: Iterable[str | Path]) -> list[Path]:
    """Take local files into the cache: IDX files, plain or .gz, a folder of them, or Keras's .npz.

    An IDX file is known by its bytes, whatever its name. All are checked before any is stored.

    Raises
    ------
    DataError
        For a file that cannot be read or is none of MNIST's, with what its SHA-256 should be.
    """
    found: dict[str, tuple[bytes, Path]] = {}
    for path in (Path(path).expanduser() for path in paths):
        for name, data in _idx_files(path).items():
            cache.check(MNIST, name, data, path)
            found[name] = (data, path)
    return [cache.store(MNIST, name, data, path) for name, (data, path) in found.items()]


def embed(path: Path = _EMBEDDED) -> None:
    """Write the part that comes with this package, out of the full set in the cache.

    Every sixth training digit and every fifth test digit: the first test digits are harder than the
    rest, so a head of the set would not do.
    """
    full = load_mnist("full")
    parts = Mnist(full.x_train[::6], full.y_train[::6], full.x_test[::5], full.y_test[::5])
    with whole_file(path) as file:
        np.savez_compressed(file, **{k: a.astype(np.uint8) for k, a in parts._asdict().items()})


def _idx_files(path: Path) -> dict[str, bytes]:
    """The IDX files that a path stands for, by their names in the cache."""
    if path.is_dir():
        return {name: idx.read_bytes(file) for name, file in _files_in(path).items()}
    if path.suffix == ".npz":
        return {_FILES[key]: idx.encode(array) for key, array in _arrays(path).items()}
    data = idx.read_bytes(path)
    by_hash = {sha: name for name, sha in MNIST.files.items()}
    name = by_hash.get(hashlib.sha256(data).hexdigest()) or _plain_name(path)
    if name not in MNIST.files:
        raise DataError(
            f"{path} is none of MNIST's files: neither by its bytes nor by its name, which would be "
            f"one of {', '.join(MNIST.files)} (or with .gz)."
        )
    return {name: data}


def _files_in(folder: Path) -> dict[str, Path]:
    files = {_plain_name(path): path for path in sorted(folder.iterdir())}
    missing = [name for name in MNIST.files if name not in files]
    if missing:
        raise DataError(f"the folder {folder} lacks {', '.join(missing)} (plain or as .gz)")
    return {name: files[name] for name in MNIST.files}


def _plain_name(path: Path) -> str:
    return path.name.removesuffix(".gz").replace(".idx", "-idx")  # some copies use a full stop


def _from_folder(folder: Path) -> Mnist:
    files = _files_in(folder)
    arrays = {}
    for key, name in _FILES.items():
        arrays[key] = idx.decode(idx.read_bytes(files[name]), files[name])
    return _digits(arrays, folder)


def _from_npz(path: Path) -> Mnist:
    return _digits(_arrays(path), path)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        arrays = load(path)
    except CheckpointError as error:
        raise DataError(str(error)) from error
    missing = [key for key in _FILES if key not in arrays]
    if missing:
        first = ", ".join([*arrays][:_SHOWN]) or "none"
        more = f" and {len(arrays) - _SHOWN} more" if len(arrays) > _SHOWN else ""
        raise DataError(f"{path} lacks the arrays {', '.join(missing)}; it has {first}{more}")
    return {key: arrays[key] for key in _FILES}


def _digits(arrays: dict[str, np.ndarray], source: str | Path) -> Mnist:
    """Check the form of four arrays and hand them on, read-only."""
    for part in ("train", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if x.dtype != np.uint8 or x.shape[1:] != (28, 28) or len(x) == 0:
            raise DataError(
                f"{source}: x_{part} should be (N, 28, 28) of uint8, and is {x.shape} of {x.dtype}"
            )
        if y.dtype.kind not in "iu" or y.shape != x.shape[:1]:
            raise DataError(
                f"{source}: y_{part} should be {x.shape[:1]} labels from 0 to 9, and is {y.shape} "
                f"of {y.dtype}"
            )
        odd = np.flatnonzero((y < 0) | (y > 9))
        if len(odd):
            raise DataError(
                f"{source}: y_{part} should be labels from 0 to 9, and y_{part}[{odd[0]}] is {y[odd[0]]}"
                + (f" (one of {len(odd)} such)" if len(odd) > 1 else "")
            )
        arrays[f"y_{part}"] = y.astype(np.int64)
    for array in arrays.values():
        array.flags.writeable = False
    return Mnist(**arrays)
