"""What is the data: digits put out of place, drawn without end to train on and once to test on.

Source: M. Jaderberg et al., Spatial Transformer Networks, 2015, section 4.1, appendices A.1 and A.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.errors import CheckpointError
from tasks.data import DataError
from tasks.spatial_transformer.distortions import (
    DISTORTIONS,
    Distortion,
    add_clutter,
    place,
    to_float,
)
from tasks.spatial_transformer.grids import SIDE

__all__ = ["DISTORTIONS", "Distortion", "TrainingBatches", "colocalisation", "test_set"]

_CHUNK = 500  # samples of a test set that are made at once: keeps the grids small


class TrainingBatches:
    """Batches without end, each digit once an epoch and distorted anew each time.

    Parameters
    ----------
    images, labels
        (N, 28, 28) uint8 and (N,) integers.
    rng
        Gives the order and the distortions. With its state and `state_dict`, the batches go on
        where they stopped.
    digits
        How many digits a sample has, one a channel and each distorted by itself. The label is their
        sum: with 2 and RTS this is MNIST addition, of 19 classes.

    Yields
    ------
    x, y
        (batch_size, digits, canvas, canvas) float32 in [0, 1], and (batch_size,) int64.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        distortion: Distortion,
        batch_size: int,
        rng: np.random.Generator,
        digits: int = 1,
    ):
        if not len(images) == len(labels) > 0:
            raise DataError(f"{len(images)} images with {len(labels)} labels make no batches")
        self.images, self.labels = images, labels
        self.distortion = distortion
        self.batch_size = batch_size
        self.rng = rng
        self.digits = digits
        self._order = np.empty(0, np.int64)  # of the digits in this epoch
        self._cursor = 0  # how many of them are drawn

    def __iter__(self) -> TrainingBatches:
        return self

    def __next__(self) -> tuple[np.ndarray, np.ndarray]:
        return self.draw(self.batch_size)

    def draw(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """The next `n` samples: x, y."""
        which = self._next_digits(n * self.digits)
        x = self.distortion(self.images[which], self.rng)
        y = self.labels[which].reshape(n, self.digits).sum(axis=1, dtype=np.int64)
        return x.reshape(n, self.digits, *x.shape[2:]), y

    def _next_digits(self, n: int) -> np.ndarray:
        parts = []
        while n > 0:
            if self._cursor == len(self._order):
                self._order, self._cursor = self.rng.permutation(len(self.images)), 0
            parts.append(self._order[self._cursor : self._cursor + n])
            self._cursor += len(parts[-1])
            n -= len(parts[-1])
        return np.concatenate(parts)

    def state_dict(self) -> dict[str, Any]:
        """How far this epoch has come; the state of `rng` is its owner's to keep."""
        return {"order": self._order.copy(), "cursor": self._cursor}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        order, cursor = np.array(state["order"]), int(state["cursor"])
        if len(order) not in (0, len(self.images)):
            raise CheckpointError(
                f"the saved order is of {len(order)} digits, and these are {len(self.images)}: "
                "resume with the data that the run began with"
            )
        self._order, self._cursor = order, cursor


def test_set(
    images: np.ndarray,
    labels: np.ndarray,
    distortion: Distortion,
    seed: int,
    size: int | None = None,  # noqa: PT028 (no test, for all its name)
    digits: int = 1,  # noqa: PT028
) -> tuple[np.ndarray, np.ndarray]:
    """A set that is the same for the same seed: x, y as `TrainingBatches` gives them.

    `size` samples, each digit as often as the others; by default as many as there are images.

    Raises
    ------
    DataError
        When more are asked for than there are images.
    """
    size = len(images) if size is None else size
    if size > len(images):
        raise DataError(
            f"--test-size {size} must be at most {len(images)}: so many test digits are here"
        )
    source = TrainingBatches(
        images, labels, distortion, _CHUNK, np.random.default_rng(seed), digits
    )
    parts = [source.draw(min(_CHUNK, size - start)) for start in range(0, size, _CHUNK)]
    x, y = (np.concatenate(arrays) for arrays in zip(*parts))
    return x, y


def colocalisation(
    images: np.ndarray,
    labels: np.ndarray,
    digit: int,
    rng: np.random.Generator,
    patches: int = 0,
    size: int = 100,
) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of 84x84 that have one kind of digit in common, and where it is.

    Parameters
    ----------
    digit
        The class, 0 to 9.
    patches
        0 for the paper's T, 16 for its TC: how many 6x6 patches of digits that were not chosen.
    size
        How many pictures, each of another digit.

    Returns
    -------
    x : (size, 1, 84, 84) float32 in [0, 1].
    boxes : (size, 4) float32, the digits' 28x28 squares as (x1, y1, x2, y2): outer edges in pixels.

    Raises
    ------
    DataError
        When there are fewer digits of that class.
    """
    members = np.flatnonzero(labels == digit)
    if len(members) < size:
        raise DataError(
            f"{size} pictures of the digit {digit} were asked for; {len(members)} are here"
        )
    chosen = rng.choice(members, size, replace=False)
    pictures, corners = place(images[chosen], 84, rng)
    if patches:
        others = np.setdiff1d(np.arange(len(images)), chosen)
        add_clutter(pictures, images, rng.choice(others, (size, patches)), rng)
    return to_float(pictures), np.hstack([corners, corners + SIDE]).astype(np.float32)
