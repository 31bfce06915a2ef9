"""The state of a batch of mazes: agents, things, walls and random numbers; without a picture of it."""

import copy
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from maze.arguments import MOST_REPEAT, checked_flag, checked_seeds, whole
from maze.constants import ACTION_REPEAT
from maze.episode import Episode, EpisodeSampler
from maze.errors import EpisodeError, MazeError
from maze.kernels.records import AGENT, LOOK, STRAWBERRY, THING
from maze.kernels.rules import start
from maze.variants import Variant

__all__ = ["World", "check_agents"]

MOST = 65_536  # environments in a batch


class World:
    """`batch` mazes of a kind and their episodes; what a `Simulator` steps and draws.

    Attributes
    ----------
    variant : Variant
    batch : int
    repeat : int
        Frames that an action lasts.
    frames, steps : int
        Frames, and actions, of an episode.
    agents : (batch,) of `maze.kernels.records.AGENT`
        Position, speed, goals found, score, ...; by name, as in ``agents["x"]``.
    episodes : list of Episode
        What each maze's episode consists of; empty before the first reset.
    rngs : list of numpy.random.Generator
        Each maze's own.
    """

    #: What is a view of the rest, or can be had again: made by `_link`, and no part of a copy.
    LINKED = {"_poses", "_goals", "_to_goal", "_actions", "_rewards", "_arrays"}

    def __init__(
        self,
        variant: Variant,
        batch: int = 1,
        seed: int | Sequence[int] | None = 0,
        fruit: bool = True,
        frames: int | None = None,
        repeat: int = ACTION_REPEAT,
    ) -> None:
        self.variant = variant
        self.batch = whole("batch", batch, 1, MOST)
        self.repeat = whole("repeat", repeat, 1, MOST_REPEAT)
        self.frames = whole("frames", variant.frames if frames is None else frames, 1, 10**9)
        self.steps = -(-self.frames // self.repeat)
        self.agents = np.zeros(self.batch, AGENT)
        self.episodes: list[Episode] = []
        self.rngs = [np.random.default_rng(s) for s in checked_seeds(seed, self.batch)]

        self._draw = EpisodeSampler(variant, checked_flag("fruit", fruit))
        maze, free, things = self._draw.room
        self._walls = np.zeros((self.batch, *maze), np.uint8)
        self._distances = np.zeros((self.batch, *maze), np.int32)
        self._starts = np.zeros((self.batch, free), np.int32)
        self._things = np.zeros((self.batch, things), THING)
        self._goal_tiles = np.zeros((self.batch, 2), np.int64)
        self._left = 0  # no step ends an episode before so many were made
        #: States of the random numbers from which the episodes were drawn.
        self._origins: list[Any] = [None] * self.batch
        self._link()

    def _link(self) -> None:
        # Parts of the agents' records, as they are needed each step.
        self._poses = self.agents.view(np.float64).reshape(self.batch, -1)[:, :3]  # x, y, angle
        self._goals, self._to_goal = self.agents["goals"], self.agents["distance"]
        self._actions, self._rewards = self.agents["action"], self.agents["reward"]
        self._arrays = self.agents, self._things, self._walls, self._distances, self._starts

    def __getstate__(self) -> dict[str, Any]:
        """What a copy, or a pickle, is made of: views would be arrays of their own in it."""
        return {name: value for name, value in self.__dict__.items() if name not in self.LINKED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._link()

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

    def info(self, n: int | slice = slice(None)) -> dict[str, Any]:
        """Return the truth of the matter: of all mazes, as arrays with a leading axis `batch`, or of maze `n`.

        pose (x, y in tiles, angle in radians), tile and goal_tile (row, column), goals found in the
        episode, and distance, the tiles of the shortest path to the goal.
        """
        self._check_begun()
        if not isinstance(n, slice):
            n = self._checked_index(n)
        pose = self._poses[n].copy()
        return {
            "pose": pose,
            "tile": pose[..., 1::-1].astype(np.int64),
            "goal_tile": self._goal_tiles[n].copy(),
            "goals": self._goals[n].copy(),
            "distance": self._to_goal[n].copy(),
        }

    def things(self, n: int = 0) -> np.ndarray:
        """The things of maze `n` as they are, (M,) of `maze.kernels.records.THING`; the goal first."""
        n = self._checked_index(n)
        return self._things[n, : len(self.episodes[n].things)].copy()

    def begin(self, which: Iterable[int]) -> None:
        """Begin new episodes of the mazes `which`, without looking at them yet."""
        for n in which:
            self._origins[n] = self.rngs[n].bit_generator.state
            self._put(n, self._draw(self.rngs[n]))
        self._left = self._steps_left()

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

    def state(self) -> dict[str, np.ndarray]:
        """Return all that `load_state` needs to go on from here, as arrays of bytes."""
        self._check_begun()
        return {
            "making": self.making(),
            "agents": self.agents.view(np.uint8).copy(),
            "things": self._things.view(np.uint8).copy(),
            "origins": _as_bytes(self._origins),
        }

    def making(self) -> np.ndarray:
        """Return what these mazes are made of, as bytes, for `check_making` of others."""
        return _as_bytes(self._making())

    def check_making(self, theirs: np.ndarray) -> None:
        """See that a `making()` is that of these mazes.

        Raises
        ------
        MazeError
            Where it is not; with what differs.
        """
        made = _from_bytes(theirs)
        if not isinstance(made, dict):
            raise MazeError(f"this state is of no mazes: what they are made of is {made!r} in it.")
        different = _difference(made, self._making())
        if different:
            raise MazeError(f"this state is of other mazes: {different}.")

    def _making(self) -> dict[str, Any]:
        """All that decides which episodes are drawn from a random number; a name does not."""
        layout = self._draw.layout
        return {
            "batch": self.batch,
            "layout": zlib.crc32(str(layout).encode()) if layout else list(self.maze_size),
            "moves_goal": self.variant.moves_goal,
            "moves_fruit": self.variant.moves_fruit,
            "fruit": self._draw.fruit,
            "frames": self.frames,
            "repeat": self.repeat,
        }

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a `state()` of a simulator of the same making; `look()` shows it.

        Raises
        ------
        MazeError
            Where the state is of another maze or batch, with what differs, or is damaged. These mazes
            then go on as they were.
        """
        rngs = copy.deepcopy(self.rngs)
        try:
            self.check_making(state["making"])
            agents = np.asarray(state["agents"], np.uint8).view(AGENT).reshape(self.agents.shape)
            things = np.asarray(state["things"], np.uint8).view(THING).reshape(self._things.shape)
            origins = _from_bytes(state["origins"])
            for rng, origin in zip(rngs, origins, strict=True):
                rng.bit_generator.state = origin
        except MazeError:
            raise
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise MazeError(
                f"this state is not of these {self.batch} mazes {self.variant.name}: {error}."
            ) from error
        episodes = [self._draw(rng) for rng in rngs]  # the same again
        check_agents(agents, episodes)
        _check_things(things, self.maze_size)
        self._origins = origins
        for n, (rng, episode) in enumerate(zip(rngs, episodes, strict=True)):
            self.rngs[n].bit_generator.state = rng.bit_generator.state
            self._put(n, episode)
        self.agents[...], self._things[...] = agents, things
        self._left = self._steps_left()

    def _steps_left(self) -> int:
        """How many steps it is until the time of the first is up."""
        return -(-(self.frames - int(self.agents["frame"].max())) // self.repeat)

    def _checked_index(self, n: int) -> int:
        self._check_begun()
        return whole("n", n, 0, self.batch - 1)

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
            + ": begin their next episodes by reset(over), with the mask that step returned; of Gymnasium's "
            'vector environment, by reset(options={"reset_mask": truncated}).'
        )


def check_agents(agents: np.ndarray, episodes: Sequence[Episode]) -> None:
    """See that records of AGENT, changed by hand or read, are such that the kernels stay inside their arrays."""
    walls = np.stack([episode.walls for episode in episodes])
    height, width = walls.shape[1:]
    x, y, starts = agents["x"], agents["y"], agents["starts"]
    inside = (0 <= x) & (x < width) & (0 <= y) & (y < height)
    row, column = (np.where(inside, w, 0).astype(int) for w in (y, x))  # (0, 0) is a wall
    for n in np.flatnonzero(walls[np.arange(len(agents)), row, column]):
        raise MazeError(
            f"the agent of maze {n} of the batch is at x={x[n]}, y={y[n]}, where there is no floor: put it on "
            f"a tile of episodes[{n}].layout.free, as in x = column + 0.5, y = row + 0.5."
        )
    for name in ("angle", "speed_x", "speed_y", "turn"):
        for n in np.flatnonzero(~np.isfinite(agents[name])):
            raise MazeError(
                f"the agent of maze {n} of the batch has {name}={agents[name][n]}: give it a finite number."
            )
    most = np.array([len(episode.starts) for episode in episodes])
    for n in np.flatnonzero((starts < 1) | (starts > most)):
        raise MazeError(
            f"the agent of maze {n} of the batch has starts={starts[n]}: it has from 1 to {most[n]} places to "
            "start from."
        )


def _check_things(things: np.ndarray, maze_size: tuple[int, int]) -> None:
    """The same of records of THING, (batch, M)."""
    height, width = maze_size
    inside = (0 <= things["x"]) & (things["x"] < width) & (0 <= things["y"])
    inside &= things["y"] < height
    known = (0 <= things["kind"]) & (things["kind"] <= STRAWBERRY)
    for n, k in np.argwhere(~(inside & known)):
        raise MazeError(f"thing {k} of maze {n} of the batch is {things[n, k]}, which is none.")


def _difference(theirs: dict[str, Any], ours: dict[str, Any]) -> str:
    """What two makings differ in; a layout's number tells a reader nothing."""
    return "; ".join(
        "another layout"
        if name == "layout"
        else f"{name} {theirs.get(name)} there, {ours[name]} here"
        for name in ours
        if theirs.get(name) != ours[name]
    )


def _as_bytes(value: Any) -> np.ndarray:
    return np.frombuffer(json.dumps(value).encode(), np.uint8).copy()


def _from_bytes(array: np.ndarray) -> Any:
    return json.loads(np.asarray(array, np.uint8).tobytes())
