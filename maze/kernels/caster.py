"""The ray caster: what an agent sees, and how far away it is.

A ray runs along the floor through each column of the image, direction + c · right with c from -1 to 1,
tile by tile until a wall (Amanatides and Woo, "A Fast Voxel Traversal Algorithm", 1987). Counted in units
of the direction, its length is the depth w of that wall. A row of the image meets the floor or the ceiling
at a depth f of its own, whatever the column. So the depth of a pixel is min(w, f); it shows the wall where
that is w, at the height that the row's slope gives, and else floor or ceiling, at the point that
the ray has reached. Nothing in that needs a branch, so that it is computed in vector registers; texels,
which lie anywhere, are then fetched one by one.

Textures are stored at several sides, each half the one before, and the one is used whose texels are
nearest to pixels. Things stand upright, and show where the depth so far is larger than their own.
"""

import math

import numpy as np

from maze.constants import EYE_HEIGHT, FIELD_OF_VIEW
from maze.kernels import part
from maze.kernels.records import GOAL

FINEST, COARSEST = 6, 2  # log2 of the sides of a texture: 64, 32, 16, 8 and 4 texels
TEXELS = (4 ** (FINEST + 1) - 4**COARSEST) // 3  # of a texture, at all its sides
#: Where in a texture the texels of side 2^k begin: after those of all larger sides.
OFFSETS = np.array([(4 ** (FINEST + 1) - 4 ** (k + 1)) // 3 for k in range(FINEST + 1)])
SHARPNESS = np.float32(1.5)  # pixels that a texel may span before a coarser texture serves

FULL, DARKEST = np.float32(256), np.float32(90)  # light, in 256ths
FADE = np.float32(13)  # of it are lost each tile
SHADE = np.float32(0.8)  # of the light falls on walls across y

THING_SIDE = 32  # texels of a thing's picture
GOAL_SIZE, FRUIT_SIZE = np.float32(0.8), np.float32(0.4)  # tiles
GOAL_BASE, FRUIT_BASE = np.float32(0.1), np.float32(0.15)  # tiles above the floor
NEAREST = np.float32(0.05)  # tiles before the eye, where things begin to be seen

HALF, ONE = np.float32(0.5), np.float32(1)
EYE = np.float32(EYE_HEIGHT)
SPREAD = np.float32(math.tan(FIELD_OF_VIEW / 2))


@part
def cast(agent, walls, columns, spans, marks):
    """Find the wall of each column.

    Parameters
    ----------
    agent : record of AGENT
    walls : (H, W) uint8, 0 where none is, else 1 + its texture
    columns : (w,) float32, c of each column, from -1 to 1
    spans : (4, w) float32, written
        The ray's direction (x, y), the wall's depth in tiles, and the side of its texture.
    marks : (2, w) uint32, written
        Where in the texels the wall's column begins, and the light that falls on it.
    """
    cos, sin = np.float32(math.cos(agent["angle"])), np.float32(math.sin(agent["angle"]))
    x, y = np.float32(agent["x"]), np.float32(agent["y"])
    first_column, first_row = int(x), int(y)
    farthest = SHARPNESS * np.float32(columns.size) / SPREAD / np.float32(2 << FINEST)
    for c in range(columns.size):
        ray_x, ray_y = cos - sin * columns[c], sin + cos * columns[c]
        over_x, over_y = abs(ONE / ray_x), abs(ONE / ray_y)  # the ray's length across a tile
        if ray_x < 0:
            step_x, next_x = -1, (x - np.float32(first_column)) * over_x
        else:
            step_x, next_x = 1, (np.float32(first_column) + ONE - x) * over_x
        if ray_y < 0:
            step_y, next_y = -1, (y - np.float32(first_row)) * over_y
        else:
            step_y, next_y = 1, (np.float32(first_row) + ONE - y) * over_y

        column, row, depth, across_x = first_column, first_row, np.float32(0), True
        while walls[row, column] == 0:
            across_x = next_x < next_y
            if across_x:
                depth = next_x
                next_x += over_x
                column += step_x
            else:
                depth = next_y
                next_y += over_y
                row += step_y

        # Where along the wall, from its left edge as the agent sees it.
        along = y + depth * ray_y if across_x else x + depth * ray_x
        along -= np.float32(math.floor(along))
        if (step_x < 0) if across_x else (step_y > 0):
            along = ONE - along
        shift, limit = FINEST, farthest
        while depth > limit and shift > COARSEST:
            shift, limit = shift - 1, limit * np.float32(2)
        side = 1 << shift
        texture = (int(walls[row, column]) - 1) * TEXELS + OFFSETS[shift]

        spans[0, c], spans[1, c] = ray_x, ray_y
        spans[2, c], spans[3, c] = depth, np.float32(side)
        marks[0, c] = texture + min(int(along * np.float32(side)), side - 1)
        bright = max(FULL - FADE * depth, DARKEST)
        marks[1, c] = int(bright if across_x else bright * SHADE)


@part
def find(agent, rows, spans, marks, depth, pixels):
    """Write the depth (h, w) of each pixel, and in `pixels` (h, w) where in the texels its colour is."""
    x, y = np.float32(agent["x"]), np.float32(agent["y"])
    for r in range(pixels.shape[0]):
        slope, far = rows[r]["slope"], rows[r]["distance"]
        texture, shift = rows[r]["texels"], rows[r]["shift"]
        last = np.uint32((np.uint32(1) << shift) - np.uint32(1))
        side = np.float32(last + np.uint32(1))
        for c in range(pixels.shape[1]):
            wall, wall_side = spans[2, c], spans[3, c]
            d = wall if wall < far else far
            depth[r, c] = d
            u = np.uint32(np.int32((x + d * spans[0, c]) * side)) & last
            v = np.uint32(np.int32((y + d * spans[1, c]) * side)) & last
            flat = texture + (v << shift) + u
            height = np.uint32(np.int32((HALF + slope * d) * wall_side))
            upright = marks[0, c] + height * np.uint32(np.int32(wall_side))
            pixels[r, c] = np.uint32(upright if wall < far else flat)


@part
def fetch(texels, pixels):
    """Replace the places of colours by the colours, 0xBBGGRR."""
    for r in range(pixels.shape[0]):
        for c in range(pixels.shape[1]):
            pixels[r, c] = texels[pixels[r, c]]


@part
def shade(rows, wall, marks, pixels):
    """Darken pixels by the light, in 256ths, of their wall or row; red and blue in one multiplication."""
    for r in range(pixels.shape[0]):
        far, row_light = rows[r]["distance"], rows[r]["light"]
        for c in range(pixels.shape[1]):
            light = marks[1, c] if wall[c] < far else row_light
            red_blue = (pixels[r, c] & np.uint32(0xFF00FF)) * light >> np.uint32(8)
            green = (pixels[r, c] & np.uint32(0x00FF00)) * light >> np.uint32(8)
            pixels[r, c] = red_blue & np.uint32(0xFF00FF) | green & np.uint32(0x00FF00)


@part
def show(agent, things, pictures, wall, depth, pixels):
    """Draw the things (M,) that are present over pixels and depth (h, w), before the wall depths (w,).

    `pictures` (kinds, 32, 32) uint32 are 0xAABBGGRR; where their alpha is 0 one sees through.
    """
    cos, sin = math.cos(agent["angle"]), math.sin(agent["angle"])
    height, width = pixels.shape
    focal = np.float32(width) * HALF / SPREAD  # pixels that a tile spans at one tile's distance
    for i in range(len(things)):
        if not things[i]["present"]:
            continue
        to_x, to_y = things[i]["x"] - agent["x"], things[i]["y"] - agent["y"]
        d = np.float32(to_x * cos + to_y * sin)
        if d < NEAREST:
            continue
        is_goal = things[i]["kind"] == GOAL
        size = (GOAL_SIZE if is_goal else FRUIT_SIZE) * focal / d  # pixels
        base = GOAL_BASE if is_goal else FRUIT_BASE
        left = (
            np.float32(width) * HALF + np.float32(to_y * cos - to_x * sin) * focal / d - size * HALF
        )
        bottom = np.float32(height) * HALF + (EYE - base) * focal / d
        top = bottom - size
        scale = np.float32(THING_SIDE) / size
        # Pixel c is in it where its middle, c + 1/2, is.
        first_column = max(int(math.ceil(left - HALF)), 0)
        last_column = min(int(math.ceil(left + size - HALF)), width)
        first_row, last_row = (
            max(int(math.ceil(top - HALF)), 0),
            min(int(math.ceil(bottom - HALF)), height),
        )
        for c in range(first_column, last_column):
            if wall[c] <= d:
                continue
            u = min(int((np.float32(c) + HALF - left) * scale), THING_SIDE - 1)
            for r in range(first_row, last_row):
                v = min(int((np.float32(r) + HALF - top) * scale), THING_SIDE - 1)
                color = pictures[things[i]["kind"], v, u]
                if color >> np.uint32(24) and depth[r, c] > d:
                    depth[r, c] = d
                    pixels[r, c] = color


@part
def interleave(pixels, rgb):
    """Write pixels (h, w) as bytes red, green, blue, red, ... of `rgb` (3 h w)."""
    flat = pixels.ravel()
    for i in range(flat.size):
        rgb[3 * i] = flat[i] & np.uint32(0xFF)
        rgb[3 * i + 1] = flat[i] >> np.uint32(8) & np.uint32(0xFF)
        rgb[3 * i + 2] = flat[i] >> np.uint32(16) & np.uint32(0xFF)


@part
def separate(pixels, rgb):
    """Write pixels (h, w) as all reds, then all greens, then all blues of `rgb` (3 h w)."""
    flat = pixels.ravel()
    for k in range(3):
        plane = rgb[k * flat.size : (k + 1) * flat.size]
        for i in range(flat.size):
            plane[i] = flat[i] >> np.uint32(8 * k) & np.uint32(0xFF)
