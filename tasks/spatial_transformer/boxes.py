"""What is measured in co-localisation: the boxes of an attention transformer against the true ones."""

from __future__ import annotations

import numpy as np


def boxes_of(theta: np.ndarray, side: int) -> np.ndarray:
    """The squares that attention reads: theta (N, 3) as scale, tx, ty to (N, 4) as x1, y1, x2, y2.

    Outer edges in pixels of a picture of `side` x `side`; a mirrored square (scale < 0) is the same.
    """
    half, centre = np.abs(theta[:, :1]), theta[:, 1:]
    return (np.hstack([centre - half, centre + half]) + 1) * side / 2


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (N, 4), pair by pair: (N,) in [0, 1]; 0 where both are empty."""
    width, height = np.maximum(0, np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])).T
    both = width * height
    either = _area(a) + _area(b) - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def _area(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
