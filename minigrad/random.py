"""One generator for everything that draws random numbers and was given no `rng` of its own."""

import numpy as np

_generator = np.random.default_rng()


def manual_seed(seed: int) -> np.random.Generator:
    """Seed the generator that serves wherever `rng` is not given, and return it."""
    global _generator
    _generator = np.random.default_rng(seed)
    return _generator


def default_rng(rng: np.random.Generator | None = None) -> np.random.Generator:
    """`rng` itself, or the shared generator when it is None."""
    return _generator if rng is None else rng
