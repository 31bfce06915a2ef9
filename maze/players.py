"""Two players that give scores a scale: one that knows the way, and one that knows nothing.

A player is called with a simulator and returns an action for each of its mazes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from maze.arguments import whole
from maze.constants import FRAME, TURN_TIME, Action
from maze.errors import MazeError
from maze.paths import STEPS
from maze.simulator import Simulator

__all__ = ["PLAYERS", "Oracle", "Player", "RandomPlayer", "Rollout", "find_player", "rollout"]

Player = Callable[[Simulator], np.ndarray]

MOST_SEED = 2**63 - 1
ASIDE = 0.2  # tiles beside the middle of its way, from which on the oracle first comes back to it
STRAIGHT, OBLIQUE = (
    0.2,
    0.9,
)  # radians off its way, up to which the oracle goes straight, or turns in walking


class RandomPlayer:
    """Acts by chance: each action as likely as the others."""

    def __init__(self, seed: int = 0) -> None:
        # Not by `seed` alone, which gives the numbers that a maze of that seed is drawn from.
        self.rng = np.random.default_rng([whole("seed", seed, 0, MOST_SEED), 1])

    def __call__(self, simulator: Simulator) -> np.ndarray:
        """Return actions (batch,)."""
        return self.rng.integers(0, len(Action), simulator.batch)


class Oracle:
    """Knows the maze and the goal, and takes the shortest way; fruit it eats where it lies on it."""

    def __call__(self, simulator: Simulator) -> np.ndarray:
        """Return actions (batch,)."""
        return np.array([self._act(simulator, n) for n in range(simulator.batch)])

    def _act(self, simulator: Simulator, n: int) -> Action:
        agent = simulator.agents[n]
        x, y = float(agent["x"]), float(agent["y"])
        to_x, to_y = self._aim(simulator.episodes[n].distances, x, y)
        # What it turns on by itself counts already.
        heading = float(agent["angle"]) + float(agent["turn"]) * TURN_TIME
        off = (math.atan2(to_y - y, to_x - x) - heading + math.pi) % (2 * math.pi) - math.pi
        if abs(off) < STRAIGHT:
            return Action.FORWARD
        if abs(off) < OBLIQUE:
            return Action.FORWARD_TURN_RIGHT if off > 0 else Action.FORWARD_TURN_LEFT
        return Action.TURN_RIGHT if off > 0 else Action.TURN_LEFT

    def _aim(self, distances: np.ndarray, x: float, y: float) -> tuple[float, float]:
        """The point (x, y) to make for: where the way from here turns next, or the next tile."""
        row, column = int(y), int(x)
        down, right = direction = self._ways(distances, row, column)[0]
        aside = abs(x - column - 0.5) if down else abs(y - row - 0.5)
        if aside > ASIDE:  # it would hang on a corner of the way's walls
            return column + 0.5 + right, row + 0.5 + down
        while direction in self._ways(distances, row, column) and any(direction):
            row, column = row + down, column + right
        return column + 0.5, row + 0.5

    def _ways(self, distances: np.ndarray, row: int, column: int) -> list[tuple[int, int]]:
        """The steps that lead nearer to the goal; at the goal, to stay."""
        here = distances[row, column]
        if here == 0:
            return [(0, 0)]
        return [(v, h) for v, h in STEPS if distances[row + v, column + h] == here - 1]


#: How each is made from a seed.
PLAYERS: dict[str, Callable[[int], Player]] = {
    "oracle": lambda seed: Oracle(),  # it leaves nothing to chance
    "random": RandomPlayer,
}


def find_player(name: str, seed: int = 0) -> Player:
    """Return the player of that name.

    Raises
    ------
    MazeError
        Where there is none, or the seed is none.
    """
    if name not in PLAYERS:
        raise MazeError(f"there is no player {name!r}; there are {' and '.join(PLAYERS)}.")
    return PLAYERS[name](seed)


@dataclass
class Rollout:
    """One episode in each of N mazes, T steps long.

    Attributes
    ----------
    poses : (T, N, 3) float64
        x, y in tiles and the angle in radians, after each step.
    rewards : (T, N) float64
    found : (T, N) bool
        In which step the goal was found.
    seconds : float
        Of game time a step takes.
    """

    poses: np.ndarray
    rewards: np.ndarray
    found: np.ndarray
    seconds: float

    @property
    def scores(self) -> np.ndarray:
        """Rewards of each episode (N,)."""
        return self.rewards.sum(axis=0)

    @property
    def score_error(self) -> float:
        """The standard error of the mean score; 0 of a single episode."""
        scores = self.scores
        return float(scores.std(ddof=1) / math.sqrt(scores.size)) if scores.size > 1 else 0.0

    def waits(self) -> list[np.ndarray]:
        """Of the first goal of an episode, the second, …: the seconds to it, in each episode that had it."""
        times = [(np.flatnonzero(found) + 1) * self.seconds for found in self.found.T]
        waits = [np.diff(t, prepend=0.0) for t in times]
        most = max(map(len, waits))
        return [np.array([w[k] for w in waits if len(w) > k]) for k in range(most)]

    def latencies(self) -> tuple[np.ndarray, np.ndarray]:
        """Seconds to the first goal of each episode that had one, and from each goal to the next."""
        waits, none = self.waits(), np.empty(0)
        return np.concatenate([none, *waits[:1]]), np.concatenate([none, *waits[1:]])


def rollout(simulator: Simulator, player: Player) -> Rollout:
    """Begin new episodes and let a player play them to their end."""
    simulator.reset()
    history = []
    goals = simulator.agents["goals"].copy()
    for _ in range(simulator.steps):
        _, reward, _ = simulator.step(player(simulator))
        info = simulator.info()
        history.append((info["pose"], reward, info["goals"] > goals))
        goals = info["goals"]
    poses, rewards, found = (np.array(part) for part in zip(*history))
    return Rollout(poses, rewards, found, simulator.repeat * FRAME)
