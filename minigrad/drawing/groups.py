"""Which module a node belongs to, told from the paths of the parameters it uses.

A tape knows no modules. But whoever uses `features.0.weight` belongs to `features.0`, and whatever
lies on a way from one of a module's nodes to another belongs to that module as well, such as the ReLU
between two layers of `features`. A recorded node knows more, which calls of modules it was made in;
there the paths only tell what those modules are called.
"""

import itertools
from collections.abc import Hashable, Iterable, Mapping, Sequence
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


def group_by_calls(
    edges: Mapping[Any, Sequence[Any]],
    owners: Mapping[Any, str],
    calls: Mapping[Any, tuple[Hashable, ...]],
) -> dict[Any, str]:
    """The innermost module that has a path, of each node in `calls`.

    Parameters
    ----------
    edges, owners : as for `group`
    calls : per node the calls of modules it was made in, from the outermost to the innermost
    """
    used: dict[Hashable, list[list[str]]] = {}
    for node, chain in calls.items():
        paths = [owners[s].split(".") for s in edges[node] if owners.get(s)]
        for call in chain:
            used.setdefault(call, []).extend(paths)
    found: dict[Hashable, list[str]] = {
        call: _common(paths) for call, paths in used.items() if paths
    }
    for chain in sorted(set(calls.values()), key=len, reverse=True):
        for outer, inner in reversed(list(zip(chain, chain[1:]))):
            # The path of what is inside goes on from that of what it is in.
            if inner in found:
                found[outer] = found[outer][: max(0, len(found[inner]) - 1)]
    return {
        node: next((".".join(found[c]) for c in reversed(chain) if found.get(c)), "")
        for node, chain in calls.items()
    }


def _common(paths: list[list[str]]) -> list[str]:
    """The parts with which all paths begin."""
    return [parts[0] for parts in itertools.takewhile(lambda p: len(set(p)) == 1, zip(*paths))]


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
