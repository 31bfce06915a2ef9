"""The camera: what depends on the image's size alone, computed once."""

from functools import cache

import numpy as np

from maze.constants import EYE_HEIGHT
from maze.errors import MazeError
from maze.kernels.caster import COARSEST, FINEST, OFFSETS, SHARPNESS, SPREAD, TEXELS
from maze.kernels.records import ROW
from maze.textures import CEILING, FLOOR

__all__ = ["LARGEST", "camera", "checked_size"]

LARGEST = 2_048  # pixels of a side
BEYOND = 1e-4  # by which floor and ceiling lie before the ends of the walls: no wall texel is beyond its texture


def checked_size(size: object) -> tuple[int, int]:
    """Return (height, width) of an image of that size: two whole numbers, or one for a square.

    Raises
    ------
    MazeError
        Where it is no size, or none between 1 and LARGEST.
    """
    try:
        height, width = size if isinstance(size, (tuple, list)) else (size, size)  # type: ignore[misc]
        whole = int(height), int(width)
    except (TypeError, ValueError):
        whole = (0, 0)
    else:
        if whole != (height, width):
            whole = (0, 0)
    if not all(1 <= side <= LARGEST for side in whole):
        raise MazeError(
            f"size={size!r} is no size of an image. Give (height, width) in pixels, or one number for "
            f"a square, from 1 to {LARGEST:,}; (84, 84) is usual."
        )
    return whole


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
    rows["texels"] = texture * TEXELS + OFFSETS[shift]
    return columns.astype(np.float32), rows
