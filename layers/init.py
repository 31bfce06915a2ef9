"""Initial parameters, as PyTorch draws them by default.

PyTorch initialises Linear and Conv2d with ``kaiming_uniform_(a=√5)``: the bound is
``√(6 / ((1 + a²) fan_in)) = 1/√fan_in``, and the bias has the same one. A sum of fan_in products of
such a weight with inputs of variance 1 has variance 1/3, whatever the width of the layer.
"""

import numpy as np

from minigrad.random import default_rng


def uniform(
    shape: tuple[int, ...], fan_in: int, rng: np.random.Generator | None = None
) -> np.ndarray:
    """Draw float32 numbers from U(-1/√fan_in, 1/√fan_in).

    Parameters
    ----------
    shape : tuple of int
    fan_in : int
        How many products one output adds up: in_features, (in_channels / groups) · kh · kw, or the
        hidden size of an LSTM.
    rng : numpy.random.Generator, optional
        The generator to draw from; without it the one that `minigrad.manual_seed` seeds.
    """
    bound = 1 / fan_in**0.5
    return default_rng(rng).uniform(-bound, bound, shape).astype(np.float32)
