"""Memory: what is freed serves again, without new pages from the system."""

import ctypes
import os
import platform
import subprocess
import sys

import pytest

from minigrad.kernels import memory

STEPS = """
import resource, sys
import numpy as np
if sys.argv[1] == "ours":
    import minigrad.kernels

def step():
    arrays = [np.ones(350_000, np.float32) for _ in range(4)]
    return [a + 1 for a in arrays]

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

for _ in range(5):
    step()
before = faults()
for _ in range(20):
    step()
print(faults() - before)
"""


def pages(what, **environment):
    child = subprocess.run(
        [sys.executable, "-c", STEPS, what],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )
    return int(child.stdout), child.stderr


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the thresholds are those of glibc")
def test_a_step_takes_the_memory_of_the_step_before(monkeypatch):
    for name in memory.THEIRS:
        monkeypatch.delenv(name, raising=False)
    assert pages("ours")[0] < 100
    assert pages("ours", MALLOC_TRIM_THRESHOLD_="1000")[0] > 10_000  # who sets it is obeyed
    monkeypatch.setattr(ctypes, "CDLL", lambda _: pytest.fail("malloc was asked"))
    for name in memory.THEIRS:
        with monkeypatch.context() as patch:
            patch.setenv(name, "x")
            memory.keep_freed_memory()
