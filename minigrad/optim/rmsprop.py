"""RMSprop (Tieleman and Hinton, 2012; centred as in Graves, 2013), as PyTorch writes it."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.kernels.rmsprop import rmsprop
from minigrad.optim.optimizer import Optimizer


class RMSprop(Optimizer):
    """s = alpha s + (1 - alpha) g²;   x = x - lr g / (√s + eps)

    With `centered`, √s becomes √(s - a²) for a = alpha a + (1 - alpha) g. With `momentum`, the
    quotient is gathered first: v = momentum v + g / (√s + eps), x = x - lr v. Weight decay adds
    weight_decay x to g. With `eps_inside`, √s + eps becomes √(s + eps), as in TensorFlow and in A3C
    (Mnih et al., 2016).

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See Optimizer.
    lr, eps, weight_decay : float
    alpha, momentum : float
        In [0, 1).
    centered, eps_inside : bool
    """

    _shares = ("alpha", "momentum")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        eps_inside: bool = False,
    ):
        super().__init__(
            params,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            eps_inside=eps_inside,
        )

    def _start(self, x, options):
        names = ["square_avg"]
        names += ["grad_avg"] if options["centered"] else []
        names += ["momentum_buffer"] if options["momentum"] else []
        return {name: np.zeros_like(x) for name in names}

    def _update(self, x, g, slots, options, room):
        alpha, s = options["alpha"], slots["square_avg"]
        eps, inside = options["eps"], options["eps_inside"]
        if not (options["centered"] or options["momentum"]):
            rmsprop(x, g, s, alpha, options["lr"], eps, inside)
            return
        s *= alpha
        s += np.multiply(np.square(g, out=room), 1 - alpha, out=room)
        if options["centered"]:
            a = slots["grad_avg"]
            a += np.multiply(np.subtract(g, a, out=room), 1 - alpha, out=room)
            np.subtract(s, np.square(a, out=room), out=room)
        else:
            np.copyto(room, s)
        if inside:
            room += eps
        np.sqrt(room, out=room)
        if not inside:
            room += eps
        np.divide(g, room, out=room)
        if options["momentum"]:
            v = slots["momentum_buffer"]
            v *= options["momentum"]
            v += room
            np.copyto(room, v)
        room *= options["lr"]
        x -= room
