"""Choosing entries by a mask."""

from typing import Any

import numpy as np

from minigrad.function import Function
from minigrad.numpy_protocol import implements
from minigrad.ops.inspection import plain


class Where(Function):
    """y = a where condition, else b;   da = dy where condition, else 0,   db = 0 where condition, else dy"""

    @staticmethod
    def forward(ctx, a, b, *, condition):
        ctx.condition = condition
        return np.where(condition, a, b)

    @staticmethod
    def backward(ctx, dy):
        need_a, need_b = ctx.needs_input_grad
        return (
            keep(dy, ctx.condition) if need_a else None,
            keep(dy, ~ctx.condition) if need_b else None,
        )


class Keep(Function):
    """y = x where mask, else 0;   dx = dy where mask, else 0"""

    @staticmethod
    def forward(ctx, x, *, mask):
        ctx.mask = mask
        # The bits of a float AND-ed with all ones or all zeros: several times faster than np.where,
        # and unlike a product it also turns inf and nan into 0.
        bits = np.int32 if x.dtype.itemsize == 4 else np.int64
        return (x.view(bits) & -mask.astype(bits)).view(x.dtype)

    @staticmethod
    def backward(ctx, dy):
        return keep(dy, ctx.mask)


def keep(x: Any, mask: Any) -> Any:
    """`x` where the bool array `mask` is set, exactly 0 elsewhere; for use in rules."""
    return Keep.call(x, mask=mask)


@implements(np.where)
def where(condition: Any, *choices: Any) -> Any:
    """np.where: entries of one Tensor or another; with a condition alone, plain positions."""
    condition = np.asarray(plain(condition))
    if not choices:
        return np.where(condition)
    # A copy: the caller may change theirs before the backward pass.
    return Where.apply(*choices, condition=condition.astype(bool))


@implements(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """np.nan_to_num: finite numbers in place of nan and ±inf, where the gradient is 0."""
    if x.dtype.kind != "f":
        return x
    limits = np.finfo(x.dtype)
    x = where(np.isnan(x), nan, x)
    x = where(np.isposinf(x), limits.max if posinf is None else posinf, x)
    return where(np.isneginf(x), limits.min if neginf is None else neginf, x)
