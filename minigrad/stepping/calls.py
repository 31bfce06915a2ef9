"""The calls of modules in a graph, as a tree: what each has made itself, and the calls inside of it.

A call's operations follow each other without a gap in the order in which they were recorded, and an
operation follows its operands, so that showing a call as one box never closes a circle.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from minigrad.stepping.graph import Box
from minigrad.stepping.scopes import Scope

#: Boxes from which on a graph is large.
LARGE = 300


class Call:
    """One call of a module; the outermost stands for the whole graph.

    Attributes
    ----------
    scope : Scope or None
    parent : Call or None
    path, kind : str
        What the module is called, and its class.
    nth, of : int
        Which of the calls of its module it is, from 1.
    boxes : list of Box
        The operations that it made itself, and the parameters that nobody uses outside of it.
    calls : list of Call
        Those inside, the first made first.
    """

    def __init__(self, scope: Scope | None = None, parent: "Call | None" = None, path: str = ""):
        self.scope, self.parent, self.path = scope, parent, path
        self.kind = scope.kind if scope else ""
        self.nth = self.of = 1
        self.boxes: list[Box] = []
        self.calls: list[Call] = []

    @property
    def title(self) -> str:
        """Path and kind, and which call it is of several."""
        return self._counted(self.kind if self.path == self.kind else f"{self.path} ({self.kind})")

    @property
    def name(self) -> str:
        """Path, and which call it is of several."""
        return self._counted(self.path)

    def _counted(self, text: str) -> str:
        return text if self.of == 1 else f"{text}, call {self.nth} of {self.of}"

    @property
    def depth(self) -> int:
        """How many calls it is in, the whole graph included."""
        return self.parent.depth + 1 if self.parent else 0

    def is_called(self, name: str) -> bool:
        """Whether this is the module's class, its path, or the end of its path."""
        return name == self.kind or f".{self.path}".endswith(f".{name}")

    def inside(self) -> Iterator["Call"]:
        """All calls in it at any depth, the outer before the inner."""
        for call in self.calls:
            yield call
            yield from call.inside()

    def all(self) -> Iterator["Call"]:
        """The call itself and all calls in it."""
        yield self
        yield from self.inside()

    def members(self) -> list[Box]:
        """All boxes in it at any depth, in the order in which they were made."""
        found = [box for call in self.all() for box in call.boxes]
        return sorted(found, key=lambda box: box.number)

    @cached_property
    def parameters(self) -> frozenset[int]:
        """The identities of the module's parameters."""
        found = getattr(self.scope and self.scope.module, "parameters", None)
        return frozenset(map(id, found())) if callable(found) else frozenset()


def calls_of(boxes: list[Box], names: Mapping[Any, str]) -> Call:
    """The tree of a graph; `names` are those of modules, by identity."""
    root = Call()
    known: dict[Scope, Call] = {}
    homes: dict[Box, Call] = {}
    for box in boxes:
        if not box.is_leaf:
            call = root
            for scope in box.scopes:
                if scope not in known:
                    known[scope] = Call(scope, call, scope.path(names))
                    call.calls.append(known[scope])
                call = known[scope]
            homes[box] = call
    users: dict[Box, list[Call]] = {}
    for box in boxes:
        for source in box.sources:
            users.setdefault(source, []).append(homes[box])
    for box in boxes:
        if box.is_leaf:
            homes[box] = _home(box, users.get(box, [root]))
        homes[box].boxes.append(box)
    _drop_small(root)
    _count(root)
    return root


def _count(root: Call) -> None:
    """Tell apart the calls of one module."""
    calls: dict[int, list[tuple[int, Call]]] = {}
    for call in root.inside():
        if call.scope:
            calls.setdefault(id(call.scope.module), []).append((call.scope.serial, call))
    for same in calls.values():
        for nth, (_, call) in enumerate(sorted(same), 1):
            call.nth, call.of = nth, len(same)


def _home(leaf: Box, users: list[Call]) -> Call:
    """The innermost call around all that use a leaf, of a module whose parameter it is."""
    common = upwards(users[0])
    for user in users[1:]:
        around = set(upwards(user))
        common = [call for call in common if call in around]
    return next((call for call in common if id(leaf.origin) in call.parameters), common[-1])


def upwards(call: Call | None) -> list[Call]:
    """A call and those around it, the outermost last."""
    found = []
    while call is not None:
        found.append(call)
        call = call.parent
    return found


def _drop_small(call: Call) -> None:
    """Let a call of a single box be that box."""
    for inner in call.calls:
        _drop_small(inner)
    for inner in [c for c in call.calls if not c.calls and len(c.boxes) == 1]:
        call.calls.remove(inner)
        call.boxes += inner.boxes
    call.boxes.sort(key=lambda box: box.number)


def folded_at_first(root: Call, large: int = LARGE) -> set[Call]:
    """The calls that are one box until they are opened.

    These are the layers that are made of several operations, with the parts of them that are so, too,
    and, of a graph of more than `large` boxes, all calls as deep as leaves the picture small, else the
    outermost.
    """
    folded = {
        inner for layer in layers_in(root) for inner in layer.all() if len(_operations(inner)) > 1
    }
    for depth in range(max((call.depth for call in root.inside()), default=0), 0, -1):
        if _count_shown(root, folded) <= large:
            break
        folded |= {call for call in root.inside() if call.depth == depth}
    return folded


def outermost(call: Call, folded: set[Call]) -> Iterator[Call]:
    """Of the calls in a call, those that are drawn as one box."""
    for inner in call.calls:
        if inner in folded:
            yield inner
        else:
            yield from outermost(inner, folded)


def layers_in(call: Call) -> Iterator[Call]:
    """The outermost of the layers in a call that are made of several operations.

    A layer is a module of this library with an operation of its own: a container has none, and the
    caller's modules are there to be looked into.
    """
    for inner in call.calls:
        is_ours = inner.scope is not None and inner.scope.is_ours
        has_own = any(box.scopes[-1:] == (inner.scope,) for box in inner.boxes)
        if is_ours and has_own and len(_operations(inner)) > 1:
            yield inner
        else:
            yield from layers_in(inner)


def _operations(call: Call) -> list[Box]:
    return [box for box in call.members() if not box.is_leaf]


def _count_shown(call: Call, folded: set[Call]) -> int:
    inner = (1 if c in folded else _count_shown(c, folded) for c in call.calls)
    return len(call.boxes) + sum(inner)
