"""Which wall looks how: regions of a maze have styles of their own, and emblems hang here and there."""

import zlib

import numpy as np

from maze.textures import EMBLEMS, STYLES

__all__ = ["styled"]

TILES_A_REGION = 36
EMBLEM_SHARE = 0.08  # of the walls that can be seen


def styled(walls: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
    """Return the walls (H, W) uint8 with 1 + a texture where there is one; 0 stays.

    `walls` has 1 for a wall that has no style yet, and 1 + k for style k, of 1 to 9. What is drawn,
    `rng` decides; without it, the layout alone does, so that it always looks the same.
    """
    if rng is None:
        rng = np.random.default_rng(zlib.crc32(walls.tobytes()))
    textures = _regions(walls.shape, rng)
    seen = _beside_floor(walls)
    candidates = rng.permutation(np.flatnonzero(seen & (walls == 1)))
    hung = candidates[: max(1, round(EMBLEM_SHARE * len(candidates)))]
    textures.ravel()[hung] = STYLES + rng.permutation(np.arange(len(hung)) % EMBLEMS)
    asked = walls.astype(int) - 2  # style k of a text is texture k - 1
    textures = np.where(asked >= 0, asked, textures)
    return np.where(walls == 0, 0, 1 + textures).astype(np.uint8)


def _regions(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """A style (H, W) for each tile: that of the nearest of some random places."""
    height, width = shape
    number = max(2, height * width // TILES_A_REGION)
    # Of many places the one that is farthest from those before: regions of about the same size.
    places = rng.uniform(0, [height, width], (1, 2))
    for _ in range(number - 1):
        offered = rng.uniform(0, [height, width], (10, 2))
        away = np.linalg.norm(offered[:, None] - places, axis=-1).min(axis=1)
        places = np.vstack([places, offered[away.argmax()]])
    styles = np.resize(rng.permutation(STYLES), number)
    row, column = np.mgrid[:height, :width]
    away = np.hypot(row[..., None] - places[:, 0], column[..., None] - places[:, 1])
    return styles[away.argmin(axis=-1)]


def _beside_floor(walls: np.ndarray) -> np.ndarray:
    """Walls (H, W) with floor on one of their four sides."""
    floor = np.pad(walls == 0, 1)
    return (walls > 0) & (floor[:-2, 1:-1] | floor[2:, 1:-1] | floor[1:-1, :-2] | floor[1:-1, 2:])
