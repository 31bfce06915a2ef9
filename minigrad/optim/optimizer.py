"""Optimizer: what all update rules share: groups of parameters, the loop, and saving.

An update rule is a subclass with two methods: `_start` makes the arrays that it carries from step to
step, and `_update` changes one parameter in place. Both see plain arrays.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minigrad import guard
from minigrad.errors import OptimizerError
from minigrad.tensor import Tensor

Options = dict[str, Any]
Slots = dict[str, Any]


class Optimizer:
    """Base of the optimizers.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Leaf Tensors; or groups, ``{"params": [...], "lr": 0.1}``, each with options of its own.
    **defaults
        Options of the rule, for groups that do not state them.

    Attributes
    ----------
    param_groups : list of dict
        Per group its ``"params"`` and its options; ``group["lr"]`` may be changed between steps.
    state : dict from Tensor to dict
        What the rule carries from step to step, and ``"step"``, the number of steps made.

    Raises
    ------
    OptimizerError
        No parameters, one that is no leaf Tensor or comes twice; an unknown option or one out of
        range.
    """

    #: Options that say how much of the past is kept at a step: from 1 on it would grow without end.
    _shares: tuple[str, ...] = ()

    def __init__(self, params: Iterable[Any], **defaults: Any):
        self.defaults: Options = defaults
        self.param_groups: list[Options] = []
        self.state: dict[Tensor, Slots] = {}
        self._room: dict[np.dtype, np.ndarray] = {}
        if isinstance(params, Tensor):
            raise OptimizerError(f"{self._name} takes a list of parameters; write [parameter].")
        if not isinstance(params, Iterable):
            given = type(params).__name__
            of = "; pass its parameters()" if hasattr(params, "parameters") else ""
            raise OptimizerError(f"{self._name} takes a list of parameters, not a {given}{of}.")
        groups = list(params)
        if not groups:
            raise OptimizerError(f"{self._name} was given no parameters (or an iterator used up).")
        if not isinstance(groups[0], Mapping):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    @property
    def _name(self) -> str:
        return type(self).__name__

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Take in more parameters, with options of their own where `group` states them."""
        if not isinstance(group, Mapping) or "params" not in group:
            raise OptimizerError(
                f"{self._name}: a group is a dict with 'params' (a list of Tensors) and options, "
                f"not {type(group).__name__}."
            )
        params, options = group["params"], {k: v for k, v in group.items() if k != "params"}
        params = [params] if isinstance(params, Tensor) else list(params)
        for name in options:
            if name not in self.defaults:
                near = difflib.get_close_matches(name, list(self.defaults), 1)
                meant = f"; did you mean {near[0]}?" if near else f" of {', '.join(self.defaults)}."
                raise OptimizerError(f"{self._name} has no option {name!r}{meant}")
        options = {**self.defaults, **options}
        self._check(options)
        known = {p for other in self.param_groups for p in other["params"]}
        for p in params:
            self._check_parameter(p, known)
            known.add(p)
        self.param_groups.append({"params": params, **options})

    def _check_parameter(self, p: Any, known: set[Tensor]) -> None:
        if not isinstance(p, Tensor):
            raise OptimizerError(f"{self._name} optimizes Tensors, not {type(p).__name__}.")
        if not p.is_leaf or p.dtype.kind != "f":
            raise OptimizerError(
                f"{self._name} optimizes leaf Tensors of floats; {p!r} is none. Pass the Tensor that "
                "it was computed from."
            )
        if p in known:
            raise OptimizerError(f"{self._name}: a parameter of shape {p.shape} was given twice.")

    def _check(self, options: Options) -> None:
        """Refuse options out of range: no rule has one below 0, nor a share of 1 or more."""
        for name, value in options.items():
            if np.asarray(value).dtype.kind not in "biuf":
                raise OptimizerError(f"{self._name}: {name}={value!r} must be a number.")
            for number in np.ravel(value):
                if not number >= 0:
                    raise OptimizerError(f"{self._name}: {name}={value} must not be negative.")
                if name in self._shares and number >= 1:
                    raise OptimizerError(f"{self._name}: {name}={value} must be below 1.")

    # -- the loop -------------------------------------------------------------------------------

    def step(self) -> None:
        """Change every parameter that has a gradient by the rule, in place."""
        for group in self.param_groups:
            decay = group["weight_decay"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                x, g = p._data, p.grad
                slots = self.state.get(p)
                if slots is None:
                    slots = self.state[p] = {"step": 0, **self._start(x, group)}
                slots["step"] += 1
                guard.expire(p)
                self._update(x, g + decay * x if decay else g, slots, group, self._scratch(x))

    def _start(self, x: np.ndarray, options: Options) -> Slots:
        """The arrays that the rule carries from step to step for a parameter `x`."""
        raise NotImplementedError

    def _update(
        self, x: np.ndarray, g: np.ndarray, slots: Slots, options: Options, room: np.ndarray
    ) -> None:
        """Change `x` in place by the gradient `g` (not to be written to); `room` is like x."""
        raise NotImplementedError

    def _scratch(self, x: np.ndarray) -> np.ndarray:
        """Memory for one intermediate of x's shape, shared by all parameters."""
        room = self._room.get(x.dtype)
        if room is None or room.size < x.size:
            room = self._room[x.dtype] = np.empty(x.size, x.dtype)
        return room[: x.size].reshape(x.shape)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for p in self._params():
            p.grad = None

    def _params(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    @property
    def lr(self) -> float:
        """The learning rate of the first group."""
        return self.param_groups[0]["lr"]

    def __repr__(self) -> str:
        lines = [
            f"  {len(group['params'])} parameters: "
            + ", ".join(f"{k}={v}" for k, v in group.items() if k != "params")
            for group in self.param_groups
        ]
        return "\n".join([f"{self._name}(", *lines, ")"])

    # -- saving ---------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of options and state by name: ``group.0.lr``, ``state.3.exp_avg``.

        Parameters are numbered in the order in which they were given.
        """
        found = {
            f"group.{i}.{name}": np.array(value)
            for i, group in enumerate(self.param_groups)
            for name, value in group.items()
            if name != "params"
        }
        for i, p in enumerate(self._params()):
            for name, value in self.state.get(p, {}).items():
                found[f"state.{i}.{name}"] = np.array(value)
        return found

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of `state_dict`; all of it, or on an error none.

        Raises
        ------
        OptimizerError
            Names or shapes that do not fit these groups and parameters, or no dict at all.
        """
        if not isinstance(state, Mapping):
            raise OptimizerError(
                f"{self._name}.load_state_dict takes a dict from name to array, not "
                f"{type(state).__name__}. Read a file with minigrad.load(path) first."
            )
        rest = {name: np.asarray(value) for name, value in state.items()}
        groups = [
            {
                "params": group["params"],
                **{
                    name: self._take(rest, f"group.{i}.{name}", group[name])
                    for name in self.defaults
                },
            }
            for i, group in enumerate(self.param_groups)
        ]
        slots: dict[Tensor, Slots] = {}
        options = [group for group in groups for _ in group["params"]]
        for i, (p, group) in enumerate(zip(self._params(), options, strict=True)):
            if f"state.{i}.step" in rest:
                fresh = {"step": 0, **self._start(p._data, group)}
                slots[p] = {
                    name: self._take(rest, f"state.{i}.{name}", value)
                    for name, value in fresh.items()
                }
        if rest:
            raise OptimizerError(
                f"{self._name}: the state holds {', '.join(sorted(rest)[:5])}, for which there is no "
                "place here. Was it saved by another optimizer, or for another model?"
            )
        for group, loaded in zip(self.param_groups, groups, strict=True):
            group.update(loaded)
        self.state = slots

    def _take(self, rest: dict[str, np.ndarray], name: str, like: Any) -> Any:
        """Take an entry out of `rest`: an array of its own, or numbers as Python's."""
        if name not in rest:
            raise OptimizerError(
                f"{self._name}: the state lacks {name}. Was it saved by another optimizer, or for "
                "another model?"
            )
        value = rest.pop(name)
        if value.shape != np.shape(like):
            raise OptimizerError(
                f"{self._name}: {name} has shape {value.shape} in the state and {np.shape(like)} here."
            )
        if isinstance(like, np.ndarray):
            return np.array(value, like.dtype)
        return tuple(value.tolist()) if value.ndim else value.item()
