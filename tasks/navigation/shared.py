"""What the workers of A3C share: one block of memory, and no lock.

Parameters and RMSProp's mean squares are read and written by all, whoever comes. What a worker tells
(its counts, its episodes, the sums of its measurements) stands in a record that it alone writes. So
there is nothing that a worker could hold when it is killed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import Tensor
from tasks.config import UsageError

MEASURES = ("policy", "value", "entropy", "d1", "d2", "loop", "position", "gradient", "dead")
RING = 64  # episodes of a worker that are kept until they are read
RECORD_BYTES = 1_600  # 25 lines of the cache: no worker writes into a line of another's
MESSAGE = RECORD_BYTES - 8 * (2 + 2 * RING + len(MEASURES))  # bytes of what one says that stops

RECORD = np.dtype(
    [
        ("updates", np.int64),
        ("episodes", np.int64),  # ended so far; the last RING of them stand in `ring`
        ("ring", np.float64, (RING, 2)),  # score and goals
        ("sums", np.float64, (len(MEASURES),)),
        ("message", f"S{MESSAGE}"),
    ]
)


class Shared:
    """The block of memory, seen as arrays.

    Parameters
    ----------
    size : int
        Of all parameters together.
    workers : int
    name : str, optional
        Of a block that there is; without, a new one is made.

    Attributes
    ----------
    parameters, squares : (size,) float32
    records : (workers,) of RECORD
    stop : (1,) int64
        Not 0 when all are to stop.
    done : (1,) int64
        Updates made before this session.
    """

    def __init__(self, size: int, workers: int, name: str | None = None):
        self.size, self.workers = size, workers
        parts: list[tuple[str, Any, int]] = [
            ("records", RECORD, workers),
            ("stop", np.int64, 1),
            ("done", np.int64, 1),
            ("parameters", np.float32, size),
            ("squares", np.float32, size),
        ]
        # Each begins at a multiple of 64 bytes: no two share a line of the cache.
        bytes_ = [-(-np.dtype(dtype).itemsize * count // 64) * 64 for _, dtype, count in parts]
        try:
            self._memory = SharedMemory(name, create=name is None, size=sum(bytes_))
            if name is None:
                _reserve(self._memory)
        except OSError as error:
            raise UsageError(
                f"no memory can be shared between processes: {error.strerror or error}. --method sync needs none"
            ) from error
        starts = np.cumsum([0, *bytes_])
        for (part, dtype, count), start in zip(parts, starts):
            setattr(self, part, np.ndarray(count, dtype, self._memory.buf, int(start)))
        if name is None:
            for part, _, _ in parts:
                getattr(self, part)[...] = np.zeros((), getattr(self, part).dtype)

    records: np.ndarray
    stop: np.ndarray
    done: np.ndarray
    parameters: np.ndarray
    squares: np.ndarray

    @property
    def name(self) -> str:
        """By which another process finds the block."""
        return self._memory.name

    @property
    def updates(self) -> int:
        """Made by all workers, in all sessions."""
        return int(self.done[0] + self.records["updates"].sum())

    def close(self, unlink: bool = False) -> None:
        """Let go of the block; with `unlink` it ends when the last has done so."""
        for part in ("records", "stop", "done", "parameters", "squares"):
            setattr(self, part, None)
        self._memory.close()
        if unlink:
            self._memory.unlink()


def _reserve(memory: SharedMemory) -> None:
    """Take the memory now: if there is less of it than was promised, the first write would be a bus error.

    Raises
    ------
    OSError
        Where there is too little; the block is gone then.
    """
    path = Path("/dev/shm", memory.name)  # of Linux; in a container it is often small
    if not path.exists():
        return
    try:
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, memory.size)
    except OSError:
        memory.close()
        memory.unlink()
        raise


def pieces(flat: np.ndarray, like: Iterable[Tensor]) -> list[np.ndarray]:
    """A flat array as views in the shapes of `like`, one after the other."""
    views, start = [], 0
    for p in like:
        views.append(flat[start : start + p.size].reshape(p.shape))
        start += p.size
    return views
