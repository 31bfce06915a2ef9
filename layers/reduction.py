"""How a loss adds up: over the batch (mean, sum) or not at all (none).

The sum hands its gradient to every entry; the mean of n entries a share of 1/n.
"""

from typing import Any

import numpy as np

from layers.errors import OptionError
from minigrad.errors import ShapeError

REDUCTIONS = ("mean", "sum", "none")


def reduce_forward(losses: np.ndarray, reduction: str) -> Any:
    """Return the mean or the sum of all entries, or the entries themselves."""
    if reduction == "none":
        return losses
    return np.mean(losses) if reduction == "mean" else np.sum(losses)


def reduce_backward(dy: Any, size: int, reduction: str) -> Any:
    """Return the gradient of each of `size` entries; it broadcasts over them."""
    return dy / size if reduction == "mean" else dy


def check_reduction(loss: str, reduction: str, size: int) -> None:
    """Refuse an unknown reduction, and the mean over `size` = 0 entries."""
    if reduction not in REDUCTIONS:
        raise OptionError(f"{loss}: reduction must be one of {REDUCTIONS}, not {reduction!r}.")
    if reduction == "mean" and size == 0:
        raise ShapeError(
            f"{loss}: the mean over nothing is 0/0: the batch is empty, or all of it is ignored. "
            'Skip such batches, or use reduction="sum".'
        )


def check_same_shape(loss: str, x: Any, target: Any) -> None:
    """Refuse a target that would broadcast: (N, 1) against (N,) makes N² losses in silence."""
    if x.shape != target.shape:
        hint = " Reshape one of them." if x.size == target.size else ""
        raise ShapeError(
            f"{loss}: the input has shape {x.shape} and the target {target.shape}; they must be "
            f"equal.{hint}"
        )
