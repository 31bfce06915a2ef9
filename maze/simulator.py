"""The simulator: a batch of mazes, stepped and drawn in one call."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from maze.camera import camera, checked_size
from maze.constants import ACTION_REPEAT, Action
from maze.episode import Draw, Episode
from maze.errors import EpisodeError, MazeError
from maze.kernels.batch import advance
from maze.kernels.records import AGENT, LOOK, THING
from maze.kernels.rules import start
from maze.kernels.threads import run_sliced
from maze.layout import Layout
from maze.textures import pictures, texels
from maze.variants import Variant, find

__all__ = ["Observation", "Simulator", "make"]

MOST = 65_536  # environments in a batch


class Observation(NamedTuple):
    """What N agents see and feel.

    Attributes
    ----------
    rgb : (N, h, w, 3) uint8, or (N, 3, h, w) with ``order="CHW"``
    depth : (N, h, w) float32
        Tiles, along the direction in which the agent looks.
    velocity : (N, 6) float32
        Forwards, to the right, up, in tiles a second; pitch, yaw to the right, roll, in radians a second.
    action : (N,) int64
        The last one; -1 where there was none in this episode.
    reward : (N,) float64
        What it brought.
    """

    rgb: np.ndarray
    depth: np.ndarray
    velocity: np.ndarray
    action: np.ndarray
    reward: np.ndarray


class Simulator:
    """A batch of `batch` mazes of a kind. `maze.make` makes it, and says what its arguments are.

    Attributes
    ----------
    variant : Variant
    batch : int
    size : (h, w)
    steps : int
        Actions of an episode.
    agents : (batch,) of `maze.kernels.records.AGENT`
        Position, speed, goals found, score, ...; by name, as in ``simulator.agents["x"]``.
    episodes : list of Episode
    rngs : list of numpy.random.Generator
        Each maze's own.
    """

    def __init__(
        self,
        variant: Variant,
        batch: int = 1,
        seed: int | None = 0,
        *,
        size: int | tuple[int, int] = (84, 84),
        order: str = "HWC",
        fruit: bool = True,
        frames: int | None = None,
        repeat: int = ACTION_REPEAT,
        ring: int = 4,
    ) -> None:
        if order not in ("HWC", "CHW"):
            raise MazeError(f'order={order!r}: an image is "HWC" (colours last) or "CHW" (first).')
        self.variant = variant
        self.batch = _whole("batch", batch, 1, MOST)
        self.size = checked_size(size)
        self.order = order
        self.repeat = _whole("repeat", repeat, 1, 1_000)
        self.frames = _whole("frames", variant.frames if frames is None else frames, 1, 10**9)
        self.steps = -(-self.frames // self.repeat)
        self.episodes: list[Episode] = []
        self._left = 0  # steps until the time of the first is up
        self.agents = np.zeros(self.batch, AGENT)
        self.rngs = [np.random.default_rng(s) for s in self._seeds(seed)]

        self._draw = Draw(variant, fruit)
        maze, free, things = self._draw.room
        self._walls = np.zeros((self.batch, *maze), np.uint8)
        self._distances = np.zeros((self.batch, *maze), np.int32)
        self._starts = np.zeros((self.batch, free), np.int32)
        self._things = np.zeros((self.batch, things), THING)

        columns, rows = camera(self.size)
        self._scenery = columns, rows, texels(), pictures(), order == "CHW"
        self._look = np.full(self.batch, LOOK)
        ring = _whole("ring", ring, 0, 1_000)
        self._ring = [self._empty_images() for _ in range(ring)]
        self._turn = 0

    # -- what one calls -----------------------------------------------------------------------------

    def reset(
        self, which: np.ndarray | None = None, seed: int | Sequence[int] | None = None
    ) -> Observation:
        """Begin new episodes, and return what all agents see.

        Parameters
        ----------
        which : (batch,) bool, optional
            Whose episodes; the others go on. Default: all.
        seed : int or sequence of int, optional
            Begin the mazes' random numbers anew: maze i from seed + i, or each from its own.

        Raises
        ------
        MazeError
            Where `which` is no such mask, or the others have no episode to go on with.
        """
        if seed is not None:
            self.rngs = [np.random.default_rng(s) for s in self._seeds(seed)]
        if which is None:
            chosen = range(self.batch)
        else:
            mask = np.asarray(which)
            if mask.shape != (self.batch,) or mask.dtype != bool:
                raise MazeError(
                    f"reset(which=...) takes a mask of {self.batch} bool; it was given an array of "
                    f"shape {mask.shape} and dtype {mask.dtype}."
                )
            if not self.episodes and not mask.all():
                raise EpisodeError("the first reset() begins the episodes of all mazes.")
            chosen = np.flatnonzero(mask)  # type: ignore[assignment]
        drawn = [self._draw(self.rngs[n]) for n in chosen]
        self.episodes = self.episodes or drawn.copy()
        for n, episode in zip(chosen, drawn):
            self._begin(n, episode)
        self._left = self._steps_left()
        return self._advance(self._look)

    def step(self, actions: np.ndarray) -> tuple[Observation, np.ndarray, np.ndarray]:
        """Let every agent act, for `repeat` frames.

        What is returned stays as it is for the `ring` - 1 next calls.

        Parameters
        ----------
        actions : (batch,) int
            See `maze.Action`.

        Returns
        -------
        observation : Observation
        reward : (batch,) float64
        over : (batch,) bool
            Whose time is up: call ``reset(over)`` before the next step. No state of the maze is terminal,
            so the value of what is seen is worth bootstrapping from.

        Raises
        ------
        MazeError
            Where these are not `batch` actions.
        EpisodeError
            Where there is no episode.
        """
        checked = self._checked(actions)
        if self._left <= 0:
            self._refuse()
        self._left -= 1
        observation = self._advance(checked)
        return observation, observation.reward, self.over

    @property
    def over(self) -> np.ndarray:
        """Whose time is up (batch,) bool."""
        if self._left > 0:
            return np.zeros(self.batch, bool)
        return self.agents["frame"] >= self.frames

    def info(self) -> dict[str, np.ndarray]:
        """Return the truth of the matter, as arrays with a leading axis `batch`.

        pose (x, y in tiles, angle in radians), tile and goal_tile (row, column), goals found in the
        episode, and distance, the tiles of the shortest path to the goal.
        """
        self._check_begun()
        agents = self.agents
        goal = self._things[:, 0]
        return {
            "pose": np.stack([agents["x"], agents["y"], agents["angle"]], 1),
            "tile": np.stack([agents["y"], agents["x"]], 1).astype(np.int64),
            "goal_tile": np.stack([goal["y"], goal["x"]], 1).astype(np.int64),
            "goals": agents["goals"].copy(),
            "distance": agents["distance"].copy(),
        }

    def things(self, n: int = 0) -> np.ndarray:
        """The things of maze `n` as they are, (M,) of `maze.kernels.records.THING`; the goal first."""
        self._check_begun()
        return self._things[n, : len(self.episodes[n].things)].copy()

    def look(self) -> Observation:
        """Return what all agents see, without a step: for when their records were changed by hand."""
        self._check_begun()
        return self._advance(self._look)

    # -- how it is done -----------------------------------------------------------------------------

    def _begin(self, n: int, episode: Episode) -> None:
        self.episodes[n] = episode
        self._walls[n], self._distances[n] = episode.walls, episode.distances
        self._starts[n, : len(episode.starts)] = episode.starts
        self._things[n] = np.zeros((), THING)
        self._things[n, : len(episode.things)] = episode.things
        agent = self.agents[n : n + 1]
        agent[:] = np.zeros((), AGENT)
        agent["starts"], agent["action"] = len(episode.starts), LOOK
        agent["random"] = self.rngs[n].integers(1, 2**63)
        start(self.agents[n], self._starts[n], self._walls.shape[2])

    def _advance(self, actions: np.ndarray) -> Observation:
        rgb, depth, velocity = images = self._next_images()
        world = self.agents, self._things, self._walls, self._distances, self._starts
        settings = actions, self.repeat, *self._scenery, *images
        if self.batch == 1:
            advance(*world, *settings, 0, 1)
        else:
            run_sliced(lambda first, last: advance(*world, *settings, first, last), self.batch)
        height, width = self.size
        shape = (height, width, 3) if self.order == "HWC" else (3, height, width)
        return Observation(
            rgb.reshape(self.batch, *shape),
            depth,
            velocity,
            self.agents["action"].copy(),
            self.agents["reward"].copy(),
        )

    def _next_images(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if not self._ring:
            return self._empty_images()
        self._turn = (self._turn + 1) % len(self._ring)
        return self._ring[self._turn]

    def _empty_images(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        height, width = self.size
        return (
            np.empty((self.batch, 3 * height * width), np.uint8),
            np.empty((self.batch, height, width), np.float32),
            np.empty((self.batch, 6), np.float32),
        )

    def _seeds(self, seed: Any) -> list[Any]:
        if seed is None:
            return [None] * self.batch
        seeds = [seed + i for i in range(self.batch)] if np.ndim(seed) == 0 else list(seed)
        whole = all(isinstance(s, (int, np.integer)) and s >= 0 for s in seeds)
        if len(seeds) != self.batch or not whole:
            raise MazeError(
                f"seed={seed!r}: give one whole number from 0 up (maze i then has seed + i), or one for "
                f"each of the {self.batch} mazes."
            )
        return seeds

    def _checked(self, actions: object) -> np.ndarray:
        given = np.asarray(actions)
        if given.shape != (self.batch,) or given.dtype.kind not in "iu":
            raise MazeError(
                f"step(actions) takes {self.batch} whole numbers, shape ({self.batch},); it was given "
                f"shape {given.shape} of {given.dtype}."
            )
        given = np.ascontiguousarray(given, np.int64)
        if given.view(np.uint64).max() >= len(Action):  # a negative one is huge then
            n = int(np.argmax((given < 0) | (given >= len(Action))))
            raise MazeError(
                f"actions[{n}] is {given[n]}; actions go from 0 to {len(Action) - 1}: "
                f"{', '.join(f'{a.value} {a.name.lower()}' for a in Action)}."
            )
        return given

    def _steps_left(self) -> int:
        """How many steps it is until the time of the first is up."""
        return -(-(self.frames - int(self.agents["frame"].max())) // self.repeat)

    def _check_begun(self) -> None:
        if not self.episodes:
            raise EpisodeError("there is no episode yet: call reset() first.")

    def _refuse(self) -> None:
        """Say why there can be no step."""
        self._check_begun()
        late = np.flatnonzero(self.over)
        raise EpisodeError(
            f"the time of maze {late[0]} is up"
            + (f", and of {len(late) - 1} more" if len(late) > 1 else "")
            + ": call reset(over) with the mask that step returned, and then go on."
        )


def make(
    name: str | Path | Layout | Variant, batch: int = 1, seed: int | None = 0, **options: Any
) -> Simulator:
    """Make a batch of mazes, all of a kind, to be stepped together.

    Parameters
    ----------
    name : str or Path or Layout
        One of `maze.names()`, such as "StaticSmall" or "static-small", a text file of your own
        (``*.txt``), or a layout (see `maze.layout`).
    batch : int
        How many mazes. All arrays have this as their first axis, also where it is 1.
    seed : int or sequence of int, optional
        Maze i is drawn from seed + i, whatever the batch, or from the i-th of a sequence. None: other
        random numbers each time.
    size : int or (int, int)
        Height and width of the images, in pixels.
    order : {"HWC", "CHW"}
        Where the colours stand in an image: last, or first.
    fruit : bool
        Dense rewards with fruit, or sparse ones without.
    frames : int, optional
        Of an episode, at 60 a second; default 3,600 or 10,800, as the maze is small or large.
    repeat : int
        Frames that an action lasts.
    ring : int
        Images are written into so many sets of arrays in turn; 0: into new ones each time, which costs
        more than the drawing where the batch is large.

    Raises
    ------
    MazeError
        Where something of that cannot be had.

    Examples
    --------
    >>> mazes = maze.make("StaticSmall", batch=16, seed=0)
    >>> seen = mazes.reset()
    >>> seen, reward, over = mazes.step(np.full(16, maze.Action.FORWARD))
    """
    return Simulator(find(name), batch, seed, **options)


def _whole(name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, (int, np.integer)) and least <= value <= most:
        return int(value)
    raise MazeError(f"{name}={value!r}: this takes a whole number from {least} to {most:,}.")
