"""What the views draw with: images, marks on their pixels, and what can be clicked."""

from collections.abc import Iterable
from html import escape

import numpy as np

from minigrad.stepping.tables import picture

Pair = tuple[float, float]
ACCENT = "#d9480f"


class Board:
    """A matrix drawn as an image in an SVG, and where its pixels are.

    Parameters
    ----------
    matrix : (rows, columns) array
    corner : (x, y)
        Where the image begins.
    size : (width, height)
    title : str
        Stands above it.
    signed : bool
        In the colours of a heat map, and not from black to white.
    rim : (rows, columns)
        Room around the image, part of `size`, for what lies outside of it.
    """

    def __init__(
        self,
        matrix: np.ndarray,
        corner: Pair,
        size: Pair,
        title: str,
        signed: bool = True,
        rim: tuple[int, int] = (0, 0),
    ):
        (self.rows, self.columns), self.rim = matrix.shape, rim
        (self.left, self.top), (self.width, self.height) = corner, size
        self.pixel = (
            self.width / (self.columns + 2 * rim[1]),
            self.height / (self.rows + 2 * rim[0]),
        )
        (x, y), (width, height) = self.corner(0, 0), self.pixel
        inner = (
            f"x='{x:g}' y='{y:g}' width='{self.columns * width:g}' height='{self.rows * height:g}'"
        )
        outer = (
            f"x='{self.left:g}' y='{self.top:g}' width='{self.width:g}' height='{self.height:g}'"
        )
        line = "fill='none' stroke='#868e96' stroke-width='0.5'"
        self.image = (
            f"<text x='{self.left:g}' y='{self.top - 8:g}'>{escape(title)}</text>"
            f"<image {inner} preserveAspectRatio='none' href='{picture(matrix, signed)}'/>"
            f"<rect {inner} {line}/>"
            + (f"<rect {outer} {line} stroke-dasharray='3 3'/>" if any(rim) else "")
        )

    def corner(self, row: float, column: float) -> Pair:
        """x and y of a pixel's upper left corner."""
        width, height = self.pixel
        return self.left + (column + self.rim[1]) * width, self.top + (row + self.rim[0]) * height

    def holds(self, row: float, column: float) -> bool:
        """Whether a place lies in the image or in the room around it, whole numbers being centres."""
        return all(
            -0.5 - rim <= at <= count - 0.5 + rim
            for at, count, rim in zip((row, column), (self.rows, self.columns), self.rim)
        )

    def outline(self, row: float, column: float, rows: float = 1, columns: float = 1) -> str:
        """A frame around pixels, from a row and a column on."""
        (x, y), (width, height) = self.corner(row, column), self.pixel
        return (
            f"<rect x='{x:.2f}' y='{y:.2f}' width='{columns * width:.2f}' "
            f"height='{rows * height:.2f}' fill='none' stroke='{ACCENT}' stroke-width='2.5'/>"
        )

    def dot(self, row: float, column: float, radius: float, attributes: str) -> str:
        """A disc at a place, whole numbers being the centres of pixels."""
        x, y = self.corner(row + 0.5, column + 0.5)
        return f"<circle cx='{x:.2f}' cy='{y:.2f}' r='{radius:g}' {attributes}/>"

    def buttons(self, places: Iterable[tuple[int, int, int]]) -> str:
        """Pixels to click: (frame, row, column)."""
        width, height = self.pixel
        found = []
        for frame, row, column in places:
            x, y = self.corner(row, column)
            found.append(
                f"<rect x='{x:.2f}' y='{y:.2f}' width='{width:.2f}' height='{height:.2f}' "
                f"fill='transparent' data-frame='{frame}'/>"
            )
        return "".join(found)


def fitted(shape: tuple[int, ...], side: float, rim: tuple[int, int] = (0, 0)) -> Pair:
    """Width and height of an image of square pixels, `rim` included, whose longer side is `side`."""
    rows, columns = (count + 2 * more for count, more in zip(shape, rim))
    return side * columns / max(rows, columns), side * rows / max(rows, columns)


def spread(shape: tuple[int, ...], most: int) -> list[tuple[int, int]]:
    """All places of a matrix, row by row; every second, third … row and column if they are too many."""
    (rows, columns), step = shape, 1
    while -(-rows // step) * -(-columns // step) > most:
        step += 1
    return [(row, column) for row in range(0, rows, step) for column in range(0, columns, step)]
