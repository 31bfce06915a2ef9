"""Products of matrices and vectors, in all ranks."""

from typing import Any

import numpy as np

from minigrad.errors import ShapeError
from minigrad.function import Function
from minigrad.kernels import products as kernels
from minigrad.numpy_protocol import implements
from minigrad.ops.shape import as_array
from minigrad.ops.versions import since


@implements(np.matmul, *since("linalg.matmul"))
class Matmul(Function):
    """y = a b;   da = dy bᵀ,   db = aᵀ dy  (on the last two axes)"""

    @staticmethod
    def forward(ctx, a, b):
        ctx.a, ctx.b = a, b
        return kernels.matmul(a, b)

    @staticmethod
    def backward(ctx, dy):
        a, b = ctx.a, ctx.b
        need_a, need_b = ctx.needs_input_grad
        # A vector is a row on the left and a column on the right, as in the forward product.
        if a.ndim == 1:
            dy = np.expand_dims(dy, -2 if b.ndim > 1 else -1)
        if b.ndim == 1:
            dy = np.expand_dims(dy, -1)
        rows = np.expand_dims(a, 0) if a.ndim == 1 else a
        columns = np.expand_dims(b, -1) if b.ndim == 1 else b
        da = db = None
        if need_a:
            da = kernels.matmul(dy, np.swapaxes(columns, -1, -2))
            da = np.squeeze(da, -2) if a.ndim == 1 else da
        if need_b:
            db = kernels.matmul(np.swapaxes(rows, -1, -2), dy)
            db = np.squeeze(db, -1) if b.ndim == 1 else db
        return da, db


class Dot(Matmul):
    """y = a b of vectors and matrices;   da = dy bᵀ,   db = aᵀ dy"""


class Tensordot(Function):
    """y = Σ a b over pairs of axes;   da = Σ dy b over b's other axes,   db = Σ dy a over a's"""

    @staticmethod
    def forward(ctx, a, b, *, axes):
        ctx.a, ctx.b, ctx.axes = a, b, axes
        return np.tensordot(a, b, axes)

    @staticmethod
    def backward(ctx, dy):
        a, b = ctx.a, ctx.b
        mine, its = ctx.axes
        free_a = [i for i in range(a.ndim) if i not in mine]
        free_b = [i for i in range(b.ndim) if i not in its]
        places = list(range(dy.ndim))  # a's free axes come first, then b's
        need_a, need_b = ctx.needs_input_grad
        da = db = None
        if need_a:
            da = np.tensordot(dy, b, (places[len(free_a) :], free_b))
            da = np.transpose(da, _inverse(free_a + _partners(its, mine)))
        if need_b:
            db = np.tensordot(a, dy, (free_a, places[: len(free_a)]))
            db = np.transpose(db, _inverse(_partners(mine, its) + free_b))
        return da, db


def _partners(these, those):
    """Of paired axes, the second ones, in the order of the first."""
    return [partner for _, partner in sorted(zip(these, those))]


def _inverse(order):
    return [order.index(i) for i in range(len(order))]


@implements(np.tensordot, *since("linalg.tensordot"))
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """np.tensordot; `axes` a number of axes, last of `a` with first of `b`, or a pair of lists."""
    rank_a, rank_b = np.ndim(a), np.ndim(b)
    mine: list[Any]
    its: list[Any]
    if isinstance(axes, (int, np.integer)):
        mine, its = list(range(rank_a - axes, rank_a)), list(range(axes))
    else:
        mine, its = [[x] if isinstance(x, (int, np.integer)) else list(x) for x in axes]
        mine = [i + rank_a if i < 0 else i for i in mine]
        its = [i + rank_b if i < 0 else i for i in its]
    return Tensordot.apply(a, b, axes=(mine, its))


@implements(np.dot)
def dot(a: Any, b: Any) -> Any:
    """np.dot: over the last axis of `a` and the last but one (or only one) of `b`."""
    a, b = as_array(a), as_array(b)
    if a.ndim == 0 or b.ndim == 0:
        return np.multiply(a, b)
    if b.ndim == 1 or (a.ndim <= 2 and b.ndim == 2):
        return Dot.apply(a, b)
    return tensordot(a, b, ([-1], [-2]))


@implements(np.inner)
def inner(a: Any, b: Any) -> Any:
    """np.inner: over the last axis of both."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return tensordot(a, b, ([-1], [-1]))


@implements(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    """np.vdot: of the flattened arrays."""
    return Dot.apply(np.ravel(a), np.ravel(b))


@implements(np.outer, *since("linalg.outer"))
def outer(a: Any, b: Any) -> Any:
    """np.outer: every entry of `a` by every entry of `b`."""
    return np.multiply(np.reshape(a, (-1, 1)), np.ravel(b))


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    """np.kron: every entry of `a` by the whole of `b`."""
    rank = max(np.ndim(a), np.ndim(b))
    shape_a = (1,) * (rank - np.ndim(a)) + np.shape(a)
    shape_b = (1,) * (rank - np.ndim(b)) + np.shape(b)
    blocks = np.reshape(a, [n for side in shape_a for n in (side, 1)])
    inside = np.reshape(b, [n for side in shape_b for n in (1, side)])
    return np.reshape(np.multiply(blocks, inside), [m * n for m, n in zip(shape_a, shape_b)])


@implements(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """np.cross of vectors of three entries along an axis."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ShapeError(
            f"cross: vectors of {a.shape[-1]} and {b.shape[-1]} entries, and both must have 3. In "
            "the plane, write a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]."
        )
    y = np.roll(a, -1, -1) * np.roll(b, -2, -1) - np.roll(a, -2, -1) * np.roll(b, -1, -1)
    return np.moveaxis(y, -1, axisc)


@implements(*since("linalg.cross"))
def vector_cross(x1: Any, x2: Any, *, axis: int = -1) -> Any:
    """np.linalg.cross."""
    return cross(x1, x2, axis=axis)


@implements(*since("vecdot"))
def vecdot(x1: Any, x2: Any) -> Any:
    """np.vecdot: the dot products of vectors along the last axis."""
    y = Matmul.apply(np.expand_dims(x1, -2), np.expand_dims(x2, -1))
    return np.squeeze(y, (-2, -1))


@implements(*since("linalg.vecdot"))
def vecdot_along(x1: Any, x2: Any, *, axis: int = -1) -> Any:
    """np.linalg.vecdot: the same along any axis."""
    return vecdot(np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1))


@implements(*since("matvec"))
def matvec(x1: Any, x2: Any) -> Any:
    """np.matvec: matrices by vectors, both stacked."""
    return np.squeeze(Matmul.apply(x1, np.expand_dims(x2, -1)), -1)


@implements(*since("vecmat"))
def vecmat(x1: Any, x2: Any) -> Any:
    """np.vecmat: vectors by matrices, both stacked."""
    return np.squeeze(Matmul.apply(np.expand_dims(x1, -2), x2), -2)
