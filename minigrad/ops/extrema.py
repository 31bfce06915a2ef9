"""The larger, the smaller, and clipping.

Where both operands of maximum or minimum are equal, each gets half of the gradient; an entry that
clip leaves as it is, at a bound too, gets all of it; where one is nan, both get all of it, so that it
is not lost from sight. These are PyTorch's choices of subgradient.
"""

from typing import Any

import numpy as np

from minigrad.function import Function
from minigrad.numpy_protocol import implements
from minigrad.ops.selection import keep, where


@implements(np.maximum)
class Maximum(Function):
    """y = max(a, b);   dy goes to the larger, half to each where they are equal"""

    @staticmethod
    def forward(ctx, a, b):
        ctx.a, ctx.b = a, b
        return np.maximum(a, b)

    @staticmethod
    def backward(ctx, dy):
        need_a, need_b = ctx.needs_input_grad
        ties = ctx.a == ctx.b
        return (
            _share(dy, ctx.a < ctx.b, ties) if need_a else None,
            _share(dy, ctx.a > ctx.b, ties) if need_b else None,
        )


@implements(np.minimum)
class Minimum(Function):
    """y = min(a, b);   dy goes to the smaller, half to each where they are equal"""

    @staticmethod
    def forward(ctx, a, b):
        ctx.a, ctx.b = a, b
        return np.minimum(a, b)

    @staticmethod
    def backward(ctx, dy):
        need_a, need_b = ctx.needs_input_grad
        ties = ctx.a == ctx.b
        return (
            _share(dy, ctx.a > ctx.b, ties) if need_a else None,
            _share(dy, ctx.a < ctx.b, ties) if need_b else None,
        )


def _share(dy, loses, ties):
    if not np.any(ties):
        return keep(dy, ~loses)
    return keep(dy, ~(loses | ties)) + keep(0.5 * dy, ties)


@implements(np.fmax)
def fmax(a: Any, b: Any) -> Any:
    """np.fmax: the larger, or the one that is a number."""
    return where(np.isnan(a), b, where(np.isnan(b), a, np.maximum(a, b)))


@implements(np.fmin)
def fmin(a: Any, b: Any) -> Any:
    """np.fmin: the smaller, or the one that is a number."""
    return where(np.isnan(a), b, where(np.isnan(b), a, np.minimum(a, b)))


class Clip(Function):
    """y = min(max(x, low), high);   dy goes to x where low ≤ x ≤ high, else to the bound in force"""

    @staticmethod
    def forward(ctx, x, low, high):
        ctx.x, ctx.low, ctx.high = x, low, high
        y = x if low is None else np.maximum(x, low)
        return y if high is None else np.minimum(y, high)

    @staticmethod
    def backward(ctx, dy):
        x, low, high = ctx.x, ctx.low, ctx.high
        below = np.False_ if low is None else np.less(x, low)
        above = np.False_ if high is None else np.greater(x, high)
        need_x, need_low, need_high = ctx.needs_input_grad
        # Where the bounds cross, high is in force.
        crossed = np.False_ if low is None or high is None else np.greater(low, high)
        return (
            keep(dy, ~(below | above)) if need_x else None,
            keep(dy, below & ~crossed) if need_low else None,
            keep(dy, above | crossed) if need_high else None,
        )


@implements(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """np.clip; a bound may be None, a number, an array or a Tensor."""
    low = min if a_min is None else a_min
    high = max if a_max is None else a_max
    return Clip.apply(a, low, high)
