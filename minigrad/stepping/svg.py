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
    """

    def __init__(
        self, matrix: np.ndarray, corner: Pair, size: Pair, title: str, signed: bool = True
    ):
        self.rows, self.columns = matrix.shape
        (self.left, self.top), (self.width, self.height) = corner, size
        self.pixel = (self.width / self.columns, self.height / self.rows)
        self.image = (
            f"<text x='{self.left:g}' y='{self.top - 8:g}'>{escape(title)}</text>"
            f"<image x='{self.left:g}' y='{self.top:g}' width='{self.width:g}' "
            f"height='{self.height:g}' preserveAspectRatio='none' href='{picture(matrix, signed)}'/>"
            f"<rect x='{self.left:g}' y='{self.top:g}' width='{self.width:g}' "
            f"height='{self.height:g}' fill='none' stroke='#868e96' stroke-width='0.5'/>"
        )

    def corner(self, row: float, column: float) -> Pair:
        """x and y of a pixel's upper left corner."""
        return self.left + column * self.pixel[0], self.top + row * self.pixel[1]

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


def fitted(shape: tuple[int, ...], side: float) -> Pair:
    """Width and height of an image of square pixels whose longer side is `side`."""
    return side * shape[1] / max(shape), side * shape[0] / max(shape)


def spread(shape: tuple[int, ...], most: int) -> list[tuple[int, int]]:
    """All places of a matrix, row by row; every second, third … row and column if they are too many."""
    (rows, columns), step = shape, 1
    while -(-rows // step) * -(-columns // step) > most:
        step += 1
    return [(row, column) for row in range(0, rows, step) for column in range(0, columns, step)]
