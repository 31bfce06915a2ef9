"""Reductions that pass over nan: it counts as 0 in a sum, 1 in a product, and is never extreme.

An entry that is nan has gradient 0. Where all entries are nan, the sum is 0, the product 1, and the
mean and the extremes are nan, as in NumPy.
"""

from typing import Any

import numpy as np

from minigrad.numpy_protocol import implements
from minigrad.ops.inspection import plain
from minigrad.ops.norms import vector_norm
from minigrad.ops.selection import where


def _filled(a: Any, value: float) -> Any:
    return where(np.isnan(a), value, a)


def _count(a: Any, axis: Any, keepdims: bool) -> Any:
    """How many entries are numbers."""
    return np.sum(~np.isnan(plain(a)), axis=axis, keepdims=keepdims)


@implements(np.nansum)
def nansum(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """np.nansum."""
    return np.sum(_filled(a, 0), axis=axis, keepdims=keepdims)


@implements(np.nanprod)
def nanprod(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """np.nanprod."""
    return np.prod(_filled(a, 1), axis=axis, keepdims=keepdims)


@implements(np.nancumsum)
def nancumsum(a: Any, axis: int | None = None) -> Any:
    """np.nancumsum."""
    return np.cumsum(_filled(a, 0), axis=axis)


@implements(np.nancumprod)
def nancumprod(a: Any, axis: int | None = None) -> Any:
    """np.nancumprod."""
    return np.cumprod(_filled(a, 1), axis=axis)


@implements(np.nanmean)
def nanmean(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """np.nanmean."""
    return nansum(a, axis, keepdims=keepdims) / _count(a, axis, keepdims)


@implements(np.nanvar)
def nanvar(a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """np.nanvar; nan where there are no more numbers than `ddof`."""
    squares = np.square(_deviations(a, axis))
    return np.sum(squares, axis=axis, keepdims=keepdims) / _freedom(a, axis, ddof, keepdims)


@implements(np.nanstd)
def nanstd(a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """np.nanstd; where it is 0 its gradient is 0, as that of np.std."""
    length = vector_norm(_deviations(a, axis), axis=axis, keepdims=keepdims)
    return length / np.sqrt(_freedom(a, axis, ddof, keepdims))


def _deviations(a: Any, axis: Any) -> Any:
    return _filled(a - nanmean(a, axis, keepdims=True), 0)


def _freedom(a: Any, axis: Any, ddof: float, keepdims: bool) -> Any:
    freedom = _count(a, axis, keepdims) - ddof
    return np.where(freedom > 0, freedom, np.nan)


@implements(np.nanmax)
def nanmax(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """np.nanmax; among equals the gradient is shared, as by np.max."""
    y = np.max(_filled(a, -np.inf), axis=axis, keepdims=keepdims)
    return where(_count(a, axis, keepdims) == 0, np.nan, y)


@implements(np.nanmin)
def nanmin(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """np.nanmin; among equals the gradient is shared, as by np.min."""
    return -nanmax(-a, axis, keepdims=keepdims)
