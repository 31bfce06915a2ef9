"""The networks: their shapes and sizes for every kind of picture, and transformers that start idle."""

import numpy as np
import pytest

from layers.functional import grid_sample
from layers.transforms import TRANSFORMS
from minigrad import no_grad, tensor
from tasks.spatial_transformer.distortions import DISTORTIONS
from tasks.spatial_transformer.models import CROP, NETS, build, transformers

SIDES = sorted({distortion.canvas for distortion in DISTORTIONS.values()})
WITH_TRANSFORMER = [name for name in NETS if "st-" in name]

# Counted by hand, with the default widths, one channel and ten classes.
CONVOLUTIONS = (9 * 9 + 1) * 32 + (32 * 7 * 7 + 1) * 64
CLASSIFIER = {  # of the cnn: 2x2, 5x5 or 10x10 features of 64 filters are left
    28: CONVOLUTIONS + (64 * 2 * 2 + 1) * 10,
    42: CONVOLUTIONS + (64 * 5 * 5 + 1) * 10,
    60: CONVOLUTIONS + (64 * 10 * 10 + 1) * 10,
}
LOCALISATION = {  # of the st-cnn: 1x1, 4x4 or 9x9 features of 20 filters are left
    side: (5 * 5 + 1) * 20 + (20 * 5 * 5 + 1) * 20 + (20 * left**2 + 1) * 20 + (20 + 1) * 6
    for side, left in ((28, 1), (42, 4), (60, 9))
}


def dense(*sizes):
    return sum((n + 1) * m for n, m in zip(sizes, sizes[1:]))


def parameters(name, side):
    """How many numbers the net of that name learns."""
    if name == "cnn":
        return CLASSIFIER[side]
    if name == "st-cnn":
        return LOCALISATION[side] + CLASSIFIER[28]
    if name == "fcn":
        return dense(side**2, 128, 128, 10)
    crops = int(name.removesuffix("st-fcn") or 1)
    return crops * dense(side**2, 32, 32, 6) + dense(crops * 28**2, 128, 128, 10)


def pictures(side, channels=1, n=3):
    return np.random.default_rng(side).random((n, channels, side, side), dtype=np.float32)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", NETS)
def test_scores_and_parameters(name, side):
    net = build(name, side, np.random.default_rng(0))
    with no_grad():
        scores = net(tensor(pictures(side)))
    assert scores.shape == (3, 10)
    assert np.isfinite(scores.numpy()).all()
    assert sum(p.size for p in net.parameters()) == parameters(name, side)
    assert len(transformers(net)) == {"f": 0, "c": 0, "s": 1, "2": 2}[name[0]]


@pytest.mark.parametrize("name", NETS)
def test_widths_channels_and_classes_are_as_asked(name):
    net = build(
        name,
        42,
        np.random.default_rng(0),
        channels=2,
        classes=19,
        filters=6,
        hidden=(7, 6, 5),
        localisation=(4, 9, 8),
    )
    with no_grad():
        assert net(tensor(pictures(42, channels=2))).shape == (3, 19)
    shapes = {p.shape for p in net.parameters()}
    assert ({(3, 2, 9, 9), (6, 3, 7, 7)} <= shapes) == name.endswith("cnn")
    assert ({(6, 7), (5, 6)} <= shapes) == name.endswith("fcn")
    assert ({(9, 4), (8, 9), (6, 8)} <= shapes) == name.endswith("st-fcn")
    for transformer in transformers(net):
        assert transformer.output.shape == (3, 2, CROP, CROP)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", WITH_TRANSFORMER)
def test_at_first_a_transformer_shows_the_whole_picture(name, side, transform):
    net = build(name, side, np.random.default_rng(0), transform=transform)
    x = pictures(side)
    with no_grad():
        net(tensor(x))
    centres = (2 * np.arange(CROP, dtype=np.float32) + 1) / CROP - 1
    identity = np.broadcast_to(np.stack(np.meshgrid(centres, centres), -1), (3, CROP, CROP, 2))
    whole = grid_sample(x, identity.copy(), align_corners=False).numpy()
    for transformer in transformers(net):
        np.testing.assert_allclose(transformer.grid, identity, atol=1e-5)
        np.testing.assert_allclose(transformer.output, whole, atol=1e-4)


@pytest.mark.parametrize("name", NETS)
def test_the_same_generator_makes_the_same_net(name):
    first, second, other = (build(name, 28, np.random.default_rng(seed)) for seed in (0, 0, 1))
    with no_grad():
        scores = [net(tensor(pictures(28))).numpy() for net in (first, second, other)]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert not np.allclose(scores[0], scores[2])
