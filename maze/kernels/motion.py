"""How an agent moves: with inertia, sliding along walls, and never through them, however fast.

A wish sets the speed to which the agent comes exponentially, v ← v + (wish - v)(1 - exp(-t/T)). To the
walls the agent is a square, moved along x and then along y; what lies in its way is looked at tile by
tile, so that no speed carries it over a wall. It stops at the wall along that axis and goes on along
the other: it slides.
"""

import math

from maze.constants import FRAME, RADIUS, SPEED, SPEED_TIME, TURN_RATE, TURN_TIME, WISHES
from maze.kernels import part

__all__ = ["move", "sweep"]

TO_SPEED = 1 - math.exp(-FRAME / SPEED_TIME)  # the share of the way to the wish in one frame
TO_TURN = 1 - math.exp(-FRAME / TURN_TIME)
GAP = 1e-9  # tiles that stay between the agent and a wall


@part
def move(agent, walls, action):
    """Move a record of AGENT by one frame under an action, between `walls` (H, W), not 0 where one is."""
    forward, right, turn = WISHES[action, 0], WISHES[action, 1], WISHES[action, 2]
    agent["turn"] += (turn * TURN_RATE - agent["turn"]) * TO_TURN
    agent["angle"] = (agent["angle"] + agent["turn"] * FRAME) % (2 * math.pi)

    cos, sin = math.cos(agent["angle"]), math.sin(agent["angle"])
    agent["speed_x"] += ((forward * cos - right * sin) * SPEED - agent["speed_x"]) * TO_SPEED
    agent["speed_y"] += ((forward * sin + right * cos) * SPEED - agent["speed_y"]) * TO_SPEED

    wanted = agent["x"] + agent["speed_x"] * FRAME
    agent["x"] = sweep(walls, agent["x"], agent["y"], wanted)
    if agent["x"] != wanted:
        agent["speed_x"] = 0.0
    wanted = agent["y"] + agent["speed_y"] * FRAME
    agent["y"] = sweep(walls.T, agent["y"], agent["x"], wanted)
    if agent["y"] != wanted:
        agent["speed_y"] = 0.0


@part
def sweep(walls, at, across, wanted):
    """Where the agent gets on its way from `at` to `wanted` along the columns of `walls`."""
    first, last = int(across - RADIUS), int(across + RADIUS)  # the rows it touches
    if wanted > at:
        tile = int(at + RADIUS)
        while tile < int(wanted + RADIUS):
            tile += 1
            if walls[first, tile] or walls[last, tile]:
                return tile - RADIUS - GAP
    else:
        tile = int(at - RADIUS)
        while tile > int(wanted - RADIUS):  # int rounds up below 0; the first tile is a wall
            tile -= 1
            if walls[first, tile] or walls[last, tile]:
                return tile + 1 + RADIUS + GAP
    return wanted
