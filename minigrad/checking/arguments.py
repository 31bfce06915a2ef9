"""What gradcheck is told besides f and its inputs, refused where it means nothing."""

from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from minigrad.errors import UnsupportedError
from minigrad.tensor import Tensor

#: A shorter step is hardly one beside a number of size 1 in float64.
SHORTEST = 1e-14


def check_numbers(eps: Any, atol: Any, rtol: Any, samples: Any, seed: Any) -> None:
    """Steps, tolerances and counts must be numbers that can be used.

    Raises
    ------
    ValueError
    """
    if not (_is_number(eps) and SHORTEST <= eps < np.inf):
        raise ValueError(
            f"gradcheck: eps must be positive, finite and no less than {SHORTEST}, below which float64 cannot resolve "
            f"a step; got eps={eps!r}. The usual 1e-6 suits numbers of any size."
        )
    for name, value in (("atol", atol), ("rtol", rtol)):
        if not (_is_number(value) and 0 <= value < np.inf):
            raise ValueError(f"gradcheck: {name} must be a number, 0 or above; got {value!r}.")
    if samples is not None and not (_is_count(samples) and samples >= 1):
        raise ValueError(
            f"gradcheck: samples must be a whole number, at least 1, or None for all; got {samples!r}."
        )
    if not (_is_count(seed) and seed >= 0):
        raise ValueError(f"gradcheck: seed must be a whole number, 0 or above; got {seed!r}.")


def check_collections(params: Any, kinks: Any) -> None:
    """Parameters must be Tensors, and a convention is a slope for an operation's name.

    Raises
    ------
    UnsupportedError
    """
    if isinstance(params, Mapping):
        raise UnsupportedError(
            "gradcheck: params is a mapping; give its Tensors: params=list(params.values())."
        )
    for number, p in enumerate(() if params is None else _listed(params)):
        if not isinstance(p, Tensor):
            raise UnsupportedError(
                f"gradcheck: params[{number}] is a {type(p).__name__}; each must be a Tensor that f uses."
            )
    asked = kinks if isinstance(kinks, Mapping) else {}
    are_slopes = all(_is_number(slope) and np.isfinite(slope) for slope in asked.values())
    if not are_slopes or not isinstance(kinks, (Mapping, type(None))):
        raise UnsupportedError(
            f"gradcheck: kinks must give a slope, a number, for an operation's name, as {{'relu': 0}}; got "
            f"{kinks!r}."
        )


def _listed(params: Any) -> list[Any]:
    if isinstance(params, Tensor) or not isinstance(params, Iterable):
        raise UnsupportedError(
            f"gradcheck: params is a {type(params).__name__}; it must be a list of Tensors."
        )
    return list(params)


def _is_number(value: Any) -> bool:
    return isinstance(value, (Real, np.number)) and not isinstance(value, (bool, np.bool_))


def _is_count(value: Any) -> bool:
    return isinstance(value, (Integral, np.integer)) and not isinstance(value, bool)
