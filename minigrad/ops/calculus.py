"""Functions known at points: the points themselves, slopes, integrals, convolution."""

from typing import Any

import numpy as np

from minigrad.errors import ShapeError, UnsupportedError
from minigrad.function import Function
from minigrad.numpy_protocol import implements
from minigrad.ops.inspection import plain
from minigrad.ops.shape import as_array, atleast_1d
from minigrad.ops.versions import since
from minigrad.shapes import axis_index


@implements(np.linspace)
def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, *, axis: int = 0) -> Any:
    """np.linspace: `num` points from `start` to `stop`, at equal distances, along a new axis."""
    start, length = as_array(start), np.subtract(stop, start)
    part = np.linspace(0, 1, num, endpoint).reshape((-1,) + (1,) * length.ndim)
    return np.moveaxis(start + length * part, 0, axis)


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """np.gradient: slopes along each axis, of second order inside and of first at the two ends.

    Parameters
    ----------
    *varargs : numbers or vectors
        The distance of neighbours or the places of all entries: none (distance 1), one for all
        axes, or one for each.
    axis : int, tuple of int, or None for all axes

    Returns
    -------
    Tensor for one axis, a tuple of them for several
    """
    if edge_order != 1:
        raise UnsupportedError("np.gradient with edge_order=2 is not differentiable here; 1 is.")
    given = range(f.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = [axis_index("gradient", i, f.shape) for i in given]
    spacings = varargs * len(axes) if len(varargs) == 1 else varargs or (1.0,) * len(axes)
    if len(spacings) != len(axes):
        raise ShapeError(
            f"gradient: {len(varargs)} distances for {len(axes)} axes of an operand of shape "
            f"{f.shape}; pass one for all, or one for each."
        )
    slopes = tuple([_slope(f, plain(s), i) for s, i in zip(spacings, axes)])
    return slopes[0] if len(axes) == 1 else slopes


def _slope(f: Any, spacing: Any, axis: int) -> Any:
    """Slopes along one axis; `spacing` is a distance or a vector of places."""
    n = f.shape[axis]
    if n < 2 or np.ndim(spacing) > 1 or (np.ndim(spacing) == 1 and len(spacing) != n):
        raise ShapeError(
            f"gradient: an operand of shape {f.shape} along axis {axis} with places of shape "
            f"{np.shape(spacing)}. There must be two entries or more, and one place for each."
        )
    steps = np.diff(spacing) if np.ndim(spacing) else np.full(n - 1, spacing)
    rows = np.moveaxis(f, axis, -1)
    between = (rows[..., 1:] - rows[..., :-1]) / steps
    # At a point, the slopes to its two sides, each weighing as much as the other side is long.
    left, right = steps[:-1], steps[1:]
    inside = (between[..., :-1] * right + between[..., 1:] * left) / (left + right)
    slopes = np.concatenate([between[..., :1], inside, between[..., -1:]], axis=-1)
    return np.moveaxis(slopes, -1, axis)


@implements(*since("trapezoid"))
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """np.trapezoid: the area under straight lines from point to point.

    Parameters
    ----------
    x : where the points are: a vector, or an array of y's shape; else they are `dx` apart
    """
    axis_index("trapezoid", axis, np.shape(y))
    rows = np.moveaxis(as_array(y), axis, -1)
    steps = dx
    if x is not None:
        steps = np.diff(x if np.ndim(x) == 1 else np.moveaxis(as_array(x), axis, -1))
    return np.sum(steps * (rows[..., 1:] + rows[..., :-1]) / 2, axis=-1)


class Convolve(Function):
    """yₖ = Σᵢ aᵢ vₖ₋ᵢ;   daᵢ = Σₖ dyₖ vₖ₋ᵢ,   dvⱼ = Σₖ dyₖ aₖ₋ⱼ"""

    @staticmethod
    def forward(ctx, a, v):
        ctx.a, ctx.v = a, v
        return np.convolve(a, v)

    @staticmethod
    def backward(ctx, dy):
        a, v = ctx.a, ctx.v
        n, m = len(a), len(v)
        need_a, need_v = ctx.needs_input_grad
        return (
            Convolve.call(dy, np.flip(v))[m - 1 : m - 1 + n] if need_a else None,
            Convolve.call(dy, np.flip(a))[n - 1 : n - 1 + m] if need_v else None,
        )


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """np.correlate of two vectors, in the modes full, same and valid."""
    a, v = atleast_1d(a), atleast_1d(v)
    if len(a) < len(v):
        return np.flip(correlate(v, a, mode))
    return convolve(a, np.flip(v), mode)


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """np.convolve of two vectors, in the modes full, same and valid."""
    a, v = atleast_1d(a), atleast_1d(v)
    y = Convolve.apply(a, v)
    short, long = sorted((len(a), len(v)))
    if mode == "full":
        return y
    if mode not in ("same", "valid"):
        raise UnsupportedError(f"np.convolve: mode {mode!r} is none of full, same and valid.")
    first, count = ((short - 1) // 2, long) if mode == "same" else (short - 1, long - short + 1)
    return y[first : first + count]
