"""Where the boxes of a graph go: columns from left to right, rows so that few lines cross.

Five steps, the first four after Sugiyama, Tagawa and Toda (1981), all without recursion:

1. A node stands right of everything it comes from: its column is its longest path from the leaves.
   A leaf, and what is computed apart from the longest path, then moves right to the node that uses it.
2. A line that passes columns gets a bend in each of them, so that boxes make way for it. Lines from
   one node share their bends.
3. Crossings: each column is sorted by the mean place of its neighbours in the column before, to the
   right and back again, a few times; the best order seen is kept.
4. Rows: each box wants to stand level with its neighbours. The nearest that the order and the sizes
   of the boxes allow is a regression under an order, solved by merging blocks.
5. A long graph that climbs on the whole, as one unrolled in time does, is sheared until it does not.
"""

from bisect import bisect_right, insort
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.drawing.rows import level
from minigrad.errors import GraphError

Place = tuple[int, float]
SWEEPS = 6
#: How much of a row a bend takes; a box takes all of it.
BEND = 0.3


class Layout(NamedTuple):
    """The places of nodes, and those that the line between two of them passes on its way.

    Attributes
    ----------
    places : dict from node to (column, row)
    bends : dict from (source, node) to a list of (column, row)
        From left to right; no entry for a line between neighbouring columns.
    """

    places: dict[Any, Place]
    bends: dict[tuple[Any, Any], list[Place]]


def layered(edges: Mapping[Any, Sequence[Hashable]]) -> dict[Any, Place]:
    """A column and a row for each node of a graph without cycles.

    Parameters
    ----------
    edges : mapping from node to the nodes it comes from
        One that is named as a source only is a leaf.

    Returns
    -------
    dict from node to (column, row)
        Columns count from 0; rows from 0.0, downwards, and those of one column are at least 1 apart.

    Raises
    ------
    GraphError
        A cycle.
    """
    return arrange(edges).places


def arrange(
    edges: Mapping[Any, Sequence[Hashable]], named: Collection[Hashable] = frozenset()
) -> Layout:
    """As `layered`, with the bends of long lines; those from nodes that are `named` take no room."""
    order = _topological(edges)
    number = {node: n for n, node in enumerate(order)}
    sources = [list(dict.fromkeys(number[s] for s in edges.get(node, ()))) for node in order]
    columns = _columns(sources)
    left, bends = _with_bends(sources, columns, {number[node] for node in named})
    layers: list[list[int]] = [[] for _ in range(max(columns, default=-1) + 1)]
    for n, column in enumerate(columns):
        layers[column].append(n)
    right = _reversed(left)
    layers = _sorted(layers, left, right)
    sizes = [1.0] * len(order) + [BEND] * (len(columns) - len(order))
    rows = _sheared(level(layers, left, right, sizes), columns)
    return Layout(
        {node: (columns[n], rows[n]) for node, n in number.items()},
        {
            (order[s], order[n]): [(columns[b], rows[b]) for b in way]
            for (s, n), way in bends.items()
        },
    )


def _topological(edges: Mapping[Any, Sequence[Hashable]]) -> list[Any]:
    """All nodes, each after the nodes it comes from."""
    users: dict[Any, list[Any]] = {node: [] for node in edges}
    waiting = {}
    for node, sources in edges.items():
        waiting[node] = len(sources)
        for source in sources:
            users.setdefault(source, []).append(node)
    ready = [node for node in users if not waiting.get(node)]
    for node in ready:
        for user in users[node]:
            waiting[user] -= 1
            if waiting[user] == 0:
                ready.append(user)
    if len(ready) < len(users):
        stuck = next(node for node, count in waiting.items() if count > 0)
        raise GraphError(
            f"layered: the edges form a cycle, in or before {stuck!r}; a graph that is drawn from left "
            "to right has none."
        )
    return ready


def _columns(sources: list[list[int]]) -> list[int]:
    columns = [0] * len(sources)
    for n, own in enumerate(sources):
        columns[n] = max((columns[s] + 1 for s in own), default=0)
    latest = _moved_right(sources, columns, [False] * len(sources))
    # What the longest path leads to stays: were it to wait at the end, so would the lines to it.
    stays = [bool(own) and column == late for own, column, late in zip(sources, columns, latest)]
    for n, own in enumerate(sources):
        stays[n] = stays[n] or any(stays[s] for s in own)
    return _moved_right(sources, columns, stays)


