"""Dropout: the mask, its scale, its gradient, its generator."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import layers.functional as F
import minigrad
from layers import Dropout
from layers.errors import OptionError
from tests.layers import composed
from tests.strategies import draw_array, seeds, shapes


@settings(max_examples=20, deadline=None)
@given(seeds, shapes(0, 3), st.floats(0.0, 0.9))
def test_dropout_by_three_witnesses(seed, shape, p):
    mask = np.random.default_rng(seed).random(shape, np.float32) >= p
    composed.check_three(
        lambda x: F.dropout(x, p, rng=np.random.default_rng(seed)),
        lambda x: x * (mask / (1 - p)),
        draw_array(seed, shape),
        second=True,
    )


def test_the_share_of_zeros_is_p_and_the_mean_stays():
    x = np.ones((200, 500), np.float32)
    y = F.dropout(x, 0.3, rng=np.random.default_rng(0)).data
    assert abs(np.mean(y == 0) - 0.3) < 0.01
    assert abs(np.mean(y) - 1) < 0.01
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.7], rtol=1e-6)
    assert y.dtype == np.float32


def test_all_is_dropped_at_1_and_nothing_at_0_or_in_evaluation():
    x = minigrad.tensor(np.arange(1.0, 7.0), requires_grad=True)
    y = F.dropout(x, 1.0)
    y.backward(np.ones(6))
    assert y.data.tolist() == [0] * 6
    assert x.grad.tolist() == [0] * 6
    assert F.dropout(x, 0.0) is x
    assert F.dropout(x, 0.5, training=False) is x
    assert Dropout(0.9).eval()(x) is x


def test_the_mask_comes_from_rng_or_the_shared_generator():
    x = np.ones(100, np.float32)
    one, two = (Dropout(0.5, rng=np.random.default_rng(5)) for _ in range(2))
    first = one(x).data
    np.testing.assert_array_equal(first, two(x).data)
    assert np.any(one(x).data != first)
    minigrad.manual_seed(1)
    shared = Dropout(0.5)(x).data
    minigrad.manual_seed(1)
    np.testing.assert_array_equal(Dropout(0.5)(x).data, shared)


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan"), "a"])
def test_a_rate_that_is_no_probability_is_refused(p):
    with pytest.raises(OptionError, match="probability"):
        Dropout(p)
    with pytest.raises(OptionError, match="probability"):
        F.dropout(np.ones(3), p, training=False)
