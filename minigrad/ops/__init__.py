"""The primitives: local rules of NumPy's functions, one file a family."""

from minigrad.ops import (  # noqa: F401  (these serve through NumPy's names alone)
    calculus,
    cumulative,
    decompositions,
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
from minigrad.ops.arithmetic import Add, Divide, Multiply, Negative, Power, Subtract
from minigrad.ops.dtypes import astype
from minigrad.ops.indexing import getitem
from minigrad.ops.products import Matmul

__all__ = [
    "Add", "Divide", "Matmul", "Multiply", "Negative", "Power", "Subtract", "astype", "getitem",
]  # fmt: skip
