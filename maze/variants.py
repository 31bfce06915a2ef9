"""The mazes by name: which layout, what is drawn anew each episode, how long an episode is."""

from dataclasses import dataclass, replace
from pathlib import Path

from maze.constants import LONG_EPISODE, SHORT_EPISODE
from maze.errors import MazeError
from maze.generator import check_cells
from maze.layout import Layout, from_file

__all__ = ["VARIANTS", "Variant", "find", "names"]

LAYOUTS = Path(__file__).parent / "layouts"


@dataclass(frozen=True)
class Variant:
    """A maze to play in.

    Attributes
    ----------
    name, summary : str
    layout : Path of a text file or a Layout, or (rows, columns) in cells of mazes drawn anew each episode
    moves_goal : bool
        Whether the goal is drawn from the whole floor each episode, and not from the layout's places.
    moves_fruit : bool
        The same of the fruit.
    frames : int
        Of an episode, at 60 a second.

    Raises
    ------
    MazeError
        Where the layout is none of these.
    """

    name: str
    summary: str
    layout: Path | Layout | tuple[int, int]
    moves_goal: bool = False
    moves_fruit: bool = False
    frames: int = SHORT_EPISODE

    def __post_init__(self) -> None:
        if isinstance(self.layout, tuple) and len(self.layout) == 2:
            check_cells(*self.layout)
        elif not isinstance(self.layout, (Path, Layout)):
            raise MazeError(
                f"{self.name}: layout={self.layout!r}: this takes a Layout, the Path of a text file, or "
                "(rows, columns) in cells."
            )

    @property
    def is_random(self) -> bool:
        """Whether each episode has a maze of its own."""
        return isinstance(self.layout, tuple)

    def fixed_layout(self) -> Layout | None:
        """The layout, None where each episode has its own."""
        if isinstance(self.layout, Path):
            return replace(from_file(self.layout), name=self.name)
        return None if isinstance(self.layout, tuple) else self.layout


SMALL, LARGE = LAYOUTS / "small.txt", LAYOUTS / "large.txt"
SMALL_CELLS, LARGE_CELLS = (5, 10), (9, 15)

VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("IMaze", "a corridor, the goal hidden in one of four arms", LAYOUTS / "i_maze.txt"),
        Variant("StaticSmall", "5 x 10 cells, goal and fruit fixed", SMALL),
        Variant("StaticLarge", "9 x 15 cells, goal and fruit fixed", LARGE, frames=LONG_EPISODE),
        Variant("RandomGoalSmall", "the small maze, goal and fruit moved", SMALL, True, True),
        Variant(
            "RandomGoalLarge",
            "the large maze, goal and fruit moved",
            LARGE,
            True,
            True,
            LONG_EPISODE,
        ),
        Variant("RandomMazeSmall", "another 5 x 10 cells each episode", SMALL_CELLS),
        Variant("RandomMazeLarge", "another 9 x 15 each episode", LARGE_CELLS, frames=LONG_EPISODE),
    )
}


def names() -> list[str]:
    """Return the names of the mazes."""
    return list(VARIANTS)


def find(name: object) -> Variant:
    """Return the maze of that name, or that of a text file or a layout of one's own.

    Names are as in `names()`; case, ``-`` and ``_`` do not matter: ``static-small`` will do.

    Raises
    ------
    MazeError
        Where there is none.
    LayoutError
        Where it is a file or text in which nobody could play.
    """
    if isinstance(name, Variant):
        return name
    if isinstance(name, Layout):
        return _own(name)
    plain = str(name).replace("-", "").replace("_", "").lower()
    for variant in VARIANTS.values():
        if variant.name.lower() == plain:
            return variant
    if isinstance(name, Path) or str(name).endswith(".txt"):
        return _own(from_file(str(name)))
    raise MazeError(
        f"there is no maze {str(name)!r}. There are {', '.join(VARIANTS)}; a layout of your own is read from a "
        "text file whose name ends in .txt."
    )


def _own(layout: Layout) -> Variant:
    """What the layout does not place is drawn anew each episode."""
    return Variant(layout.name, "a layout of one's own", layout)
