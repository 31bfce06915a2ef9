"""What is minimised and how: cross-entropy, by Adam with a cosine schedule or by the paper's SGD."""

from __future__ import annotations

from typing import Any

import numpy as np

from layers import Module
from layers.functional import cross_entropy
from minigrad import optim, tensor
from tasks import checkpoint
from tasks.divergence import check_loss
from tasks.spatial_transformer.models import transformers

#: Adam's first learning rates, each one at which that kind of net trains well on RTS. The cnn's errors after
#: 1,000 steps with seeds 0, 1 and 2 were 7.4, 9.7 and 11.7 % at 2e-3, and 8.6, 12.5 and 14.4 % at 1.5e-3.
#: (`python -m tasks distorted_mnist --nets cnn --lr 1.5e-3 --seed 1 --threads 1`)
ADAM_RATES = {"fcn": 2e-3, "cnn": 2e-3, "st-fcn": 2e-3, "st-cnn": 2e-3, "2st-fcn": 1e-3}


class Trainer:
    """One network, its optimiser and its schedule.

    Parameters
    ----------
    net
        Maps pictures to class scores.
    method
        ``adam``, whose rate falls to 0 along a cosine, or ``sgd``, the paper's: divided by 10 after
        each third of the steps.
    rate
        The first learning rate.
    steps
        How many steps there will be.
    localisation
        The share of `rate` that the localisation nets learn at.
    name
        What the net is called where its training goes wrong.
    """

    def __init__(
        self,
        net: Module,
        method: str,
        rate: float,
        steps: int,
        localisation: float = 1.0,
        name: str = "the net",
    ):
        self.net, self.name = net, name
        self.optimiser: optim.Optimizer
        self.schedule: optim.Schedule
        slow = [p for st in transformers(net) for p in st.parameters()]
        fast = [p for p in net.parameters() if not any(p is q for q in slow)]
        groups: list[dict[str, Any]] = [{"params": fast}]
        if slow:
            groups.append({"params": slow, "lr": rate * localisation})
        if method == "adam":
            self.optimiser = optim.Adam(groups, lr=rate)
            self.schedule = optim.CosineAnnealingLR(self.optimiser, steps)
        else:
            self.optimiser = optim.SGD(groups, lr=rate)
            self.schedule = optim.StepLR(self.optimiser, max(1, steps // 3), 0.1)
        self._parts = {"net": net, "optimiser": self.optimiser, "schedule": self.schedule}

    def step(self, x: np.ndarray, y: np.ndarray) -> float:
        """Learn from one batch; its mean loss before that.

        Raises
        ------
        NotFiniteError
            Where that is no finite number; nothing is changed then.
        """
        self.net.zero_grad()
        with np.errstate(all="ignore"):  # what is not finite is found and named
            loss = cross_entropy(self.net(tensor(x)), y)
            check_loss(loss.item(), self.schedule.count + 1, self.name)
            loss.backward()
            self.optimiser.step()
        self.schedule.step()
        return loss.item()

    def state_dict(self) -> dict:
        """What a checkpoint keeps."""
        return checkpoint.collect(self._parts)

    def load_state_dict(self, state: dict) -> None:
        """Go on where `state_dict` was taken."""
        checkpoint.restore(self._parts, state)
