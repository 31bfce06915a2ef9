"""Peak memory of training: of a fresh process, less that of the same process after its imports."""

import sys

from tests.benchmarks import fresh
from tests.benchmarks.training import NETWORKS

PROGRAM = """
import resource, sys
from tests.benchmarks import networks_{side}

def peak():
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6

before = peak()
step = networks_{side}.step({name!r})
for _ in range(3):
    step()
print(peak() - before)
"""

#: What is measured, and of which network; nothing on Windows, which does not tell a process's peak.
STEPS = {f"peak memory, {name}": name for name in NETWORKS if sys.platform != "win32"}


def peaks(step: str, threads: int) -> tuple[float, float]:
    """MB that three training steps take, ours and PyTorch's; `step` is one of STEPS."""
    count = {"MINIGRAD_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    ours, theirs = (PROGRAM.format(side=side, name=STEPS[step]) for side in ("ours", "torch"))
    fresh.run(ours, **count)  # kernels that no process has used yet are compiled here
    return fresh.run(ours, **count), fresh.run(theirs, **count)
