"""Does forward compute in float32? Then a small step drowns in its rounding, and no slope can be known."""

import numpy as np

from minigrad.checking.maps import AWAY, Map
from minigrad.checking.report import Finding

#: In proportion to an entry: a step that float32 sees, and one that float64 alone sees.
SEEN, UNSEEN = 1e-6, 1e-12
#: So large a part of the outputs is most of them.
MOST = 0.9
#: A change of so many units in the last place of float64 is more than rounding.
UNITS = 8

IN_FLOAT32 = Finding(
    "float32",
    "forward computes in float32, though its inputs are float64 (a cast, as x.astype(np.float32)?): small "
    "steps drown in its rounding, and whether backward is right cannot be known.",
)


def in_float32(subject: Map) -> bool:
    """Whether outputs are float32, or stand still over a step that float64 sees, not over one that float32 sees."""
    y = subject.forward()
    moving, change = _moved(subject, AWAY) != y, np.abs(_moved(subject, SEEN) - y)
    expected = change * (UNSEEN / SEEN)
    known = np.isfinite(change) & (expected > UNITS * np.spacing(np.abs(y)))
    if np.dtype(np.float32) in subject.dtypes and moving.any():
        return True
    if not known.any() or known.sum() < MOST * moving.sum():
        return False  # one that moves in leaps, as a rounding does
    return bool(np.mean(_moved(subject, UNSEEN)[known] != y[known]) <= 1 - MOST)


def _moved(subject: Map, size: float) -> np.ndarray:
    """The outputs with all entries moved by `size`, in proportion, each to its own side."""
    rng = np.random.default_rng(0)
    with subject.undone():
        for a in subject.arrays:
            a += size * rng.choice([-1, 1], a.shape) * rng.uniform(0.5, 1, a.shape) * np.abs(a)
        return subject.forward()
