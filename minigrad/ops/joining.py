"""Several arrays made one, and one cut into several: each the other's backward."""

from collections.abc import Iterable
from itertools import accumulate
from typing import Any

import numpy as np

from minigrad.errors import ShapeError
from minigrad.function import Function
from minigrad.numpy_protocol import implements
from minigrad.ops.shape import as_array, atleast_1d, atleast_2d, atleast_3d
from minigrad.ops.versions import since
from minigrad.shapes import axis_index
from minigrad.tensor import Tensor

# -- joining --------------------------------------------------------------------------------------


class Concatenate(Function):
    """y = the arrays behind one another;   each array's gradient = its piece of dy"""

    @staticmethod
    def forward(ctx, *arrays, axis):
        y = np.concatenate(arrays, axis)
        ctx.axis = axis
        ctx.cuts = list(accumulate([a.shape[axis] for a in arrays[:-1]]))
        return y

    @staticmethod
    def backward(ctx, dy):
        return tuple(np.split(dy, ctx.cuts, ctx.axis))


class Stack(Function):
    """y = the arrays along a new axis;   each array's gradient = its place in dy"""

    @staticmethod
    def forward(ctx, *arrays, axis):
        ctx.axis = axis
        return np.stack(arrays, axis)

    @staticmethod
    def backward(ctx, dy):
        return Unstack.call(dy, axis=ctx.axis)


def _several(arrays: Any) -> Iterable[Any]:
    """A list of arrays; of one Tensor, what lies along its first axis."""
    arrays = unstack(arrays) if isinstance(arrays, Tensor) else arrays
    return [as_array(a) for a in arrays]


@implements(np.concatenate, *since("concat"))
def concatenate(arrays: Any, axis: int | None = 0) -> Any:
    """np.concatenate; without an axis, of the flattened arrays."""
    arrays = _several(arrays)
    if axis is None:
        arrays, axis = [np.ravel(a) for a in arrays], 0
    return Concatenate.apply(*arrays, axis=axis)


@implements(np.stack)
def stack(arrays: Any, axis: int = 0) -> Any:
    """np.stack."""
    return Stack.apply(*_several(arrays), axis=axis)


@implements(np.vstack, *since("row_stack"))
def vstack(tup: Any) -> Any:
    """np.vstack: along the first axis, vectors as rows."""
    return concatenate([atleast_2d(a) for a in _several(tup)], 0)


@implements(np.hstack)
def hstack(tup: Any) -> Any:
    """np.hstack: along the second axis, vectors along their only one."""
    arrays = [atleast_1d(a) for a in _several(tup)]
    return concatenate(arrays, 0 if arrays and arrays[0].ndim == 1 else 1)


@implements(np.dstack)
def dstack(tup: Any) -> Any:
    """np.dstack: along the third axis."""
    return concatenate([atleast_3d(a) for a in _several(tup)], 2)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    """np.column_stack: vectors become columns, matrices stay."""
    return concatenate([np.reshape(a, (-1, 1)) if a.ndim < 2 else a for a in _several(tup)], 1)


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """np.append."""
    return concatenate([arr, values], axis)


@implements(np.block)
def block(arrays: Any) -> Any:
    """np.block: nested lists, the innermost joined along the last axis."""
    depth, ndim = _nesting(arrays)
    return _joined(arrays, depth, max(depth, ndim))


def _nesting(arrays: Any) -> tuple[int, int]:
    """How deep the lists are nested, and the most axes of an array in them."""
    if not isinstance(arrays, list):
        return 0, np.ndim(arrays)
    inner = [_nesting(a) for a in arrays]
    return 1 + max(depth for depth, _ in inner), max(ndim for _, ndim in inner)


def _joined(arrays: Any, depth: int, ndim: int) -> Any:
    if not isinstance(arrays, list):
        return np.reshape(arrays, (1,) * (ndim - np.ndim(arrays)) + np.shape(arrays))
    return concatenate([_joined(a, depth - 1, ndim) for a in arrays], -depth)


# -- cutting --------------------------------------------------------------------------------------


class Split(Function):
    """y₁, y₂, … = pieces of x along an axis;   dx = their gradients behind one another"""

    @staticmethod
    def forward(ctx, x, *, sections, axis):
        ctx.axis = axis
        pieces = np.split(x, sections, axis)
        if sum(piece.shape[axis] for piece in pieces) != x.shape[axis]:
            raise ValueError("the positions to cut at must not decrease")
        return tuple(pieces)

    @staticmethod
    def backward(ctx, *dys):
        return np.concatenate(dys, ctx.axis)


class Unstack(Function):
    """y₁, y₂, … = what lies at 0, 1, … of an axis;   dx = their gradients along that axis"""

    @staticmethod
    def forward(ctx, x, *, axis):
        ctx.axis = axis
        return tuple(np.moveaxis(x, axis, 0))

    @staticmethod
    def backward(ctx, *dys):
        return np.stack(dys, ctx.axis)


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """np.split: into equal pieces, or at positions, which must not decrease."""
    axis = axis_index("split", axis, np.shape(ary))
    return list(Split.apply(ary, sections=indices_or_sections, axis=axis))


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """np.array_split: like split, where the first pieces may be one longer than the last."""
    axis = axis_index("array_split", axis, np.shape(ary))
    if isinstance(indices_or_sections, (int, np.integer)):
        if indices_or_sections < 1:
            raise ShapeError(
                f"array_split: {indices_or_sections} pieces; there must be one or more."
            )
        size, longer = divmod(np.shape(ary)[axis], indices_or_sections)
        sizes = [size + (i < longer) for i in range(indices_or_sections)]
        indices_or_sections = list(accumulate(sizes[:-1]))
    return split(ary, indices_or_sections, axis)


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """np.hsplit: along the second axis, or the only one."""
    return split(ary, indices_or_sections, 1 if np.ndim(ary) > 1 else 0)


@implements(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """np.vsplit: along the first axis."""
    if np.ndim(ary) < 2:
        raise ShapeError(
            f"vsplit: an operand of shape {np.shape(ary)} has no rows to cut apart; np.split cuts a vector."
        )
    return split(ary, indices_or_sections, 0)


@implements(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """np.dsplit: along the third axis."""
    return split(ary, indices_or_sections, 2)


@implements(*since("unstack"))
def unstack(x: Any, axis: int = 0) -> tuple[Any, ...]:
    """np.unstack."""
    return Unstack.apply(x, axis=axis)
