"""Layouts: where the walls of a maze are, and what lies where. Read from text, and checked.

A character is a tile:

    #  wall                          .  or a space: floor
    1 … 9  wall of that style        P  floor where one may start; without any, see below
    G  a place for the goal          A  an apple, +1          S  a strawberry, +2

Without a P one may start everywhere but on the goal; without a G the goal is drawn from the whole floor, and one
starts four cells away from it, if there is room. Walls have tiles of their own, so that a maze of 5 x 10 cells
is a text of 11 x 21 characters.
"""

from collections.abc import Iterable
from dataclasses import InitVar, dataclass, field
from operator import index
from pathlib import Path

import numpy as np

from maze.errors import LayoutError
from maze.paths import UNREACHED, path_distances

__all__ = ["LARGEST", "Layout", "Tile", "from_file", "from_text"]

Tile = tuple[int, int]  # row, column

LARGEST = 199  # tiles of a side
WALL, FLOOR, GOAL, APPLE, STRAWBERRY, START = "#", ".", "G", "A", "S", "P"
STYLED = "123456789"
KNOWN = WALL + FLOOR + " " + GOAL + APPLE + STRAWBERRY + START + STYLED


@dataclass(frozen=True, eq=False)
class Layout:
    """A maze without anyone in it. Made, it is checked: closed, connected, with room to play.

    Attributes
    ----------
    walls : (H, W) uint8
        0 floor; 1 wall; 1 + k a wall of the style k that the text asks for. Kept is a copy, read-only.
    goals : list of (row, column)
        Places for the goal; without any, it is drawn from the floor.
    apples, strawberries : list of (row, column)
    starts : list of (row, column)
        Where one may start; without any, on the whole floor.
    name : str
        What errors call it.
    first_line : int
        The number of its first line in errors; not kept.

    Raises
    ------
    LayoutError
        With a drawing of the place.
    """

    walls: np.ndarray
    goals: list[Tile] = field(default_factory=list)
    apples: list[Tile] = field(default_factory=list)
    strawberries: list[Tile] = field(default_factory=list)
    starts: list[Tile] = field(default_factory=list)
    name: str = "layout"
    first_line: InitVar[int] = 1

    def __post_init__(self, first_line: int) -> None:
        _check_walls(self)
        walls = self.walls.copy()
        walls.flags.writeable = False  # what was checked stays so
        object.__setattr__(self, "walls", walls)
        for what in ("goals", "apples", "strawberries", "starts"):
            object.__setattr__(self, what, _as_tiles(getattr(self, what), f"{self.name}: {what}"))
        _check(self, first_line)

    @property
    def free(self) -> list[Tile]:
        """All tiles that are no wall, row by row."""
        return [(int(row), int(column)) for row, column in np.argwhere(self.walls == 0)]

    def __str__(self) -> str:
        marks = dict.fromkeys(self.starts, START)
        for tiles, mark in (
            (self.apples, APPLE),
            (self.strawberries, STRAWBERRY),
            (self.goals, GOAL),
        ):
            marks.update(dict.fromkeys(tiles, mark))
        return "\n".join(
            "".join(
                marks.get((row, column), FLOOR) if tile == 0 else (WALL + STYLED)[tile - 1]
                for column, tile in enumerate(line)
            )
            for row, line in enumerate(self.walls.tolist())
        )


