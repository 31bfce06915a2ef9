"""NumPy's functions that have no gradient: on Tensors they give plain arrays, bools and numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.numpy_protocol import implementations, implements
from minigrad.tensor import Tensor


def plain(value: Any) -> Any:
    """`value` with arrays in place of Tensors, also inside lists and tuples."""
    if isinstance(value, Tensor):
        return value._data
    if isinstance(value, (list, tuple)):
        return type(value)([plain(v) for v in value])
    return value


def _on_data(function: Callable[..., Any]) -> Callable[..., Any]:
    def on_data(*args: Any, **kwargs: Any) -> Any:
        return function(*map(plain, args), **{k: plain(v) for k, v in kwargs.items()})

    return on_data


COMPARISONS = (
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.logical_and, np.logical_or, np.logical_xor, np.logical_not,
    np.isclose, np.allclose, np.array_equal, np.array_equiv,
)  # fmt: skip
TESTS = (
    np.isnan, np.isinf, np.isfinite, np.isposinf, np.isneginf, np.signbit,
    np.isreal, np.iscomplex, np.isrealobj, np.iscomplexobj, np.all, np.any,
)  # fmt: skip
POSITIONS = (
    np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.lexsort,
    np.nonzero, np.flatnonzero, np.argwhere, np.searchsorted, np.digitize,
)  # fmt: skip
COUNTS = (np.count_nonzero, np.isin, np.histogram_bin_edges)
FORMS = (
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.min_scalar_type, np.common_type,
    np.zeros_like, np.ones_like, np.empty_like,
    np.shares_memory, np.may_share_memory, np.array2string, np.array_repr, np.array_str,
)  # fmt: skip

for _function in (*COMPARISONS, *TESTS, *POSITIONS, *COUNTS, *FORMS):
    implementations[_function] = _on_data(_function)


@implements(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """np.histogram: plain counts; sums of weights would have a gradient, and are refused."""
    weights = None if weights is None else np.asarray(weights)
    return np.histogram(plain(a), plain(bins), plain(range), density, weights)
