"""Files that are there when they are whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from maze.errors import MazeError

__all__ = ["whole_file"]


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path to write to; what was written there stands under `path` once the block has ended well.

    Raises
    ------
    MazeError
        Where it cannot be written. What stood under `path` before is then still there.
    """
    target = Path(os.path.realpath(path))  # what a link leads to, not the link, is replaced
    # What is still a link leads round in a circle.
    if os.path.islink(target) or os.path.exists(target) and not os.path.isfile(target):
        raise MazeError(f"cannot write {str(path)!r}: that is no file. Give it the name of one.")
    part = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        part.touch()  # now, so that no work is done for a file that cannot be
        yield part
        os.replace(part, target)
    except OSError as error:
        raise MazeError(f"cannot write {path}: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):  # as where the folder is none: the error above says so
            part.unlink()
