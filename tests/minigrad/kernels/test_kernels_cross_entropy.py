"""Cross-entropy's loops against their twins, and their exponential against long doubles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import cross_entropy
from minigrad.kernels.cross_entropy import WIDTH, cross_entropy_backward, cross_entropy_forward
from minigrad.kernels.exponentials import exp


def hold(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        tolerance = 50 * np.finfo(one.dtype).eps
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def draw(seed, shape, dtype, ignored):
    rng = np.random.default_rng(seed)
    z = rng.uniform(-10, 10, shape).astype(dtype)
    labels = rng.integers(0, shape[1], shape[::2])
    labels[rng.random(labels.shape) < ignored] = -7
    return z, labels, rng.standard_normal(labels.shape).astype(dtype)


@given(
    seed=st.integers(0, 999),
    dtype=st.sampled_from([np.float32, np.float64]),
    examples=st.sampled_from([0, 1, 3, WIDTH, WIDTH + 1]),
    classes=st.integers(1, 6),
    places=st.sampled_from([1, 2, WIDTH - 1, 2 * WIDTH + 3]),
    ignored=st.sampled_from([0, 0.3, 1]),
)
@settings(max_examples=40, deadline=None)
def test_the_loops_are_their_twins(seed, dtype, examples, classes, places, ignored):
    z, labels, scale = draw(seed, (examples, classes, places), dtype, ignored)
    ours, theirs = ([np.empty_like(scale) for _ in range(3)] for _ in range(2))
    counted = cross_entropy.sums(z, labels, -7, *ours)
    assert counted == cross_entropy.sums.twin(z, labels, -7, *theirs) == np.sum(labels != -7)
    hold(ours, theirs)

    high, total, _ = theirs
    dz, expected = np.empty((2, *z.shape), dtype)
    cross_entropy.gradient(z, labels, -7, high, total, scale, dz)
    cross_entropy.gradient.twin(z, labels, -7, high, total, scale, expected)
    hold([dz], [expected])


@pytest.mark.parametrize("shape", [(7, 3, 1), (3, 4, 5)])
def test_any_number_of_threads_gives_the_same_bits(shape, thread_count, monkeypatch):
    monkeypatch.setattr(cross_entropy, "LARGE", 0)
    z, labels, scale = draw(0, shape, np.float32, 0.2)
    found = []
    for count in (1, 2, 3):
        thread_count(count)
        losses, cache, counted = cross_entropy_forward(z, labels, -7)
        found.append((losses, cross_entropy_backward(scale, cache, -7), counted))
    for losses, dz, counted in found[1:]:
        np.testing.assert_array_equal(losses, found[0][0])
        np.testing.assert_array_equal(dz, found[0][1])
        assert counted == np.sum(labels != -7)


@pytest.mark.parametrize("label", [-1, 3, 2**40])
@pytest.mark.parametrize("count", [1, 2])
def test_a_label_of_no_class_is_told_not_read(label, count, thread_count, monkeypatch):
    monkeypatch.setattr(cross_entropy, "LARGE", 0)
    thread_count(count)
    for shape in ((5, 3, 1), (2, 3, 4)):
        z, labels, _ = draw(0, shape, np.float32, 0)
        labels.flat[-1] = label
        assert cross_entropy_forward(z, labels, -7)[2] == -1
        assert cross_entropy_forward(z, labels, label)[2] == labels.size - 1


def test_nan_and_infinite_logits_stay_in_their_example():
    z = np.zeros((4, 2, 1), np.float32)
    z[0, 0], z[1, 1], z[2, 1] = np.nan, -np.inf, -1e4
    losses, cache, _ = cross_entropy_forward(z, np.array([[0], [0], [1], [1]]), -7)
    np.testing.assert_allclose(losses.ravel(), [np.nan, 0, 1e4, np.log(2)], rtol=1e-6)
    dz = cross_entropy_backward(np.ones_like(losses), cache, -7)
    expected = [[np.nan, np.nan], [0, 0], [1, -1], [0.5, -0.5]]
    np.testing.assert_allclose(dz[..., 0], expected, rtol=1e-6)


@pytest.mark.parametrize(("dtype", "units"), [(np.float32, 2), (np.float64, 5)])
def test_the_error_of_exp(dtype, units):
    x = -np.concatenate([np.linspace(0, 87, 3001), np.geomspace(1e-30, 87, 3001)]).astype(dtype)
    y = np.array([exp(number, dtype) for number in x])
    exact = np.exp(x.astype(np.longdouble))
    assert np.all(np.abs(y.astype(dtype) - exact) <= units * np.finfo(dtype).eps * exact)
    assert exp(dtype(0), dtype) == 1
    assert exp(dtype(-np.inf), dtype) == exp(dtype(-1000), dtype) == 0
    with np.errstate(invalid="ignore"):
        assert np.isnan(exp(dtype(np.nan), dtype))
