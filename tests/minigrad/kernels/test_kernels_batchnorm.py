"""Batch normalisation's loops against their twins and NumPy in double precision."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import batchnorm
from minigrad.kernels.batchnorm import batch_norm_backward, batch_norm_forward, batch_statistics


def hold(ours, theirs, dtype):
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype == dtype
        tolerance = 100 * np.finfo(dtype).eps * max(1, np.abs(other).max(initial=0))
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


@given(
    seed=st.integers(0, 999),
    dtype=st.sampled_from([np.float32, np.float64]),
    images=st.integers(1, 4),
    count=st.integers(1, 4),
    size=st.integers(1, 100),
    training=st.booleans(),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_the_loops_are_their_twins(seed, dtype, images, count, size, training, data):
    first = data.draw(st.integers(0, count))
    channels = first, data.draw(st.integers(first, count))
    rng = np.random.default_rng(seed)
    x, dy = rng.standard_normal((2, images, count, size)).astype(dtype)
    w, shift, scale, mean = rng.standard_normal((4, count)).astype(dtype)

    ours, theirs = (list(np.zeros((2, count), dtype)) for _ in range(2))
    batchnorm.moments(x, *ours, channels)
    batchnorm.moments.twin(x, *theirs, channels)
    hold(ours, theirs, dtype)

    y, expected = np.zeros((2, *x.shape), dtype)
    batchnorm.normalise(x, mean, scale, shift, y, channels)
    batchnorm.normalise.twin(x, mean, scale, shift, expected, channels)
    hold([y], [expected], dtype)

    ours, theirs = ([np.zeros_like(x), *np.zeros((2, count), dtype)] for _ in range(2))
    batchnorm.gradients(dy, x, mean, scale, w, training, *ours, channels)
    batchnorm.gradients.twin(dy, x, mean, scale, w, training, *theirs, channels)
    hold(ours, theirs, dtype)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2), (2, 3, 5, 7), (1, 3, 1, 1), (3, 1, 40)])
def test_any_shape_on_any_number_of_threads(shape, count, thread_count, monkeypatch):
    monkeypatch.setattr(batchnorm, "LARGE", 0)
    thread_count(count)
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, *shape))
    axes, along = (0, *range(2, x.ndim)), (-1, *(1,) * (x.ndim - 2))
    mean, var = batch_statistics(np.asfortranarray(x))
    hold([mean, var], [x.mean(axis=axes), x.var(axis=axes)], np.float64)

    scale, shift = rng.standard_normal((2, shape[1]))
    x_hat = (x - mean.reshape(along)) * scale.reshape(along)
    hold(
        [batch_norm_forward(x, mean, scale, shift), batch_norm_forward(x, mean, scale, None)],
        [x_hat + shift.reshape(along), x_hat],
        np.float64,
    )

    db, dw = dy.sum(axis=axes), (dy * x_hat).sum(axis=axes)
    m = x.size / shape[1]
    dx = dy - (db.reshape(along) + x_hat * dw.reshape(along)) / m
    ours = batch_norm_backward(dy, x, mean, scale, None, True)
    hold(ours, [dx * scale.reshape(along), dw, db], np.float64)
    ours = batch_norm_backward(dy, x, mean, scale, shift, False)
    hold(ours, [dy * (shift * scale).reshape(along), dw, db], np.float64)


def test_the_variance_of_numbers_far_from_zero():
    """Σx²/m - mean² would be off by 1 here, the square of a rounding of 1000."""
    x = (1000 + np.random.default_rng(0).standard_normal((6, 2, 500))).astype(np.float32)
    mean, var = batch_statistics(x)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean(axis=(0, 2)), rtol=1e-6)
    np.testing.assert_allclose(var, exact.var(axis=(0, 2)), rtol=1e-4)
