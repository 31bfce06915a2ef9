"""The maze behind Gymnasium's interface: one environment, and a batch of them stepped natively."""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from maze.arguments import (
    MOST_REPEAT,
    checked_action,
    checked_actions,
    checked_flag,
    checked_mask,
    checked_seeds,
    whole,
)
from maze.constants import ACTION_REPEAT, FRAME_RATE, VELOCITY_BOUND, Action
from maze.errors import EpisodeError, MazeError
from maze.kernels.records import LOOK
from maze.simulator import Observation, Simulator, make
from maze.topdown import wide_view
from maze.world import MOST

__all__ = ["MazeEnv", "MazeVectorEnv"]

ENDLESS = 10**9  # frames: the time limit is Gymnasium's
MOST_REWARD = 1_000.0  # of one step, for Gymnasium's Box; none comes near
OPTIONS = ("size", "order", "fruit", "repeat")  # of `maze.make`, which an environment passes on


class MazeEnv(gymnasium.Env):
    """A maze seen from within: find the goal, and find it again, until the time is up.

    **Actions**, Discrete(8): see `maze.Action`. They last `repeat` frames of 1/60 second, have inertia,
    and slide along walls.

    **Observations**, Dict: ``rgb`` (84, 84, 3) uint8; ``depth`` (84, 84) float32, tiles along the
    direction in which one looks; ``velocity`` (6,) float32: forwards, to the right, up, in tiles a second,
    and pitch, yaw to the right, roll, in radians a second. With ``last=True`` also ``action`` (8 before
    the first) and ``reward``.

    **Rewards**: the goal +10, an apple +1, a strawberry +2. The goal brings one to another start and
    all fruit back. Nothing terminates an episode; its time limit, 900 or 2,700 steps, truncates it.

    **Info**: pose (x, y in tiles, angle), tile and goal_tile (row, column), goals found in this
    episode, and distance, the tiles of the shortest path to the goal.

    Parameters
    ----------
    maze : str or Path or Layout
        As `maze.make` takes it.
    render_mode : {None, "rgb_array"}
        Rendered is what the agent sees, large, beside the maze from above.
    last : bool
        Whether the last action and reward are part of the observation.
    **options
        ``size``, ``order``, ``fruit``, ``repeat`` of `maze.make`. With another `repeat` than 4, give
        ``max_episode_steps`` too.
    """

    metadata: dict[str, Any] = {
        "render_modes": ["rgb_array"],
        "render_fps": FRAME_RATE / ACTION_REPEAT,
    }

    def __init__(
        self,
        maze: Any = "StaticSmall",
        render_mode: str | None = None,
        last: bool = False,
        **options: Any,
    ) -> None:
        _check_options(options)
        self.simulator = make(maze, 1, None, ring=0, frames=ENDLESS, **options)
        self.metadata = _metadata(self.simulator)
        self.render_mode = _known(render_mode)
        self.last = checked_flag("last", last)
        self.observation_space = _observation_space(self.simulator, last)
        self.action_space = spaces.Discrete(len(Action))
        self._action = np.zeros(1, np.int64)
        self._begun = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Begin an episode, decided by the seed, or by those before."""
        super().reset(seed=seed)
        self.simulator.rngs[0] = self.np_random
        self._begun = True
        seen = self.simulator.reset()
        return self._observed(seen), self.simulator.info(0)

    def step(self, action: Any) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Act for one step; see `MazeEnv`.

        Raises
        ------
        MazeError
            Where that is no action.
        EpisodeError
            Before the first reset.
        """
        self._action[0] = checked_action(action)
        if not self._begun:
            raise EpisodeError("there is no episode yet: call reset() first.")
        seen = self.simulator.advance(self._action)
        return self._observed(seen), float(seen.reward[0]), False, False, self.simulator.info(0)

    def render(self) -> np.ndarray | None:  # type: ignore[override]
        """Return what the agent sees beside the maze from above, (h, w, 3) uint8."""
        return wide_view(self.simulator) if self.render_mode else None

    def _observed(self, seen: Observation) -> dict[str, np.ndarray]:
        observation = {"rgb": seen.rgb[0], "depth": seen.depth[0], "velocity": seen.velocity[0]}
        if self.last:
            action = seen.action[0]
            observation["action"] = np.int64(len(Action) if action == LOOK else action)
            observation["reward"] = seen.reward.astype(np.float32)
        return observation


