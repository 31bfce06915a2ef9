"""What is drawn: pictures with the sampling grid laid over them, what comes of it, learning curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from layers import Module
from minigrad import no_grad, tensor
from tasks.spatial_transformer.models import transformers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours that the colour-blind and a grey print can tell apart, each with a line style of its own.
STYLES = (
    {"color": "#D55E00", "linestyle": "-", "marker": "o"},
    {"color": "#0072B2", "linestyle": "--", "marker": "s"},
    {"color": "#009E73", "linestyle": "-.", "marker": "^"},
    {"color": "#CC79A7", "linestyle": ":", "marker": "D"},
)
GRID_COLOUR = "#E69F00"
SHOWN = 10


def distorted_mnist(
    nets: Mapping[str, Module],
    x: np.ndarray,
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    title: str,
) -> Figure:
    """Test pictures with the learned grid over them, the crops it reads, and the learning curves.

    Parameters
    ----------
    nets
        By name; the last with a transformer is the one that is shown.
    x
        (N, 1, S, S) test pictures; the first ten are shown.
    curves
        Per net the steps and the errors in per cent.
    """
    from matplotlib.figure import Figure

    shown = [name for name, net in nets.items() if transformers(net)]
    figure = Figure(figsize=(10, 5.2 if shown else 3.2), layout="constrained")
    figure.suptitle(f"Distorted MNIST ({title})")
    rows, below = figure, figure
    if shown:
        rows, below = figure.subfigures(2, 1, height_ratios=(2.3, 2.6))
        with no_grad():
            nets[shown[-1]](tensor(x[:SHOWN]))
        transformer = transformers(nets[shown[-1]])[0]
        axes = rows.subplots(2, SHOWN)
        for n in range(SHOWN):
            picture(axes[0, n], x[n, 0])
            draw_grid(axes[0, n], transformer.grid[n], x.shape[-1])
            picture(axes[1, n], transformer.output[n, 0])
        axes[0, 0].set_ylabel("input and\nlearned grid")
        axes[1, 0].set_ylabel(f"what {shown[-1]}\nreads")
    draw_curves(below.subplots(), curves)
    return figure


def picture(axes: Axes, pixels: np.ndarray) -> None:
    """Show a grey picture, dark ink on light ground, without ticks."""
    axes.imshow(pixels, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    axes.set(xticks=[], yticks=[])


def draw_grid(axes: Axes, grid: np.ndarray, side: int, colour: str = GRID_COLOUR) -> None:
    """Lay a sampling grid (H', W', 2) over a picture of `side` pixels: its border and a few lines.

    A dot marks the grid's upper left corner, so that a turned or mirrored grid can be told.
    """
    xy = (grid + 1) * (side - 1) / 2
    every = np.linspace(0, len(grid) - 1, 5).round().astype(int)
    for lines in (xy[every], xy[:, every].swapaxes(0, 1)):
        for k, line in enumerate(lines):
            border = k in (0, len(lines) - 1)
            axes.plot(line[:, 0], line[:, 1], color=colour, linewidth=1.6 if border else 0.6)
    axes.plot(*xy[0, 0], "o", color=colour, markersize=4)
    axes.set(xlim=(-0.5, side - 0.5), ylim=(side - 0.5, -0.5))


def draw_curves(axes: Axes, curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Learning curves: errors in per cent over training steps, on a logarithmic scale."""
    for (name, (steps, errors)), style in zip(curves.items(), STYLES):
        label = f"{name}: {errors[-1]:.1f} %" if len(errors) else name
        axes.plot(steps, errors, label=label, markersize=3.5, **style)
    axes.set(xlabel="training step", ylabel="test error (%)", yscale="log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.grid(True, which="both", linewidth=0.3)
    axes.legend()
