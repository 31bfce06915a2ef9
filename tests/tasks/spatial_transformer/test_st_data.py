"""Batches, the fixed test set, addition and co-localisation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.errors import CheckpointError
from tasks.data import DataError, load_mnist
from tasks.spatial_transformer import data
from tasks.spatial_transformer.data import DISTORTIONS, TrainingBatches, colocalisation
from tasks.spatial_transformer.distortions import to_float


class Untouched:
    """A distortion that leaves digits as they are."""

    name, canvas = "none", 28

    def __call__(self, images, rng):
        return to_float(images)


@pytest.fixture(scope="module")
def digits():
    return load_mnist()


def numbered(n):
    """Images that show their own number (all pixels), and that number as label."""
    numbers = np.arange(n)
    return np.broadcast_to(numbers[:, None, None], (n, 28, 28)).astype(np.uint8), numbers


def shown(x):
    """The numbers that a batch of `numbered` images shows, (N, digits)."""
    return np.rint(x[:, :, 0, 0] * 255).astype(int)


@given(
    n=st.integers(1, 20),
    batch_size=st.integers(1, 30),
    digits=st.integers(1, 2),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_every_digit_once_an_epoch_with_its_label(n, batch_size, digits, seed):
    images, labels = numbered(n)
    rng = np.random.default_rng(seed)
    batches = TrainingBatches(images, labels, Untouched(), batch_size, rng, digits)
    drawn = []
    for _ in range(3 * n):
        x, y = next(batches)
        assert x.shape == (batch_size, digits, 28, 28)
        assert y.shape == (batch_size,)
        np.testing.assert_array_equal(y, shown(x).sum(axis=1))
        drawn.extend(shown(x).ravel())
    for start in range(0, len(drawn) - n + 1, n):
        assert sorted(drawn[start : start + n]) == list(range(n))


def test_epochs_differ_in_their_order():
    batches = TrainingBatches(*numbered(50), Untouched(), 50, np.random.default_rng(0))
    (first, _), (second, _) = next(batches), next(batches)
    assert np.any(first != second)
    assert np.any(shown(first)[:, 0] != np.arange(50))


def test_distortion_is_drawn_anew_each_time(digits):
    one = digits.x_train[:1], digits.y_train[:1]
    batches = TrainingBatches(*one, DISTORTIONS["RTS"], 1, np.random.default_rng(0))
    (first, _), (second, _) = next(batches), next(batches)
    assert np.any(first != second)


def test_addition_has_two_digits_each_distorted_by_itself(digits):
    one = digits.x_train[:1], digits.y_train[:1]
    batches = TrainingBatches(*one, DISTORTIONS["RTS"], 5, np.random.default_rng(0), digits=2)
    x, y = next(batches)
    assert x.shape == (5, 2, 42, 42)
    np.testing.assert_array_equal(y, 2 * digits.y_train[0])
    assert len(np.unique(x.reshape(10, -1), axis=0)) == 10


def test_addition_takes_all_sums_as_often_as_digits_make_them(digits):
    rng = np.random.default_rng(0)
    batches = TrainingBatches(digits.x_train, digits.y_train, Untouched(), 5000, rng, digits=2)
    _, y = next(batches)
    assert y.dtype == np.int64
    share = np.bincount(digits.y_train) / len(digits.y_train)
    expected = 5000 * np.convolve(share, share)  # 19 sums
    assert np.sum((np.bincount(y, minlength=19) - expected) ** 2 / expected) < 42.3  # p < 0.001


@pytest.mark.parametrize("batches_before", [0, 1, 5])
def test_a_resumed_run_gives_the_same_batches(digits, batches_before):
    def make(seed):
        some = digits.x_train[:100], digits.y_train[:100]
        return TrainingBatches(*some, DISTORTIONS["TC"], 32, np.random.default_rng(seed))

    first = make(seed=0)
    for _ in range(batches_before):
        next(first)
    state, rng_state = first.state_dict(), first.rng.bit_generator.state
    expected = [next(first) for _ in range(8)]

    resumed = make(seed=1)
    next(resumed)
    resumed.load_state_dict(state)
    resumed.rng.bit_generator.state = rng_state
    for x, y in expected:
        again_x, again_y = next(resumed)
        np.testing.assert_array_equal(again_x, x)
        np.testing.assert_array_equal(again_y, y)


def test_the_state_of_other_data_is_refused():
    old = TrainingBatches(*numbered(7), Untouched(), 2, np.random.default_rng(0))
    next(old)
    new = TrainingBatches(*numbered(8), Untouched(), 2, np.random.default_rng(0))
    with pytest.raises(CheckpointError, match="of 7 digits, and these are 8"):
        new.load_state_dict(old.state_dict())


@pytest.mark.parametrize(("images", "labels"), [(0, 0), (3, 2)])
def test_no_batches_of_nothing_or_of_unequal_parts(images, labels):
    with pytest.raises(DataError, match=f"{images} images with {labels} labels"):
        TrainingBatches(
            numbered(images)[0], numbered(labels)[1], Untouched(), 2, np.random.default_rng(0)
        )


def test_the_test_set_is_the_same_for_the_same_seed(digits):
    some = digits.x_test[:600], digits.y_test[:600]
    (x, y), (again_x, again_y), (other_x, _) = (
        data.test_set(*some, DISTORTIONS["RTS"], seed) for seed in (1, 1, 2)
    )
    assert x.shape == (600, 1, 42, 42)
    np.testing.assert_array_equal(x, again_x)
    np.testing.assert_array_equal(y, again_y)
    assert np.any(x != other_x)


@pytest.mark.parametrize(("size", "digits"), [(None, 1), (240, 1), (17, 1), (240, 2), (120, 2)])
def test_the_test_set_takes_each_digit_as_often(monkeypatch, size, digits):
    monkeypatch.setattr(data, "_CHUNK", 50)
    x, y = data.test_set(*numbered(240), Untouched(), 0, size, digits)
    assert len(x) == len(y) == (size or 240)
    counts = np.bincount(shown(x).ravel(), minlength=240)
    assert np.ptp(counts) <= 1
    np.testing.assert_array_equal(y, shown(x).sum(axis=1))


def test_colocalisation_t_has_all_ink_in_the_box(digits):
    x, boxes = colocalisation(digits.x_train, digits.y_train, 4, np.random.default_rng(0))
    assert x.shape == (100, 1, 84, 84)
    assert boxes.dtype == x.dtype == np.float32
    assert boxes.min() >= 0
    assert boxes.max() <= 84
    fours = {image.tobytes() for image in digits.x_train[digits.y_train == 4]}
    found = set()
    for picture, (x1, y1, x2, y2) in zip(x[:, 0], boxes.astype(int)):
        assert (x2 - x1, y2 - y1) == (28, 28)
        inside = picture[y1:y2, x1:x2]
        assert inside.sum() == pytest.approx(picture.sum())
        found.add(np.rint(inside * 255).astype(np.uint8).tobytes())
    assert len(found) == 100
    assert found <= fours
    assert boxes[:, :2].std(axis=0).min() > 12  # uniform over 0 … 56: 16.5


def test_colocalisation_tc_adds_patches_of_other_digits(digits):
    arguments = digits.x_train, digits.y_train, 4
    plain, boxes = colocalisation(*arguments, np.random.default_rng(0))
    cluttered, same_boxes = colocalisation(*arguments, np.random.default_rng(0), patches=16)
    np.testing.assert_array_equal(boxes, same_boxes)
    assert np.all(cluttered >= plain)
    changed = np.count_nonzero(cluttered != plain, axis=(1, 2, 3))
    assert 0 < changed.max() <= 16 * 36
    assert changed.mean() > 50


def test_colocalisation_takes_patches_of_digits_that_are_not_chosen():
    images, greys = numbered(20)  # of which those below 5 are the class 0
    x, boxes = colocalisation(images, greys // 5, 0, np.random.default_rng(0), patches=16, size=5)
    pictures = np.rint(x[:, 0] * 255).astype(int)
    for picture, (x1, y1, _, _) in zip(pictures, boxes.astype(int)):
        picture[y1 : y1 + 28, x1 : x1 + 28] = 0
        assert set(np.unique(picture)) <= {0, *range(5, 20)}
    assert len(np.unique(pictures)) > 10


def test_colocalisation_needs_enough_digits(digits):
    with pytest.raises(DataError, match=r"2000 pictures of the digit 4 .* are here"):
        colocalisation(digits.x_train, digits.y_train, 4, np.random.default_rng(0), size=2000)
