"""One call steps and draws a whole batch of mazes, or a slice of it on one of several threads.

A single environment is a batch of one and comes through here as well, so that it sees, to the bit, what
it would see in a batch of any size.
"""

import math

import numpy as np

from maze.kernels import kernel, part
from maze.kernels.caster import cast, fetch, find, interleave, separate, shade, show
from maze.kernels.caster_numpy import draw_numpy
from maze.kernels.records import LOOK
from maze.kernels.rules import locate, play

__all__ = ["advance"]


Arrays = tuple[np.ndarray, ...]


def _advance_numpy(
    world: Arrays,
    actions: np.ndarray,
    repeat: int,
    scenery: Arrays,
    planar: bool,
    images: Arrays,
    first: int,
    last: int,
) -> None:
    agents, things, walls, distances, starts = world
    columns, rows, texels, pictures = scenery
    rgb, depth, velocity = images
    for n in range(first, last):
        if actions[n] == LOOK:
            locate(agents[n], distances[n])
        else:
            play(agents[n], things[n], walls[n], distances[n], starts[n], actions[n], repeat)
        feel(agents[n], velocity[n])
        image = draw_numpy(
            agents[n], things[n], walls[n], columns, rows, texels, pictures, depth[n]
        )
        rgb[n] = (image.transpose(2, 0, 1) if planar else image).reshape(-1)


@kernel(twin=_advance_numpy)
def advance(
    world: Arrays,
    actions: np.ndarray,
    repeat: int,
    scenery: Arrays,
    planar: bool,
    images: Arrays,
    first: int,
    last: int,
) -> None:
    """Step agents `first` to `last` and write what they see then.

    Parameters
    ----------
    world : agents, things, walls, distances, starts
        (N,) of AGENT, (N, M) of THING, (N, H, W) uint8, (N, H, W) int32, (N, S) int32. Agents and
        things are changed.
    actions : (N,) int64
        With LOOK no time passes.
    repeat : int
        Frames that an action lasts.
    scenery : columns, rows, texels, pictures
        The camera (see `maze.camera`) and the textures (see `maze.textures`).
    planar : bool
        Whether `rgb` has all reds first, then greens, then blues.
    images : rgb, depth, velocity
        (N, 3 h w) uint8; (N, h, w) float32, tiles along the direction in which the agent looks;
        (N, 6) float32. All are written.
    first, last : int
    """
    agents, things, walls, distances, starts = world
    columns, rows, texels, pictures = scenery
    rgb, depth, velocity = images
    height, width = len(rows), columns.size
    pixels = np.empty((height, width), np.uint32)
    spans, marks = np.empty((4, width), np.float32), np.empty((2, width), np.uint32)
    for n in range(first, last):
        if actions[n] == LOOK:
            locate(agents[n], distances[n])
        else:
            play(agents[n], things[n], walls[n], distances[n], starts[n], actions[n], repeat)
        feel(agents[n], velocity[n])
        cast(agents[n], walls[n], columns, spans, marks)
        find(agents[n], rows, spans, marks, depth[n], pixels)
        fetch(texels, pixels)
        shade(rows, spans[2], marks, pixels)
        show(agents[n], things[n], pictures, spans[2], depth[n], pixels)
        if planar:
            separate(pixels, rgb[n])
        else:
            interleave(pixels, rgb[n])


@part
def feel(agent, velocity):
    """Write how the agent moves, as it feels it: forwards, right, up; pitch, yaw to the right, roll."""
    cos, sin = math.cos(agent["angle"]), math.sin(agent["angle"])
    velocity[:] = 0
    velocity[0] = agent["speed_x"] * cos + agent["speed_y"] * sin
    velocity[1] = agent["speed_y"] * cos - agent["speed_x"] * sin
    velocity[4] = agent["turn"]
