"""A new episode: the maze, what lies where in it, and from where one may start."""

from dataclasses import dataclass, replace

import numpy as np

from maze.constants import START_DISTANCE
from maze.generator import fruit_in, random_layout
from maze.kernels.records import APPLE, GOAL, STRAWBERRY, THING
from maze.layout import Layout, Tile
from maze.paths import path_distances
from maze.styles import styled
from maze.variants import Variant

__all__ = ["Episode", "EpisodeSampler"]


@dataclass
class Episode:
    """What is fixed until the time is up.

    Attributes
    ----------
    layout : Layout
    walls : (H, W) uint8
        0 floor, else 1 + the wall's texture.
    things : (M,) of THING, the goal first
    distances : (H, W) int32
        Tiles of the shortest path to the goal; -1 in walls.
    starts : (S,) int32
        Where one may start, row * W + column.
    """

    layout: Layout
    walls: np.ndarray
    things: np.ndarray
    distances: np.ndarray
    starts: np.ndarray

    @property
    def goal(self) -> Tile:
        """The goal's tile (row, column)."""
        return int(self.things["y"][0]), int(self.things["x"][0])

    def as_layout(self) -> Layout:
        """The layout with the goal and the fruit where they lie in this episode."""
        tiles: dict[int, list[Tile]] = {GOAL: [], APPLE: [], STRAWBERRY: []}
        for thing in self.things:
            tiles[int(thing["kind"])].append((int(thing["y"]), int(thing["x"])))
        return replace(
            self.layout, goals=tiles[GOAL], apples=tiles[APPLE], strawberries=tiles[STRAWBERRY]
        )


class EpisodeSampler:
    """Draws the episodes of a variant, with fruit or without."""

    def __init__(self, variant: Variant, fruit: bool) -> None:
        self.variant, self.fruit = variant, fruit
        self.layout = variant.fixed_layout()
        self.walls = None if self.layout is None else styled(self.layout.walls)

    def __call__(self, rng: np.random.Generator) -> Episode:
        """Draw what the variant leaves open, by `rng` alone."""
        if self.layout is None or self.walls is None:
            rows, columns = self.variant.layout  # type: ignore[misc]
            layout = random_layout(rows, columns, rng)
            walls = styled(layout.walls, rng)
        else:
            layout, walls = self.layout, self.walls
        goal, apples, strawberries = _places(layout, self.variant, rng)
        kinds = [(GOAL, [goal]), (APPLE, apples), (STRAWBERRY, strawberries)]
        distances = path_distances(layout.walls, goal)
        return Episode(
            layout=layout,
            walls=walls,
            things=_things(kinds if self.fruit else kinds[:1]),
            distances=distances,
            starts=_starts(
                layout, distances, self.variant.is_random or _goal_is_anywhere(layout, self.variant)
            ),
        )

    @property
    def room(self) -> tuple[tuple[int, int], int, int]:
        """The most that an episode can need: (H, W), free tiles, things."""
        if self.layout is None:
            rows, columns = self.variant.layout  # type: ignore[misc]
            height, width = 2 * rows + 1, 2 * columns + 1
            return (height, width), height * width, 1 + fruit_in(rows, columns)
        height, width = self.layout.walls.shape
        things = 1 + len(self.layout.apples) + len(self.layout.strawberries)
        return (height, width), len(self.layout.free), things


def _goal_is_anywhere(layout: Layout, variant: Variant) -> bool:
    """Whether the goal is drawn from the whole floor each episode."""
    return variant.moves_goal or not layout.goals


def _places(
    layout: Layout, variant: Variant, rng: np.random.Generator
) -> tuple[Tile, list[Tile], list[Tile]]:
    goals = layout.free if _goal_is_anywhere(layout, variant) else layout.goals
    if len(layout.starts) == 1:
        goals = [tile for tile in goals if tile not in layout.starts]
    goal = goals[int(rng.integers(len(goals)))]
    if not variant.moves_fruit:
        apples = [tile for tile in layout.apples if tile != goal]
        return goal, apples, [tile for tile in layout.strawberries if tile != goal]
    others = [tile for tile in layout.free if tile != goal]
    drawn = [others[k] for k in rng.permutation(len(others))]
    first = len(layout.apples)
    return goal, drawn[:first], drawn[first : first + len(layout.strawberries)]


def _things(kinds: list[tuple[int, list[Tile]]]) -> np.ndarray:
    placed = [(column + 0.5, row + 0.5, kind, 1) for kind, tiles in kinds for row, column in tiles]
    return np.array(placed, THING)


def _starts(layout: Layout, distances: np.ndarray, far: bool) -> np.ndarray:
    """The layout's own places, else the floor; `far` from the goal, or as far as there is."""
    least = 1
    if layout.starts:
        allowed = np.zeros(distances.shape, bool)
        allowed[tuple(np.transpose(layout.starts))] = True
    else:
        allowed = np.ones(distances.shape, bool)
        if far:
            least = min(START_DISTANCE, int(distances.max()))
    return np.flatnonzero(allowed & (distances >= least)).astype(np.int32)
