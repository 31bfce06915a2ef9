"""Entries in another order, repeated, or with others around them."""

from typing import Any

import numpy as np

from minigrad.errors import ShapeError, UnsupportedError
from minigrad.function import Function
from minigrad.numpy_protocol import implements
from minigrad.ops.taking import take
from minigrad.shapes import axis_index, explained

# -- in another order -----------------------------------------------------------------------------


class Flip(Function):
    """y = x in reverse order along axes;   dx = dy, reversed likewise"""

    @staticmethod
    def forward(ctx, x, *, axis):
        ctx.axis = axis
        return np.flip(x, axis)

    @staticmethod
    def backward(ctx, dy):
        return np.flip(dy, ctx.axis)


class Roll(Function):
    """yᵢ = xᵢ₋ₛ, around the ends;   dx = dy rolled by -s"""

    @staticmethod
    def forward(ctx, x, *, shift, axis):
        ctx.axis = axis
        ctx.back = tuple([-s for s in shift]) if isinstance(shift, (tuple, list)) else -shift
        return np.roll(x, shift, axis)

    @staticmethod
    def backward(ctx, dy):
        return np.roll(dy, ctx.back, ctx.axis)


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    """np.flip; along one axis, a tuple of them, or all for None."""
    return Flip.apply(m, axis=axis)


@implements(np.flipud)
def flipud(m: Any) -> Any:
    """np.flipud."""
    return flip(m, 0)


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    """np.fliplr."""
    return flip(m, 1)


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """np.rot90: `k` quarter turns from the first of `axes` towards the second."""
    if np.ndim(m) < 2:
        raise ShapeError(
            f"rot90: an operand of shape {np.shape(m)} has no two axes between which to turn; np.flip "
            "reverses a vector."
        )
    first, second = [axis_index("rot90", axis, np.shape(m)) for axis in axes]
    if first == second:
        raise ShapeError(f"rot90: axes {tuple(axes)} are one; it turns from one axis to another.")
    if k % 4 == 0:
        return flip(m, ())
    if k % 4 == 2:
        return flip(m, (first, second))
    if k % 4 == 1:
        return np.swapaxes(flip(m, second), first, second)
    return flip(np.swapaxes(m, first, second), second)


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """np.roll."""
    return Roll.apply(a, shift=shift, axis=axis)


# -- repeated -------------------------------------------------------------------------------------


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """np.repeat: every entry so many times, or each its own number of times."""
    if axis is None:
        a, axis = np.ravel(a), 0
    shape = list(np.shape(a))
    axis = axis_index("repeat", axis, np.shape(a))
    if np.ndim(repeats) > 0:
        with explained("repeat", a, repeats=repeats, axis=axis):
            places = np.repeat(np.arange(shape[axis]), repeats)
        return take(a, places, axis)
    spread = np.broadcast_to(
        np.expand_dims(a, axis + 1), (*shape[: axis + 1], repeats, *shape[axis + 1 :])
    )
    shape[axis] *= repeats
    return np.reshape(spread, shape)


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:
    """np.tile."""
    reps = tuple(np.atleast_1d(reps).tolist())
    shape = np.shape(A)
    rank = max(len(reps), len(shape))
    reps = (1,) * (rank - len(reps)) + reps
    shape = (1,) * (rank - len(shape)) + shape
    # Each axis behind one of length 1, which is then repeated.
    apart = np.reshape(A, [n for side in shape for n in (1, side)])
    spread = np.broadcast_to(apart, [n for pair in zip(reps, shape) for n in pair])
    return np.reshape(spread, [n * side for n, side in zip(reps, shape)])


@implements(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    """np.resize: the entries over and over until the shape is full."""
    return take(np.ravel(a), np.resize(np.arange(np.size(a)), new_shape))


# -- padded ---------------------------------------------------------------------------------------


class Pad(Function):
    """y = x with constants around;   dx = dy without them"""

    @staticmethod
    def forward(ctx, x, *, pad_width, constant_values):
        y = np.pad(x, pad_width, constant_values=constant_values)
        before = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2))[:, 0].tolist()
        ctx.inside = tuple([slice(b, b + n) for b, n in zip(before, x.shape)])
        return y

    @staticmethod
    def backward(ctx, dy):
        return dy[ctx.inside]


REPEATING = ("edge", "reflect", "symmetric", "wrap")


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", *, constant_values: Any = 0) -> Any:
    """np.pad in the modes constant, edge, reflect, symmetric and wrap."""
    if isinstance(pad_width, dict):
        widths = np.zeros((np.ndim(array), 2), int)
        for axis, width in pad_width.items():
            widths[axis] = width
        pad_width = widths
    if mode == "constant":
        return Pad.apply(array, pad_width=pad_width, constant_values=constant_values)
    if mode not in REPEATING:
        raise UnsupportedError(
            f"np.pad: mode {mode!r} has no differentiable form here; there are constant, "
            f"{', '.join(REPEATING)}."
        )
    widths = np.broadcast_to(np.asarray(pad_width), (np.ndim(array), 2)).tolist()
    for axis, (before, after) in enumerate(widths):
        if before or after:
            places = np.pad(np.arange(array.shape[axis]), (before, after), mode)
            array = take(array, places, axis)
    return array
