"""A3C for real: the workers as processes, looked after by the one that started them.

It differs from the synchronous form, in which one learner takes a step for a batch of mazes:

- each worker has one maze, and a step is taken for each unroll of it, not for that of all mazes;
- the order of the steps is left to chance, so that the same seed does not give the same numbers;
- each gradient is clipped by itself; the position decoder learns as the agent does, by the shared
  RMSProp at the agent's rate, where the synchronous form gives it an Adam of its own;
- of the episodes that a worker ends from one point of the curve to the next, the last 64 count (RING);
- the first episodes are whole, so that workers that begin together end them together;
- a checkpoint holds parameters and mean squares as they are while others write. Episodes that were
  under way when a run was stopped are begun anew.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from maze import MazeError, Simulator
from minigrad.errors import CheckpointError, NotFiniteError
from tasks.config import UsageError
from tasks.navigation.decoder import PositionDecoder
from tasks.navigation.models import NavigationNet
from tasks.navigation.shared import MEASURES, RING, Shared, pieces
from tasks.navigation.worker import DIVERGED, FAILED, work

if TYPE_CHECKING:
    from tasks.navigation.navigation import Config

POLL = 0.02  # seconds between two looks at what the workers have done
PATIENCE = 10.0  # seconds that workers have to end by themselves
STILLBORN = 3  # in a row of one place, after which there is no use in another


class WorkerError(UsageError):
    """Workers that cannot go on, or end again and again before they have done anything."""


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Hold SIGINT back: a process that is started meanwhile never hears it, this one a moment later."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Fleet:
    """The workers, and what they share.

    Parameters
    ----------
    config : Config
    mazes : maze.Simulator
        Made as those of the workers are: a checkpoint of other mazes is refused.
    net, decoder
        Their parameters are those that the workers begin with; `take_over` brings back what became of them.
    updates : int
        After how many, of all together, the workers end.
    workers : int
    say : callable
        Is told of workers that died.

    Attributes
    ----------
    measured : int
        Updates that `take_measures` has told of so far.
    """

    def __init__(
        self,
        config: Config,
        mazes: Simulator,
        net: NavigationNet,
        decoder: PositionDecoder,
        updates: int,
        workers: int,
        say: Callable[[str], None],
    ):
        if multiprocessing.current_process().daemon:  # a worker of Dask, say
            raise WorkerError(
                "this process may start no others, as --method a3c does: take --method sync"
            )
        self.config, self.mazes, self.updates, self.say = config, mazes, updates, say
        self.own = [*net.parameters(), *decoder.linear.parameters()]
        self.shared = Shared(sum(p.size for p in self.own), workers)
        for p, theirs in zip(self.own, pieces(self.shared.parameters, self.own), strict=True):
            theirs[...] = p.data
        self.processes: list[Any] = []
        self.generations = [0] * workers
        self.measured = 0
        self._born_at = [0] * workers  # updates of a worker's place when its process began
        self._stillborn = [0] * workers
        self._episodes_read = np.zeros(workers, np.int64)
        self._sums_read = np.zeros(len(MEASURES))

    # -- processes ----------------------------------------------------------------------------------

    def wait(self, count: int) -> None:
        """Wait until so many updates were made; the first call starts the workers.

        Meanwhile those that have died are replaced; between two calls, as when figures are drawn, nobody is.

        Raises
        ------
        NotFiniteError
            Where a worker met a number that is not finite.
        WorkerError
            Where one cannot go on for another reason, or workers die as soon as they are started.
        """
        for index in range(len(self.processes), self.shared.workers):
            self.processes.append(self._start(index))
        while self.shared.updates < min(count, self.updates):
            self._look_after()
            time.sleep(POLL)

    def _start(self, index: int) -> Any:
        shared, generation = self.shared, self.generations[index]
        who = shared.name, shared.size, shared.workers, index, generation
        process = multiprocessing.get_context("spawn").Process(
            target=work,
            args=(self.config, *who, self.updates, os.getpid()),
            name=f"worker {index}",
            daemon=True,
        )
        with _deaf_to_ctrl_c():
            process.start()
        self._born_at[index] = int(shared.records["updates"][index])
        return process

    def _look_after(self) -> None:
        """Replace workers that have died."""
        for index, process in enumerate(self.processes):
            if process.exitcode is None or self.shared.updates >= self.updates:
                continue
            if process.exitcode in (FAILED, DIVERGED):
                message = self.shared.records["message"][index].decode(errors="replace")
                kind = NotFiniteError if process.exitcode == DIVERGED else WorkerError
                raise kind(f"worker {index} stopped: {message}")
            done = self.shared.records["updates"][index] > self._born_at[index]
            self._stillborn[index] = 0 if done else self._stillborn[index] + 1
            if self._stillborn[index] == STILLBORN:
                raise WorkerError(
                    f"worker {index} died {STILLBORN} times before its first update, the last time with "
                    f"exit code {process.exitcode}.{self._advice(process.exitcode)}"
                )
            self.say(
                f"worker {index} (process {process.pid}) died with exit code {process.exitcode}: "
                "another takes its place"
            )
            self.generations[index] += 1
            self.processes[index] = self._start(index)

    def _advice(self, exitcode: int) -> str:
        workers = self.shared.workers
        if exitcode >= 0:
            return " What it said stands above."
        if workers == 1:
            return " Was it killed for want of memory?"
        return f" Is there memory for {workers} workers? Try fewer: --workers {workers // 2}."

    def close(self) -> None:
        """End the workers and let go of the memory."""
        self.shared.stop[0] = 1
        until = time.monotonic() + PATIENCE
        try:
            for process in self.processes:
                process.join(max(until - time.monotonic(), 0))
        finally:  # also where Ctrl-C is pressed again meanwhile
            for process in self.processes:
                process.kill()
                process.join()
            self.shared.close(unlink=True)

    # -- what they have done ------------------------------------------------------------------------

    def take_over(self) -> None:
        """Copy the shared parameters into the network and the decoder."""
        for p, theirs in zip(self.own, pieces(self.shared.parameters, self.own), strict=True):
            p.data[...] = theirs

    def take_finished(self) -> list[tuple[float, int]]:
        """The score and the goals of each episode that has ended since the last call."""
        finished = []
        for index, record in enumerate(self.shared.records):
            count, read = int(record["episodes"]), int(self._episodes_read[index])
            for k in range(max(read, count - RING), count):
                score, goals = record["ring"][k % RING]
                finished.append((float(score), int(goals)))
            self._episodes_read[index] = count
        return finished

    def take_measures(self) -> dict[str, float]:
        """The means of the measurements since the last call; none where nothing was learned since."""
        sums, count = self.shared.records["sums"].sum(axis=0), self.shared.updates
        if count == self.measured:
            return {}
        means = (sums - self._sums_read) / (count - self.measured)
        self._sums_read, self.measured = sums, count
        return {name: float(m) for name, m in zip(MEASURES, means) if np.isfinite(m)}

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps.

        Raises
        ------
        NotFiniteError
            Where a parameter is not finite, so that the last good checkpoint stays.
        """
        updates = self.shared.updates
        parameters, squares = self.shared.parameters.copy(), self.shared.squares.copy()
        if not np.isfinite(parameters).all():
            raise NotFiniteError(
                "The parameters that the workers share are not finite. A new run with a lower --lr may do "
                "better."
            )
        mazes = self.mazes.making()
        return {"mazes": mazes, "updates": updates, "parameters": parameters, "squares": squares}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken; before the workers are started."""
        try:
            self.mazes.check_making(state["mazes"])
        except MazeError as error:
            raise CheckpointError(f"the checkpoint does not fit: {error}") from error
        self.shared.done[0] = self.measured = int(state["updates"])
        self.shared.parameters[...] = state["parameters"]
        self.shared.squares[...] = state["squares"]
