"""How many threads run, decided in one place: ours and those of BLAS.

Kernels run without the GIL on slices of the batch, in a pool of Python threads of our own. Numba's
own parallel loops are not used: one of its thread layers dies after a fork, the other under
several Python threads. While slices run, BLAS is held at one thread, or each slice would start as
many again (a slowdown by ten has been seen).
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import numpy as np
import threadpoolctl

__all__ = ["get_num_threads", "run_batch", "run_sliced", "set_num_threads"]

T = TypeVar("T")


class _Team:
    """The threads of this process: the pool, the hold on BLAS and who is inside a slice."""

    def __init__(self, size: int) -> None:
        self.lock = threading.Lock()
        self.size = size
        self.pool: ThreadPoolExecutor | None = None
        self.holders = 0  # calls of run_sliced that now hold BLAS at one thread
        self.held: Any = None  # what gives BLAS its threads back
        self.here = threading.local()  # .inside: this thread is running a slice


def set_num_threads(n: int) -> None:
    """Let the kernels and BLAS run on `n` threads from now on.

    Raises
    ------
    ValueError
        If `n` is not a whole number of at least 1.
    """
    size = _positive(n, "set_num_threads(n)")
    with _team.lock:
        if _team.held:
            _team.held.restore_original_limits()
        _limit_blas(size)
        if _team.held:
            _team.held = _limit_blas(1)
        if _team.pool:
            _team.pool.shutdown(wait=False)  # slices already under way run to their end
        _team.pool, _team.size = None, size


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
    count = min(n, _team.size)
    if count <= 1 or getattr(_team.here, "inside", False):
        return [function(0, n)]
    edges = [n * i // count for i in range(count + 1)]
    with _blas_held():
        futures = _submit(function, edges[1:-1], edges[2:])
        try:
            first = _inside(function, 0, edges[1])  # the caller's thread takes the first slice
        finally:
            wait(futures)
        return [first] + [future.result() for future in futures]


def run_batch(kernel: Callable, arrays: Sequence[np.ndarray], *settings: object) -> None:
    """Call ``kernel(*arrays, *settings)`` on slices of the arrays' first axis, side by side."""

    def run(start: int, stop: int) -> None:
        kernel(*(array[start:stop] for array in arrays), *settings)

    run_sliced(run, len(arrays[0]))


def _submit(
    function: Callable[[int, int], T], starts: list[int], stops: list[int]
) -> list[Future[T]]:
    with _team.lock:
        if _team.pool is None:
            _team.pool = ThreadPoolExecutor(max(1, _team.size - 1), "minigrad")
        return [
            _team.pool.submit(_inside, function, start, stop) for start, stop in zip(starts, stops)
        ]


def _inside(function: Callable[[int, int], T], start: int, stop: int) -> T:
    _team.here.inside = True
    try:
        return function(start, stop)
    finally:
        _team.here.inside = False


@contextmanager
def _blas_held() -> Iterator[None]:
    """Hold BLAS at one thread; several callers may, and the last to leave lets go."""
    team = _team
    with team.lock:
        team.holders += 1
        if team.holders == 1:
            team.held = _limit_blas(1)
    try:
        yield
    finally:
        with team.lock:
            team.holders -= 1
            if team.holders == 0:
                team.held.restore_original_limits()
                team.held = None


@cache
def _libraries() -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController()  # looks through all loaded libraries: only once


def _limit_blas(n: int) -> Any:
    return _libraries().limit(limits=n, user_api="blas")


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
    before, _team = _team, _Team(_team.size)
    if before.held:
        before.held.restore_original_limits()


_asked = os.environ.get("MINIGRAD_NUM_THREADS")
_team = _Team(_positive(_asked, "MINIGRAD_NUM_THREADS") if _asked else _usable_cores())
if _asked:
    _limit_blas(_team.size)
if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_start_anew)
