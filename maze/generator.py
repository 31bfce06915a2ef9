"""Random mazes: a tree of corridors, rooms cut into it, and some walls opened so that there are loops."""

from itertools import permutations

import numpy as np

from maze.arguments import whole
from maze.errors import MazeError
from maze.layout import LARGEST, Layout
from maze.paths import STEPS

__all__ = ["check_cells", "fruit_in", "random_layout"]

ROOM_SIDES = (2, 3)  # cells
CELLS_A_ROOM = 25  # so many cells of a maze bring it one more room
LOOPS = 0.12  # of the walls between two cells that the tree left, opened
CELLS_A_FRUIT = 10
ORDERS = list(permutations(STEPS))  # in which to try the four neighbours
STRAWBERRIES = 0.2  # of the fruit


def random_layout(rows: int, columns: int, rng: np.random.Generator) -> Layout:
    """Draw a maze of so many rows and columns of cells, which `rng` alone decides.

    It has a goal and fruit in a tenth of the cells, and one may start anywhere.

    Raises
    ------
    MazeError
        Where that is no size of a maze.
    """
    check_cells(rows, columns)
    walls = np.ones((2 * rows + 1, 2 * columns + 1), np.uint8)
    _grow_tree(walls, rows, columns, rng)
    for _ in range(rows * columns // CELLS_A_ROOM):
        _cut_room(walls, rows, columns, rng)
    _open_loops(walls, rng)

    cells = rng.permutation(rows * columns)
    tiles = [(2 * int(cell // columns) + 1, 2 * int(cell % columns) + 1) for cell in cells]
    fruit = tiles[1 : 1 + fruit_in(rows, columns)]
    strawberries = round(STRAWBERRIES * len(fruit))
    return Layout(
        walls=walls,
        goals=tiles[:1],
        apples=fruit[strawberries:],
        strawberries=fruit[:strawberries],
        starts=[],
        name="random maze",
    )


def check_cells(rows: int, columns: int) -> None:
    """See that a maze of so many cells can be drawn.

    Raises
    ------
    MazeError
        Where it cannot.
    """
    most = (LARGEST - 1) // 2
    if whole("rows", rows, 1, most) * whole("columns", columns, 1, most) < 2:
        raise MazeError("a maze of 1 x 1 cells has no room for a goal: give it two cells or more.")


def fruit_in(rows: int, columns: int) -> int:
    """How much fruit lies in a maze of so many cells."""
    return max(1, rows * columns // CELLS_A_FRUIT)


def _grow_tree(walls: np.ndarray, rows: int, columns: int, rng: np.random.Generator) -> None:
    """Join all cells by a walk that goes on from its last cell with a neighbour that is still closed."""
    order = rng.integers(0, len(ORDERS), rows * columns * 4).tolist()
    row, column = 1 + 2 * int(rng.integers(rows)), 1 + 2 * int(rng.integers(columns))
    walls[row, column] = 0
    path = [(row, column)]
    closed = walls.tolist()  # lists are faster than arrays, one tile at a time
    while path:
        row, column = path[-1]
        for down, right in ORDERS[order.pop()]:
            to_row, to_column = row + 2 * down, column + 2 * right
            inside = 0 < to_row < len(closed) and 0 < to_column < len(closed[0])
            if inside and closed[to_row][to_column]:
                closed[row + down][column + right] = closed[to_row][to_column] = 0
                path.append((to_row, to_column))
                break
        else:
            path.pop()
    walls[...] = closed


def _cut_room(walls: np.ndarray, rows: int, columns: int, rng: np.random.Generator) -> None:
    """Take away the walls inside a rectangle of cells."""
    height, width = (
        min(int(side), most) for side, most in zip(rng.choice(ROOM_SIDES, 2), (rows, columns))
    )
    top, left = int(rng.integers(rows - height + 1)), int(rng.integers(columns - width + 1))
    walls[2 * top + 1 : 2 * (top + height), 2 * left + 1 : 2 * (left + width)] = 0


def _open_loops(walls: np.ndarray, rng: np.random.Generator) -> None:
    """Open some of the walls that part two cells."""
    for part in (walls[1:-1:2, 2:-1:2], walls[2:-1:2, 1:-1:2]):
        part[(part == 1) & (rng.random(part.shape) < LOOPS)] = 0
