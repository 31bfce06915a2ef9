"""The check of every training step: a loss that is no finite number ends the run."""

from __future__ import annotations

import math

from minigrad.errors import NotFiniteError


def check_loss(loss: float, step: int, net: str) -> None:
    """Refuse the loss of `net` in its step `step` unless it is finite.

    Called before the step changes anything, so that no checkpoint is made of what comes of it.

    Raises
    ------
    NotFiniteError
    """
    if not math.isfinite(loss):
        raise NotFiniteError(
            f"the training has diverged: in step {step} the loss of {net} is {loss}. "
            "Start it anew with a lower --lr."
        )
