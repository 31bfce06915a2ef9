"""Which module a node belongs to, told from the paths of the parameters it uses.

A tape knows no modules. But whoever uses `features.0.weight` belongs to `features.0`, and whatever
lies on a way from one of a module's nodes to another belongs to that module as well, such as the ReLU
between two layers of `features`. A recorded node need not be asked here: it knows its module.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def group(edges: Mapping[Any, Sequence[Any]], owners: Mapping[Any, str]) -> dict[Any, str]:
    """The deepest module of each node for which one can be told.

    Parameters
    ----------
    edges : per node those it comes from
    owners : per leaf the path of the module that holds it, or '' for none

    Returns
    -------
    dict from node to path
    """
    users: dict[Any, list[Any]] = {node: [] for node in edges}
    for node, sources in edges.items():
        for source in sources:
            users[source].append(node)
    found = {leaf: path for leaf, path in owners.items() if path}
    for leaf, path in list(found.items()):
        for user in users[leaf]:
            found.setdefault(user, path)
    inside: dict[str, list[Any]] = {}
    for node, path in found.items():
        for prefix in _prefixes(path):
            inside.setdefault(prefix, []).append(node)
    hulls = {
        path: _reach(members, users) & _reach(members, edges) for path, members in inside.items()
    }
    # Of several that claim a node the deepest has it, then the smallest.
    for path in sorted(hulls, key=lambda p: (-p.count("."), len(hulls[p]))):
        for node in hulls[path]:
            found.setdefault(node, path)
    return found


def _prefixes(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts) + 1)]


def _reach(starts: Iterable[Any], along: Mapping[Any, Sequence[Any]]) -> set[Any]:
    reached = set(starts)
    stack = list(reached)
    while stack:
        for node in along[stack.pop()]:
            if node not in reached:
                reached.add(node)
                stack.append(node)
    return reached
