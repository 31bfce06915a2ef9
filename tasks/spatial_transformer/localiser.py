"""What is trained in co-localisation: an attention transformer that crops what pictures share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, SpatialTransformer
from minigrad import no_grad, optim, tensor
from tasks import checkpoint
from tasks.divergence import check_loss
from tasks.spatial_transformer.embedding import Embedding, colocalisation_loss
from tasks.spatial_transformer.models import CROP

SIDE = 84
WIDE, TRUE = 0.8, CROP / SIDE  # the scales at first and in the end
NARROWING = 0.6  # the share of the steps in which the scale falls


class Localiser:
    """The transformer of one class, its optimiser and what it did so far.

    Parameters
    ----------
    steps
        How many steps there will be.
    margin, repulsion
        Of `colocalisation_loss`.

    Attributes
    ----------
    transformer : SpatialTransformer
    diary : dict
        Step to the theta (N, 3) of all pictures at that time; for figures.
    """

    def __init__(
        self, steps: int, lr: float, margin: float, repulsion: float, rng: np.random.Generator
    ):
        inner = [
            Conv2d(1, 8, 9, stride=4, rng=rng),
            MaxPool2d(2),
            ReLU(),
            Flatten(),
            Linear(8 * 9 * 9, 32, rng=rng),
            ReLU(),
            Linear(32, 32, rng=rng),
            ReLU(),
        ]
        self.transformer = SpatialTransformer(Sequential(*inner), 32, "attention", CROP)
        self.optimiser = optim.Adam(self.transformer.parameters(), lr=lr)
        self.schedule = optim.CosineAnnealingLR(self.optimiser, steps)
        self._parts = {
            "transformer": self.transformer,
            "optimiser": self.optimiser,
            "schedule": self.schedule,
        }
        self.steps, self.margin, self.repulsion = steps, margin, repulsion
        self.diary: dict[int, np.ndarray] = {}
        self._lead_scale(0)

    def step(self, x: np.ndarray, embedding: Embedding, rng: np.random.Generator) -> float:
        """Learn from all pictures `x` (N, 1, 84, 84) and a random crop of each; the loss before that.

        Raises
        ------
        NotFiniteError
            Where that is no finite number; nothing is changed then.
        """
        with no_grad():
            random = embedding.embed(tensor(random_crops(x, rng)))
        with np.errstate(all="ignore"):  # what is not finite is found and named
            found = embedding.embed(self.transformer(tensor(x)))
            loss = colocalisation_loss(found, random, self.margin, self.repulsion)
            check_loss(loss.item(), self.schedule.count + 1, "the transformer")
            self.transformer.zero_grad()
            loss.backward()
            self.optimiser.step()
        self.schedule.step()
        self._lead_scale(self.schedule.count)
        return loss.item()

    def look(self, x: np.ndarray, step: int) -> np.ndarray:
        """Find the boxes in the pictures, (N, 3) as scale, tx, ty, and note them in the diary."""
        with no_grad():
            self.transformer(tensor(x))
        self.diary[step] = self.transformer.theta
        return self.transformer.theta

    def _lead_scale(self, step: int) -> None:
        """Have the regression answer this step's scale for every picture, whatever it has learned."""
        scale = np.interp(step, [0, NARROWING * self.steps], [WIDE, TRUE])
        weight, bias = self.transformer.regression.parameters()
        weight.data = np.vstack([0 * weight.data[:1], weight.data[1:]])
        bias.data = np.append(scale, bias.data[1:])

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "parts": checkpoint.collect(self._parts),
            "diary": {str(step): theta for step, theta in self.diary.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        checkpoint.restore(self._parts, state["parts"])
        self.diary = {int(step): theta for step, theta in state["diary"].items()}


def random_crops(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A 28x28 window of each picture (N, 1, S, S), uniformly on whole pixels: (N, 1, 28, 28)."""
    windows = sliding_window_view(x[:, 0], (CROP, CROP), axis=(1, 2))
    down, across = rng.integers(0, windows.shape[1], (2, len(x)))
    return windows[np.arange(len(x)), down, across][:, None]
