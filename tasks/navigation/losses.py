"""What is minimised, each term a mean over all steps of all mazes.

The policy π = softmax(z) is learned like a classification in which the action that was taken is the
label, and its advantage A, a constant, the weight of the example:

    L_π = -A log π(a|s)                       dL_π/dz = A (π - onehot(a))

so that good actions (A > 0) become likelier, and bad ones less likely. Without its entropy H, it would
soon be certain of something too early:

    H = -Σ π log π                            dH/dz = -π (log π + H)

The value is regressed on the return, and the auxiliary tasks are classifications by themselves.
"""

from typing import Any

import numpy as np

from layers.functional import cross_entropy, log_softmax, mse_loss
from minigrad import Tensor
from tasks.navigation import depth


def policy_loss(logits: Any, actions: np.ndarray, advantages: np.ndarray) -> Tensor:
    """-A log π(a|s), the mean of it.

    Parameters
    ----------
    logits : (M, 8)
    actions : (M,) int
    advantages : (M,)
        Plain numbers: no gradient goes through them.
    """
    return np.mean(cross_entropy(logits, actions, reduction="none") * advantages)  # type: ignore[return-value]


def entropy(logits: Any) -> Tensor:
    """-Σ π log π of each row of logits (M, 8) in nats, the mean of it."""
    log_p = log_softmax(logits, 1)
    return -np.mean(np.sum(np.exp(log_p) * log_p, axis=1))  # type: ignore[return-value,call-overload]


def value_loss(values: Any, returns: np.ndarray) -> Tensor:
    """(R - V)² / 2 of values and returns (M,), the mean of it."""
    return 0.5 * mse_loss(values, returns)


def depth_loss(said: Any, tiles: np.ndarray) -> Tensor:
    """The loss of a depth head, a mean over pixels too.

    Parameters
    ----------
    said : (M, 8, 64) logits of the bands, or (M, 64) numbers
        In regression, shares of `depth.FAR`.
    tiles : (M, 64)
        The true depths.
    """
    if said.ndim == 3:
        return cross_entropy(said, depth.bands(tiles))
    return 0.5 * mse_loss(said, depth.shares(tiles))


def loop_loss(logits: Any, labels: np.ndarray) -> Tensor:
    """The cross-entropy of loop closure, logits (M, 2) and labels (M,)."""
    return cross_entropy(logits, labels)