def _moved_right(sources: list[list[int]], columns: list[int], stays: list[bool]) -> list[int]:
    """The columns, with each node that does not stay beside the first that uses it."""
    moved = list(columns)
    limits = [len(sources)] * len(sources)
    for n in reversed(range(len(sources))):
        if not stays[n] and limits[n] < len(sources):
            moved[n] = limits[n] - 1
        for s in sources[n]:
            limits[s] = min(limits[s], moved[n])
    return moved


def _with_bends(
    sources: list[list[int]], columns: list[int], named: set[int]
) -> tuple[list[list[int]], dict[tuple[int, int], list[int]]]:
    """The neighbours to the left of each node and bend, and the bends of each long line.

    Bends are numbered after the nodes; their columns are appended to `columns`. Long lines from nodes that
    are `named` have none.
    """
    left: list[list[int]] = [[] for _ in sources]
    chains: dict[int, list[int]] = {}
    bends = {}
    for n, own in enumerate(sources):
        for s in own:
            span = columns[n] - columns[s] - 1
            if span and s in named:
                continue
            chain = chains.setdefault(s, [])
            while len(chain) < span:
                left.append([chain[-1] if chain else s])
                chain.append(len(columns))
                columns.append(columns[s] + len(chain))
            left[n].append(chain[span - 1] if span else s)
            if span:
                bends[s, n] = chain[:span]
    return left, bends


def _reversed(left: list[list[int]]) -> list[list[int]]:
    right: list[list[int]] = [[] for _ in left]
    for n, own in enumerate(left):
        for s in own:
            right[s].append(n)
    return right


def _sorted(
    layers: list[list[int]], left: list[list[int]], right: list[list[int]]
) -> list[list[int]]:
    """The columns, each in an order that lets few lines cross."""
    layers = [list(layer) for layer in layers]
    best, fewest = [list(layer) for layer in layers], crossings(layers, left)
    for sweep in range(SWEEPS):
        backwards = sweep % 2 == 0  # begin at the output, from which a graph fans out
        steps = range(len(layers) - 2, -1, -1) if backwards else range(1, len(layers))
        for step in steps:
            neighbours = right if backwards else left
            _sort_by_neighbours(
                layers[step], layers[step + 1 if backwards else step - 1], neighbours
            )
        count = crossings(layers, left)
        if count < fewest:
            best, fewest = [list(layer) for layer in layers], count
    return best


def _sort_by_neighbours(layer: list[int], fixed: list[int], neighbours: list[list[int]]) -> None:
    place = {n: k for k, n in enumerate(fixed)}
    means = {}
    for k, n in enumerate(layer):
        near = [place[m] for m in neighbours[n]]
        means[n] = sum(near) / len(near) if near else float(k)
    layer.sort(key=means.__getitem__)


def _sheared(rows: list[float], columns: list[int]) -> list[float]:
    """Rows that do not climb from left to right; as they were, unless they climb by more than a column's height."""
    if not rows:
        return rows
    x, y = np.array(columns), np.array(rows)
    spread = x - x.mean()
    slope = spread @ y / max(1.0, spread @ spread)
    top, bottom = np.full(x.max() + 1, np.inf), np.full(x.max() + 1, -np.inf)
    np.minimum.at(top, x, y)
    np.maximum.at(bottom, x, y)
    if abs(slope) * x.max() <= np.max(bottom - top) + 1:
        return rows
    y -= slope * x
    return (y - y.min()).tolist()


def crossings(layers: list[list[int]], left: list[list[int]]) -> int:
    """How many pairs of lines cross between neighbouring columns."""
    total = 0
    for fixed, layer in zip(layers, layers[1:]):
        place = {n: k for k, n in enumerate(fixed)}
        seen: list[int] = []
        for n in layer:
            near = sorted(place[m] for m in left[n])
            total += sum(len(seen) - bisect_right(seen, k) for k in near)
            for k in near:
                insort(seen, k)
    return total
