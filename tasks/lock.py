"""One process a run: a lock that the operating system holds, and drops with the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tasks.config import UsageError

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    _FAR = 1 << 30  # beyond the end of the file: others still read what is in it

    def _take(file: BinaryIO) -> None:
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
else:

    def _take(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Hold the lock of an existing file, or raise a UsageError where another process has it."""
    with path.open("rb") as file:
        try:
            _take(file)
        except (BlockingIOError, PermissionError):
            raise UsageError(
                f"the run in {path.parent} is in progress, in another process. Wait until it ends or "
                "stop it, or start another with --out."
            ) from None
        except OSError:
            pass  # a file system that knows no locks
        yield
