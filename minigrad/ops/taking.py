"""NumPy's named ways to take entries: by position, by condition, by leaving out."""

from typing import Any

import numpy as np

from minigrad.errors import ShapeError
from minigrad.numpy_protocol import implements
from minigrad.ops.indexing import Getitem, Scatter, settled
from minigrad.ops.inspection import plain
from minigrad.shapes import axis_index, explained
from minigrad.tensor import Tensor


class Take(Getitem):
    """y = x at positions;   dx = zeros with dy added there (an entry taken twice receives twice)"""


@implements(np.take)
def take(a: Any, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Any:
    """np.take: along one axis, or of the flattened array."""
    if axis is None:
        a, axis = np.ravel(a), 0
    axis, indices = axis_index("take", axis, a.shape), settled(indices)
    if mode != "raise":
        n = a.shape[axis]
        indices = np.mod(indices, n) if mode == "wrap" else np.clip(indices, 0, n - 1)
    return Take.apply(a, index=(slice(None),) * axis + (indices,))


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """np.take_along_axis: positions along one axis, other positions for each of the others."""
    if axis is None:
        arr, axis = np.ravel(arr), 0
    if np.ndim(indices) != arr.ndim:
        raise ShapeError(
            f"take_along_axis: an operand of shape {arr.shape} and positions of shape {np.shape(indices)} "
            "must have as many axes. np.take takes the same positions everywhere."
        )
    grid: list[Any] = list(np.indices(arr.shape, sparse=True))
    grid[axis_index("take_along_axis", axis, arr.shape)] = settled(indices)
    return Take.apply(arr, index=tuple(grid))


@implements(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    """np.compress: where a vector of bools is set, along one axis or of the flattened array."""
    return take(a, np.flatnonzero(plain(condition)), axis)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """np.extract: the entries where a condition of the same shape holds, as a vector."""
    return compress(np.ravel(plain(condition)), arr)


@implements(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    *,
    equal_nan: bool = True,
) -> Any:
    """np.unique of all entries; the gradient goes to the first of those that are equal."""
    options: Any = {"return_inverse": return_inverse, "return_counts": return_counts}
    _, first, *others = np.unique(plain(ar), return_index=True, equal_nan=equal_nan, **options)
    results = [take(ar, first), *([first] if return_index else []), *others]
    return tuple(results) if len(results) > 1 else results[0]


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """np.delete: without the entries at these positions."""
    if axis is None:
        arr, axis = np.ravel(arr), 0
    axis = axis_index("delete", axis, arr.shape)
    with explained("delete", arr, obj=obj, axis=axis):
        left = np.delete(np.arange(arr.shape[axis]), plain(obj))
    return take(arr, left, axis)


@implements(np.choose)
def choose(a: Any, choices: Any, *, mode: Any = "raise") -> Any:
    """np.choose: of several arrays, for each place the one that the integers `a` name."""
    with explained("choose", *choices, a=a, mode=mode):
        number = np.choose(plain(a), list(range(len(choices))), mode=mode)
    number, *choices = np.broadcast_arrays(number, *choices)
    return take_along_axis(np.stack(choices), plain(number)[None], 0)[0]


class Bincount(Scatter):
    """yₖ = Σ x where the position is k;   dx = dy at the positions"""


@implements(np.bincount)
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """np.bincount: plain counts; with a Tensor of weights, a Tensor of their sums."""
    x = plain(x)
    if not isinstance(weights, Tensor):
        return np.bincount(x, weights, minlength)
    length = len(np.bincount(x, minlength=minlength))
    return Bincount.apply(weights, index=settled(x), shape=(length,))


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """np.select: for each place the choice of the first condition that holds."""
    if len(condlist) != len(choicelist):
        raise ShapeError(
            f"select: {len(condlist)} conditions and {len(choicelist)} choices; each needs its own."
        )
    chosen = default
    for condition, choice in reversed(list(zip(condlist, choicelist))):
        chosen = np.where(plain(condition), choice, chosen)
    return chosen
