"""One worker of A3C: a maze and a network of its own, and what it learns is everybody's.

    again and again:  copy the shared parameters θ
                      act for T steps in the maze
                      compute the gradient g of the copy
                      s = α s + (1 - α) g²,   θ = θ - rate g / (√s + eps),   both shared, without a lock

While it computes, others change θ and s, so that its gradient is a little out of date, and two that
write at once may undo a part of each other's step. It learns nevertheless.

Source: V. Mnih et al., Asynchronous Methods for Deep Reinforcement Learning, 2016, algorithm S3.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import numpy as np

import maze
from minigrad.errors import MinigradError, NotFiniteError
from minigrad.kernels.rmsprop import rmsprop
from minigrad.kernels.threads import set_num_threads
from tasks.config import UsageError
from tasks.navigation.mazes import SEEDS_A_RUN, make_mazes
from tasks.navigation.rollout import Actor
from tasks.navigation.setup import build, make_learner
from tasks.navigation.shared import MEASURES, MESSAGE, RING, Shared, pieces
from tasks.navigation.train import share_left

if TYPE_CHECKING:
    from tasks.navigation.navigation import Config

FAILED, DIVERGED = 3, 4  # the exit codes of a worker that has left a message


def work(
    config: Config,
    name: str,
    size: int,
    workers: int,
    index: int,
    generation: int,
    updates: int,
    parent: int,
) -> None:
    """Act and learn until all have made so many `updates`, or are told to stop; a process's main function.

    Parameters
    ----------
    config : Config
    name, size, workers
        Of the shared memory.
    index, generation : int
        Which worker, and how many there were in its place before it.
    updates : int
    parent : int
        The process that started it: when that is gone, it ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    set_num_threads(1)
    maze.set_num_threads(1)
    try:
        shared = Shared(size, workers, name)
    except UsageError as error:
        sys.exit(f"worker {index}: {error}")  # there is no record to leave a message in
    try:
        worker = Worker(config, shared, index, generation, updates)
        while not shared.stop[0] and shared.updates < updates and os.getppid() == parent:
            worker.step()
    except (MinigradError, UsageError) as error:
        shared.records[index]["message"] = str(error).encode()[:MESSAGE]
        os._exit(DIVERGED if isinstance(error, NotFiniteError) else FAILED)


class Worker:
    """What a worker has, and one round of it."""

    def __init__(self, config: Config, shared: Shared, index: int, generation: int, updates: int):
        self.config, self.shared, self.updates = config, shared, updates
        self.record = shared.records[index : index + 1]
        # A resumed run begins its workers anew, but not the mazes and actions that they began with before.
        rng = np.random.default_rng([config.seed, index, generation, int(shared.done[0])])
        seed = config.seed * SEEDS_A_RUN + int(rng.integers(SEEDS_A_RUN))
        mazes = make_mazes(config, 1, seed)
        net, decoder = build(config, mazes, lambda _: rng)
        self.learner = make_learner(config, net, decoder, updates)
        self.actor = Actor(net, mazes, config.unroll, config.reward_scale, rng)
        self.own = [*net.parameters(), *decoder.linear.parameters()]
        self.parameters = pieces(shared.parameters, self.own)
        self.squares = pieces(shared.squares, self.own)

    def step(self) -> None:
        """Copy, act, learn, tell."""
        for p, theirs in zip(self.own, self.parameters, strict=True):
            p.data[...] = theirs
        unroll = self.actor.unroll()
        output, measures = self.learner.gradient(unroll)
        measures["position"] = self.learner.decoder.gradient(output.h, unroll.cells)
        config = self.config
        rate = config.lr * share_left(self.shared.updates, self.updates)
        how = config.alpha, rate, config.eps, config.eps_inside
        for p, x, s in zip(self.own, self.parameters, self.squares, strict=True):
            assert p.grad is not None  # all have a share in some loss
            rmsprop(x, p.grad, s, *how)
        self._tell(measures)

    def _tell(self, measures: dict[str, float]) -> None:
        record = self.record[0]
        for k, name in enumerate(MEASURES):
            record["sums"][k] += measures.get(name, np.nan)
        for episode in self.actor.take_finished():
            record["ring"][record["episodes"] % RING] = episode
            record["episodes"] += 1
        record["updates"] += 1
