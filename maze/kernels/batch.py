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


def _advance_numpy(
    agents: np.ndarray,
    things: np.ndarray,
    walls: np.ndarray,
    distances: np.ndarray,
    starts: np.ndarray,
    actions: np.ndarray,
    repeat: int,
    columns: np.ndarray,
    rows: np.ndarray,
    texels: np.ndarray,
    pictures: np.ndarray,
    planar: bool,
    rgb: np.ndarray,
    depth: np.ndarray,
    velocity: np.ndarray,
    first: int,
    last: int,
) -> None:
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
    agents: np.ndarray,
    things: np.ndarray,
    walls: np.ndarray,
    distances: np.ndarray,
    starts: np.ndarray,
    actions: np.ndarray,
    repeat: int,
    columns: np.ndarray,
    rows: np.ndarray,
    texels: np.ndarray,
    pictures: np.ndarray,
    planar: bool,
    rgb: np.ndarray,
    depth: np.ndarray,
    velocity: np.ndarray,
    first: int,
    last: int,
) -> None:
    """Step agents `first` to `last` and write what they see then.

    Parameters
    ----------
    agents : (N,) of AGENT
    things : (N, M) of THING
    walls : (N, H, W) uint8
    distances : (N, H, W) int32
    starts : (N, S) int32
    actions : (N,) int64
        With LOOK no time passes.
    repeat : int
        Frames that an action lasts.
    columns, rows, texels, pictures
        The camera (see `maze.camera`) and the textures (see `maze.textures`).
    planar : bool
        Whether `rgb` has all reds first, then greens, then blues.
    rgb : (N, 3 h w) uint8, written
    depth : (N, h, w) float32, written
        Tiles along the direction in which the agent looks.
    velocity : (N, 6) float32, written
    first, last : int
    """
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
