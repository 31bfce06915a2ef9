"""The maze from above, as an image: walls in their colours, goal, fruit, the agent, and the way to the goal."""

import math
from collections.abc import Sequence

import numpy as np

from maze.arguments import LARGEST_IMAGE, whole
from maze.kernels.caster import THING_SIDE
from maze.kernels.records import GOAL
from maze.layout import Tile
from maze.paths import shortest_path
from maze.simulator import Simulator
from maze.textures import average_color, pictures

__all__ = ["ground", "side_by_side", "top_down", "wide_view"]

FLOOR = (236, 232, 224)
PATH = (40, 40, 40)
AGENT, RIM = (20, 60, 220), (255, 255, 255)
AGENT_SIZE = 0.42  # tiles from its middle to its tip
GOAL_SIZE, FRUIT_SIZE = 1.0, 0.6  # tiles


def top_down(
    simulator: Simulator, n: int = 0, tile: int = 16, path: bool = False, agent: bool = True
) -> np.ndarray:
    """Return maze `n` from above, (H tile, W tile, 3) uint8.

    Parameters
    ----------
    simulator : Simulator
        After its first reset.
    n : int
    tile : int
        Pixels of a tile's side.
    path : bool
        Draw the shortest way from the agent to the goal.
    agent : bool
        Draw the agent.
    """
    things = simulator.things(n)
    episode = simulator.episodes[n]
    image = ground(episode.walls, tile)
    record = simulator.agents[n]
    if path:
        start = int(record["y"]), int(record["x"])
        _draw_path(image, shortest_path(episode.distances, start), tile)
    _draw_things(image, things[things["present"] != 0], tile)
    if agent:
        _draw_agent(image, record["x"], record["y"], record["angle"], tile)
    return image


def ground(walls: np.ndarray, tile: int) -> np.ndarray:
    """Return walls and floor, (H tile, W tile, 3) uint8; `walls` as in an `Episode`."""
    tile = whole("tile", tile, 1, LARGEST_IMAGE)
    colors = np.vstack([FLOOR, average_color()]).astype(np.uint8)
    return colors[np.kron(walls, np.ones((tile, tile), walls.dtype))]


def _draw_path(image: np.ndarray, tiles: Sequence[Tile], tile: int) -> None:
    """Draw a dot in the middle of each tile, and three on the way to the next."""
    radius = max(tile // 12, 0)
    middles = np.array(tiles, float) + 0.5
    for a, b in zip(middles[:-1], middles[1:]):
        for share in (0, 0.25, 0.5, 0.75):
            row, column = ((a + share * (b - a)) * tile).astype(int)
            image[row - radius : row + radius + 1, column - radius : column + radius + 1] = PATH


def _draw_things(image: np.ndarray, things: np.ndarray, tile: int) -> None:
    """Draw things, records of THING, by their pictures."""
    for thing in things:
        size = (GOAL_SIZE if thing["kind"] == GOAL else FRUIT_SIZE) * tile
        rows, columns, v, u = _patch(image, thing["x"], thing["y"], size / 2, tile)
        texel = [
            np.clip(((w / size + 0.5) * THING_SIDE).astype(int), 0, THING_SIDE - 1) for w in (v, u)
        ]
        color = pictures()[thing["kind"]][np.ix_(*texel)]
        part = image[rows, columns]
        solid = color >> np.uint32(24) > 0
        part[solid] = (color[solid][:, None] >> np.array([0, 8, 16], np.uint32)) & np.uint32(0xFF)


def _draw_agent(image: np.ndarray, x: float, y: float, angle: float, tile: int) -> None:
    """Draw the agent as an arrowhead that points where it looks."""
    size = AGENT_SIZE * tile
    rows, columns, v, u = _patch(image, x, y, 1.4 * size, tile)
    ahead = (u[None] * math.cos(angle) + v[:, None] * math.sin(angle)) / size
    aside = np.abs(v[:, None] * math.cos(angle) - u[None] * math.sin(angle)) / size
    for grown, color in ((0.2, RIM), (0.0, AGENT)):
        inside = (
            (aside < (1 - ahead) * 0.42 + grown) & (ahead > -0.75 - grown) & (ahead < 1 + grown)
        )
        image[rows, columns][inside] = color


def _patch(image: np.ndarray, x: float, y: float, reach: float, tile: int) -> tuple:
    """The part of an image within `reach` pixels of (x, y) in tiles, and its pixels' offsets down and right."""
    sides = []
    for middle, end in ((y * tile, image.shape[0]), (x * tile, image.shape[1])):
        first, last = max(math.floor(middle - reach), 0), min(math.ceil(middle + reach), end)
        sides.append((slice(first, last), np.arange(first, last) + 0.5 - middle))
    (rows, v), (columns, u) = sides
    return rows, columns, v, u


def side_by_side(*images: np.ndarray, gap: int = 4) -> np.ndarray:
    """Return images (h, w, 3) in a row, smaller ones centred on dark ground."""
    height = max(len(image) for image in images)
    padded = []
    for image in images:
        above = (height - len(image)) // 2
        sides = ((above, height - len(image) - above), (gap // 2, gap - gap // 2), (0, 0))
        padded.append(np.pad(image, sides, constant_values=24))
    return np.hstack(padded)


def wide_view(
    simulator: Simulator, n: int = 0, height: int = 336, path: bool = False
) -> np.ndarray:
    """Return what agent `n` sees and its maze from above, side by side, (height, w, 3) uint8.

    A tile has at least a pixel: a maze of more rows than `height` makes the image as high as that.
    """
    seen = simulator.view(n, height)  # first, for it refuses heights that are too large
    return side_by_side(
        seen, top_down(simulator, n, max(height // simulator.maze_size[0], 1), path)
    )
