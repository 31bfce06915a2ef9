"""What mnist_addition draws: pairs of digits under the learned grids, the crops, learning curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from layers import Module
from minigrad import no_grad, tensor
from tasks.spatial_transformer.evaluate import predictions
from tasks.spatial_transformer.figures import STYLES, draw_curves, draw_grid, picture
from tasks.spatial_transformer.models import transformers

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    Spread = Mapping[str, Mapping[str, float]]

SHOWN = 6
ALIKE = 18  # the sum that tells both digits: 9 + 9
FOLLOWED = 2  # a digit is followed that wanders less than the other over this


def mnist_addition(
    nets: Mapping[str, Module],
    x: np.ndarray,
    y: np.ndarray,
    spread: Mapping[str, Spread],
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    title: str,
) -> Figure:
    """Who takes which digit: grids over both channels, crops, means of crops, and learning curves.

    Parameters
    ----------
    nets
        By name; the last with a transformer is the one that is shown.
    x, y
        (N, 2, S, S) test pairs and their sums; the first six are shown.
    spread
        Per net with a transformer, what `wander` says of it.
    curves
        Per net the steps and the errors in per cent.
    """
    from matplotlib.figure import Figure

    shown = [*spread][-1:]
    rows = sum(2 + 2 * len(spread[name]) for name in shown)
    figure = Figure(figsize=(9, 1.15 * rows + 3.2), layout="constrained")
    figure.suptitle(f"MNIST addition ({title}): the sum of two digits, one in each channel")
    below = figure
    for name in shown:
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(1.2 * rows, 2.8))[:, 0]
        _pairs(above, nets[name], x, y, spread[name])
        above.supxlabel(
            "wanders: how far the digit's ink is from its mean place in the crops (root mean square)\n"
            "bold: the digit that the transformer follows, which wanders less than half as far as the other",
            fontsize=9,
        )
    draw_curves(below.subplots(), curves)
    return figure


def _pairs(figure: SubFigure, net: Module, x: np.ndarray, y: np.ndarray, spread: Spread) -> None:
    """A row a channel of the input and of each crop; a column a pair, the last for all of 9 + 9."""
    shown, alike = x[:SHOWN], x[y == ALIKE]
    axes = figure.subplots(2 + 2 * len(spread), len(shown) + 1)
    for channel in range(2):
        _row(axes[channel], shown[:, channel], alike[:, channel])
        axes[channel, 0].set_ylabel(f"digit {channel + 1}")
    for n, said in enumerate(predictions(net, shown)):
        axes[0, n].set_title(f"sum {y[n]}, says {said}", fontsize=9)
    if len(alike):
        axes[0, -1].set_title("mean of all 9 + 9", fontsize=9)
    rows = iter(axes[2:])
    looks = zip(_look(net, shown), _look(net, alike), spread.items(), STYLES)
    for (grids, crops), (_, crops_alike), (name, wanders), style in looks:
        colour = style["color"]
        for column, grid in zip(axes[:2].T, grids):
            for axis in column:
                draw_grid(axis, grid, x.shape[-1], colour)
        for channel, distance in enumerate(wanders.values()):
            row = next(rows)
            _row(row, crops[:, channel], crops_alike[:, channel])
            followed = FOLLOWED * distance < max(wanders.values())
            row[0].set_ylabel(
                f"{name.upper()}: digit {channel + 1}\nwanders {distance:.1f} px",
                color=colour,
                fontweight="bold" if followed else "normal",
                fontsize=9,
            )
            for axis in row:
                axis.spines[:].set(color=colour, linewidth=2 if followed else 0.8)


def _look(net: Module, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The grids and crops of each transformer for the pictures `x`."""
    with no_grad():
        net(tensor(x))
    return [(transformer.grid, transformer.output) for transformer in transformers(net)]


def _row(axes: np.ndarray, pictures: np.ndarray, alike: np.ndarray) -> None:
    """Pictures side by side and at the end the mean of those that are alike, if there are any."""
    for axis, pixels in zip(axes, pictures):
        picture(axis, pixels)
    if len(alike):
        mean = alike.mean(axis=0)
        picture(axes[-1], mean / max(mean.max(), 1e-6))
    else:
        axes[-1].set_axis_off()
