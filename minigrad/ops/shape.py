"""The same entries under another shape or order of axes.

None of these moves a number where NumPy can avoid it: a result is a view of the operand where
NumPy's is.
"""

from typing import Any

import numpy as np

from minigrad.errors import UnsupportedError
from minigrad.function import Function
from minigrad.numpy_protocol import implements
from minigrad.ops.dtypes import astype
from minigrad.ops.inspection import plain
from minigrad.ops.versions import since
from minigrad.shapes import axis_index, explained
from minigrad.tensor import Tensor

# -- entries in their order, axes cut anew --------------------------------------------------------


class Recut(Function):
    """y = x with its axes cut anew;   dx = dy in x's shape"""

    @staticmethod
    def backward(ctx, dy):
        return dy.reshape(ctx.shape)


class Reshape(Recut):
    """y = x in another shape;   dx = dy in x's shape"""

    @staticmethod
    def forward(ctx, x, *, shape):
        ctx.shape = x.shape
        return x.reshape(shape)


class ExpandDims(Recut):
    """y = x with axes of length 1 put in;   dx = dy in x's shape"""

    @staticmethod
    def forward(ctx, x, *, axis):
        ctx.shape = x.shape
        return np.expand_dims(x, axis)


class Squeeze(Recut):
    """y = x with axes of length 1 taken away;   dx = dy in x's shape"""

    @staticmethod
    def forward(ctx, x, *, axis):
        ctx.shape = x.shape
        return x.squeeze(axis)


@implements(np.reshape)
def reshape(a: Any, shape: Any, order: str = "C") -> Any:
    """np.reshape; in order "F" the first axis runs fastest, in "C" the last."""
    if order == "C":
        return Reshape.apply(a, shape=shape)
    if order != "F":
        raise UnsupportedError(
            f"reshape: order={order!r} depends on how the numbers lie in memory. Choose 'C' or 'F'."
        )
    shape = shape if isinstance(shape, (tuple, list)) else (shape,)
    return transpose(Reshape.apply(transpose(a), shape=shape[::-1]))


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """np.ravel; in order "F" the first axis runs fastest, in "C" the last."""
    return reshape(a, -1, order)


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    """np.expand_dims; one axis or a tuple of them."""
    return ExpandDims.apply(a, axis=axis)


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    """np.squeeze; one axis, a tuple, or all of length 1 for None."""
    return Squeeze.apply(a, axis=axis)


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """np.atleast_1d."""
    return _each(arys, lambda shape: shape or (1,))


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """np.atleast_2d: missing axes go first."""
    return _each(arys, lambda shape: (1,) * (2 - len(shape)) + shape)


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """np.atleast_3d: (n,) becomes (1, n, 1), and (m, n) becomes (m, n, 1)."""
    return _each(arys, lambda shape: ((1,) * (2 - len(shape)) + shape + (1,))[: max(3, len(shape))])


def _each(arrays, new_shape):
    # Plain arrays stay plain: as Tensors they would have a say in the dtype of what they meet.
    results = tuple([np.reshape(a, new_shape(np.shape(a))) for a in arrays])
    return results[0] if len(results) == 1 else results


def as_array(value: Any) -> Any:
    """Tensors and arrays as they are; numbers and lists as arrays."""
    return value if hasattr(value, "shape") else np.asarray(value)


# -- axes in another order ------------------------------------------------------------------------


class Transpose(Function):
    """y = x with its axes in another order;   dx = dy with the axes put back"""

    @staticmethod
    def forward(ctx, x, *, axes):
        y = np.transpose(x, axes)
        ctx.back = None
        if axes is not None:
            order = [axis % x.ndim for axis in np.atleast_1d(axes).tolist()]
            ctx.back = [order.index(axis) for axis in range(x.ndim)]
        return y

    @staticmethod
    def backward(ctx, dy):
        return np.transpose(dy, ctx.back)


class Swapaxes(Function):
    """y = x with two axes exchanged;   dx = dy with the same two exchanged"""

    @staticmethod
    def forward(ctx, x, *, axis1, axis2):
        ctx.axis1, ctx.axis2 = axis1, axis2
        return np.swapaxes(x, axis1, axis2)

    @staticmethod
    def backward(ctx, dy):
        return np.swapaxes(dy, ctx.axis1, ctx.axis2)


class Moveaxis(Function):
    """y = x with axes moved elsewhere;   dx = dy with them moved back"""

    @staticmethod
    def forward(ctx, x, *, source, destination):
        ctx.source, ctx.destination = source, destination
        return np.moveaxis(x, source, destination)

    @staticmethod
    def backward(ctx, dy):
        return np.moveaxis(dy, ctx.destination, ctx.source)


@implements(np.transpose, *since("permute_dims"))
def transpose(a: Any, axes: Any = None) -> Any:
    """np.transpose; without `axes`, all in reverse order."""
    return Transpose.apply(a, axes=axes)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """np.swapaxes."""
    return Swapaxes.apply(a, axis1=axis1, axis2=axis2)


@implements(*since("matrix_transpose", "linalg.matrix_transpose"))
def matrix_transpose(x: Any) -> Any:
    """np.matrix_transpose: the last two axes exchanged."""
    return Swapaxes.apply(x, axis1=-1, axis2=-2)


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """np.moveaxis; one axis, or several to as many places."""
    return Moveaxis.apply(a, source=source, destination=destination)


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """np.rollaxis: an axis moved to stand before `start`."""
    axes = list(range(np.ndim(a)))
    place = start + len(axes) if start < 0 else start
    moved = axis_index("rollaxis", axis, np.shape(a))
    before = [i for i in axes[:place] if i != moved]
    return Transpose.apply(a, axes=[*before, moved, *[i for i in axes[place:] if i != moved]])


# -- axes repeated, and a copy --------------------------------------------------------------------


class BroadcastTo(Function):
    """y = x repeated along axes of length 1;   dx = Σ dy over them (the tape sums)"""

    @staticmethod
    def forward(ctx, x, *, shape):
        return np.broadcast_to(x, shape)

    @staticmethod
    def backward(ctx, dy):
        return dy


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any) -> Any:
    """np.broadcast_to; the result is read-only, as NumPy's."""
    return BroadcastTo.apply(array, shape=shape)


@implements(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None) -> Any:
    """np.full_like: a Tensor where the number that fills it is one, else a plain array."""
    if not isinstance(fill_value, Tensor):
        return np.full_like(plain(a), fill_value, dtype)
    return astype(copy(broadcast_to(fill_value, np.shape(a))), dtype or np.result_type(a))


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    """np.broadcast_arrays."""
    with explained("broadcast_arrays", *args):
        shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple([np.broadcast_to(a, shape) for a in args])


@implements(np.meshgrid)
def meshgrid(*xi: Any, indexing: str = "xy", sparse: bool = False, copy: bool = True) -> Any:
    """np.meshgrid: one grid for each vector; with "xy", the first runs along the second axis."""
    n = len(xi)
    grids = [np.reshape(x, (1,) * i + (-1,) + (1,) * (n - 1 - i)) for i, x in enumerate(xi)]
    if indexing == "xy" and n > 1:
        grids = [np.swapaxes(grid, 0, 1) for grid in grids]
    return tuple(grids) if sparse else broadcast_arrays(*grids)


class Copy(Function):
    """y = x in memory of its own;   dx = dy"""

    @staticmethod
    def forward(ctx, x):
        return np.array(x)

    @staticmethod
    def backward(ctx, dy):
        return dy


@implements(np.copy)
def copy(a: Any) -> Any:
    """np.copy."""
    return Copy.apply(a)
