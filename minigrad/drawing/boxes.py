"""What a drawing is made of: boxes, and arrows between them."""

from dataclasses import dataclass, field
from typing import Any

LEAF, CONSTANT, OPERATION, OUTPUT = "leaf", "constant", "operation", "output"
#: Said of a graph that has such a leaf.
LATER = "a leaf that no rule kept is shown as it is now"


@dataclass
class Box:
    """A value and the operation that made it.

    Attributes
    ----------
    label : str
    kind : 'leaf', 'constant', 'operation' or 'output'
    shape : tuple of int, or None for a rule with several outputs, each of which has a box
    group : str
        The module it belongs to, as a path, or ''.
    value, gradient : ndarray or None
    line : str
        The forward line that made it, or ''.
    """

    label: str
    kind: str
    shape: tuple[int, ...] | None
    group: str = ""
    value: Any = None
    gradient: Any = None
    line: str = ""


@dataclass
class Graph:
    """All boxes, and for each arrow (from, to) the norm of the gradient that flows back along it.

    `note` says why there are no gradients, and is '' where there are. `has_later` tells whether some leaf
    shows the value that it has now, since no rule kept that of the pass.
    """

    boxes: dict[Any, Box] = field(default_factory=dict)
    arrows: dict[tuple[Any, Any], float | None] = field(default_factory=dict)
    note: str = ""
    has_later: bool = False

    def edges(self) -> dict[Any, list[Any]]:
        """Per box the boxes it comes from."""
        edges: dict[Any, list[Any]] = {key: [] for key in self.boxes}
        for source, target in self.arrows:
            edges[target].append(source)
        return edges
