"""The command line: `python -m tutorials [NAME]`, a lesson by number or name, an exercise by name."""

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
python -m tutorials 01          run a lesson; its pictures go to runs/lessons
python -m tutorials NAME        run an exercise: what its checks say of it"""

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Lesson:
    """What the head of a lesson, or of an exercise, says about it.

    Attributes
    ----------
    path
        The script: NN_name.py, or exercises/name.py.
    title, summary, takes
        From its docstring: the first line after "Lesson N:" or "Exercise N:", the first paragraph, and what follows
        "Takes" in a paragraph of its own.
    """

    path: Path
    title: str
    summary: str
    takes: str

    @classmethod
    def read(cls, path: Path) -> Lesson:
        """What is in that file; nothing in it is run."""
        head = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        heading, summary, *others = head.split("\n\n")
        takes = next(part for part in others if part.startswith("Takes "))
        title = heading.splitlines()[0].partition(": ")[2]
        return cls(path, title, summary, takes.removeprefix("Takes "))

    @property
    def key(self) -> str:
        """What it is called on the command line: a lesson's two digits, an exercise's name."""
        stem = self.path.stem
        return stem[:2] if stem[:2].isdigit() else stem


def lessons(folder: Path = HERE) -> list[Lesson]:
    """The lessons in the order of their numbers."""
    return [Lesson.read(path) for path in sorted(folder.glob("[0-9][0-9]_*.py"))]


def exercises(folder: Path = HERE / "exercises") -> list[Lesson]:
    """The exercises in the order of their names."""
    return [Lesson.read(path) for path in sorted(folder.glob("[!_]*.py"))]


def find(name: str) -> Lesson:
    """The lesson or exercise of that number, name or path, or a UsageError that tells the nearest one."""
    known = {lesson.path.stem: lesson for lesson in (*lessons(), *exercises())}
    key = Path(name).stem
    for lesson in known.values():
        if key == lesson.path.stem or key.zfill(2) == lesson.key:
            return lesson
    raise UsageError(f"there is no lesson and no exercise {name!r}. {nearest(key, known)}")


def listing() -> str:
    """All lessons, then all exercises: title, what it shows, how long it takes."""
    blocks = []
    for lesson in (*lessons(), *exercises()):
        lines = textwrap.wrap(lesson.summary, 92) + ["takes " + lesson.takes]
        blocks.append("\n    ".join([f"{lesson.key}  {lesson.title}", *lines]))
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
