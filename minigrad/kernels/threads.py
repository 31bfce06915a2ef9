"""How many threads run, decided in one place: ours and those of BLAS.

Kernels run without the GIL on slices of the batch, in Python threads of our own. Numba's own parallel
loops are not used: one of its thread layers dies after a fork, the other under several Python
threads. From the first slices on, BLAS is held at one thread in this process: its idle threads spin,
and would take the cores from ours (a slowdown by ten has been seen).
"""

import os
import threading
from collections.abc import Callable, Sequence
from functools import cache
from queue import SimpleQueue
from typing import Any, TypeVar

import numpy as np
import threadpoolctl

__all__ = ["get_num_threads", "run_batch", "run_sliced", "set_num_threads"]

T = TypeVar("T")


class _Team:
    """The threads of this process. All but the caller's are started at the first call that needs them."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.lock = threading.Lock()
        self.tasks: SimpleQueue | None = None
        self.here = threading.local()  # .inside: this thread is running a slice

    def start(self) -> SimpleQueue:
        with self.lock:
            if self.tasks is None:
                _hold_blas()
                self.tasks = SimpleQueue()
                for k in range(1, self.size):
                    threading.Thread(
                        target=_work, args=(self, self.tasks), name=f"minigrad_{k}", daemon=True
                    ).start()
            return self.tasks

    def stop(self) -> None:
        """Let the threads end when they have done what they were given."""
        with self.lock:
            if self.tasks is not None:
                for _ in range(1, self.size):
                    self.tasks.put(None)
                self.tasks = None


def set_num_threads(n: int) -> None:
    """Let the kernels run on `n` threads from now on, and BLAS on one in each of them.

    Raises
    ------
    ValueError
        If `n` is not a whole number of at least 1.
    """
    global _team
    size = _positive(n, "set_num_threads(n)")
    _hold_blas()
    _team.stop()
    _team = _Team(size)


def get_num_threads() -> int:
    """Return how many threads the kernels run on.

    That is what `set_num_threads` said last, else the environment's ``MINIGRAD_NUM_THREADS``, else
    the number of cores that this process may use.
    """
    return _team.size


def run_sliced(function: Callable[[int, int], T], n: int) -> list[T]:
    """Call ``function(start, stop)`` on slices of ``range(n)``, one a thread, side by side.

    A slice must write only what is its own. The slices depend on `n` and the number of threads
    alone, so the same thread count gives the same numbers. Called from within a slice, it runs
    everything in place.

    Returns
    -------
    list
        The results in the order of the slices.

    Raises
    ------
    Exception
        What the first failing slice raised, after all of them have come to an end.
    """
    team = _team
    count = min(n, team.size)
    if count <= 1 or getattr(team.here, "inside", False):
        return [function(0, n)]
    edges = [n * i // count for i in range(count + 1)]
    tasks, done = team.start(), SimpleQueue[Any]()
    for i in range(1, count):
        tasks.put((done, i, function, edges[i], edges[i + 1]))
    answers = [_answer(team, 0, function, 0, edges[1])]  # the caller's thread takes the first slice
    answers += [done.get() for _ in range(1, count)]
    answers.sort(key=lambda answer: answer[0])
    for _, _, error in answers:
        if error is not None:
            raise error
    return [result for _, result, _ in answers]


def run_batch(kernel: Callable, arrays: Sequence[np.ndarray], *settings: object) -> None:
    """Call ``kernel(*arrays, *settings)`` on slices of the arrays' first axis, side by side."""

    def run(start: int, stop: int) -> None:
        kernel(*(array[start:stop] for array in arrays), *settings)

    run_sliced(run, len(arrays[0]))


def _work(team: _Team, tasks: SimpleQueue) -> None:
    while (task := tasks.get()) is not None:
        done, *slice_ = task
        done.put(_answer(team, *slice_))


def _answer(team: _Team, i: int, function: Callable, start: int, stop: int) -> tuple:
    """Which slice it was, its result, and what it raised."""
    team.here.inside = True
    try:
        return i, function(start, stop), None
    except BaseException as error:
        return i, None, error
    finally:
        team.here.inside = False


@cache
def _libraries() -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController()  # looks through all loaded libraries: only once


def _hold_blas() -> None:
    _libraries().limit(limits=1, user_api="blas")


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
if _asked:
    _hold_blas()
if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_start_anew)
