"""One training step of a task's network, in either library: loss, backward pass, Adam."""

from typing import Any

import numpy as np

BATCH, SIDE = 64, 42

#: The networks of distorted_mnist and of mnist_addition: the task's name for each, and its sizes.
NETWORKS: dict[str, dict[str, Any]] = {
    "ST-CNN": {"name": "st-cnn", "channels": 1, "classes": 10},
    "2xST-FCN": {"name": "2st-fcn", "channels": 2, "classes": 19},
}


class Step:
    """A call is a step on one random batch, always the same, and gives the loss before it.

    Parameters
    ----------
    name : str
        Of NETWORKS.
    library : module
        minigrad or torch.
    cross_entropy : callable
    net : Module
        Of that library.
    """

    def __init__(self, name: str, library: Any, cross_entropy: Any, net: Any):
        rng = np.random.default_rng(1)
        sizes = NETWORKS[name]
        x = rng.standard_normal((BATCH, sizes["channels"], SIDE, SIDE), np.float32)
        self.x, self.y = library.tensor(x), library.tensor(rng.integers(0, sizes["classes"], BATCH))
        self.net, self.cross_entropy = net, cross_entropy
        self.optimiser = library.optim.Adam(net.parameters(), lr=1e-3)

    def __call__(self) -> float:
        """Forward, backward and the optimiser's step."""
        self.net.zero_grad()
        loss = self.cross_entropy(self.net(self.x), self.y)
        loss.backward()
        self.optimiser.step()
        return loss.item()