class MazeVectorEnv(VectorEnv):
    """A batch of mazes behind Gymnasium's vector interface, stepped and drawn in one call.

    Maze i is what a `MazeEnv` with seed + i is. Spaces, rewards and info are those of `MazeEnv`, with a
    first axis of `num_envs`.

    Parameters
    ----------
    maze, render_mode, last, **options
        As in `MazeEnv`.
    num_envs : int
    max_episode_steps : int, optional
        `gymnasium.make_vec` gives it what is registered; None or -1: without an end.
    autoreset_mode : gymnasium.vector.AutoresetMode, or its value as a str
        NEXT_STEP, "NextStep" (default): the step after the last of an episode ignores the action and returns the
        first observation of the next, with reward 0. SAME_STEP, "SameStep": the last step returns
        that already, and its own observation and info as ``infos["final_obs"]`` and ``["final_info"]``.
        DISABLED, "Disabled": call ``reset(options={"reset_mask": truncated})``.
    copy : bool
        Write observations into new arrays every time. Else they go into a ring of arrays, in which each
        stays as it is for three more calls, and no memory is asked for.
    """

    def __init__(
        self,
        maze: Any = "StaticSmall",
        num_envs: int = 1,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        copy: bool = False,
        last: bool = False,
        **options: Any,
    ) -> None:
        _check_options(options)
        frames = ENDLESS
        if max_episode_steps not in (None, -1):
            repeat = whole("repeat", options.get("repeat", ACTION_REPEAT), 1, MOST_REPEAT)
            most = ENDLESS // repeat
            frames = repeat * whole("max_episode_steps", max_episode_steps, 1, most)
        self.autoreset_mode = _autoreset(autoreset_mode)
        drawn = 2 if self.autoreset_mode is AutoresetMode.SAME_STEP else 1  # in one call
        ring = 0 if checked_flag("copy", copy) else 4 * drawn
        self.num_envs = num_envs = whole("num_envs", num_envs, 1, MOST)
        self.simulator = make(maze, num_envs, None, ring=ring, frames=frames, **options)
        self.render_mode = _known(render_mode)
        self.last = checked_flag("last", last)
        self.metadata = _metadata(self.simulator) | {"autoreset_mode": self.autoreset_mode}
        self.single_observation_space = _observation_space(self.simulator, last)
        self.single_action_space = spaces.Discrete(len(Action))
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._over, self._everywhere = np.zeros(num_envs, bool), np.ones(num_envs, bool)
        self._everywhere.flags.writeable = False
        self._seeded = [-1] * num_envs

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]
        """The seed that each maze was last given; -1: none."""
        return tuple(self._seeded)

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """The random numbers of each maze."""
        return tuple(self.simulator.rngs)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Begin episodes: of all, or of those in ``options["reset_mask"]``.

        Of a sequence of seeds, a maze with None keeps its random numbers, and so do those that are not reset.
        """
        if not (options is None or isinstance(options, Mapping)):
            raise MazeError(
                f'options={options!r}: reset takes a dict, as in {{"reset_mask": truncated}}, or None.'
            )
        seeds, mask = self._seeds(seed), (options or {}).get("reset_mask")
        mask = np.ones(self.num_envs, bool) if mask is None else checked_mask(mask, self.num_envs)
        for n in np.flatnonzero(mask):
            if (one := seeds[n]) is not None:
                self.simulator.rngs[n] = np.random.default_rng(one)
                self._seeded[n] = int(one)
        seen = self.simulator.reset(mask)
        self._over = self._over & ~mask
        return self._observed(seen), self._infos(mask.copy())

    def _seeds(self, seed: Any) -> list[int | None]:
        if not isinstance(seed, Sequence) or all(one is not None for one in seed):
            return checked_seeds(seed, self.num_envs)
        checked_seeds([0 if one is None else one for one in seed], self.num_envs)
        return list(seed)

    def step(
        self, actions: Any
    ) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Act in all mazes; see `MazeVectorEnv` for what follows the end of an episode."""
        simulator, terminated = self.simulator, np.zeros(self.num_envs, bool)
        if self._over.any() and self.autoreset_mode is AutoresetMode.NEXT_STEP:
            given = np.array(actions)
            if given.shape == self._over.shape:
                given[self._over] = 0  # whatever they are, these are ignored
            actions = np.where(self._over, LOOK, checked_actions(given, self.num_envs))
            simulator.begin(np.flatnonzero(self._over))
            seen = simulator.advance(actions)
        else:
            seen, _, _ = simulator.step(actions)
        self._over = simulator.over
        if self._over.any() and self.autoreset_mode is AutoresetMode.SAME_STEP:
            return self._begin_at_once(seen)
        return self._observed(seen), seen.reward, terminated, self._over.copy(), self._infos()

    def _begin_at_once(self, seen: Observation) -> tuple:
        over, self._over = self._over, np.zeros(self.num_envs, bool)
        last_seen, last_infos = self._observed(seen), self._infos()
        final_obs = np.full(self.num_envs, None)
        for n in np.flatnonzero(over):
            final_obs[n] = {name: values[n].copy() for name, values in last_seen.items()}
        final_info = {n: over.copy() if n.startswith("_") else v for n, v in last_infos.items()}
        first = self._observed(self.simulator.reset(over))
        infos = {**self._infos(), "final_obs": final_obs, "_final_obs": over.copy()}
        infos |= {"final_info": final_info, "_final_info": over.copy()}
        return first, seen.reward, np.zeros(self.num_envs, bool), over, infos

    def render(self) -> tuple[np.ndarray, ...] | None:  # type: ignore[override]
        """Return, for each maze, what the agent sees beside the maze from above."""
        if not self.render_mode:
            return None
        return tuple(wide_view(self.simulator, n) for n in range(self.num_envs))

    def _observed(self, seen: Observation) -> dict[str, np.ndarray]:
        observation = {"rgb": seen.rgb, "depth": seen.depth, "velocity": seen.velocity}
        if self.last:
            observation["action"] = np.where(seen.action == LOOK, len(Action), seen.action)
            observation["reward"] = seen.reward.astype(np.float32)[:, None]
        return observation

    def _infos(self, told: np.ndarray | None = None) -> dict[str, Any]:
        """What is to know of all mazes, and by the names that begin with _ of which it was asked."""
        infos = self.simulator.info()
        told = self._everywhere if told is None else told
        return infos | {"_" + name: told for name in infos}


