"""Depth as a target: 4 x 16 pixels of the picture's middle, each in one of 8 bands, or as a number.

The paper's bands are for the z-buffer of its renderer; ours are in tiles, finer when near. Where a
pixel of the coarse map lies, one pixel of the fine one is taken: a mean would invent depths between
a near wall and a far one.

Half of the 64 pixels, those of the upper and the lower row, meet ceiling or floor at a little over a tile
and are always in one of the two nearest bands, and the others meet them before the two farthest. So even
one who does not look is right in more than half of the pixels: see `depth_constant` in evaluate.py.
"""

import numpy as np

ROWS, COLUMNS = 4, 16
PIXELS = ROWS * COLUMNS
EDGES = (1.0, 1.5, 2.0, 2.6, 3.3, 4.2, 6.0)  # tiles: where one band ends and the next begins
BANDS = len(EDGES) + 1
TOP, BOTTOM = 0.22, 0.78  # of the picture's height: above is ceiling, below is floor
FAR = 8.0  # tiles: in regression, what is farther counts as that far


def coarse(depth: np.ndarray) -> np.ndarray:
    """The depths (..., 4, 16) of a depth picture (..., height, width), in tiles."""
    height, width = depth.shape[-2:]
    rows = (TOP + (np.arange(ROWS) + 0.5) / ROWS * (BOTTOM - TOP)) * height
    columns = (np.arange(COLUMNS) + 0.5) / COLUMNS * width
    return depth[..., rows.astype(int)[:, None], columns.astype(int)]


def bands(depth: np.ndarray) -> np.ndarray:
    """The band, 0 (near) to 7 (far), of each depth in tiles; int64."""
    return np.digitize(depth, EDGES)


def shares(depth: np.ndarray) -> np.ndarray:
    """Depths in tiles as numbers from 0 to 1 (`FAR` tiles): what is regressed on."""
    return np.minimum(depth, FAR) / FAR


def nearness(depth: np.ndarray) -> np.ndarray:
    """Depths in tiles as the fourth channel of a picture: 1 at no distance, towards 0 far away."""
    return 1 / (1 + depth)
