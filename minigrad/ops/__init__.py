"""The primitives: local rules of NumPy's functions, one file a family."""

from minigrad.ops import (  # noqa: F401  (these serve through NumPy's names alone)
    calculus,
    cumulative,
    diagonals,
    einsum,
    exponential,
    extrema,
    inspection,
    joining,
    linalg,
    nans,
    norms,
    piecewise,
    rearranging,
    reductions,
    selection,
    shape,
    sorting,
    special,
    taking,
    trigonometric,
)
from minigrad.ops.arithmetic import add, divide, multiply, negative, power, subtract
from minigrad.ops.dtypes import astype
from minigrad.ops.indexing import getitem
from minigrad.ops.products import matmul

__all__ = [
    "add", "astype", "divide", "getitem", "matmul", "multiply", "negative", "power", "subtract",
]  # fmt: skip
