"""What the data are: the mazes of a run's settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import maze
from maze.variants import find
from tasks.config import UsageError, nearest

if TYPE_CHECKING:
    from tasks.navigation.navigation import Config

#: Mazes that come with this task, each a layout here: for what takes too long in those of `python -m maze`,
#: or, as PlainSmall, which is StaticSmall with all its walls alike, asks what the looks of places are worth.
OWN = {
    "tiny": "tiny.txt",
    "TinyRandomGoal": "tiny_random_goal.txt",
    "TMaze": "t_maze.txt",
    "PlainSmall": "plain_small.txt",
}
TEST_SEED = 1_000_000_000  # mazes of the test are drawn from here on; those of training
SEEDS_A_RUN = 100_000  # from the run's seed, so many apart


def check_name(name: str) -> None:
    """Refuse a name that is of no maze and of no text file.

    Raises
    ------
    UsageError
    """
    if name in OWN or name.endswith(".txt"):
        return
    try:
        find(name)
    except maze.MazeError as error:
        raise UsageError(
            f"--maze {name}: there is no such maze. {nearest(name, (*OWN, *maze.names()))} A layout of your "
            "own is read from a file that ends in .txt."
        ) from error


def make_mazes(config: Config, batch: int, seed: int, **options: Any) -> maze.Simulator:
    """Make mazes as the settings say, drawn from `seed` on.

    Raises
    ------
    UsageError
        Where there is no such file, or nobody could play in it.
    """
    try:
        return maze.make(
            Path(__file__).with_name(OWN[config.maze]) if config.maze in OWN else config.maze,
            batch,
            seed,
            fruit=config.fruit,
            frames=config.frames,
            **{"size": config.side, "order": "CHW"} | options,
        )
    except maze.MazeError as error:
        raise UsageError(f"--maze {config.maze}: {error}") from error


@contextmanager
def drawn_by(threads: int) -> Iterator[None]:
    """Let mazes be drawn by so many threads, and by as many as before afterwards."""
    before = maze.get_num_threads()
    maze.set_num_threads(threads)
    try:
        yield
    finally:
        maze.set_num_threads(before)
