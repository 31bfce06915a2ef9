"""IDX, the file format of MNIST and its kin.

Two zero bytes, one byte for the kind of number (8: unsigned byte, the only one in use here), one for
the number of axes, then each axis's length as a big-endian 32-bit integer, then the numbers, the
last axis fastest. Source: http://yann.lecun.com/exdb/mnist/ ("The IDX file format").
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from tasks.data.errors import DataError

_MAGIC = b"\x00\x00\x08"  # of unsigned bytes
_GZIP_MAGIC = b"\x1f\x8b"


def encode(array: np.ndarray) -> bytes:
    """The bytes of an IDX file that holds a uint8 array."""
    if array.dtype != np.uint8:
        raise DataError(f"an IDX file here holds unsigned bytes; this array is {array.dtype}")
    head = _MAGIC + struct.pack(f">B{array.ndim}I", array.ndim, *array.shape)
    return head + array.tobytes()


def decode(data: bytes, source: str | Path) -> np.ndarray:
    """Read an IDX file's bytes into a read-only uint8 array; `source` names them in errors."""
    if not data.startswith(_MAGIC):
        raise DataError(
            f"{source} is no IDX file of unsigned bytes: it begins with {data[:4].hex(' ')!r}, "
            f"not with {_MAGIC.hex(' ')!r}"
        )
    try:
        ndim = data[3]
        shape = struct.unpack_from(f">{ndim}I", data, offset=4)
    except (IndexError, struct.error):
        raise DataError(f"{source} is too short for an IDX file ({len(data)} bytes)") from None
    head, size = 4 + 4 * ndim, math.prod(shape)
    if len(data) - head != size:
        raise DataError(
            f"{source} is damaged: its head announces {size} bytes of shape {shape}, "
            f"{len(data) - head} follow. Take a new copy of it."
        )
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def read_bytes(path: Path) -> bytes:
    """The content of a file, uncompressed where it is a gzip file (whatever its name)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if not data.startswith(_GZIP_MAGIC):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path} is a damaged gzip file: {error}. Take a new copy of it."
        ) from error
