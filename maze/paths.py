"""Shortest paths between the tiles of a layout, by steps up, down, left and right."""

from collections import deque

import numpy as np

__all__ = ["UNREACHED", "path_distances", "shortest_path"]

UNREACHED = -1
STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1))


def path_distances(walls: np.ndarray, tile: tuple[int, int]) -> np.ndarray:
    """Return how many steps it is to `tile` (row, column) from everywhere, (H, W) int32.

    Walls, and what no path joins to the tile, have UNREACHED. The border of `walls` (H, W) must be
    closed, its entries 0 where one can walk.
    """
    width = walls.shape[1]
    free = (walls == 0).ravel().tolist()
    found = [UNREACHED] * len(free)
    start = tile[0] * width + tile[1]
    found[start] = 0
    queue = deque([start])
    while queue:
        at = queue.popleft()
        for following in (at - width, at + width, at - 1, at + 1):
            if free[following] and found[following] == UNREACHED:
                found[following] = found[at] + 1
                queue.append(following)
    return np.array(found, np.int32).reshape(walls.shape)


def shortest_path(distances: np.ndarray, tile: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the tiles (row, column) on a shortest path from `tile` to where `distances` is 0, both included."""
    path = [(int(tile[0]), int(tile[1]))]
    while distances[path[-1]] > 0:
        row, column = path[-1]
        around = [(row + down, column + right) for down, right in STEPS]
        path.append(next(at for at in around if distances[at] == distances[row, column] - 1))
    return path
