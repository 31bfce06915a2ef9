"""What is measured: how many of a fixed set of test pictures are read wrongly."""

from __future__ import annotations

import numpy as np

from layers import Module
from minigrad import no_grad, tensor


def predictions(net: Module, x: np.ndarray, chunk: int = 500) -> np.ndarray:
    """The class that the network gives each picture, (N,) int64."""
    was_training = net.training
    net.eval()
    with no_grad():
        parts = [net(tensor(x[i : i + chunk])).argmax(axis=1) for i in range(0, len(x), chunk)]
    net.train(was_training)
    return np.concatenate(parts)


def error(net: Module, x: np.ndarray, y: np.ndarray) -> float:
    """Per cent of the pictures `x` whose class is not `y`."""
    return 100.0 * float(np.mean(predictions(net, x) != y))
