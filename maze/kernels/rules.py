"""The rules of the game: what a frame brings, and where one starts again."""

import math

import numpy as np

from maze.constants import APPLE_REWARD, GOAL_REWARD, REACH, STRAWBERRY_REWARD
from maze.kernels import part
from maze.kernels.motion import move
from maze.kernels.records import APPLE

__all__ = ["locate", "play", "start"]


@part
def play(agent, things, walls, distances, starts, action, repeat):
    """Let an agent act for `repeat` frames; its record then holds what that brought.

    Parameters
    ----------
    agent : record of AGENT
    things : (M,) of THING, the goal first
    walls : (H, W) uint8
    distances : (H, W) int32, tiles of path to the goal
    starts : (S,) int32, places to start from, row * W + column
    action : int
    repeat : int
    """
    reward = 0.0
    for _ in range(repeat):
        move(agent, walls, action)
        reward += _find(agent, things, walls.shape[1], starts)
    agent["frame"] += repeat
    agent["action"], agent["reward"] = action, reward
    agent["score"] += reward
    locate(agent, distances)


@part
def locate(agent, distances):
    """Note how far the agent is from the goal."""
    agent["distance"] = distances[int(agent["y"]), int(agent["x"])]


@part
def _find(agent, things, width, starts):
    """The reward for what is in reach. The goal brings back all fruit, and the agent to a new start."""
    reward = 0.0
    for i in range(1, len(things)):
        if things[i]["present"] and _reached(agent, things[i]):
            things[i]["present"] = 0
            reward += APPLE_REWARD if things[i]["kind"] == APPLE else STRAWBERRY_REWARD
    if _reached(agent, things[0]):
        reward += GOAL_REWARD
        agent["goals"] += 1
        for i in range(len(things)):
            things[i]["present"] = 1 if things[i]["kind"] else 0
        start(agent, starts, width)
    return reward


@part
def _reached(agent, thing):
    return math.hypot(agent["x"] - thing["x"], agent["y"] - thing["y"]) < REACH


@part
def start(agent, starts, width):
    """Put the agent at rest in one of its places, looking anywhere."""
    place = starts[int(_random(agent) * agent["starts"])]
    agent["x"], agent["y"] = place % width + 0.5, place // width + 0.5
    agent["angle"] = _random(agent) * 2 * math.pi
    agent["speed_x"] = agent["speed_y"] = agent["turn"] = 0.0


@part
def _random(agent):
    """A number from [0, 1), of the agent's own: xorshift64 (Marsaglia, Journal of Statistical Software 8, 2003)."""
    s = np.uint64(agent["random"])
    s ^= s << np.uint64(13)
    s ^= s >> np.uint64(7)
    s ^= s << np.uint64(17)
    agent["random"] = s
    return (s >> np.uint64(11)) / 2.0**53
