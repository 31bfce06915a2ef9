"""From columns and rows to inches, with the columns broken into bands as a text is into lines.

Within a band, rows that hold nothing are left out, so that a line which comes from far away costs the
height of a line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minigrad.drawing.layout import BEND

#: Inches from column to column and from row to row; between bands; at the ends of a band.
COLUMN, ROW, GAP, MARGIN = 1.7, 0.66, 0.25, 0.5
#: A picture is about so much wider than high, and is not broken where it is no wider than a slide.
ASPECT, PAGE = 1.4, 13.3

Cell = tuple[int, float]
Point = tuple[float, float]


class Piece(NamedTuple):
    """The part of a line that lies in one band: points in inches, and how it begins and ends.

    A piece that is not the `first` begins at the left end of its band; one that is not the `last`
    leaves it at the right.
    """

    points: list[Point]
    first: bool
    last: bool


@dataclass(frozen=True)
class Bands:
    """Where things go.

    Attributes
    ----------
    columns : int
        Of each band.
    scales : list of (array of rows, array of inches)
        Per band some rows and how far from the top they are drawn; between them it is linear.
    width, height : float
        Of the picture.
    """

    columns: int
    scales: list[tuple[np.ndarray, np.ndarray]]
    width: float
    height: float

    def band(self, column: int) -> int:
        """The band in which a column is drawn."""
        return column // self.columns

    def point(self, column: int, row: float) -> Point:
        """The centre of a cell, in inches from the upper left corner."""
        band = self.band(column)
        x = (column - band * self.columns + 0.5) * COLUMN + MARGIN
        return x, float(np.interp(row, *self.scales[band]))

    def pieces(self, way: Sequence[Cell]) -> list[Piece]:
        """A line through cells, cut where one band ends and the next begins."""
        cut: dict[int, list[Point]] = {}
        for column, row in way:
            cut.setdefault(self.band(column), []).append(self.point(column, row))
        pieces = []
        for k, points in enumerate(cut.values()):
            first, last = k == 0, k == len(cut) - 1
            if not first:
                points.insert(0, (0.05, points[0][1]))
            if not last:
                points.append((2 * MARGIN + self.columns * COLUMN - 0.1, points[-1][1]))
            pieces.append(Piece(points, first, last))
        return pieces

    def head(self, cell: Cell) -> Piece:
        """The end alone of a line to a cell."""
        x, y = self.point(*cell)
        return Piece([(x - 0.6 * COLUMN, y), (x, y)], first=False, last=True)


def break_into_bands(places: dict[Any, Cell], bends: dict[Any, list[Cell]]) -> Bands:
    """As few bands as make a picture that is not much wider than high."""
    taken = {(column, row, BEND) for way in bends.values() for column, row in way}
    taken |= {(column, row, 1.0) for column, row in places.values()}
    count = 1 + max(column for column, _, _ in taken)
    bands = 1
    while True:
        columns = -(-count // bands)
        made = _bands(columns, -(-count // columns), taken)
        if made.width <= max(PAGE, ASPECT * made.height) or columns == 1:
            return made
        bands += 1


def _bands(columns: int, count: int, taken: set[tuple[int, float, float]]) -> Bands:
    spans: list[list[tuple[float, float]]] = [[] for _ in range(count)]
    for column, row, size in taken:
        spans[column // columns].append((row - size / 2, row + size / 2))
    scales, y = [], GAP
    for band in spans:
        scales.append(_scale(sorted(band), y))
        y = scales[-1][1][-1] + GAP
    return Bands(columns, scales, columns * COLUMN + 2 * MARGIN, y)


def _scale(spans: list[tuple[float, float]], y: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows and inches from `y` on, without the room between spans, which are in order."""
    rows, inches = [spans[0][0]], [y]
    for top, bottom in spans:
        if top > rows[-1]:
            rows.append(top)
            inches.append(inches[-1])
        if bottom > rows[-1]:
            inches.append(inches[-1] + (bottom - rows[-1]) * ROW)
            rows.append(bottom)
    return np.array(rows), np.array(inches)
