"""Matching a state, name by name, with what a module holds; nothing changes unless all of it fits."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from layers.errors import StateDictError


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict(strict=False)` left alone; both are empty when all names fit."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def match(
    module: str, own: Mapping[str, np.ndarray], state: Mapping[str, Any], strict: bool
) -> tuple[dict[str, np.ndarray], IncompatibleKeys]:
    """Copies of the entries of `state` in the dtypes of `own`, and the names that only one has.

    Parameters
    ----------
    module : str
        Named in the message.
    own, state : mapping
        From name to array; `state` may hold whatever NumPy can read, PyTorch's CPU tensors included.
    strict : bool
        Whether a name that only one of them has is an error.

    Raises
    ------
    StateDictError
        Names, shapes or kinds of data that do not fit, all of them in one message.
    """
    if not isinstance(state, Mapping):
        raise StateDictError(
            f"{module}.load_state_dict takes a dict from name to array, not "
            f"{type(state).__name__}. Read a file with minigrad.load(path) first; of a module, pass "
            "module.state_dict()."
        )
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    fitting, wrong = {}, []
    for name in own:
        if name in state:
            value = as_array(state[name])
            if value.dtype.kind not in "biuf":
                wrong.append(f"{name}: {value.dtype} data where real numbers belong")
            elif value.shape != own[name].shape:
                wrong.append(f"{name}: {value.shape} given, {own[name].shape} expected")
            else:
                fitting[name] = np.array(value, own[name].dtype)
    problems = [("misfits", wrong)]
    if strict:
        problems += [
            ("missing", [name + _nearest(name, unexpected) for name in missing]),
            ("unexpected", [name + _nearest(name, missing or own) for name in unexpected]),
        ]
    lines = [f"  {kind}: {_listed(entries)}" for kind, entries in problems if entries]
    if lines:
        hint = (
            "\nload_state_dict(state, strict=False) loads the names that fit." if not wrong else ""
        )
        raise StateDictError(
            "\n".join([f"This state does not fit {module}; nothing was changed.", *lines]) + hint
        )
    return fitting, IncompatibleKeys(missing, unexpected)


def as_array(value: Any) -> np.ndarray:
    """Read an array, a Tensor or a PyTorch CPU tensor, with or without a history."""
    return np.asarray(value.detach() if hasattr(value, "detach") else value)


def _nearest(name: str, others: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(others), 1)
    return f" (nearest: {near[0]})" if near else ""


def _listed(entries: list[str]) -> str:
    more = f", and {len(entries) - 10} more" if len(entries) > 10 else ""
    return ", ".join(entries[:10]) + more