def _observation_space(simulator: Simulator, last: bool) -> spaces.Dict:
    height, width = simulator.size
    image = (height, width, 3) if simulator.order == "HWC" else (3, height, width)
    farthest = float(np.hypot(*simulator.maze_size))
    parts: dict[str, spaces.Space] = {
        "rgb": spaces.Box(0, 255, image, np.uint8),
        "depth": spaces.Box(0, farthest, (height, width), np.float32),
        "velocity": spaces.Box(-VELOCITY_BOUND, VELOCITY_BOUND, (6,), np.float32),
    }
    if last:
        parts["action"] = spaces.Discrete(len(Action) + 1)
        parts["reward"] = spaces.Box(0, MOST_REWARD, (1,), np.float32)
    return spaces.Dict(parts)


def _metadata(simulator: Simulator) -> dict[str, Any]:
    return MazeEnv.metadata | {"render_fps": FRAME_RATE / simulator.repeat}


def _check_options(options: dict[str, Any]) -> None:
    """What of `maze.make` belongs to Gymnasium, or is not there at all, is refused."""
    for name, value in options.items():
        if name not in OPTIONS:
            raise MazeError(
                f"{name}={value!r}: of maze.make's options an environment takes {', '.join(OPTIONS)}. How long "
                "an episode is, is said by max_episode_steps, how many mazes there are by make_vec's num_envs, "
                "a seed by reset."
            )


def _autoreset(mode: Any) -> AutoresetMode:
    try:
        return AutoresetMode(mode)
    except ValueError:
        values = ", ".join(repr(m.value) for m in AutoresetMode)
        raise MazeError(
            f"autoreset_mode={mode!r}: this takes an AutoresetMode or one of {values}."
        ) from None


def _known(render_mode: str | None) -> str | None:
    if render_mode not in (None, "rgb_array"):
        raise MazeError(f'render_mode={render_mode!r}: there is "rgb_array", or None for none.')
    return render_mode
