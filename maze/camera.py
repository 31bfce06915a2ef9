"""The camera: what depends on the image's size alone, computed once."""

from functools import cache

import numpy as np

from maze.constants import EYE_HEIGHT
from maze.kernels.caster import (
    COARSEST,
    DARKEST,
    FADE,
    FINEST,
    FULL,
    OFFSETS,
    SHARPNESS,
    SPREAD,
    TEXELS,
)
from maze.kernels.records import ROW
from maze.textures import CEILING, FLOOR

__all__ = ["camera"]

BEYOND = 1e-4  # by which floor and ceiling lie before the ends of the walls: no wall texel is beyond its texture


@cache
def camera(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns (w,) float32 and the rows (h,) of ROW of an image of `size` (h, w)."""
    height, width = size
    columns = ((np.arange(width) + 0.5) / width * 2 - 1) * float(SPREAD)
    focal = width / 2 / float(SPREAD)  # pixels that a tile spans at one tile's distance

    rows = np.zeros(height, ROW)
    slope = (np.arange(height) + 0.5 - height / 2) / focal
    slope[slope == 0] = BEYOND / focal  # the horizon itself, in images of odd height
    rows["slope"] = slope
    rows["distance"] = np.where(slope > 0, EYE_HEIGHT - BEYOND, 1 - EYE_HEIGHT - BEYOND) / np.abs(
        slope
    )

    texel = (
        rows["distance"] / focal * (1 << FINEST) / float(SHARPNESS)
    )  # of the finest, in texels a pixel
    shift = np.clip(FINEST - np.ceil(np.log2(texel)), COARSEST, FINEST).astype(int)
    texture = np.where(slope > 0, FLOOR, CEILING)
    rows["shift"] = shift
    rows["light"] = np.maximum(FULL - FADE * rows["distance"], DARKEST)
    rows["texels"] = texture * TEXELS + OFFSETS[shift]
    return columns.astype(np.float32), rows
