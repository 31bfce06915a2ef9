"""How many threads run, decided in one place: ours and those of BLAS.

Kernels run without the GIL on slices of the batch, in Python threads of our own. Numba's own parallel
loops are not used: one of its thread layers dies after a fork, the other under several Python
threads. From the first slices on, BLAS is held at one thread in this process: its idle threads spin,
and would take the cores from ours (a slowdown by ten has been seen).

What it takes to hand out work is as much as a small kernel's work, so it is kept short: a thread that
has done its part stays awake for a while (spinning.py), and is kept off its caller's core (cores.py).
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache
from queue import SimpleQueue
from typing import Any, TypeVar

import numpy as np
import threadpoolctl

from minigrad.kernels.cores import NOWHERE, current_core, keep_off
from minigrad.kernels.spinning import spin

__all__ = [
    "get_num_threads",
    "run_batch",
    "run_both",
    "run_sliced",
    "set_num_threads",
    "threads_here",
    "usable_cores",
]

S = TypeVar("S")
T = TypeVar("T")

LARGE = 1 << 16  # numbers in all arrays from which on a second thread is worth its start
AWAKE = 30000  # turns, some 1 ms: so long a thread without work stays ready before it sleeps
HANDING = 200  # turns, some 8 µs: what a caller takes from handing work out to leaving the GIL
LEAVING = 100  # turns, some 4 µs: what a thread takes from the end of its work to leaving the GIL


class _Team:
    """The threads of this process. All but the caller's are started at the first call that needs them."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.lock = threading.Lock()
        self.stopped = False
        self.tasks: SimpleQueue | None = None
        self.given = np.zeros(1, np.int64)  # how many tasks there have been
        self.helpers: list[int] = []  # native ids
        self.core = NOWHERE  # that of the last caller, which the helpers are kept off
        self.here = threading.local()  # .inside: this thread is running a slice

    def hand_out(self, tasks: list[tuple]) -> bool:
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
            _hold_blas()
            self.tasks = SimpleQueue()
            for k in range(1, self.size):
                thread = threading.Thread(
                    target=_work, args=(self, self.tasks), name=f"minigrad_{k}", daemon=True
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


def threads_here() -> int:
    """Return how many threads `run_sliced` would use now: within a slice one."""
    return 1 if getattr(_team.here, "inside", False) else _team.size


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
    team, count = _team, min(n, threads_here())
    if count <= 1:
        return [function(0, n)]
    edges = [n * i // count for i in range(count + 1)]
    slices = [*zip(edges, edges[1:])]
    answers: list[Any] = [None] * count
    done, ended = SimpleQueue[None](), np.zeros(1, np.int64)
    # Each in the caller's context, of which np.errstate is a part.
    tasks = [
        (copy_context(), done, ended, answers, i, function, *slices[i]) for i in range(1, count)
    ]
    if not team.hand_out(tasks):
        return [_answer(team, function, *slice_).result() for slice_ in slices]
    try:
        answers[0] = _answer(team, function, *slices[0])  # the caller takes the first slice
        for i in range(1, count):
            spin(ended, i - 1, AWAKE, LEAVING)
            done.get()
    except KeyboardInterrupt:
        while None in answers[1:]:
            time.sleep(0.001)  # the others write into the caller's arrays until they are done
        raise
    return [answer.result() for answer in answers]


def run_batch(kernel: Callable, arrays: Sequence[np.ndarray], *settings: object) -> None:
    """Call ``kernel(*arrays, *settings)`` on slices of the arrays' first axis, side by side.

    Small arrays are not worth it, and taken at once.
    """
    if sum(array.size for array in arrays) < LARGE:
        kernel(*arrays, *settings)
        return

    def run(start: int, stop: int) -> None:
        kernel(*(array[start:stop] for array in arrays), *settings)

    run_sliced(run, len(arrays[0]))


def run_both(first: Callable[[], S], second: Callable[[], T], worth: bool) -> tuple[S, T]:
    """Call two functions of about as much work: on two threads side by side, else one after the other.

    Small arrays stay whole in this way, which suits kernels better than halves; on three threads one
    would have nothing to do. `worth`: whether they are large enough for a second thread.
    """
    if not worth or threads_here() != 2:
        return first(), second()
    results: list[Any] = run_sliced(lambda start, _: (first, second)[start](), 2)
    return results[0], results[1]


def _work(team: _Team, tasks: SimpleQueue) -> None:
    seen = 0
    while True:
        spin(team.given, seen, AWAKE, HANDING)
        seen = int(team.given[0])
        task = tasks.get()
        if task is None:
            return
        context, done, ended, answers, i, *slice_ = task
        answers[i] = context.run(_answer, team, *slice_)
        done.put(None)
        ended[0] += 1
        # Hold nothing of the caller's while waiting.
        del context, done, ended, answers, slice_, task


@dataclass
class _Answer:
    """What a slice returned or raised."""

    value: Any
    error: BaseException | None

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


def _answer(team: _Team, function: Callable, start: int, stop: int) -> _Answer:
    team.here.inside = True
    try:
        return _Answer(function(start, stop), None)
    except BaseException as error:
        return _Answer(None, error)
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


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start_anew() -> None:
    """In a forked child: of the parent's threads none is left, so neither is its team."""
    global _team
    _team = _Team(_team.size)


_asked = os.environ.get("MINIGRAD_NUM_THREADS")
_team = _Team(_positive(_asked, "MINIGRAD_NUM_THREADS") if _asked else usable_cores())
if _asked:
    _hold_blas()
if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_start_anew)
