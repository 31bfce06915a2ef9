"""Rows for the boxes of columns whose order is settled: as level with their neighbours as can be."""

from typing import NamedTuple

SWEEPS = 8


class _Block(NamedTuple):
    """Boxes that touch, and so move as one."""

    total: float
    size: int

    @property
    def mean(self) -> float:
        return self.total / self.size


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
    offsets = [0.0] * len(sizes)  # the place of a box, were its column packed from the top
    for layer in layers:
        for above, below in zip(layer, layer[1:]):
            offsets[below] = offsets[above] + (sizes[above] + sizes[below]) / 2
    rows = list(offsets)
    for sweep in range(SWEEPS):
        forwards = sweep % 2 == 0
        for layer in layers if forwards else reversed(layers):
            wanted = [_wanted(n, left if forwards else right, rows) - offsets[n] for n in layer]
            for n, shift in zip(layer, ascending(wanted)):
                rows[n] = offsets[n] + shift
    top = min(rows, default=0.0)
    return [row - top for row in rows]


def _wanted(n: int, neighbours: list[list[int]], rows: list[float]) -> float:
    near = [rows[m] for m in neighbours[n]]
    return sum(near) / len(near) if near else rows[n]


def ascending(values: list[float]) -> list[float]:
    """The ascending numbers nearest to `values` in squares: neighbours out of order share a mean."""
    blocks: list[_Block] = []
    for value in values:
        block = _Block(value, 1)
        while blocks and blocks[-1].mean > block.mean:
            before = blocks.pop()
            block = _Block(before.total + block.total, before.size + block.size)
        blocks.append(block)
    return [block.mean for block in blocks for _ in range(block.size)]
