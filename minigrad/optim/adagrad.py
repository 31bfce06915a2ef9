"""Adagrad (Duchi, Hazan and Singer, 2011), as PyTorch writes it."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.optimizer import Optimizer


class Adagrad(Optimizer):
    """s = s + g²;   x = x - lr / (1 + (t - 1) lr_decay) g / (√s + eps)   at step t = 1, 2, …

    Weight decay adds weight_decay x to g.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See Optimizer.
    lr, lr_decay, weight_decay, eps : float
    initial_accumulator_value : float
        What s starts from.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ):
        super().__init__(
            params,
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )

    def _start(self, x, options):
        return {"sum": np.full_like(x, options["initial_accumulator_value"])}

    def _update(self, x, g, slots, options, room):
        s = slots["sum"]
        s += np.square(g, out=room)
        np.sqrt(s, out=room)
        room += options["eps"]
        np.divide(g, room, out=room)
        room *= options["lr"] / (1 + (slots["step"] - 1) * options["lr_decay"])
        x -= room
