"""How a network acts: from what the maze shows to an action drawn from the policy.

`Player` is a player as the package maze has them, so that its rollouts and films serve for a trained
agent as they do for the oracle. `Forgetful` is the same agent, kept from remembering where the goal is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from layers.functional import softmax
from maze import Observation, Simulator
from minigrad import no_grad
from tasks.navigation.depth import nearness
from tasks.navigation.models import VELOCITIES, NavigationNet, NetOutput, Senses
from tasks.navigation.returns import clipped


class Decision(NamedTuple):
    """What N agents make of one step.

    Attributes
    ----------
    probabilities : (N, 8)
    values : (N,)
    output : NetOutput
        All that the network put out.
    """

    probabilities: np.ndarray
    values: np.ndarray
    output: NetOutput


class RecurrentPolicy:
    """The network of N agents, with what they remember.

    Parameters
    ----------
    net : NavigationNet
    batch : int
        N.
    """

    def __init__(self, net: NavigationNet, batch: int):
        self.net = net
        self.state = net.empty(batch)

    def step(self, seen: Senses) -> Decision:
        """Take in one step (T = 1) and remember it."""
        decision = self.peek(seen)
        self.state = tuple(part.data for part in decision.output.state)
        return decision

    def peek(self, seen: Senses) -> Decision:
        """Take in one step, and do not remember it."""
        with no_grad():
            output = self.net(seen, self.state)
            probabilities = softmax(output.logits, 1).data
        return Decision(probabilities, output.value.data, output)


def empty_senses(net: NavigationNet, steps: int, batch: int, size: tuple[int, int]) -> Senses:
    """Room for what `batch` agents perceive over so many steps."""
    return Senses(
        pixels=np.empty((steps, batch, net.parts.channels, *size), np.float32),
        velocity=np.empty((steps, batch, VELOCITIES), np.float32),
        action=np.empty((steps, batch), np.int64),
        reward=np.empty((steps, batch), np.float32),
        first=np.empty((steps, batch), bool),
    )


def one_step(senses: Senses, t: int) -> Senses:
    """Step t alone, as views."""
    return Senses(*(part[t : t + 1] for part in senses))


def perceive(
    senses: Senses, t: int, seen: Observation, first: np.ndarray, reward_scale: float
) -> None:
    """Write what the maze shows (colours first, ``order="CHW"``) into step t."""
    np.multiply(seen.rgb, np.float32(1 / 255), out=senses.pixels[t, :, :3], casting="unsafe")
    if senses.pixels.shape[2] == 4:
        senses.pixels[t, :, 3] = nearness(seen.depth)
    senses.pixels[t] -= np.float32(0.5)
    senses.velocity[t] = seen.velocity
    senses.action[t] = seen.action
    senses.reward[t] = clipped(seen.reward, reward_scale)
    senses.first[t] = first


def draw_actions(probabilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One action (N,) int64 of each row of probabilities (N, 8)."""
    thresholds = np.cumsum(probabilities, axis=1)
    chance = rng.random(len(thresholds))[:, None] * thresholds[:, -1:]
    return np.argmax(thresholds > chance, axis=1)


class Player:
    """A trained agent that plays in the mazes of a simulator (made with ``order="CHW"``).

    Parameters
    ----------
    net : NavigationNet
    rng : numpy.random.Generator
        Draws the actions.
    reward_scale : float
        As in training.

    Attributes
    ----------
    decision : Decision
        That of the last step, and `seen`, what it was about.
    """

    def __init__(self, net: NavigationNet, rng: np.random.Generator, reward_scale: float = 1.0):
        self.net, self.rng, self.reward_scale = net, rng, reward_scale
        self._policy: RecurrentPolicy | None = None

    def __call__(self, simulator: Simulator) -> np.ndarray:
        """Return actions (batch,)."""
        if self._policy is None:
            self._policy = RecurrentPolicy(self.net, simulator.batch)
            self._senses = empty_senses(self.net, 1, simulator.batch, simulator.size)
        self.seen = simulator.look()
        perceive(self._senses, 0, self.seen, self._emptied(simulator), self.reward_scale)
        self.decision = self._policy.step(self._senses)
        return draw_actions(self.decision.probabilities, self.rng)

    def _emptied(self, simulator: Simulator) -> np.ndarray:
        """Whose memory is emptied before this step, (batch,) bool."""
        return simulator.agents["frame"] == 0


class Forgetful(Player):
    """A player whose memory is emptied at each find of the goal, too: what remembering was worth is what it lacks."""

    _goals: np.ndarray | int = 0

    def _emptied(self, simulator: Simulator) -> np.ndarray:
        before, self._goals = self._goals, simulator.agents["goals"].copy()
        return super()._emptied(simulator) | (self._goals > before)
