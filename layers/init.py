"""Initial parameters, as PyTorch draws them.

PyTorch initialises Linear and Conv2d with ``kaiming_uniform_(a=√5)``: the bound is
``√(6 / ((1 + a²) fan_in)) = 1/√fan_in``, and the bias has the same one. A sum of fan_in products of
such a weight with inputs of variance 1 has variance 1/3, whatever the width of the layer. `uniform` draws so.

Layer after layer with ReLU, signals die away by it; `kaiming_uniform_` keeps them up.
"""

import math

import numpy as np

from layers.module import Parameter
from minigrad.errors import ShapeError
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


def kaiming_uniform_(weight: Parameter, rng: np.random.Generator | None = None) -> None:
    """Draw the weights of a layer in front of a ReLU anew, from U(-√(6/fan_in), √(6/fan_in)).

    Their variance 2/fan_in makes up for the half that ReLU cuts off: the mean square of what comes out
    is that of what went in. Source: K. He et al., 2015, equation 10.

    Parameters
    ----------
    weight : Parameter (out_features, in_features) or (out_channels, in_channels / groups, kh, kw)
        Changed in place.
    rng : numpy.random.Generator, optional
        As in `uniform`.

    Raises
    ------
    ShapeError
        A bias, whose shape tells no fan_in.
    """
    if weight.ndim < 2:
        raise ShapeError(
            f"kaiming_uniform_ draws weights, and a shape {weight.shape} is that of a bias: set it to 0"
        )
    weight.data[...] = 6**0.5 * uniform(weight.shape, math.prod(weight.shape[1:]), rng)
