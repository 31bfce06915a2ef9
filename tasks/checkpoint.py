"""What a run needs to go on to the same numbers, in one .npz file.

A run's loops (most runs have one) are its sections, in the order in which they were entered. Each
keeps the state of the loop's objects, of every random generator and of the metrics, as they were
when it was last saved. So a resumed run may do everything from the top again, models built and
loops entered, and finds itself at each loop where it stood.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import serialize
from minigrad.errors import CheckpointError


@dataclass
class Section:
    """One loop, as it was after `step` steps.

    `state` is the packed tree of the objects' state; `arrays` are its arrays by their path in it.
    """

    step: int
    seconds: float
    log_lines: int
    metrics: dict[str, Any]
    generators: dict[str, Any]
    state: Any
    arrays: dict[str, np.ndarray]


def write(path: Path, sections: Mapping[str, Section]) -> None:
    """Write the sections, whole or not at all."""
    arrays: dict[str, Any] = {}
    index = {}
    for name, section in sections.items():
        arrays |= {f"{name}/{key}": array for key, array in section.arrays.items()}
        index[name] = {**vars(section), "arrays": list(section.arrays)}
    serialize.save(path, {"index": json.dumps(index), **arrays})


def read(path: Path) -> dict[str, Section]:
    """Read the sections, or raise a CheckpointError that says what is to be done."""
    remedy = f"Delete {path} to start this run anew, or start another with --out."
    try:
        arrays = serialize.load(path)
    except CheckpointError as error:
        raise CheckpointError(f"{path} cannot be read ({error.__cause__}).\n{remedy}") from error
    try:
        index = json.loads(arrays.pop("index").item())
        return {
            name: Section(
                **{**fields, "arrays": {k: arrays[f"{name}/{k}"] for k in fields["arrays"]}}
            )
            for name, fields in index.items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{path} is no checkpoint of a run ({error!r}).\n{remedy}") from error


def collect(objects: Any) -> Any:
    """The state of a tree of objects: mappings and lists down to what has a `state_dict`."""
    if hasattr(objects, "state_dict"):
        return objects.state_dict()
    if isinstance(objects, Mapping):
        return {name: collect(part) for name, part in objects.items()}
    if isinstance(objects, list | tuple):
        return [collect(part) for part in objects]
    raise TypeError(
        f"a {type(objects).__name__} has no state_dict() and load_state_dict(): what a loop keeps is "
        "made of objects that have both, in mappings or lists"
    )


def restore(objects: Any, state: Any) -> None:
    """Hand a tree of objects the state that `collect` took of them."""
    if hasattr(objects, "load_state_dict"):
        objects.load_state_dict(state)
    elif isinstance(objects, Mapping) and isinstance(state, Mapping) and [*objects] == [*state]:
        for name, part in objects.items():
            restore(part, state[name])
    elif (
        isinstance(objects, list | tuple) and isinstance(state, list) and len(objects) == len(state)
    ):
        for part, saved in zip(objects, state, strict=True):
            restore(part, saved)
    else:
        raise CheckpointError("it holds other objects")


def pack(tree: Any, arrays: dict[str, np.ndarray], path: str = "") -> Any:
    """A state as JSON; its arrays are copied into `arrays` under their path."""
    if isinstance(tree, np.ndarray | np.generic):
        arrays[path] = np.array(tree)
        return {"array": path}
    if isinstance(tree, Mapping):
        items = [[k, pack(part, arrays, _below(path, k))] for k, part in tree.items()]
        return {"mapping": items}
    if isinstance(tree, list | tuple):
        return {"list": [pack(part, arrays, _below(path, i)) for i, part in enumerate(tree)]}
    if tree is None or isinstance(tree, bool | int | float | str):
        return {"value": tree}
    raise TypeError(
        f"the state {path!r} is a {type(tree).__name__}: arrays and plain values are kept"
    )


def unpack(packed: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The state that `pack` was given (a tuple comes back as a list)."""
    ((kind, content),) = packed.items()
    if kind == "array":
        return arrays[content]
    if kind == "mapping":
        return {key: unpack(part, arrays) for key, part in content}
    if kind == "list":
        return [unpack(part, arrays) for part in content]
    return content


def _below(path: str, key: Any) -> str:
    return f"{path}/{key}" if path else str(key)
