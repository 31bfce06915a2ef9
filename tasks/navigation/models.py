"""What is trained: the network of the paper, of which each agent has the parts that its name says.

    x  picture        conv 16 8x8/4 - conv 32 4x4/2 - FC 256  =  f
    LSTM 64           reads f and the last reward
    LSTM 256          reads f, the LSTM below, velocity and last action  =  h
    policy, value     8 logits and 1 number, linear in h
    depth from f, h   FC 128 - 64 pixels x 8 bands (or 64 numbers, in regression)
    loop from h       FC 128 - 2 logits

`lstm` has the LSTM 256 alone, on f; for `ff`, h is f. ReLU stands behind each hidden layer.
Source: P. Mirowski et al., 2017, figure 8; V. Mnih et al., 2016 (the encoder).

How the encoder starts decides how fast and how surely agents learn. As layers are drawn by default, each
with its ReLU keeps a sixth of the mean square, and pictures from 0 to 1 bring mostly their mean: by place, a
unit of f varies by 0.01 only. With pictures about 0 and weights of `init.kaiming_uniform_` it varies by 0.1
(RESULTS.md tells what that is worth).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from layers import Conv2d, Flatten, Linear, LSTMCell, Module, ReLU, Sequential, init
from layers.functional import lstm
from minigrad import Tensor
from tasks.navigation.agents import Ingredients
from tasks.navigation.depth import BANDS, PIXELS

FEATURES, LOWER, UPPER, HIDDEN = 256, 64, 256, 128  # units: f, the two LSTMs, heads' hidden layers
ACTIONS, VELOCITIES = 8, 6

State = tuple[Any, ...]  # per LSTM its output and memory, each (N, units)


class Senses(NamedTuple):
    """What N agents perceive over T steps.

    Attributes
    ----------
    pixels : (T, N, channels, height, width) float32, -0.5 to 0.5
    velocity : (T, N, 6) float32, tiles and radians a second
    action : (T, N) int64
        The last one; -1 at the start of an episode.
    reward : (T, N) float32
        What it brought, scaled as in learning.
    first : (T, N) bool
        Whether an episode begins here: the memory is then empty.
    """

    pixels: np.ndarray
    velocity: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    first: np.ndarray


class NetOutput(NamedTuple):
    """What the network makes of it: f (T N, 256), h (T, N, 256), the 8 logits and value of each (T N, …)."""

    f: Tensor
    h: Tensor
    logits: Tensor
    value: Tensor
    state: State


class NavigationNet(Module):
    """The network of an agent.

    Parameters
    ----------
    parts : Ingredients
    rng : numpy.random.Generator
    side : int
        Of the pictures, in pixels.
    classify : bool
        Whether depth is told by bands (8 a pixel) or as a number.
    """

    def __init__(
        self,
        parts: Ingredients,
        rng: np.random.Generator,
        side: int = 84,
        classify: bool = True,
    ):
        self.parts, self.classify = parts, classify
        left = ((side - 8) // 4 + 1 - 4) // 2 + 1
        if left < 1:
            raise ValueError(f"pictures of {side} pixels are too small: the encoder needs 20.")
        self.encoder = Sequential(
            Conv2d(parts.channels, 16, 8, stride=4, rng=rng),
            ReLU(),
            Conv2d(16, 32, 4, stride=2, rng=rng),
            ReLU(),
            Flatten(),
            Linear(32 * left * left, FEATURES, rng=rng),
            ReLU(),
        )
        for parameter in self.encoder.parameters():
            if parameter.ndim > 1:
                init.kaiming_uniform_(parameter, rng)
            else:
                parameter.data[:] = 0
        if parts.lstms == 2:
            self.lower = LSTMCell(FEATURES + 1, LOWER, rng=rng)
        if parts.lstms:
            more = LOWER + VELOCITIES + ACTIONS if parts.lstms == 2 else 0
            self.upper = LSTMCell(FEATURES + more, UPPER, rng=rng)
        self.policy = Linear(UPPER, ACTIONS, rng=rng)
        self.value = Linear(UPPER, 1, rng=rng)
        outputs = PIXELS * (BANDS if classify else 1)
        if parts.depth_from_f:
            self.depth_from_f = _head(FEATURES, outputs, rng)
        if parts.depth_from_h:
            self.depth_from_h = _head(UPPER, outputs, rng)
        if parts.loop:
            self.loop = _head(UPPER, 2, rng)

    def empty(self, batch: int) -> State:
        """The memory of `batch` agents before their first step."""
        units = {0: (), 1: (UPPER,), 2: (LOWER, UPPER)}[self.parts.lstms]
        return tuple(np.zeros((batch, size), np.float32) for size in units for _ in range(2))

    def forward(self, seen: Senses, state: State) -> NetOutput:
        """Think about T steps of N agents, from the memory `state` on."""
        steps, batch = seen.first.shape
        f = self.encoder(seen.pixels.reshape(-1, *seen.pixels.shape[2:]))
        h, state = self._remember(f.reshape(steps, batch, FEATURES), seen, state)
        flat = h.reshape(-1, UPPER)
        return NetOutput(f, h, self.policy(flat), self.value(flat)[:, 0], state)

    def _remember(self, f: Tensor, seen: Senses, state: State) -> tuple[Tensor, State]:
        if self.parts.lstms == 0:
            return f, ()
        if self.parts.lstms == 1:
            return unrolled(self.upper, f, state, seen.first)
        rewarded = np.concatenate([f, seen.reward[:, :, None]], axis=2)
        below, lower = unrolled(self.lower, rewarded, state[:2], seen.first)
        acted = seen.action[:, :, None] == np.arange(ACTIONS)
        moved = np.concatenate([seen.velocity, acted], axis=2, dtype=np.float32)
        above, upper = unrolled(
            self.upper, np.concatenate([f, below, moved], axis=2), state[2:], seen.first
        )
        return above, (*lower, *upper)

    def depth_logits(self, output: NetOutput) -> dict[str, Tensor]:
        """What each depth head says: "d1", "d2" to (T N, 8, 64), or (T N, 64) in regression."""
        heads = {}
        if self.parts.depth_from_f:
            heads["d1"] = self.depth_from_f(output.f)
        if self.parts.depth_from_h:
            heads["d2"] = self.depth_from_h(output.h.reshape(-1, UPPER))
        if self.classify:
            heads = {name: out.reshape(-1, BANDS, PIXELS) for name, out in heads.items()}
        return heads

    def loop_logits(self, output: NetOutput) -> Tensor | None:
        """What the loop-closure head says, (T N, 2); None for an agent without."""
        return self.loop(output.h.reshape(-1, UPPER)) if self.parts.loop else None


def _head(features: int, outputs: int, rng: np.random.Generator) -> Sequential:
    return Sequential(Linear(features, HIDDEN, rng=rng), ReLU(), Linear(HIDDEN, outputs, rng=rng))


def unrolled(cell: Any, x: Any, state: State, first: np.ndarray) -> tuple[Tensor, State]:
    """Run an LSTM over a sequence, with an empty memory wherever an episode begins.

    Parameters
    ----------
    cell : LSTMCell
        Its weights.
    x : (T, N, features)
    state : (h, c), each (N, units)
    first : (T, N) bool
        Whose episode begins in which step.

    Returns
    -------
    h : (T, N, units)
    state : (h, c) after the last step
    """
    weights = cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh
    cuts = [0, *(np.flatnonzero(first[1:].any(axis=1)) + 1).tolist(), len(first)]
    outputs = []
    h, c = state
    for start, stop in pairwise(cuts):
        if first[start].any():
            going_on = ~first[start][:, None]
            h, c = h * going_on, c * going_on
        y, h, c = lstm(x if len(cuts) == 2 else x[start:stop], (h, c), *weights)
        outputs.append(y)
    return outputs[0] if len(outputs) == 1 else np.concatenate(outputs), (h, c)  # type: ignore[return-value]
