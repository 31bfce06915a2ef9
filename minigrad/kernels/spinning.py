"""Waiting awake: a thread watches a counter, without the GIL, and goes on as soon as it moves.

A sleeping thread takes the system some 50 microseconds to wake, as much as a small kernel's work.
"""

import platform
from typing import Any

import numpy as np

from minigrad.kernels import JIT, kernel

__all__ = ["spin"]


def peek(counter: np.ndarray) -> Any:
    """Return counter[0] as it is in memory now: another thread may have written it."""
    return counter[0]


def _spin_numpy(counter: np.ndarray, seen: int, turns: int, more: int) -> None:
    """Plain Python holds the GIL while it looks, so that nothing could move: do not wait at all."""


@kernel(twin=_spin_numpy)
def spin(counter: np.ndarray, seen: int, turns: int, more: int) -> None:
    """Wait until counter[0] is not `seen`, for `turns` at most, and then for `more` turns.

    A turn is a processor's pause, of some 10 to 50 nanoseconds on x86; elsewhere it is shorter.
    """
    for _ in range(turns):
        if peek(counter) != seen:
            for _ in range(more):
                peek(counter)
            return


if JIT:
    from llvmlite import ir
    from numba.extending import intrinsic, overload

    @intrinsic
    def _peek(typing, counter):
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            if platform.machine() in ("x86_64", "AMD64"):
                nothing = ir.FunctionType(ir.VoidType(), [])
                pause = builder.module.declare_intrinsic("llvm.x86.sse2.pause", (), nothing)
                builder.call(pause, [])
            address = context.make_array(counter)(context, builder, arguments[0]).data
            return builder.load_atomic(address, "acquire", 8)

        return counter.dtype(counter), generate

    @overload(peek)
    def _(counter):
        return lambda counter: _peek(counter)  # type: ignore[call-arg]
