"""The machine of a run: what it is, and how fast it multiplies and copies at best."""

import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
import numpy as np
import threadpoolctl
import torch

import minigrad
from minigrad.kernels import threads

SIDE = 2048  # of the matrices that are multiplied
COPIED = 1 << 24  # float32 numbers that are copied: 64 MB, more than caches hold


def describe() -> dict[str, str]:
    """CPU, cores, system and versions, by name."""
    libraries = {"minigrad": minigrad, "NumPy": np, "Numba": numba, "PyTorch": torch}
    return {
        "CPU": _cpu(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        **{name: library.__version__ for name, library in libraries.items()},
    }


@contextmanager
def running_on(n: int) -> Iterator[None]:
    """Let both libraries run on `n` threads inside, and on what they had before again after."""
    before = threads.get_num_threads(), torch.get_num_threads()
    threads.set_num_threads(n)
    torch.set_num_threads(n)
    try:
        yield
    finally:
        threads.set_num_threads(before[0])
        torch.set_num_threads(before[1])


def peaks(n: int, repetitions: int) -> dict[str, float]:
    """The highest rates on `n` threads, by unit: GF/s of sgemm, GB/s (read and written) of copying."""
    a = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)
    t, source, target = torch.tensor(a), np.ones(COPIED, np.float32), np.zeros(COPIED, np.float32)

    def copy(start: int, stop: int) -> None:
        target[start:stop] = source[start:stop]

    with running_on(n):
        with threadpoolctl.threadpool_limits(n, user_api="blas"):
            by_numpy = _shortest(lambda: a @ a, repetitions)
        by_torch = _shortest(lambda: t @ t, repetitions)
        copied = _shortest(lambda: threads.run_sliced(copy, COPIED), repetitions)
    product = min(by_numpy, by_torch)
    return {"GF/s": 2 * SIDE**3 / product / 1e9, "GB/s": 2 * source.nbytes / copied / 1e9}


def _shortest(function: Callable[[], Any], repetitions: int) -> float:
    """Seconds of the fastest call: what the machine can do where nothing disturbs it."""
    function()
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):  # not Linux, or another architecture
        return platform.processor() or platform.machine()
