"""Cold start: how long a class waits for the import, and for the first training step."""

from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks import fresh

IMPORT = """
import time, {before}
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""

FIRST_STEP = """
import time
from tests.benchmarks import networks_{side}
step = networks_{side}.step("ST-CNN")
for _ in range({steps}):
    start = time.perf_counter()
    step()
print(time.perf_counter() - start)
"""


def seconds(repetitions: int) -> dict[str, float]:
    """Median seconds of each wait, by what one waits for."""
    return {
        "import numba": _import("numba", "numpy", repetitions),
        "import minigrad, beyond numba": _import("minigrad", "numba", repetitions),
        "import layers, beyond both": _import("layers", "numba, minigrad", repetitions),
        "import torch": _import("torch", "numpy", repetitions),
        **_steps(repetitions),
        "first training step, PyTorch": _median(
            FIRST_STEP.format(side="torch", steps=1), repetitions
        ),
    }


def _steps(repetitions: int) -> dict[str, float]:
    """Ours: with an empty Numba cache, with a full one, and when all is loaded."""
    first, second = (FIRST_STEP.format(side="ours", steps=steps) for steps in (1, 2))
    cold, warm, later = [], [], []
    for _ in range(repetitions):
        with TemporaryDirectory() as cache:
            cold.append(fresh.run(first, NUMBA_CACHE_DIR=cache))
            warm.append(fresh.run(first, NUMBA_CACHE_DIR=cache))
            later.append(fresh.run(second, NUMBA_CACHE_DIR=cache))
    return {
        "first training step (ST-CNN), cold cache": median(cold),
        "first training step, warm cache": median(warm),
        "second training step": median(later),
    }


def _import(module: str, before: str, repetitions: int) -> float:
    program = IMPORT.format(module=module, before=before)
    fresh.run(program)  # reads the files from the disk, translates what has changed
    return _median(program, repetitions)


def _median(program: str, repetitions: int) -> float:
    return median(fresh.run(program) for _ in range(repetitions))
