"""Random mazes: closed, connected, with rooms and loops, and decided by the seed alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze import MazeError
from maze.generator import random_layout
from maze.variants import Variant


@given(rows=st.integers(1, 9), columns=st.integers(2, 12), seed=st.integers(0, 10_000))
def test_every_maze_can_be_played_in(rows, columns, seed):
    layout = random_layout(rows, columns, np.random.default_rng(seed))  # Layout checks itself
    assert layout.walls.shape == (2 * rows + 1, 2 * columns + 1)
    assert (layout.walls[1::2, 1::2] == 0).all(), "every cell is floor"
    places = layout.goals + layout.apples + layout.strawberries
    assert len(layout.goals) == 1
    assert len(set(places)) == len(places), "two things lie in one place"
    assert all(layout.walls[place] == 0 for place in places)


def test_the_seed_decides():
    one, again, other = (str(random_layout(5, 10, np.random.default_rng(s))) for s in (1, 1, 2))
    assert one == again
    assert one != other


def test_there_are_loops_and_rooms():
    loops, rooms = [], []
    for seed in range(30):
        walls = random_layout(5, 10, np.random.default_rng(seed)).walls
        free = walls == 0
        passages = free[1:, :] & free[:-1, :], free[:, 1:] & free[:, :-1]
        # A tree has one edge fewer than nodes; a room's 2 x 2 squares of floor close no loop.
        squares = passages[0][:, 1:] & passages[0][:, :-1]
        loops.append(sum(map(np.sum, passages)) - squares.sum() - free.sum() + 1)
        rooms.append(squares.sum())
    assert np.mean(loops) > 2
    assert min(rooms) >= 4


@pytest.mark.parametrize(
    "size", [(0, 5), (1, 1), (-3, 4), (5, 1_000), (500, 500), (2.5, 3), (3, True)]
)
def test_sizes_that_are_none(size):
    said = r"(rows|columns)=.*from 1 to 99|two cells or more"
    with pytest.raises(MazeError, match=said):
        random_layout(*size, np.random.default_rng(0))
    with pytest.raises(MazeError, match=said):
        Variant("own", "", size)


@pytest.mark.parametrize("layout", [[5, 5], (5, 5, 5), "own.txt", None])
def test_what_is_no_layout_makes_no_variant(layout):
    with pytest.raises(MazeError, match=r"^own: layout=.*or \(rows, columns\)"):
        Variant("own", "", layout)
