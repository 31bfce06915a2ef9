"""The five distortions: what they draw, and what comes of the digits."""

import numpy as np
import pytest

from layers.thin_plate_spline import CONTROL_POINTS
from tasks.data import load_mnist
from tasks.spatial_transformer.distortions import (
    DISTORTIONS,
    Clutter,
    Elastic,
    Projective,
    add_clutter,
    place,
)
from tasks.spatial_transformer.grids import CORNERS, REACH, slant

CANVAS = {"R": 28, "RTS": 42, "P": 28, "E": 28, "TC": 60}
each = pytest.mark.parametrize("distortion", DISTORTIONS.values(), ids=DISTORTIONS)


@pytest.fixture(scope="module")
def digits():
    return load_mnist().x_train[:64]


def assert_uniform(values, low, high):
    """The largest gap between the values' distribution and the uniform one is that of chance."""
    assert low <= values.min() < values.max() <= high
    gap = np.abs(np.sort(values) - np.linspace(low, high, len(values))).max() / (high - low)
    assert gap < 2 / np.sqrt(len(values))  # chance exceeds it once in 1500 seeds


@each
def test_form_and_range(distortion, digits):
    x = distortion(digits, np.random.default_rng(0))
    side = CANVAS[distortion.name]
    assert distortion.canvas == side
    assert x.shape == (64, 1, side, side)
    assert x.dtype == np.float32
    assert x.min() >= 0
    assert 0.9 < x.max() <= 1


@each
def test_the_seed_decides(distortion, digits):
    first, again, other = (distortion(digits, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.mean(first != other) > 0.05


@each
def test_digits_of_a_batch_are_distorted_differently(distortion, digits):
    same = np.repeat(digits[:1], 8, axis=0)
    x = distortion(same, np.random.default_rng(0))
    assert len(np.unique(x.reshape(8, -1), axis=0)) == 8


@each
def test_a_single_digit_will_do(distortion, digits):
    assert len(distortion(digits[:1], np.random.default_rng(0))) == 1


@each
def test_most_of_the_ink_stays_on_the_canvas(distortion, digits):
    x = distortion(digits, np.random.default_rng(0))
    share = x.sum(axis=(1, 2, 3)) / (digits.sum(axis=(1, 2)) / 255)
    least = {"R": 0.99, "RTS": 0.85, "P": 0.6, "E": 0.6, "TC": 1.0}[distortion.name]
    assert share.mean() > least


def test_r_turns_and_does_nothing_else():
    angle, scale, shift = DISTORTIONS["R"].draw(4000, np.random.default_rng(0))
    assert_uniform(angle, -90, 90)
    assert np.all(scale == 1)
    assert np.all(shift == 0)


def test_rts_draws_uniformly_what_the_canvas_holds():
    angle, scale, shift = DISTORTIONS["RTS"].draw(4000, np.random.default_rng(0))
    assert_uniform(angle, -45, 45)
    assert_uniform(scale, 0.7, 1.2)
    for axis in (0, 1):
        assert_uniform(shift[:, axis] / (21 - 14 * scale), -1, 1)
    assert abs(np.corrcoef([angle, scale, *shift.T]) - np.eye(4)).max() < 0.06


def test_rts_loses_no_ink(digits):
    distortion, rng = DISTORTIONS["RTS"], np.random.default_rng(4)
    scale = distortion.draw(64, np.random.default_rng(4)).scale
    ink = distortion(digits, rng).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(ink, digits.sum(axis=(1, 2)) / 255 * scale**2, rtol=0.06)


def test_p_moves_the_corners_of_a_scaled_square():
    still = Projective("P", 28, (0.75, 1.0), corner_noise=0.0)
    ratio = still.draw(4000, np.random.default_rng(0)) / (CORNERS * REACH)
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :1], ratio.shape))
    assert_uniform(ratio[:, 0, 0], 0.75, 1)

    unscaled = Projective("P", 28, (1.0, 1.0), corner_noise=3.0)  # next to none drawn again
    noise = unscaled.draw(4000, np.random.default_rng(0)) - CORNERS * REACH
    np.testing.assert_allclose(noise.std(axis=0), 3, rtol=0.05)
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=0.2)


