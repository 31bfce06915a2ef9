"""What co-localisation compares: pictures by the activations of a net that has learned to read digits.

Source: M. Jaderberg et al., Spatial Transformer Networks, 2015, appendix A.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from layers import Conv2d, Flatten, Linear, MaxPool2d, Module, ReLU, Sequential
from minigrad import Tensor, no_grad, tensor

SHARES = (0.9, 0.05, 0.05)  # of the three layers in the squared length of a digit's embedding


class Embedding(Module):
    """A classifier of 28x28 digits whose three layers' activations, side by side, stand for a picture.

    Each layer's activations are multiplied by one constant, such that for digits the squared length of
    its part is `SHARES` on average, 1 together: so a margin means something. (The paper does not say
    how it weighed them.) The first layer has most, for it alone sees where the strokes are; to the
    others a digit that lies half outside the crop can be as good as one in its middle, and so all boxes
    of a class would settle beside their digits.

    Parameters
    ----------
    filters
        Of each of the two convolutions.
    """

    def __init__(self, filters: int, rng: np.random.Generator):
        self.stages = Sequential(
            Sequential(Conv2d(1, filters, 9, rng=rng), MaxPool2d(2), ReLU()),
            Sequential(Conv2d(filters, filters, 7, rng=rng), MaxPool2d(2), ReLU()),
            Sequential(Flatten(), Linear(4 * filters, 10, rng=rng)),
        )
        self.register_buffer("weights", np.ones(len(SHARES), np.float32))

    def forward(self, x: Any) -> Tensor:
        """The scores of the ten classes, (N, 10)."""
        return self.stages(x)

    def embed(self, x: Any) -> Any:
        """The weighted activations of pictures (N, 1, 28, 28), (N, D)."""
        pairs = zip(self._activations(x), self.weights)
        return np.concatenate([a * float(weight) for a, weight in pairs], axis=1)

    def weigh(self, x: np.ndarray) -> None:
        """Set the layers' weights by a sample of digits."""
        with no_grad():
            squares = [(a.numpy() ** 2).sum(axis=1).mean() for a in self._activations(tensor(x))]
        self.weights = np.sqrt(np.array(SHARES) / squares)

    def _activations(self, x: Any) -> list[Tensor]:
        found = []
        for stage in self.stages.children():
            x = stage(x)
            found.append(x.reshape(len(x), -1))
        return found


def colocalisation_loss(
    found: Any, random: Any, margin: float = 1.0, repulsion: float = 1.0
) -> Tensor:
    """The mean over all pairs n, m ≠ n of max(0, ‖f_n - f_m‖² - repulsion ‖f_n - r_n‖² + margin).

    What is found in the pictures shall be alike, and unlike what lies anywhere in them. With
    repulsion 1 it is the paper's, but for the division by the N (N - 1) pairs.

    Parameters
    ----------
    found, random : (N, D)
        Embeddings of the crops that were found, and of a random crop of each of the same pictures.
    """
    n = len(found)
    squares = np.sum(found * found, axis=1)
    apart = squares[:, None] + squares[None, :] - 2 * (found @ found.T)
    away = np.sum((found - random) ** 2, axis=1)
    slack = np.maximum(0, apart - repulsion * away[:, None] + margin)
    others = 1 - np.eye(n, dtype=found.dtype)
    return np.sum(slack * others) / (n * (n - 1))
