"""Windows on an image: what a filter sees from one place, and small matrices beside each other."""

from typing import Any, NamedTuple

import numpy as np

from minigrad.stepping.text import numbers

#: Windows up to which there is a frame for each.
FRAMES = 400
SIDE = 260


class Window(NamedTuple):
    """What is seen from one place: rows and columns in the image, some outside, and the values."""

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray

    @property
    def span(self) -> str:
        """Rows and columns, in words."""
        return f"rows {_span(self.rows)}, columns {_span(self.columns)}"


def window(
    x: np.ndarray, kernel: tuple[int, ...], at: tuple[int, int], options: Any, outside: float = 0.0
) -> Window:
    """The part of `x` (C, H, W) under a window of `kernel` (kh, kw), from place `at` of its lattice."""
    rows, columns = (
        at[k] * options["stride"][k]
        - options["padding"][k]
        + options["dilation"][k] * np.arange(kernel[k])
        for k in (0, 1)
    )
    values = np.full((len(x), *kernel), outside)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                values[:, i, j] = x[:, row, column]
    return Window(rows, columns, values)


def side_by_side(matrices: dict[str, np.ndarray]) -> list[str]:
    """Small matrices beside each other, their names above."""
    blocks = [[name, *numbers(matrix).split("\n")] for name, matrix in matrices.items()]
    widths = [max(map(len, block)) for block in blocks]
    return [
        "    ".join(line.ljust(width) for line, width in zip(lines, widths)).rstrip()
        for lines in zip(*blocks)
    ]


def _span(places: np.ndarray) -> str:
    return f"{places[0]} to {places[-1]}" if len(places) > 1 else str(places[0])
