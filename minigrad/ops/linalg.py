"""Inverses, determinants and linear systems, of single matrices or stacks of them."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from minigrad.errors import SingularMatrixError
from minigrad.function import Function
from minigrad.numpy_protocol import implements
from minigrad.ops.selection import keep


@implements(np.linalg.inv)
class Inv(Function):
    """y = a⁻¹;   da = -yᵀ dy yᵀ"""

    @staticmethod
    def forward(ctx, a):
        ctx.y = _unless_singular(np.linalg.inv, a)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        y = transposed(ctx.y)
        return -y @ dy @ y


@implements(np.linalg.det)
class Det(Function):
    """y = det a;   da = y dy a⁻ᵀ  (where a has an inverse)"""

    @staticmethod
    def forward(ctx, a):
        ctx.a, ctx.y = a, np.linalg.det(a)
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        return (dy * ctx.y)[..., None, None] * transposed(Inv.call(ctx.a))


class Slogdet(Function):
    """s, y = sign and ln |det a|;   da = dy a⁻ᵀ"""

    @staticmethod
    def forward(ctx, a):
        ctx.a = a
        return tuple(np.linalg.slogdet(a))

    @staticmethod
    def backward(ctx, ds, dy):
        return dy[..., None, None] * transposed(Inv.call(ctx.a))


@implements(np.linalg.solve)
class Solve(Function):
    """x = a⁻¹ b;   db = a⁻ᵀ dx,   da = -db xᵀ"""

    @staticmethod
    def forward(ctx, a, b):
        ctx.x = _unless_singular(np.linalg.solve, a, b)
        ctx.a, ctx.vector = a, b.ndim == 1
        return ctx.x

    @staticmethod
    def backward(ctx, dx):
        x = ctx.x
        if ctx.vector:
            x, dx = x[..., None], dx[..., None]
        db = np.linalg.solve(transposed(ctx.a), dx)
        da = -db @ transposed(x) if ctx.needs_input_grad[0] else None
        return da, db[..., 0] if ctx.vector else db


def transposed(a: Any) -> Any:
    """The last two axes exchanged; for use in rules."""
    return np.swapaxes(a, -1, -2)


def _unless_singular(function: Callable[..., Any], a: Any, *others: Any) -> Any:
    try:
        return function(a, *others)
    except np.linalg.LinAlgError as error:
        if "Singular" not in str(error):
            raise
        raise SingularMatrixError(
            f"{function.__name__}: a matrix of the operand of shape {a.shape} has no inverse: one of "
            "its rows is a sum of multiples of the others. Adding a small multiple of np.eye gives "
            "it one."
        ) from None


class SlogdetResult(NamedTuple):
    """What np.linalg.slogdet gives."""

    sign: Any
    logabsdet: Any


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> SlogdetResult:
    """np.linalg.slogdet; the sign's gradient is 0."""
    return SlogdetResult(*Slogdet.apply(a))


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """np.linalg.matrix_power, by repeated squaring; of the inverse for negative `n`."""
    if n == 0:
        return keep(a, np.False_) + np.eye(a.shape[-1])
    if n < 0:
        a, n = np.linalg.inv(a), -n
    power = None
    while n:
        if n & 1:
            power = a if power is None else power @ a
        n >>= 1
        a = a @ a if n else a
    return power


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any]) -> Any:
    """np.linalg.multi_dot: a chain of matrices, multiplied in the order that costs least.

    The first may be a row vector and the last a column vector.
    """
    sides = [np.shape(a)[0] for a in arrays] + [np.shape(arrays[-1])[-1]]
    if np.ndim(arrays[0]) == 1:
        sides[0] = 1
    if np.ndim(arrays[-1]) == 1:
        sides[-1] = 1

    @cache
    def cheapest(start: int, stop: int) -> tuple[int, int]:
        """The multiplications of arrays[start:stop], and where to cut it in two."""
        if stop - start == 1:
            return 0, start
        costs = []
        for cut in range(start + 1, stop):
            product = sides[start] * sides[cut] * sides[stop]
            costs.append((cheapest(start, cut)[0] + cheapest(cut, stop)[0] + product, cut))
        return min(costs)

    def multiplied(start: int, stop: int) -> Any:
        if stop - start == 1:
            return arrays[start]
        cut = cheapest(start, stop)[1]
        return np.dot(multiplied(start, cut), multiplied(cut, stop))

    return multiplied(0, len(arrays))
