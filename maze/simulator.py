"""The simulator: a batch of mazes, stepped and drawn in one call."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from maze.arguments import checked_actions, checked_mask, checked_seeds, checked_size, whole
from maze.camera import camera
from maze.constants import ACTION_REPEAT
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
LINKED = (
    "_poses",
    "_goals",
    "_to_goal",
    "_actions",
    "_rewards",
    "_world",
    "_scenery",
    "_look",
    "_ring",
)


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
        What each maze's episode consists of; empty before the first reset.
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
        self.batch = whole("batch", batch, 1, MOST)
        self.size = checked_size(size)
        self.order = order
        self.repeat = whole("repeat", repeat, 1, 1_000)
        self.frames = whole("frames", variant.frames if frames is None else frames, 1, 10**9)
        self.steps = -(-self.frames // self.repeat)
        self.episodes: list[Episode] = []
        self._left = 0  # no step ends an episode before so many were made
        self.agents = np.zeros(self.batch, AGENT)
        self.rngs = [np.random.default_rng(s) for s in checked_seeds(seed, self.batch)]

        self._draw = Draw(variant, fruit)
        maze, free, things = self._draw.room
        self._walls = np.zeros((self.batch, *maze), np.uint8)
        self._distances = np.zeros((self.batch, *maze), np.int32)
        self._starts = np.zeros((self.batch, free), np.int32)
        self._things = np.zeros((self.batch, things), THING)

        self._goal_tiles = np.zeros((self.batch, 2), np.int64)
        #: States of the random numbers from which the episodes were drawn.
        self._origins: list[Any] = [None] * self.batch
        self._ring_size = whole("ring", ring, 0, 1_000)
        self._link()

    def _link(self) -> None:
        """Set up what is a view of the rest, or can be had again at any time."""
        # Parts of the agents' records, as they are needed each step.
        self._poses = self.agents.view(np.float64).reshape(self.batch, -1)[:, :3]  # x, y, angle
        self._goals, self._to_goal = self.agents["goals"], self.agents["distance"]
        self._actions, self._rewards = self.agents["action"], self.agents["reward"]
        self._world = self.agents, self._things, self._walls, self._distances, self._starts
        self._scenery = *camera(self.size), texels(), pictures(), self.order == "CHW"
        self._look = np.full(self.batch, LOOK)
        self._ring = [self._empty_images() for _ in range(self._ring_size)]
        self._turn = 0

    def __getstate__(self) -> dict[str, Any]:
        """What a copy, or a pickle, is made of: views would be arrays of their own in it."""
        return {name: value for name, value in self.__dict__.items() if name not in LINKED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._link()

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
            self.rngs = [np.random.default_rng(s) for s in checked_seeds(seed, self.batch)]
        if which is None:
            self.begin(range(self.batch))
        else:
            mask = checked_mask(which, self.batch)
            if not (self.episodes or mask.all()):
                raise EpisodeError("the first reset() begins the episodes of all mazes.")
            self.begin(np.flatnonzero(mask))
        return self.advance(self._look)

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
        checked = checked_actions(actions, self.batch)
        if self._left <= 0:
            self._check_time()
        observation = self.advance(checked)
        return observation, observation.reward, self.over

    @property
    def maze_size(self) -> tuple[int, int]:
        """Height and width of the mazes, in tiles."""
        height, width = self._walls.shape[1:]
        return height, width

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
        pose = self._poses.copy()
        return {
            "pose": pose,
            "tile": pose[:, 1::-1].astype(np.int64),
            "goal_tile": self._goal_tiles.copy(),
            "goals": self._goals.copy(),
            "distance": self._to_goal.copy(),
        }

    def things(self, n: int = 0) -> np.ndarray:
        """The things of maze `n` as they are, (M,) of `maze.kernels.records.THING`; the goal first."""
        self._check_begun()
        return self._things[n, : len(self.episodes[n].things)].copy()

    def look(self) -> Observation:
        """Return what all agents see, without a step: for when their records were changed by hand."""
        self._check_begun()
        return self.advance(self._look)

    def view(self, n: int = 0, size: int | tuple[int, int] = (252, 252)) -> np.ndarray:
        """Return what agent `n` sees as an image (h, w, 3) uint8 of another size."""
        self._check_begun()
        height, width = checked_size(size)
        rgb = np.empty((1, 3 * height * width), np.uint8)
        others = np.empty((1, height, width), np.float32), np.empty((1, 6), np.float32)
        world = [array[n : n + 1] for array in self._world]
        scenery = *camera((height, width)), texels(), pictures(), False
        advance(*world, self._look[:1], 1, *scenery, rgb, *others, 0, 1)
        return rgb.reshape(height, width, 3)

    # -- to stop and go on --------------------------------------------------------------------------

    def state(self) -> dict[str, np.ndarray]:
        """Return all that `load_state` needs to go on from here, as arrays of bytes."""
        self._check_begun()
        origins = json.dumps(self._origins).encode()
        return {
            "agents": self.agents.view(np.uint8).copy(),
            "things": self._things.view(np.uint8).copy(),
            "origins": np.frombuffer(origins, np.uint8).copy(),
        }

    def load_state(self, state: Mapping[str, np.ndarray]) -> Observation:
        """Go on from a `state()` of a simulator of the same making, and return what all agents see.

        Raises
        ------
        MazeError
            Where the state is of another maze or batch.
        """
        try:
            agents = np.asarray(state["agents"], np.uint8).view(AGENT).reshape(self.agents.shape)
            things = np.asarray(state["things"], np.uint8).view(THING).reshape(self._things.shape)
            origins = json.loads(np.asarray(state["origins"], np.uint8).tobytes())
        except (KeyError, ValueError) as error:
            raise MazeError(
                f"this state is not of {self.batch} mazes {self.variant.name}: {error}."
            ) from error
        for rng, origin in zip(self.rngs, origins, strict=True):
            rng.bit_generator.state = origin
        self.begin(range(self.batch))  # draws the same episodes again
        self.agents[...], self._things[...] = agents, things
        self._left = self._steps_left()
        return self.look()

    # -- what stands below, unchecked ---------------------------------------------------------------

    def begin(self, which: Iterable[int]) -> None:
        """Begin new episodes of the mazes `which`, and draw nothing yet."""
        for n in which:
            self._origins[n] = self.rngs[n].bit_generator.state
            self._put(n, self._draw(self.rngs[n]))
        self._left = self._steps_left()

    def advance(self, actions: np.ndarray) -> Observation:
        """Let the agents act, (batch,) int64, and draw; with LOOK (-1) an agent only looks."""
        if actions is not self._look:
            self._left -= 1
        rgb, depth, velocity = images = self._next_images()
        settings = actions, self.repeat, *self._scenery, *images
        if self.batch == 1:
            advance(*self._world, *settings, 0, 1)
        else:
            run_sliced(
                lambda first, last: advance(*self._world, *settings, first, last), self.batch
            )
        height, width = self.size
        shape = (height, width, 3) if self.order == "HWC" else (3, height, width)
        return Observation(
            rgb.reshape(self.batch, *shape),
            depth,
            velocity,
            self._actions.copy(),
            self._rewards.copy(),
        )

    def _put(self, n: int, episode: Episode) -> None:
        self.episodes[n : n + 1] = [episode]  # the first reset adds them one after the other
        self._walls[n], self._distances[n] = episode.walls, episode.distances
        self._starts[n, : len(episode.starts)] = episode.starts
        self._things[n] = np.zeros((), THING)
        self._things[n, : len(episode.things)] = episode.things
        self._goal_tiles[n] = episode.goal
        agent = self.agents[n : n + 1]
        agent[:] = np.zeros((), AGENT)
        agent["starts"], agent["action"] = len(episode.starts), LOOK
        agent["random"] = self.rngs[n].integers(1, 2**63)
        start(self.agents[n], self._starts[n], self._walls.shape[2])

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

    def _steps_left(self) -> int:
        """How many steps it is until the time of the first is up."""
        return -(-(self.frames - int(self.agents["frame"].max())) // self.repeat)

    def _check_begun(self) -> None:
        if not self.episodes:
            raise EpisodeError("there is no episode yet: call reset() first.")

    def _check_time(self) -> None:
        self._check_begun()
        self._left = self._steps_left()
        if self._left > 0:
            return
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
