"""Freed memory stays with the process: the arrays of one step are the arrays of the next.

A training step frees many megabytes and soon asks for them again. glibc's malloc hands them back to the
system in between, which then gives each page anew, filled with zeros, when it is first touched. In a
virtual machine that takes 2 µs or more per 4 KB: half of an LSTM's forward pass has been seen.
"""

import ctypes
import os
import sys

__all__ = ["keep_freed_memory"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # as malloc.h numbers them
KEPT = 256 << 20  # bytes that may lie free at the end of the heap
LARGEST = 32 << 20  # bytes of an array up to which it comes from the heap; malloc allows no more
THEIRS = {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"}  # where it is set


def keep_freed_memory() -> None:
    """Set malloc's thresholds, once, where it is glibc's and the environment does not set them."""
    if sys.platform != "linux" or not os.environ.keys().isdisjoint(THEIRS):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST)
        mallopt(M_TRIM_THRESHOLD, KEPT)
