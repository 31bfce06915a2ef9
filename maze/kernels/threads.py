"""How many threads draw a batch, decided in one place.

Kernels run without the GIL on slices of the batch, in Python threads of our own. Numba's own parallel
loops are not used: one of its thread layers dies after a fork, the other under several Python threads.
What a batch takes is little more than to hand out half of it, so a thread that has done its part stays
awake for a moment (spinning.py), and is kept off its caller's core (cores.py).
"""

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import numpy as np

from maze.kernels.cores import NOWHERE, current_core, keep_off
from maze.kernels.spinning import spin

__all__ = ["get_num_threads", "run_sliced", "set_num_threads"]

AWAKE = 3000  # turns, some 100 µs: so long a thread without work stays ready before it sleeps
HANDING = 100  # turns, some 4 µs: what a caller takes from handing work out to leaving the GIL


class _Team:
    """Threads that wait for slices. All but the caller's start at the first call that needs them."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.lock = threading.Lock()
        self.stopped = False
        self.tasks: SimpleQueue[Any] | None = None
        self.given = np.zeros(1, np.int64)  # how many tasks there have been
        self.helpers: list[int] = []  # native ids
        self.core = NOWHERE  # that of the last caller, which the helpers are kept off

    def hand_out(self, tasks: list[tuple[Any, ...]]) -> bool:
        """Give each helper a task; False where there are no helpers, and will be none."""
        with self.lock:  # so that none is given to threads that have just been told to end
            if self.stopped or not self._started():
                return False
            core = current_core()
            if core != self.core:
                self.core = core
                keep_off(core, self.helpers)
            for task in tasks:
                self.tasks.put(task)  # type: ignore[union-attr]
            self.given[0] += len(tasks)
            return True

    def _started(self) -> bool:
        if self.tasks is None:
            self.tasks = SimpleQueue()
            for k in range(1, self.size):
                thread = threading.Thread(
                    target=_work, args=(self, self.tasks), name=f"maze_{k}", daemon=True
                )
                try:
                    thread.start()
                except RuntimeError:  # there are too many, or Python is about to end
                    self._end()
                    return False
                self.helpers.append(thread.native_id or 0)
        return True

    def stop(self) -> None:
        """Let the threads end when they have done what they were given."""
        with self.lock:
            self.stopped = True
            self._end()

    def _end(self) -> None:
        for _ in self.helpers:
            self.tasks.put(None)  # type: ignore[union-attr]
        self.tasks, self.helpers = None, []


def set_num_threads(n: int) -> None:
    """Let batches be stepped and drawn by `n` threads from now on.

    Raises
    ------
    ValueError
        If `n` is not a whole number of at least 1.
    """
    global _team
    size = _positive(n, "set_num_threads(n)")
    _team.stop()
    _team = _Team(size)


def get_num_threads() -> int:
    """Return how many threads step and draw a batch.

    That is what `set_num_threads` said last, else the environment's ``MINIGRAD_NUM_THREADS``, else
    the number of cores that this process may use.
    """
    return _team.size


def run_sliced(function: Callable[[int, int], None], n: int) -> None:
    """Call ``function(first, last)`` on slices of ``range(n)``, one a thread, side by side.

    What a slice raised is raised here, after all have come to an end.
    """
    team = _team
    count = min(n, team.size)
    if count <= 1:
        function(0, n)
        return
    edges = [n * i // count for i in range(count + 1)]
    done, ended = SimpleQueue[BaseException | None](), np.zeros(1, np.int64)
    tasks = [(done, ended, function, edges[i], edges[i + 1]) for i in range(1, count)]
    if not team.hand_out(tasks):
        function(0, n)
        return
    answers = [_answer(function, 0, edges[1])]  # the caller's thread takes the first slice
    for i in range(1, count):
        spin(ended, i - 1, AWAKE, 0)
        answers.append(done.get())
    for error in answers:
        if error is not None:
            raise error


def _work(team: _Team, tasks: SimpleQueue[Any]) -> None:
    seen = 0
    while True:
        spin(team.given, seen, AWAKE, HANDING)
        seen = int(team.given[0])
        task = tasks.get()
        if task is None:
            return
        done, ended, *slice_ = task
        done.put(_answer(*slice_))
        ended[0] += 1


def _answer(function: Callable[[int, int], None], first: int, last: int) -> BaseException | None:
    """What the slice raised."""
    try:
        function(first, last)
    except BaseException as error:
        return error
    return None


def _positive(n: object, name: str) -> int:
    try:
        number = int(str(n))
    except ValueError:
        number = 0
    if number < 1:
        raise ValueError(f"{name} takes a whole number of threads, at least 1; it was given {n!r}.")
    return number


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start_anew() -> None:
    """In a forked child: of the parent's threads none is left, so neither is its team."""
    global _team
    _team = _Team(_team.size)


_asked = os.environ.get("MINIGRAD_NUM_THREADS")
_team = _Team(_positive(_asked, "MINIGRAD_NUM_THREADS") if _asked else _usable_cores())
if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_start_anew)
