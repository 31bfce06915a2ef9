"""What invariance draws: how far digits may move, layer by layer, and what each net then answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tasks.spatial_transformer.figures import STYLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tasks.spatial_transformer.invariance import Measured, Movement

LAYERS = ("input", "crop", "conv1", "pool1", "conv2", "pool2", "scores")
NAMES = {
    "cnn-no-pool": "cnn that subsamples instead of pooling",
    "cnn": "cnn",
    "st-cnn": "st-cnn, with a spatial transformer",
}
TITLES = (
    "What the first convolution sees",
    "How far until a layer's features have changed\nhalf as much as for another digit",
    "Digits read correctly",
)


def invariance(
    measured: Mapping[str, Mapping[str, Measured]], movements: Sequence[Movement]
) -> Figure:
    """A row a movement: the digits, how far each layer's features stay put, what is read correctly.

    Parameters
    ----------
    measured
        Net's name and movement's name to what was measured.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    figure = Figure(figsize=(11, 2.5 * len(movements) + 0.7), layout="constrained")
    axes = figure.subplots(len(movements), 3, width_ratios=(1.2, 1.3, 1), squeeze=False)
    for row, movement in zip(axes, movements):
        by_net = {name: by_movement[movement.name] for name, by_movement in measured.items()}
        draw_seen(row[0], by_net, movement)
        draw_reach(row[1], by_net, movement)
        draw_right(row[2], by_net, movement)
    for axis, title in zip(axes[0], TITLES):
        axis.set_title(title, fontsize=11)
    lines, names = axes[0, 1].get_legend_handles_labels()
    lines.append(Patch(color="0.88", label="farther than in training"))
    figure.legend(
        lines,
        [*names, "farther than in training"],
        loc="outside lower center",
        ncols=len(lines),
        frameon=False,
    )
    return figure


def draw_seen(axes: Axes, by_net: Mapping[str, Measured], movement: Movement) -> None:
    """One digit, moved by every second amount; below it the crops that a transformer makes of it."""
    lines = {}
    for name, row in by_net.items():
        label = f"{name}:\nthe crop" if "crop" in row.stay else "cnn:\nthe input"
        lines[label] = row.seen[::2]
    for down, pictures in enumerate(lines.values()):
        for across, pixels in enumerate(pictures):
            where = (across + 0.04, across + 0.96, down + 0.96, down + 0.04)
            axes.imshow(pixels, cmap="gray_r", vmin=0, vmax=1, extent=where)
    amounts = movement.amounts[::2]
    axes.set_anchor("N")
    axes.set(
        xlim=(0, len(amounts)),
        ylim=(len(lines), 0),
        xticks=np.arange(len(amounts)) + 0.5,
        xticklabels=[f"{amount:g}" for amount in amounts],
        yticks=np.arange(len(lines)) + 0.5,
        yticklabels=lines,
        xlabel=f"{movement.name} ({movement.unit})",
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def draw_reach(axes: Axes, by_net: Mapping[str, Measured], movement: Movement) -> None:
    """The reach of each layer, a line a net; a net without a transformer has no crop."""
    present = [layer for layer in LAYERS if any(layer in row.reach for row in by_net.values())]
    for (name, row), style in zip(by_net.items(), STYLES):
        at = [k for k, layer in enumerate(present) if layer in row.reach]
        reach = [row.reach[present[k]] for k in at]
        axes.plot(at, reach, label=NAMES[name], markersize=5, **style)
    first, last = movement.amounts[0], movement.amounts[-1]
    margin = 0.07 * (last - first)
    ticks = movement.amounts[:: (len(movement.amounts) - 1) // 2]
    axes.set(
        xticks=range(len(present)),
        xticklabels=present,
        ylim=(first - margin, last + margin),
        yticks=ticks,
        yticklabels=[*(f"{tick:g}" for tick in ticks[:-1]), f"{last:g} or more"],
        ylabel=movement.unit,
    )
    axes.grid(True, linewidth=0.3)


def draw_right(axes: Axes, by_net: Mapping[str, Measured], movement: Movement) -> None:
    """The share of digits read correctly over the amounts; grey where none so far was learned."""
    for row, style in zip(by_net.values(), STYLES):
        axes.plot(movement.amounts, 100 * row.right, markersize=4, **style)
    axes.axvspan(movement.learned, movement.amounts[-1], color="0.88", zorder=0)
    axes.set(
        xlim=(movement.amounts[0], movement.amounts[-1]),
        ylim=(0, 102),
        xlabel=f"{movement.name} ({movement.unit})",
        ylabel="%",
    )
    axes.grid(True, linewidth=0.3)
