"""Textures: of the sizes that the caster takes, and told apart."""

import numpy as np
import pytest

from maze.camera import camera
from maze.kernels.caster import COARSEST, FINEST, OFFSETS, TEXELS
from maze.styles import styled
from maze.textures import CEILING, EMBLEMS, STYLES, average_color, pictures, texels


def channels(packed):
    return (packed[..., None] >> np.array([0, 8, 16], np.uint32) & np.uint32(255)).astype(float)


def test_each_texture_is_there_at_all_its_sides_and_looks_the_same():
    textures = channels(texels().reshape(-1, TEXELS))
    assert len(textures) == CEILING + 1
    for k in range(COARSEST, FINEST + 1):
        level = textures[:, OFFSETS[k] : OFFSETS[k] + 4**k]
        np.testing.assert_allclose(level.mean(axis=1), average_color(), atol=3)
    assert OFFSETS[COARSEST] + 4**COARSEST == TEXELS


def test_walls_can_be_told_apart():
    """By colour, for regions; emblems by their signs."""
    colors = average_color()[:STYLES]
    apart = np.linalg.norm(colors[:, None] - colors, axis=-1) + 1e3 * np.eye(STYLES)
    assert apart.min() > 25
    emblems = texels().reshape(-1, TEXELS)[STYLES : STYLES + EMBLEMS, : 4**FINEST]
    differs = (channels(emblems)[:, None] - channels(emblems) != 0).any(-1).mean(-1)
    assert (differs + np.eye(EMBLEMS)).min() > 0.3


def test_things_have_pictures_with_something_around():
    solid = pictures() >> np.uint32(24)
    assert (solid[0] == 0).all()
    for kind in (1, 2, 3):
        assert set(np.unique(solid[kind])) == {0, 255}
        assert 0.3 < (solid[kind] == 255).mean() < 0.95


@pytest.mark.parametrize("size", [(84, 84), (1, 1), (3, 5), (240, 320), (2048, 7)])
def test_a_cameras_rows_stay_within_their_textures(size):
    columns, rows = camera(size)
    assert (np.abs(columns) < 1).all()
    np.testing.assert_allclose(columns, -columns[::-1], atol=1e-6)
    # Where floor or ceiling begin, the wall's height is still on its texture.
    height = 0.5 + rows["slope"].astype(float) * rows["distance"]
    assert ((height > 0) & (height < 1)).all()
    assert (rows["distance"] > 0).all()
    assert (rows["texels"] + 4 ** rows["shift"] <= len(texels())).all()


def test_walls_are_styled_by_the_layout_or_by_a_seed():
    walls = np.ones((11, 21), np.uint8)
    walls[1:-1:2, 1:-1] = 0
    once, again = styled(walls), styled(walls)
    assert np.array_equal(once, again)
    assert np.array_equal(once == 0, walls == 0)
    assert once.max() <= STYLES + EMBLEMS
    assert len(np.unique(once[once <= STYLES])) > 3, "several regions"
    assert (once > STYLES).any(), "emblems"
    other = styled(walls, np.random.default_rng(0))
    assert not np.array_equal(once, other)
