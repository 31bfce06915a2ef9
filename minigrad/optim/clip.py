"""Clipping gradients (Pascanu, Mikolov and Bengio, 2013)."""

from collections.abc import Iterable
from math import sqrt

import numpy as np

from minigrad.errors import OptimizerError
from minigrad.tensor import Tensor


def clip_grad_norm_(params: Tensor | Iterable[Tensor], max_norm: float) -> float:
    """Scale all gradients, in place, so that their joint length is at most `max_norm`.

    Parameters
    ----------
    params : Tensor or iterable of Tensor
        Those without a gradient are passed over.
    max_norm : float

    Returns
    -------
    float
        The joint length (2-norm) before; not finite where a gradient is not.
    """
    if not max_norm >= 0:
        raise OptimizerError(f"clip_grad_norm_: max_norm={max_norm} must not be negative.")
    params = [params] if isinstance(params, Tensor) else params
    gradients = [p.grad for p in params if p.grad is not None]
    total = sqrt(sum(float(np.vdot(g, g)) for g in gradients))
    # The 1e-6 is PyTorch's; it keeps a length of 0 from dividing by itself.
    scale = max_norm / (total + 1e-6)
    if not scale >= 1:
        for g in gradients:
            g *= scale
    return total
