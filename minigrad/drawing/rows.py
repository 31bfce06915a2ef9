"""Rows for the boxes of columns whose order is settled: as level with their neighbours as can be."""

from typing import NamedTuple

SWEEPS = 8
#: How hard a leaf holds on to the row that it wants, next to 1 for others, so that it does not push what
#: it stands beside out of line.
LEAF = 1e-4


class _Block(NamedTuple):
    """Boxes that touch, and so move as one: how many, what they weigh, and the row that they want."""

    size: int
    weight: float
    mean: float


def level(
    layers: list[list[int]], left: list[list[int]], right: list[list[int]], sizes: list[float]
) -> list[float]:
    """A row for each box, from 0 downwards.

    Parameters
    ----------
    layers : per column its boxes, from top to bottom
    left, right : per box its neighbours in the column before and after
    sizes : per box how many rows it takes
    """
    weights = [1.0 if own else LEAF for own in left]
    offsets = [0.0] * len(sizes)  # the place of a box, were its column packed from the top
    for layer in layers:
        for above, below in zip(layer, layer[1:]):
            offsets[below] = offsets[above] + (sizes[above] + sizes[below]) / 2
    rows = list(offsets)
    for sweep in range(SWEEPS):
        forwards = sweep % 2 == 0
        for layer in layers if forwards else reversed(layers):
            near = left if forwards else right
            wanted = [_wanted(n, near, rows) - offsets[n] for n in layer]
            for n, shift in zip(layer, ascending(wanted, [weights[n] for n in layer])):
                rows[n] = offsets[n] + shift
    top = min(rows, default=0.0)
    return [row - top for row in rows]


def _wanted(n: int, neighbours: list[list[int]], rows: list[float]) -> float:
    near = [rows[m] for m in neighbours[n]]
    return sum(near) / len(near) if near else rows[n]


def ascending(values: list[float], weights: list[float]) -> list[float]:
    """The ascending numbers nearest to `values` in squares: neighbours out of order share a mean."""
    blocks: list[_Block] = []
    for value, weight in zip(values, weights):
        block = _Block(1, weight, value)
        while blocks and blocks[-1].mean > block.mean:
            before = blocks.pop()
            total = before.weight + block.weight
            mean = (before.mean * before.weight + block.mean * block.weight) / total
            block = _Block(before.size + block.size, total, mean)
        blocks.append(block)
    return [block.mean for block in blocks for _ in range(block.size)]
