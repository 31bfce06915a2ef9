"""What is drawn: pictures with the sampling grid laid over them, what comes of it, learning curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from layers import Module, SpatialTransformer
from layers.grid_sample import to_pixels
from minigrad import no_grad, tensor
from tasks.spatial_transformer.models import transformers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours that the colour-blind and a grey print can tell apart, each with a line style of its own.
STYLES: tuple[dict[str, Any], ...] = (
    {"color": "#D55E00", "linestyle": "-", "marker": "o"},
    {"color": "#0072B2", "linestyle": "--", "marker": "s"},
    {"color": "#009E73", "linestyle": "-.", "marker": "^"},
    {"color": "#CC79A7", "linestyle": ":", "marker": "D"},
)
GRID_COLOUR = "#E69F00"


def distorted_mnist(
    nets: Mapping[str, Module],
    x: np.ndarray,
    y: np.ndarray,
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    title: str,
) -> Figure:
    """Test pictures with the learned grid over them, the crops it reads, and the learning curves.

    Below the crops are their means over all test pictures of a class: they get as sharp as the
    transformer puts all of a class into one pose.

    Parameters
    ----------
    nets
        By name; the last with a transformer is the one that is shown.
    x, y
        (N, 1, S, S) test pictures and (N,) classes; of each class one is shown.
    curves
        Per net the steps and the errors in per cent.
    """
    from matplotlib.figure import Figure

    shown = [name for name, net in nets.items() if transformers(net)]
    figure = Figure(figsize=(10, 6.4 if shown else 3.2), layout="constrained")
    figure.suptitle(f"Distorted MNIST ({title})")
    below = figure
    if shown:
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(3.4, 2.8))[:, 0]
        transformer = transformers(nets[shown[-1]])[0]
        grids, crops = read(transformer, x)
        classes = np.unique(y)
        axes = above.subplots(3, len(classes), squeeze=False)
        for column, digit in zip(axes.T, classes):
            first = int(np.argmax(y == digit))
            picture(column[0], x[first, 0])
            draw_grid(column[0], grids[first], x.shape[-1])
            picture(column[1], crops[first, 0])
            picture(column[2], crops[y == digit, 0].mean(axis=0))
        for row, label in zip(
            axes, ("input and\nlearned grid", "what the\nnet reads", "its mean\nby class")
        ):
            row[0].set_ylabel(label)
    draw_curves(below.subplots(), curves)
    return figure


def read(
    transformer: SpatialTransformer, x: np.ndarray, chunk: int = 500
) -> tuple[np.ndarray, np.ndarray]:
    """The grids (N, H', W', 2) and crops (N, C, H', W') of a transformer for pictures `x`."""
    grids, crops = [], []
    with no_grad():
        for start in range(0, len(x), chunk):
            transformer(tensor(x[start : start + chunk]))
            grids.append(transformer.grid)
            crops.append(transformer.output)
    return np.concatenate(grids), np.concatenate(crops)


def picture(axes: Axes, pixels: np.ndarray) -> None:
    """Show a grey picture, dark ink on light ground, without ticks."""
    axes.imshow(pixels, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    axes.set(xticks=[], yticks=[])


def draw_grid(axes: Axes, grid: np.ndarray, side: int, colour: str = GRID_COLOUR) -> None:
    """Lay a sampling grid (H', W', 2) over a picture of `side` pixels: its border and a few lines.

    A dot marks the grid's upper left corner, so that a turned or mirrored grid can be told.
    """
    xy = to_pixels(grid, (side, side))
    every = np.linspace(0, len(grid) - 1, 5).round().astype(int)
    for lines in (xy[every], xy[:, every].swapaxes(0, 1)):
        for k, line in enumerate(lines):
            border = k in (0, len(lines) - 1)
            axes.plot(line[:, 0], line[:, 1], color=colour, linewidth=1.6 if border else 0.6)
    axes.plot(*xy[0, 0], "o", color=colour, markersize=4)
    axes.set(xlim=(-0.5, side - 0.5), ylim=(side - 0.5, -0.5))


def draw_curves(axes: Axes, curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Learning curves: errors in per cent over training steps, on a logarithmic scale."""
    from matplotlib.ticker import LogLocator, NullLocator

    for (name, (steps, errors)), style in zip(curves.items(), STYLES):
        label = f"{name}: {errors[-1]:.1f} %" if len(errors) else name
        axes.plot(steps, errors, label=label, markersize=3.5, **style)
    axes.set(xlabel="training step", ylabel="test error (%)", yscale="log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(True, linewidth=0.3)
    axes.legend()
