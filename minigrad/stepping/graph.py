"""The boxes of a graph: its operations, a rule with several outputs being one, and its leaves."""

import inspect
from collections import Counter
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

import numpy as np

from minigrad.backward import _count
from minigrad.stepping.recording import memory_of
from minigrad.stepping.scopes import Scope
from minigrad.tape import Node
from minigrad.tensor import Tensor


class Box:
    """An operation or a leaf, as it is drawn and named.

    Attributes
    ----------
    origin : Node or Tensor
    number : int
        The place in the order in which the graph was made, from 0.
    step : int or None
        The step of the backward pass that runs its rule, from 1; None for a leaf, and where no
        gradient arrives.
    arrivals : Counter
        How many gradients arrive in all, by output (None where there is but one, and at a leaf).
    name : str
        Of the operation, or of the leaf in the caller's code.
    hooked : ndarray or None
        What its hooks made of the gradient that arrived, where it has any.
    sources : list of Box
        Where its operands come from, as often as they are used; what is not tracked has no box.
    """

    def __init__(self, origin: Any, number: int, name: str):
        self.origin, self.number, self.name = origin, number, name
        self.step: int | None = None
        self.arrivals: Counter[int | None] = Counter()
        self.hooked: np.ndarray | None = None
        self.sources: list[Box] = []

    @property
    def is_leaf(self) -> bool:
        """Whether this is a leaf, which keeps its gradient."""
        return not isinstance(self.origin, Node)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The calls of modules that made it, from the outermost to the innermost, where recorded."""
        return () if self.is_leaf or self.origin.values is None else self.origin.values.scopes

    @property
    def title(self) -> str:
        """Which box it is, in words."""
        if self.is_leaf:
            return f"leaf {self.name}"
        return f"{self.name} (step {self.step})" if self.step else f"{self.name} (no step)"


def rules(loss: Tensor) -> list[Node]:
    """The nodes of all rules that `loss` depends on; raises where the graph was freed."""
    return [node for node in _count([loss._node]) if node.index is None]


def boxes(loss: Tensor, names: Mapping[Any, str]) -> dict[Any, Box]:
    """All boxes by Node or leaf, in the order in which they were made: operands come first.

    `names` are those of leaves, by identity.
    """
    found: dict[Any, Box] = {}
    stack = [(_rule(loss._node), False)]
    while stack:
        origin, operands_done = stack.pop()
        if origin in found:
            continue
        sources = _sources(origin)
        if not operands_done:
            stack.append((origin, True))
            stack += [(source, False) for source in reversed(sources) if source not in found]
            continue
        box = found[origin] = Box(origin, len(found), _name(origin, names, len(found)))
        box.sources = [found[source] for source in sources]
    return found


def _sources(origin: Any) -> list[Any]:
    if not isinstance(origin, Node):
        return []
    return [_rule(source) for source in origin.inputs if source is not None]


def _rule(origin: Any) -> Any:
    """For one of several outputs, the rule that made it."""
    is_part = isinstance(origin, Node) and origin.index is not None
    return origin.inputs[0] if is_part else origin


def _name(origin: Any, names: Mapping[Any, str], number: int) -> str:
    if isinstance(origin, Node):
        return origin.name
    shape = "x".join(map(str, origin.shape)) or "number"
    return names.get(id(origin)) or getattr(origin, "_path", "") or f"#{number} ({shape})"


def names_in(frame: FrameType | None) -> dict[Any, str]:
    """What the code of a frame calls its Tensors, its modules and what is in them, by identity.

    Arrays, and those of Tensors, are named by their memory: a constant goes into a graph as a view.
    """
    scopes = (frame.f_locals, frame.f_globals) if frame else ()
    variables = [
        item for scope in scopes for item in list(scope.items()) if not item[0].startswith("_")
    ]
    found: dict[Any, str] = {}
    # Modules first: a variable that holds one of their parameters for a while does not rename it.
    for name, value in sorted(variables, key=lambda item: not is_module(item[1])):
        for path, part in _parts(name, value):
            found.setdefault(id(part), path)
            array = getattr(part, "_data", part)
            if isinstance(array, np.ndarray):
                found.setdefault(memory_of(array), path)
    return found


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A Tensor, those in a list, a tuple or a dict, or all of a module, under their names."""
    if isinstance(value, (Tensor, np.ndarray)):
        yield name, value
    elif isinstance(value, (list, tuple)):
        yield from ((f"{name}[{k}]", v) for k, v in enumerate(value) if _is_nameless(v))
    elif isinstance(value, dict):
        yield from ((f"{name}[{k!r}]", v) for k, v in value.items() if _is_nameless(v))
    elif is_module(value):
        yield from parts_of_module(name, value)


def _is_nameless(value: Any) -> bool:
    """Whether this is a Tensor that does not know its own place in a module."""
    return isinstance(value, Tensor) and not getattr(value, "_path", "")


def is_module(value: Any) -> bool:
    """Whether this is a module, which the engine knows by what it can be asked for alone."""
    return inspect.isfunction(getattr(type(value), "named_parameters", None))


def parts_of_module(name: str, module: Any) -> Iterator[tuple[str, Any]]:
    """A module, the modules in it and its parameters, under their paths."""
    for path, part in [*module.named_modules(), *module.named_parameters()]:
        yield ".".join(filter(None, (name, path))), part
