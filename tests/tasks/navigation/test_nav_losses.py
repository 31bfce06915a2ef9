"""Returns against plain sums; losses against formulas by hand and numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from tasks.navigation import depth
from tasks.navigation.losses import depth_loss, entropy, loop_loss, policy_loss, value_loss
from tasks.navigation.returns import clipped, k_step_returns

RNG = np.random.default_rng(0)


@given(st.integers(1, 9), st.integers(1, 4), st.floats(0, 1), st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_returns_are_the_slide_s_sums(steps, batch, gamma, seed):
    rng = np.random.default_rng(seed)
    rewards, finals = rng.standard_normal((2, steps, batch))
    bootstrap, ended = rng.standard_normal(batch), rng.random((steps, batch)) < 0.3
    got = k_step_returns(rewards, ended, finals, bootstrap, gamma)
    for n in range(batch):
        for t in range(steps):
            total, k = 0.0, 0
            for k in range(steps - t):
                total += gamma**k * rewards[t + k, n]
                if ended[t + k, n]:
                    rest = finals[t + k, n]
                    break
            else:
                rest = bootstrap[n]
            np.testing.assert_allclose(got[t, n], total + gamma ** (k + 1) * rest, atol=1e-12)


def test_rewards_are_scaled_then_clipped():
    got = clipped(np.array([0, 1.0, 10, 13, -20]), 0.1)
    np.testing.assert_allclose(got, [0, 0.1, 1, 1, -1], rtol=1e-6)
    assert got.dtype == np.float32


def draw(*shape):
    return minigrad.tensor(RNG.standard_normal(shape), requires_grad=True, dtype=np.float64)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_policy_gradient_is_advantage_times_probability_minus_onehot():
    z, actions, advantages = draw(5, 8), RNG.integers(0, 8, 5), RNG.standard_normal(5)
    loss = policy_loss(z, actions, advantages)
    p = softmax(z.data)
    np.testing.assert_allclose(loss.item(), -np.mean(advantages * np.log(p[np.arange(5), actions])))
    loss.backward()
    expected = advantages[:, None] * (p - np.eye(8)[actions]) / 5
    np.testing.assert_allclose(z.grad, expected, atol=1e-12)
    assert minigrad.gradcheck(lambda z: policy_loss(z, actions, advantages), [z.data])


def test_entropy_and_its_gradient():
    z = draw(4, 8)
    h = entropy(z)
    p = softmax(z.data)
    each = -np.sum(p * np.log(p), axis=1)
    np.testing.assert_allclose(h.item(), each.mean())
    h.backward()
    np.testing.assert_allclose(z.grad, -p * (np.log(p) + each[:, None]) / 4, atol=1e-12)
    assert minigrad.gradcheck(entropy, [z.data])
    np.testing.assert_allclose(entropy(np.zeros((3, 8))).item(), np.log(8), rtol=1e-6)


def test_value_and_loop_losses():
    v, returns = draw(6), RNG.standard_normal(6)
    np.testing.assert_allclose(value_loss(v, returns).item(), np.mean((returns - v.data) ** 2) / 2)
    assert minigrad.gradcheck(lambda v: value_loss(v, returns), [v.data])
    z, labels = draw(6, 2), RNG.integers(0, 2, 6)
    expected = -np.mean(np.log(softmax(z.data)[np.arange(6), labels]))
    np.testing.assert_allclose(loop_loss(z, labels).item(), expected)
    assert minigrad.gradcheck(lambda z: loop_loss(z, labels), [z.data])


@pytest.mark.parametrize("shape", [(3, 8, 64), (3, 64)])
def test_depth_losses(shape):
    tiles = RNG.uniform(0.3, 12, (3, 64))
    said = draw(*shape)
    if len(shape) == 3:
        p = softmax(said.data)
        right = np.take_along_axis(p, depth.bands(tiles)[:, None], 1)
        expected = -np.log(right).mean()
    else:
        expected = np.mean((said.data - np.minimum(tiles, 8) / 8) ** 2) / 2
    np.testing.assert_allclose(depth_loss(said, tiles).item(), expected)
    assert minigrad.gradcheck(lambda z: depth_loss(z, tiles), [said.data])


def test_bands_are_bounded_by_the_edges():
    near = np.nextafter(depth.EDGES, 0)
    np.testing.assert_array_equal(depth.bands(near), np.arange(7))
    np.testing.assert_array_equal(depth.bands(np.array(depth.EDGES)), np.arange(1, 8))
    assert depth.bands(np.array([0.0, 99.0])).tolist() == [0, 7]


@pytest.mark.parametrize("side", [20, 84, 85])
def test_coarse_depth_takes_the_middle_rows_and_all_columns(side):
    rows, columns = np.mgrid[:side, :side]
    where = depth.coarse(np.stack([rows, columns]).astype(float))
    assert where.shape == (2, 4, 16)
    assert 0.22 * side <= where[0].min() < where[0].max() <= 0.78 * side
    assert (np.diff(where[0, :, 0]) > 0).all()
    assert (np.diff(where[1, 0]) > 0).all()
    assert where[1].min() + where[1].max() == pytest.approx(side - 1, abs=1)
