"""Hypothesis strategies for shapes and arrays, shared by all tests."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


def shapes(min_dims: int = 0, max_dims: int = 3, min_side: int = 1, max_side: int = 3):
    """Shapes small enough for differences on every entry."""
    return hnp.array_shapes(
        min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side
    )


def shape_pairs(max_dims: int = 3, max_side: int = 3):
    """Two shapes that broadcast against each other."""
    both = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=max_dims, max_side=max_side)
    return both.map(lambda found: found.input_shapes)


def axes(ndim: int):
    """None, one axis or a tuple of axes of an array of `ndim` axes; negatives included."""
    if ndim == 0:
        return st.sampled_from([None, ()])
    one = st.integers(-ndim, ndim - 1)
    several = st.lists(one, max_size=ndim, unique_by=lambda axis: axis % ndim).map(tuple)
    return st.one_of(st.none(), one, several)


seeds = st.integers(0, 2**32 - 1)


def draw_array(seed: int, shape: tuple[int, ...], low: float = -2.0, high: float = 2.0):
    """Float64 entries spread evenly over [low, high)."""
    return np.random.default_rng(seed).uniform(low, high, shape)
