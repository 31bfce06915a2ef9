"""Which core a thread runs on: the helpers of a call belong on other cores than their caller.

Linux may wake a thread on the core of the one that woke it, and there the two take turns while another
core is idle: a third of all calls after a pause of 10 ms were seen to run so, at half the speed.
"""

import ctypes
import os
import sys
from collections.abc import Iterable

__all__ = ["NOWHERE", "current_core", "keep_off"]

NOWHERE = -1  # the core of all threads where the system does not say

# PyDLL holds the GIL during a call: this one is shorter than to let go of it.
_getcpu = getattr(ctypes.PyDLL(None), "sched_getcpu", None) if sys.platform == "linux" else None


def current_core() -> int:
    """Return the number of the core that the calling thread runs on, or NOWHERE."""
    return NOWHERE if _getcpu is None else _getcpu()


def keep_off(core: int, threads: Iterable[int]) -> None:
    """Let threads (native ids) run on all cores of the calling thread but `core`, if there are others."""
    others = os.sched_getaffinity(0) - {core}
    if not others:
        return
    for thread in threads:
        try:
            os.sched_setaffinity(thread, others)
        except OSError:
            pass  # it has ended, or the system forbids it: then it runs where it is put
