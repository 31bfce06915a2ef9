"""The command line: `python -m tutorials [LESSON]`, by number or by name."""

from __future__ import annotations

import ast
import runpy
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.config import UsageError, nearest

USAGE = """\
python -m tutorials             this list
python -m tutorials 01          run a lesson; its pictures go to runs/lessons"""


@dataclass(frozen=True)
class Lesson:
    """What the head of a lesson says about it.

    Attributes
    ----------
    path
        The script, NN_name.py.
    title, summary, takes
        From its docstring: the first line after "Lesson N:", the first paragraph, and what follows
        "Takes" in a paragraph of its own.
    """

    path: Path
    title: str
    summary: str
    takes: str

    @classmethod
    def read(cls, path: Path) -> Lesson:
        """The lesson in that file; nothing in it is run."""
        head = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        heading, summary, *others = head.split("\n\n")
        takes = next(part for part in others if part.startswith("Takes "))
        title = heading.splitlines()[0].partition(": ")[2]
        return cls(path, title, summary, takes.removeprefix("Takes "))

    @property
    def number(self) -> str:
        """Its two digits."""
        return self.path.name[:2]


def lessons(folder: Path = Path(__file__).parent) -> list[Lesson]:
    """The lessons in the order of their numbers."""
    return [Lesson.read(path) for path in sorted(folder.glob("[0-9][0-9]_*.py"))]


def find(name: str) -> Lesson:
    """The lesson of that number, name or path, or a UsageError that tells the nearest one."""
    known = {lesson.path.stem: lesson for lesson in lessons()}
    key = Path(name).stem
    for lesson in known.values():
        if key == lesson.path.stem or key.zfill(2) == lesson.number:
            return lesson
    raise UsageError(f"there is no lesson {name!r}. {nearest(key, known)}")


def listing() -> str:
    """Every lesson: its number, its title, what it shows, how long it takes."""
    blocks = []
    for lesson in lessons():
        lines = textwrap.wrap(lesson.summary, 92) + ["takes " + lesson.takes]
        blocks.append("\n    ".join([f"{lesson.number}  {lesson.title}", *lines]))
    return "\n\n".join([*blocks, USAGE])


def main(arguments: Sequence[str]) -> int:
    """Do what was typed after `python -m tutorials`; the exit code is 2 for what cannot be done."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(listing())
        return 0
    try:
        lesson = find(arguments[0])
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    runpy.run_path(str(lesson.path), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
