"""SGD, with momentum (Sutskever et al., 2013, as PyTorch writes it)."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.errors import OptimizerError
from minigrad.optim.optimizer import Optimizer


class SGD(Optimizer):
    """v = momentum v + (1 - dampening) g;   x = x - lr v   (nesterov: x - lr (g + momentum v))

    The first step takes v = g. Weight decay adds weight_decay x to g.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See Optimizer.
    lr, dampening, weight_decay : float
    momentum : float
        In [0, 1).
    nesterov : bool
        Wants momentum, and no dampening.
    """

    _shares = ("momentum",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ):
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
        )

    def _check(self, options):
        super()._check(options)
        if options["nesterov"] and (options["momentum"] == 0 or options["dampening"] != 0):
            raise OptimizerError("SGD: nesterov=True wants a momentum above 0 and no dampening.")

    def _start(self, x, options):
        return {"momentum_buffer": np.zeros_like(x)} if options["momentum"] else {}

    def _update(self, x, g, slots, options, room):
        momentum = options["momentum"]
        if momentum:
            v = slots["momentum_buffer"]
            v *= momentum
            first = slots["step"] == 1
            v += np.multiply(g, 1 if first else 1 - options["dampening"], out=room)
            if options["nesterov"]:
                g = np.add(g, np.multiply(v, momentum, out=room), out=room)
            else:
                g = v
        x -= np.multiply(g, options["lr"], out=room)
