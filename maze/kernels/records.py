"""What a batch of mazes consists of, as NumPy records: named in Python, plain memory to the kernels."""

import numpy as np

#: One agent and its episode. The pose comes first, so that it can be seen as an array.
AGENT = np.dtype(
    [
        ("x", np.float64),  # tiles
        ("y", np.float64),
        ("angle", np.float64),  # radians, within a full turn
        ("speed_x", np.float64),  # tiles a second, on the map
        ("speed_y", np.float64),
        ("turn", np.float64),  # radians a second, to the right
        ("random", np.uint64),  # the state of its own random numbers; never 0
        ("starts", np.int64),  # how many places it may start from
        ("frame", np.int64),  # of the episode
        ("goals", np.int64),  # found in the episode
        ("score", np.float64),  # rewards of the episode
        ("distance", np.int64),  # tiles of the shortest path to the goal
        ("action", np.int64),  # the last one; LOOK before the first
        ("reward", np.float64),  # the last one
    ]
)

#: Things to find. The goal is the first of each maze.
THING = np.dtype([("x", np.float32), ("y", np.float32), ("kind", np.int32), ("present", np.int32)])
NOTHING, GOAL, APPLE, STRAWBERRY = range(4)  # kinds

#: A row of the image, as the caster sees it.
ROW = np.dtype(
    [
        ("slope", np.float32),  # tiles by which a ray falls on one tile
        ("distance", np.float32),  # tiles to where it meets the floor or the ceiling
        ("texels", np.uint32),  # where the texture of that surface begins
        ("shift", np.uint32),  # log2 of that texture's side
        ("light", np.uint32),  # that falls on it, in 256ths
    ]
)

LOOK = -1  # in place of an action: time stands still, and the picture is drawn
