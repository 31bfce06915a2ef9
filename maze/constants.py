"""The game's numbers, with their units.

A tile is a character of a layout and the unit of length. Walls are tiles too, so that from the middle
of one cell to that of the next it is two tiles. Rows grow downwards, and so does y; x grows with the
columns. An angle is 0 along x and grows clockwise on the map, towards y.
"""

import math
from enum import IntEnum

import numpy as np

FRAME_RATE = 60  # frames a second of the game
FRAME = 1 / FRAME_RATE  # seconds
ACTION_REPEAT = 4  # frames an action lasts: 15 decisions a second
SHORT_EPISODE = 3_600  # frames: a minute
LONG_EPISODE = 10_800  # frames: three minutes

SPEED = 4.0  # tiles a second, in the end: a cell takes half a second
TURN_RATE = 3.5  # radians a second, in the end: a quarter turn takes 0.45 seconds
SPEED_TIME = 0.12  # seconds until a speed has come within 1/e of what is asked for: the inertia
TURN_TIME = 0.06  # seconds, the same of turning

RADIUS = 0.25  # tiles: half the side of the square that the agent is to the walls
REACH = 0.5  # tiles: who comes as near to a thing has it. No corridor lets one pass by.
START_DISTANCE = 8  # tiles of path at least from a start to a goal that moves: four cells

GOAL_REWARD, APPLE_REWARD, STRAWBERRY_REWARD = 10.0, 1.0, 2.0

FIELD_OF_VIEW = math.pi / 2  # radians, across the image
EYE_HEIGHT = 0.5  # tiles above the floor; walls are one tile high
VELOCITY_BOUND = 10.0  # of each of the six numbers, for Gymnasium's Box; none comes near


class Action(IntEnum):
    """What an agent can do, by number."""

    TURN_LEFT = 0
    TURN_RIGHT = 1
    FORWARD = 2
    BACKWARD = 3
    STRAFE_LEFT = 4
    STRAFE_RIGHT = 5
    FORWARD_TURN_LEFT = 6
    FORWARD_TURN_RIGHT = 7


#: What each action asks for: forwards, to the right, turning right; as shares of the full speed.
WISHES = np.array(
    [
        (0, 0, -1),
        (0, 0, 1),
        (1, 0, 0),
        (-1, 0, 0),
        (0, -1, 0),
        (0, 1, 0),
        (1, 0, -1),
        (1, 0, 1),
        (0, 0, 0),
    ],
    np.float64,
)
IDLE = 8  # the last of them, to come to rest: for people, whose keys are not always pressed
