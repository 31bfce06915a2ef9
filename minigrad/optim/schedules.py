"""Learning-rate schedules: the rate of every group as a function of the number of steps made.

Each is a closed form of that number, so that a resumed run has exactly the rates of an uninterrupted
one. Call `step()` after each `optimizer.step()`.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import cos, pi
from typing import Any

import numpy as np

from minigrad.errors import OptimizerError
from minigrad.optim.optimizer import Optimizer


class Schedule:
    """Base of the schedules; a subclass says which rate a group has after `count` steps.

    Attributes
    ----------
    count : int
        The steps made so far.
    base_lrs : list of float
        The groups' rates when the schedule was made, which it starts from.
    """

    def __init__(self, optimizer: Optimizer):
        self.optimizer = optimizer
        self.base_lrs = [group["lr"] for group in optimizer.param_groups]
        self.count = 0
        self._set()

    def rate(self, base: float, group: int) -> float:
        """The learning rate, after `count` steps, of a group that started from `base`."""
        raise NotImplementedError

    def step(self) -> None:
        """Count one step and set the rates that follow from it."""
        self.count += 1
        self._set()

    def _set(self) -> None:
        pairs = zip(self.optimizer.param_groups, self.base_lrs, strict=True)
        for i, (group, base) in enumerate(pairs):
            group["lr"] = self.rate(base, i)

    def get_last_lr(self) -> list[float]:
        """The groups' present learning rates."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, np.ndarray]:
        """The count and the rates started from, by name."""
        return {"count": np.array(self.count), "base_lrs": np.array(self.base_lrs, np.float64)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of `state_dict`, and set the rates that follow from it.

        Raises
        ------
        OptimizerError
            Other names, or another number of groups.
        """
        name, own = type(self).__name__, self.state_dict()
        if set(state) != set(own):
            raise OptimizerError(f"{name}: a state holds {list(own)}, and this one {list(state)}.")
        for key, value in own.items():
            if np.shape(state[key]) != value.shape:
                raise OptimizerError(
                    f"{name}: {key} has shape {np.shape(state[key])} in the state and {value.shape} "
                    "here. Does the optimizer have the same groups?"
                )
        self.count = int(state["count"])
        self.base_lrs = np.asarray(state["base_lrs"]).tolist()
        self._set()


class StepLR(Schedule):
    """base · gamma^⌊t / step_size⌋"""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1):
        if step_size < 1:
            raise OptimizerError(f"StepLR: step_size={step_size} must be at least 1.")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def rate(self, base, group):
        """See Schedule.rate."""
        return base * self.gamma ** (self.count // self.step_size)


class MultiStepLR(Schedule):
    """base · gamma^(how many of the milestones are ≤ t)"""

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1):
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer)

    def rate(self, base, group):
        """See Schedule.rate."""
        return base * self.gamma ** bisect_right(self.milestones, self.count)


class ExponentialLR(Schedule):
    """base · gammaᵗ"""

    def __init__(self, optimizer: Optimizer, gamma: float):
        self.gamma = gamma
        super().__init__(optimizer)

    def rate(self, base, group):
        """See Schedule.rate."""
        return base * self.gamma**self.count


class CosineAnnealingLR(Schedule):
    """eta_min + (base - eta_min) (1 + cos(π t / T_max)) / 2   (Loshchilov and Hutter, 2017)

    Falls from `base` to `eta_min` in `T_max` steps, and would rise again after them.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0):
        if T_max < 1:
            raise OptimizerError(f"CosineAnnealingLR: T_max={T_max} must be at least 1.")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def rate(self, base, group):
        """See Schedule.rate."""
        share = (1 + cos(pi * self.count / self.T_max)) / 2
        return self.eta_min + (base - self.eta_min) * share


class LinearLR(Schedule):
    """base · (start_factor + (end_factor - start_factor) · min(t / total_iters, 1)): a warm-up"""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
    ):
        if total_iters < 1:
            raise OptimizerError(f"LinearLR: total_iters={total_iters} must be at least 1.")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer)

    def rate(self, base, group):
        """See Schedule.rate."""
        part = min(self.count / self.total_iters, 1.0)
        return base * (self.start_factor + (self.end_factor - self.start_factor) * part)


class LambdaLR(Schedule):
    """base · lr_lambda(t), for a function of your own, or one for each group"""

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
    ):
        groups = len(optimizer.param_groups)
        self.lambdas = [lr_lambda] * groups if callable(lr_lambda) else list(lr_lambda)
        if len(self.lambdas) != groups:
            raise OptimizerError(f"LambdaLR: {len(self.lambdas)} functions for {groups} groups.")
        super().__init__(optimizer)

    def rate(self, base, group):
        """See Schedule.rate."""
        return base * self.lambdas[group](self.count)
