"""Where does the agent think it is? A linear classifier of cells, on what the agent computes anyway.

It reads h, the output of the last LSTM (of `ff`: f). It shows what the agent knows and must not teach
it: its input is detached, so that no gradient comes to the agent, and its optimiser is its own.
"""

from typing import Any

import numpy as np

from layers import Linear
from layers.functional import cross_entropy, softmax
from maze import Simulator
from minigrad import Tensor, no_grad, optim
from tasks import checkpoint
from tasks.navigation.models import UPPER

RATE = 1e-3  # at which it learns


def grid(maze_size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of cells of a maze of so many tiles: a cell is two tiles, its walls included."""
    return max(maze_size[0] // 2, 1), max(maze_size[1] // 2, 1)


def corner(row: int, column: int) -> tuple[float, float]:
    """The upper left corner (y, x) of a cell in tiles: half a tile around the two of its middle, which is at 1.5, 3.5, …"""
    return 2 * row + 0.5, 2 * column + 0.5


def cells(simulator: Simulator) -> np.ndarray:
    """The number of the cell whose middle is nearest to each agent (batch,) int64, row by row."""
    rows, columns = grid(simulator.maze_size)
    row = np.clip((simulator.agents["y"] - 0.5) // 2, 0, rows - 1)
    column = np.clip((simulator.agents["x"] - 0.5) // 2, 0, columns - 1)
    return (row * columns + column).astype(np.int64)


class PositionDecoder:
    """The classifier and its optimiser (Adam).

    Parameters
    ----------
    count : int
        Cells.
    rng : numpy.random.Generator
    """

    def __init__(self, count: int, rng: np.random.Generator):
        self.linear = Linear(UPPER, count, rng=rng)
        self.optimiser = optim.Adam(self.linear.parameters(), lr=RATE)

    def gradient(self, h: Tensor, cells: np.ndarray) -> float:
        """Compute the gradient for h (..., 256) and cells (...), and return the share of right answers."""
        h = h.detach().reshape(-1, UPPER)
        self.optimiser.zero_grad()
        logits = self.linear(h)
        cross_entropy(logits, cells.ravel()).backward()
        return float(np.mean(logits.detach().data.argmax(axis=1) == cells.ravel()))

    def learn(self, h: Tensor, cells: np.ndarray) -> float:
        """Learn from h (..., 256) and cells (...); the share of right answers before that."""
        right = self.gradient(h, cells)
        self.optimiser.step()
        return right

    def likelihood(self, h: Any) -> np.ndarray:
        """How likely each cell is, (..., cells), by h (..., 256)."""
        with no_grad():
            return softmax(self.linear(h), -1).data

    def state_dict(self) -> dict:
        """What a checkpoint keeps."""
        return checkpoint.collect({"linear": self.linear, "optimiser": self.optimiser})

    def load_state_dict(self, state: dict) -> None:
        """Go on where `state_dict` was taken."""
        checkpoint.restore({"linear": self.linear, "optimiser": self.optimiser}, state)
