"""The unrolls that are learned from: N mazes, T steps at a time, and the state that goes on between them.

In the first round the episodes of the mazes are cut short, each at another time, so that the batch
always holds beginnings, middles and ends. (What a cut episode scored is not counted.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from maze import MazeError, Simulator
from maze.constants import FRAME
from minigrad.errors import CheckpointError
from tasks.navigation import depth
from tasks.navigation.acting import RecurrentPolicy, draw_actions, empty_senses, one_step, perceive
from tasks.navigation.decoder import cells
from tasks.navigation.loop_closure import LoopClosure
from tasks.navigation.models import NavigationNet, Senses, State
from tasks.navigation.returns import clipped


@dataclass
class Unroll:
    """T steps of N agents.

    Attributes
    ----------
    senses : Senses
    state : State
        The memory before the first step.
    actions, rewards, ended, final_values : (T, N)
        See `returns`; rewards are scaled.
    bootstrap : (N,) float32
        The value of what is seen after the last step.
    depths : (T, N, 64) float32
        The coarse depths in tiles.
    loops : (T, N) int64
        The labels of loop closure.
    cells : (T, N) int64
        Where the agents are, for the position decoder.
    """

    senses: Senses
    state: State
    actions: np.ndarray
    rewards: np.ndarray
    ended: np.ndarray
    final_values: np.ndarray
    bootstrap: np.ndarray
    depths: np.ndarray
    loops: np.ndarray
    cells: np.ndarray


class Actor:
    """Acts in the mazes of a simulator and hands out unrolls.

    Parameters
    ----------
    net : NavigationNet
    simulator : maze.Simulator
        Made with ``order="CHW"``.
    steps : int
        T.
    reward_scale : float
    rng : numpy.random.Generator
        Draws the actions.

    Attributes
    ----------
    finished : list of (score, goals)
        Of the episodes that came to their end since `take_finished` was called last.
    """

    def __init__(
        self,
        net: NavigationNet,
        simulator: Simulator,
        steps: int,
        reward_scale: float,
        rng: np.random.Generator,
    ):
        batch = simulator.batch
        self.policy, self.simulator, self.rng = RecurrentPolicy(net, batch), simulator, rng
        self.reward_scale = reward_scale
        self.loop = LoopClosure(batch, simulator.steps, simulator.repeat * FRAME)
        self.left = np.maximum(simulator.steps * (np.arange(batch) + 1) // batch, 1)
        self.whole = self.left == simulator.steps  # whose episode is not a cut one
        self.first = np.ones(batch, bool)
        self.finished: list[tuple[float, int]] = []
        self._seen = simulator.reset()
        self._after = empty_senses(net, 1, batch, simulator.size)
        shape = steps, batch
        self._unroll = Unroll(
            senses=empty_senses(net, steps, batch, simulator.size),
            state=(),
            actions=np.empty(shape, np.int64),
            rewards=np.empty(shape, np.float32),
            ended=np.empty(shape, bool),
            final_values=np.zeros(shape, np.float32),
            bootstrap=np.empty(batch, np.float32),
            depths=np.empty((*shape, depth.PIXELS), np.float32),
            loops=np.empty(shape, np.int64),
            cells=np.empty(shape, np.int64),
        )

    def unroll(self) -> Unroll:
        """Act for T steps. What is returned is written over by the next call."""
        unroll = self._unroll
        unroll.state = self.policy.state
        with np.errstate(all="ignore"):  # what is not finite is found and named by the learner
            for t in range(len(unroll.actions)):
                self._step(unroll, t)
            unroll.bootstrap[...] = self._value_of_what_is_seen()
        return unroll

    def _step(self, unroll: Unroll, t: int) -> None:
        simulator, seen = self.simulator, self._seen
        perceive(unroll.senses, t, seen, self.first, self.reward_scale)
        unroll.depths[t] = depth.coarse(seen.depth).reshape(simulator.batch, -1)
        self.loop.begin(self.first)
        unroll.loops[t] = self.loop.step(seen.velocity)
        unroll.cells[t] = cells(simulator)

        decision = self.policy.step(one_step(unroll.senses, t))
        unroll.actions[t] = draw_actions(decision.probabilities, self.rng)
        goals = simulator.agents["goals"].copy()
        self._seen, rewards, _ = simulator.step(unroll.actions[t])
        unroll.rewards[t] = clipped(rewards, self.reward_scale)
        self.loop.begin(simulator.agents["goals"] > goals)

        self.left -= 1
        unroll.ended[t] = self.first = self.left == 0
        if self.first.any():
            unroll.final_values[t] = self._value_of_what_is_seen(going_on=True)
            self._begin(self.first)

    def _begin(self, which: np.ndarray) -> None:
        """Count the episodes that have ended, and begin others."""
        for n in np.flatnonzero(which & self.whole):
            agent = self.simulator.agents[n]
            self.finished.append((float(agent["score"]), int(agent["goals"])))
        self.left[which], self.whole[which] = self.simulator.steps, True
        self._seen = self.simulator.reset(which)

    def _value_of_what_is_seen(self, going_on: bool = False) -> np.ndarray:
        first = np.zeros_like(self.first) if going_on else self.first
        perceive(self._after, 0, self._seen, first, self.reward_scale)
        return self.policy.peek(self._after).values

    def take_finished(self) -> list[tuple[float, int]]:
        """The score and the goals of each episode that has ended since the last call."""
        finished, self.finished = self.finished, []
        return finished

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "simulator": self.simulator.state(),
            "memory": list(self.policy.state),
            "loop": self.loop.state_dict(),
            "left": self.left.copy(),
            "whole": self.whole.copy(),
            "first": self.first.copy(),
            "finished": [list(episode) for episode in self.finished],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        try:
            self.simulator.load_state(state["simulator"])
        except MazeError as error:
            raise CheckpointError(f"the checkpoint does not fit: {error}") from error
        self._seen = self.simulator.look()
        self.policy.state = tuple(state["memory"])
        self.loop.load_state_dict(state["loop"])
        self.left, self.whole, self.first = state["left"], state["whole"], state["first"]
        self.finished = [(score, goals) for score, goals in state["finished"]]