def from_file(path: str | Path) -> Layout:
    """Read a layout from a text file.

    Raises
    ------
    LayoutError
        Where there is no such file, it is no text, or nobody could play in it.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise LayoutError(f"cannot read the layout {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise LayoutError(f"{path} is no text in UTF-8, so it holds no layout.") from error
    return from_text(text, str(path))


def from_text(text: str, name: str = "layout") -> Layout:
    """Read a layout from text; empty lines above and below are left out.

    Raises
    ------
    LayoutError
        Where a character means nothing, or nobody could play in it; with a drawing of the place.
    """
    if not isinstance(text, str):
        raise LayoutError(f'{name} is text, as in "###\\n#G#\\n###", not {type(text).__name__}.')
    lines = [line.rstrip() for line in text.splitlines()]
    drawn = [number for number, line in enumerate(lines, 1) if line]
    first = drawn[0] if drawn else 1
    lines = lines[first - 1 : drawn[-1] if drawn else 0]
    width = max(map(len, lines), default=0)
    if width == 0:
        raise LayoutError(f"{name} is empty. Draw it with # for walls and . for floor.")
    if max(width, len(lines)) > LARGEST:
        raise LayoutError(
            f"{name} has {len(lines)} x {width} tiles; at most {LARGEST} are possible on a side."
        )
    grid = np.array([list(line.ljust(width, FLOOR)) for line in lines])
    for row, column in np.argwhere(~np.isin(grid, list(KNOWN))):
        raise LayoutError(
            f"{name} has {str(grid[row, column])!r} in line {row + first}, column {column + 1}, which "
            f"means nothing.\n{_drawn(grid, first, (row, column))}\n"
            "Walls are # (or 1 to 9, each of a style), floor is a dot or a space, G a place for the goal, "
            "A an apple, S a strawberry, P a place to start from."
        )
    walls = np.zeros(grid.shape, np.uint8)
    for k, mark in enumerate(WALL + STYLED):
        walls[grid == mark] = k + 1
    goals, apples, strawberries, starts = (
        [(int(row), int(column)) for row, column in np.argwhere(grid == mark)]
        for mark in (GOAL, APPLE, STRAWBERRY, START)
    )
    return Layout(walls, goals, apples, strawberries, starts, name, first)


def _as_tiles(given: Iterable[Iterable[int]], what: str) -> list[Tile]:
    """The tiles as pairs of int, each once."""
    try:
        return list(dict.fromkeys((index(row), index(column)) for row, column in given))
    except (TypeError, ValueError) as error:
        raise LayoutError(
            f"{what} must be tiles (row, column) of whole numbers, not {given!r}."
        ) from error


def _check_walls(layout: Layout) -> None:
    walls, name = layout.walls, layout.name
    if not isinstance(walls, np.ndarray) or walls.dtype != np.uint8 or walls.ndim != 2:
        raise LayoutError(
            f"{name}: walls must be an array (H, W) of uint8, 0 where there is floor."
        )
    if not (0 < min(walls.shape) <= max(walls.shape) <= LARGEST and walls.max() <= 1 + len(STYLED)):
        raise LayoutError(
            f"{name}: walls of shape {walls.shape}, up to {walls.max(initial=0)}, must have from 1 to "
            f"{LARGEST} tiles a side, and numbers from 0 to {1 + len(STYLED)}."
        )


def _check(layout: Layout, first: int) -> None:
    """See that one can play in a layout of sound walls and tiles, whose first line has the number `first`."""
    walls, name, free = layout.walls, layout.name, layout.free
    grid = np.array([list(line) for line in str(layout).splitlines()])
    border = [
        (row, column)
        for row, column in free
        if row in (0, walls.shape[0] - 1) or column in (0, walls.shape[1] - 1)
    ]
    if border:
        row, column = border[0]
        raise LayoutError(
            f"{name} is open at line {row + first}, column {column + 1}: one could walk out of it.\n"
            f"{_drawn(grid, first, border[0])}\nClose its border with #."
        )
    if len(free) < 2:
        raise LayoutError(
            f"{name} has {len(free) or 'no'} free tile{'s' * (len(free) != 1)}: there must be one for "
            f"the goal and one to start from.\n{_drawn(grid, first)}\nMark floor with a dot."
        )
    distances = path_distances(walls, free[0])
    for row, column in free:
        if distances[row, column] == UNREACHED:
            raise LayoutError(
                f"{name} falls apart: no path leads from line {free[0][0] + first}, column {free[0][1] + 1} "
                f"to line {row + first}, column {column + 1}.\n{_drawn(grid, first, (row, column))}\n"
                "Open a wall between them, or fill one of the parts with #."
            )
    for what, tiles in (
        ("a goal", layout.goals),
        ("an apple", layout.apples),
        ("a strawberry", layout.strawberries),
        ("a start", layout.starts),
    ):
        for row, column in set(tiles) - set(free):
            height, width = walls.shape
            if not (0 <= row < height and 0 <= column < width):
                raise LayoutError(
                    f"{name} has {what} in row {row}, column {column}, counted from 0: that is outside of its "
                    f"{height} x {width} tiles.\n{_drawn(grid, first)}"
                )
            raise LayoutError(
                f"{name} has {what} at line {row + first}, column {column + 1}, where there is no floor.\n"
                f"{_drawn(grid, first, (row, column))}"
            )
    if len(layout.starts) == 1 and layout.goals == layout.starts:
        raise LayoutError(
            f"{name} has one place to start from, and it is the goal's.\n{_drawn(grid, first, layout.starts[0])}\n"
            "Mark another with P, or none."
        )


def _drawn(grid: np.ndarray, first: int, at: Tile | None = None, reach: int = 3) -> str:
    """The lines of a layout around a tile, with an arrow under it and one beside its line; or all lines."""
    if at is None:
        at, reach = (-1, -1), len(grid)
    row, column = at
    lines = []
    for k in range(max(row - reach, 0), min(row + reach + 1, len(grid))):
        arrow = ">" if k == row else " "
        lines.append(f"{arrow}{k + first:4} | {''.join(grid[k])}")
        if k == row:
            lines.append(" " * (8 + column) + "^")
    return "\n".join(lines)
