"""What callers hand in, checked: sizes, seeds, masks, actions."""

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from maze.constants import Action
from maze.errors import MazeError

__all__ = [
    "checked_action",
    "checked_actions",
    "checked_flag",
    "checked_mask",
    "checked_seeds",
    "checked_size",
    "whole",
]

LARGEST_IMAGE = 2_048  # pixels of a side
MOST_REPEAT = 1_000  # frames of a decision


def whole(name: str, value: Any, least: int, most: int) -> int:
    """Return the value as an int between `least` and `most`, both included."""
    if _is_whole(value) and least <= value <= most:
        return int(value)
    raise MazeError(f"{name}={value!r}: this takes a whole number from {least} to {most:,}.")


def checked_flag(name: str, value: Any) -> bool:
    """Return the value, which is True or False."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise MazeError(f"{name}={value!r}: this takes True or False.")


def checked_size(size: object) -> tuple[int, int]:
    """Return (height, width) of an image of that size: two whole numbers, or one for a square.

    Raises
    ------
    MazeError
        Where it is no size, or none between 1 and LARGEST_IMAGE.
    """
    sides = size if isinstance(size, (tuple, list)) else (size, size)
    if len(sides) != 2 or not all(_is_whole(side) and 1 <= side <= LARGEST_IMAGE for side in sides):
        raise MazeError(
            f"size={size!r} is no size of an image. Give (height, width) in pixels, or one number for "
            f"a square, from 1 to {LARGEST_IMAGE:,}; (84, 84) is usual."
        )
    height, width = sides
    return int(height), int(width)


def checked_seeds(seed: Any, batch: int) -> list[Any]:
    """Return a seed for each maze: seed + i, or each its own; or None for each, for other numbers each time."""
    if seed is None:
        return [None] * batch
    if _is_whole(seed):
        seeds = [int(seed) + i for i in range(batch)]
    else:  # a set is in no order
        seeds = [*seed] if isinstance(seed, Sequence) or np.ndim(seed) else []
    if len(seeds) != batch or not all(_is_whole(s) and s >= 0 for s in seeds):
        raise MazeError(
            f"seed={seed!r}: give one whole number from 0 up (maze i then has seed + i), or one for "
            f"each of the {batch} mazes."
        )
    return seeds


def checked_mask(which: object, batch: int) -> np.ndarray:
    """Return a mask (batch,) bool."""
    mask = np.asarray(which)
    if mask.shape != (batch,) or mask.dtype != bool:
        raise MazeError(
            f"which mazes to reset is said by a mask of {batch} bool; it was given an array of shape "
            f"{mask.shape} and dtype {mask.dtype}."
        )
    return mask


def checked_action(action: Any) -> int:
    """Return one action: a whole number, or an array of one without an axis; True and False are none."""
    try:
        number = -1 if isinstance(action, (bool, np.bool_)) else index(action)
    except TypeError:
        number = -1
    if not 0 <= number < len(Action):
        raise MazeError(
            f"action {action!r}: actions are whole numbers from 0 to {len(Action) - 1}."
        )
    return number


def checked_actions(actions: object, batch: int) -> np.ndarray:
    """Return the actions (batch,) as int64."""
    given = np.asarray(actions)
    if given.shape != (batch,) or given.dtype.kind not in "iu":
        raise MazeError(
            f"step(actions) takes {batch} whole numbers, shape ({batch},); it was given "
            f"shape {given.shape} of {given.dtype}."
        )
    given = np.ascontiguousarray(given, np.int64)
    if given.view(np.uint64).max() >= len(Action):  # a negative one is huge then
        n = int(np.argmax((given < 0) | (given >= len(Action))))
        raise MazeError(
            f"actions[{n}] is {given[n]}; actions go from 0 to {len(Action) - 1}: "
            f"{', '.join(f'{a.value} {a.name.lower()}' for a in Action)}."
        )
    return given


def _is_whole(value: Any) -> bool:
    """Whether it is an integer; True and False are none."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
