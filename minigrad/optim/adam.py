"""Adam (Kingma and Ba, 2015, algorithm 1), as PyTorch writes it."""

from collections.abc import Iterable
from math import sqrt
from typing import Any

import numpy as np

from minigrad.errors import OptimizerError
from minigrad.kernels.adam import adam
from minigrad.optim.optimizer import Optimizer


class Adam(Optimizer):
    """m = β₁ m + (1 - β₁) g;   v = β₂ v + (1 - β₂) g²;   x = x - lr m̂ / (√v̂ + eps)

    with m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ) at step t = 1, 2, …, which make up for the start
    at zero. Weight decay adds weight_decay x to g.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See Optimizer.
    lr : float
    betas : (float, float)
        β₁ and β₂, each in [0, 1).
    eps, weight_decay : float
    """

    _shares = ("betas",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(params, lr=lr, betas=tuple(betas), eps=eps, weight_decay=weight_decay)

    def _check(self, options):
        super()._check(options)
        if np.shape(options["betas"]) != (2,):
            raise OptimizerError(f"Adam: betas={options['betas']} must be two numbers.")

    def _start(self, x, options):
        return {"exp_avg": np.zeros_like(x), "exp_avg_sq": np.zeros_like(x)}

    def _update(self, x, g, slots, options, room):
        (beta1, beta2), t = options["betas"], slots["step"]
        rate, scale = options["lr"] / (1 - beta1**t), 1 / sqrt(1 - beta2**t)
        adam(
            x, g, slots["exp_avg"], slots["exp_avg_sq"], (beta1, beta2), rate, scale, options["eps"]
        )
