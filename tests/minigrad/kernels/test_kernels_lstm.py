"""The steps of an LSTM, their products and their tanh: loops against twins, NumPy and long doubles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import lstm
from minigrad.kernels.exponentials import tanh
from minigrad.kernels.panels import WIDTH, add_product, panels

dtypes = st.sampled_from([np.float32, np.float64])
size = st.integers(1, 5)


def draw(seed, dtype, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def hold(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        tolerance = 50 * np.finfo(one.dtype).eps
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


@given(
    seed=st.integers(0, 999),
    dtype=dtypes,
    steps=size,
    batch=st.integers(0, 6),
    hidden=st.integers(1, 40),
    zero=st.booleans(),
    data=st.data(),
)
@settings(max_examples=40, deadline=None)
def test_the_loops_are_their_twins(seed, dtype, steps, batch, hidden, zero, data):
    start = data.draw(st.integers(0, batch))
    share = start, data.draw(st.integers(start, batch))
    w_hh, bias, gates, h, c, dy, dh, dc = draw(
        seed,
        dtype,
        (4 * hidden, hidden),
        (4 * hidden,),
        (steps, batch, 4 * hidden),
        (steps + 1, batch, hidden),
        (steps + 1, batch, hidden),
        (steps, batch, hidden),
        (batch, hidden),
        (batch, hidden),
    )
    h *= not zero
    ours, theirs = ([a.copy() for a in (gates, h, c)] for _ in range(2))
    lstm.steps_forward(w_hh, bias, *ours, *share)
    lstm.steps_forward.twin(w_hh, bias, *theirs, *share)
    hold(ours, theirs)

    gates, _, c = theirs
    ours, theirs = ([dc.copy(), np.zeros_like(gates)] for _ in range(2))
    lstm.steps_back(dy, dh, ours[0], gates, w_hh, c, ours[1], *share)
    lstm.steps_back.twin(dy, dh, theirs[0], gates, w_hh, c, theirs[1], *share)
    hold(ours, theirs)


def test_a_nan_stays_in_its_example():
    w_hh, bias, gates = draw(0, np.float32, (12, 3), (12,), (3, 2, 12))
    gates[1, 0] = np.nan
    h, c = (np.zeros((4, 2, 3), np.float32) for _ in range(2))
    lstm.steps_forward(w_hh, bias, gates, h, c, 0, 2)
    for array in (h, c):
        assert np.isnan(array).all(axis=2).tolist() == [[False] * 2] * 2 + [[True, False]] * 2


@given(st.integers(0, 999), dtypes, st.integers(0, 9), st.integers(0, 20), st.integers(1, 2))
@settings(max_examples=40, deadline=None)
def test_products_of_any_shape(seed, dtype, rows, summed, more):
    for outputs in (1, WIDTH - 1, WIDTH, more * WIDTH + 1):
        x, w, y = draw(seed, dtype, (rows, summed), (outputs, summed), (rows, outputs))
        for matrix in (w, np.asfortranarray(w)):
            z = y.copy()
            add_product(x, panels(matrix), z)
            np.testing.assert_allclose(z, y + x @ w.T, atol=100 * np.finfo(dtype).eps)


@pytest.mark.parametrize(("dtype", "units"), [(np.float32, 4), (np.float64, 6)])
def test_the_error_of_tanh(dtype, units):
    x = np.concatenate([np.linspace(0, 25, 3001), np.geomspace(1e-30, 25, 3001), [np.inf]])
    x = x.astype(dtype)
    y, negative = (np.array([tanh(a, dtype) for a in numbers]) for numbers in (x, -x))
    exact = np.tanh(x.astype(np.longdouble))
    assert np.all(np.abs(y - exact) <= units * np.finfo(dtype).eps * exact)
    np.testing.assert_array_equal(negative, -y)
    assert np.isnan(tanh(dtype(np.nan), dtype))