def test_p_draws_no_digit_squeezed_to_a_line():
    corners = DISTORTIONS["P"].draw(4000, np.random.default_rng(0))
    assert 0.7 < slant(corners).max() <= 0.8
    assert DISTORTIONS["P"].corner_noise == 5
    assert 4.7 < np.std(corners - corners.mean(axis=0), axis=0).mean() < 5.3


def test_e_moves_the_points_of_a_scaled_grid():
    still = Elastic("E", 28, (0.75, 1.0), point_noise=0.0)
    ratio = CONTROL_POINTS / still.draw(4000, np.random.default_rng(0))
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :1], ratio.shape))
    assert_uniform(ratio[:, 0, 0], 0.75, 1)

    unscaled = Elastic("E", 28, (1.0, 1.0), point_noise=1.5)
    noise = (unscaled.draw(4000, np.random.default_rng(0)) - CONTROL_POINTS) * REACH
    np.testing.assert_allclose(noise.std(axis=0), 1.5, rtol=0.06)
    assert (DISTORTIONS["E"].scale, DISTORTIONS["E"].point_noise) == ((0.75, 1.0), 1.5)


def test_place_puts_digits_whole_and_uniformly(digits):
    many = np.repeat(digits[:1], 4000, axis=0)
    pictures, corners = place(many, 60, np.random.default_rng(0))
    for n in range(0, 4000, 97):
        x, y = corners[n]
        np.testing.assert_array_equal(pictures[n, y : y + 28, x : x + 28], digits[0])
        assert pictures[n].sum() == digits[0].sum()
    counts = [np.bincount(corners[:, axis], minlength=33) for axis in (0, 1)]
    expected = 4000 / 33
    for count in counts:
        assert len(count) == 33
        assert (
            np.sum((count - expected) ** 2 / expected) < 70
        )  # chi squared, 32 degrees: p < 0.0002


def test_clutter_comes_from_other_digits_and_spares_the_digit():
    """Each digit is a plain square of its own grey: what is seen tells from whom it comes."""
    greys = np.arange(10, 250, 10, dtype=np.uint8)
    images = np.broadcast_to(greys[:, None, None], (len(greys), 28, 28))
    rng, twin = np.random.default_rng(3), np.random.default_rng(3)
    x = np.rint(Clutter("TC", 60, patches=6)(images, rng)[:, 0] * 255).astype(np.uint8)
    bare, corners = place(images, 60, twin)
    assert np.all(x >= bare)
    for n, (left, top) in enumerate(corners):
        outside = x[n].copy()
        outside[top : top + 28, left : left + 28] = 0
        seen = set(outside[outside > 0])
        assert greys[n] not in seen
        assert seen <= set(greys)
        assert np.count_nonzero(outside) <= 6 * 36
    assert np.mean(np.any(x != bare, axis=(1, 2))) > 0.9


def test_tc_has_six_patches():
    assert DISTORTIONS["TC"].patches == 6


def test_clutter_is_cut_and_pasted_whole():
    pool = np.random.default_rng(0).integers(1, 256, (3, 28, 28), np.uint8)
    pictures = np.zeros((1, 60, 60), np.uint8)
    add_clutter(pictures, pool, np.array([[2]]), np.random.default_rng(1))
    rows, cols = np.nonzero(pictures[0])
    patch = pictures[0, rows.min() : rows.max() + 1, cols.min() : cols.max() + 1]
    assert patch.shape == (6, 6)
    windows = np.lib.stride_tricks.sliding_window_view(pool[2], (6, 6))
    assert np.count_nonzero((windows == patch).all(axis=(2, 3))) == 1


def test_digits_may_be_read_only_and_are_left_alone(digits):
    before = digits.copy()
    assert not digits.flags.writeable
    for distortion in DISTORTIONS.values():
        distortion(digits, np.random.default_rng(0))
    np.testing.assert_array_equal(digits, before)
