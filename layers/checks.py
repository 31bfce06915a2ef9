"""Checks that all layers share. Each says what was given, what is expected, and how to mend it."""

from typing import Any

import numpy as np

from layers.errors import OptionError
from minigrad import Tensor
from minigrad.errors import DtypeError

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def as_float(layer: str, x: Any, what: str = "input") -> Any:
    """Return `x`, a float32 or float64 Tensor or array (lists become arrays), or refuse it.

    Parameters
    ----------
    layer, what : str
        Named in the message: which function, and which of its operands.

    Raises
    ------
    DtypeError
        Integers, bools, float16 and whatever is no number.
    """
    if not isinstance(x, (Tensor, np.ndarray)):
        x = np.asarray(x)
    dtype = x.dtype
    if dtype is not FLOAT32 and dtype is not FLOAT64 and dtype not in (FLOAT32, FLOAT64):
        if x.dtype.kind not in "biuf":
            raise DtypeError(
                f"{layer}: the {what} has dtype {x.dtype}; it must be an array of real numbers."
            )
        scale = " / 255 for pixels of 0 to 255" if x.dtype == np.uint8 else ""
        raise DtypeError(
            f"{layer}: the {what} has dtype {x.dtype}; layers compute with float32 or float64. "
            f"Convert it first: x.astype(np.float32){scale}."
        )
    return x


def check_size(layer: str, name: str, value: Any) -> int:
    """Return `value`, a count of features, channels, layers: a whole number of 1 or more."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise OptionError(f"{layer}: {name} must be a whole number of 1 or more, not {value!r}.")
    return int(value)
