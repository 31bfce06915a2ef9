"""The ray caster in plain NumPy: all rays of an image at once. The twin of caster.py, and its lesson.

The same numbers in the same order and in float32, so that the two differ in single pixels at most.
"""

import numpy as np

from maze.constants import EYE_HEIGHT
from maze.kernels import caster
from maze.kernels.records import GOAL

__all__ = ["draw_numpy"]


def draw_numpy(
    agent: np.ndarray,
    things: np.ndarray,
    walls: np.ndarray,
    columns: np.ndarray,
    rows: np.ndarray,
    texels: np.ndarray,
    pictures: np.ndarray,
    depth: np.ndarray,
) -> np.ndarray:
    """Write the depth (h, w) that an agent sees and return the image (h, w, 3) uint8."""
    f32 = np.float32
    cos, sin = f32(np.cos(agent["angle"])), f32(np.sin(agent["angle"]))
    ray = np.stack([cos - sin * columns, sin + cos * columns])  # x, y
    here = np.array([agent["x"], agent["y"]], f32)

    wall, across_x, hit = _walk(walls, here, ray)
    upright = _wall_texels(walls[hit[1], hit[0]], wall, across_x, here, ray)

    far = rows["distance"][:, None]
    depth[...] = np.minimum(wall, far)
    is_wall = wall < far
    flat_x, flat_y = (here[:, None, None] + depth * ray[:, None]) * f32(1 << rows["shift"][:, None])
    shift = rows["shift"][:, None].astype(np.int64)
    last = (1 << shift) - 1
    flat = (
        rows["texels"][:, None]
        + ((flat_y.astype(int) & last) << shift)
        + (flat_x.astype(int) & last)
    )
    column, side = upright
    height = ((f32(0.5) + rows["slope"][:, None] * depth) * f32(side)).astype(int)
    color = texels[np.where(is_wall, column + height * side, flat)]

    bright = np.maximum(caster.FULL - caster.FADE * wall, caster.DARKEST)
    light = np.where(across_x, bright, bright * caster.SHADE).astype(np.uint32)
    light = np.where(is_wall, light, rows["light"][:, None])
    image = _channels(color) * light[..., None] >> 8
    _show(agent, things, pictures, wall, depth, image)
    return image.astype(np.uint8)


def _channels(color: np.ndarray) -> np.ndarray:
    """0xBBGGRR as red, green, blue on a last axis."""
    return color[..., None] >> np.array([0, 8, 16], np.uint32) & np.uint32(0xFF)


def _walk(walls: np.ndarray, here: np.ndarray, ray: np.ndarray) -> tuple[np.ndarray, ...]:
    """The depth of each ray's wall, whether it lies across x, and its tile (column, row)."""
    with np.errstate(divide="ignore"):
        over = np.abs(np.float32(1) / ray)
    tile = np.repeat(here[:, None].astype(int), ray.shape[1], axis=1)
    forth = ray >= 0
    inside = here[:, None] - tile.astype(np.float32)
    following = np.where(forth, tile.astype(np.float32) + 1 - here[:, None], inside) * over
    depth, across_x = np.zeros_like(ray[0]), np.ones(ray.shape[1], bool)
    while (walking := walls[tile[1], tile[0]] == 0).any():
        by_x = following[0] < following[1]
        across_x = np.where(walking, by_x, across_x)
        depth = np.where(walking, np.where(by_x, following[0], following[1]), depth)
        step = np.stack([walking & by_x, walking & ~by_x])
        tile += np.where(step, np.where(forth, 1, -1), 0)
        following += np.where(step, over, np.float32(0))
    return depth, across_x, tile


def _wall_texels(
    wall: np.ndarray, depth: np.ndarray, across_x: np.ndarray, here: np.ndarray, ray: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where the texels of each wall column begin, and the side of its texture."""
    along = np.where(across_x, here[1] + depth * ray[1], here[0] + depth * ray[0])
    along -= np.floor(along)
    along = np.where(np.where(across_x, ray[0] < 0, ray[1] >= 0), 1 - along, along)
    limit = (
        caster.SHARPNESS * np.float32(depth.size) / caster.SPREAD / np.float32(2 << caster.FINEST)
    )
    limits = limit * np.float32(2) ** np.arange(caster.FINEST - caster.COARSEST, dtype=np.float32)
    shift = caster.FINEST - np.sum(depth > limits[:, None], axis=0)
    side = 1 << shift
    texture = (wall.astype(int) - 1) * caster.TEXELS + caster.OFFSETS[shift]
    return texture + np.minimum((along * np.float32(side)).astype(int), side - 1), side


def _show(
    agent: np.ndarray,
    things: np.ndarray,
    pictures: np.ndarray,
    wall: np.ndarray,
    depth: np.ndarray,
    image: np.ndarray,
) -> None:
    """Draw the things that are present where nothing nearer is."""
    f32, half = np.float32, np.float32(0.5)
    cos, sin = np.cos(agent["angle"]), np.sin(agent["angle"])
    height, width = depth.shape
    focal = f32(width) * half / caster.SPREAD
    for thing in things[things["present"] != 0]:
        to_x, to_y = thing["x"] - agent["x"], thing["y"] - agent["y"]
        d = f32(to_x * cos + to_y * sin)
        if d < caster.NEAREST:
            continue
        is_goal = thing["kind"] == GOAL
        size = (caster.GOAL_SIZE if is_goal else caster.FRUIT_SIZE) * focal / d
        base = caster.GOAL_BASE if is_goal else caster.FRUIT_BASE
        left = f32(width) * half + f32(to_y * cos - to_x * sin) * focal / d - size * half
        top = f32(height) * half + (f32(EYE_HEIGHT) - base) * focal / d - size
        scale = f32(caster.THING_SIDE) / size
        u = np.floor((np.arange(width, dtype=f32) + half - left) * scale).astype(int)
        v = np.floor((np.arange(height, dtype=f32) + half - top) * scale).astype(int)
        at_column = np.flatnonzero((u >= 0) & (u < caster.THING_SIDE) & (wall > d))
        at_row = np.flatnonzero((v >= 0) & (v < caster.THING_SIDE))
        color = pictures[thing["kind"]][np.ix_(v[at_row], u[at_column])]
        place = np.ix_(at_row, at_column)
        seen = (color >> np.uint32(24) > 0) & (depth[place] > d)
        depth[place] = np.where(seen, d, depth[place])
        image[place] = np.where(seen[..., None], _channels(color), image[place])
