"""Names of NumPy's functions that not every NumPy has."""

from collections.abc import Callable
from typing import Any

import numpy as np


def since(*names: str) -> list[Callable[..., Any]]:
    """Those of NumPy's functions ("unstack", "linalg.vecdot") that the installed NumPy has."""
    found = []
    for name in names:
        place: Any = np
        for part in name.split("."):
            place = getattr(place, part, None)
        if place is not None:
            found.append(place)
    return found
