"""What is drawn: learning curves, ways with the value, position on the map, depth, latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle, product
from typing import TYPE_CHECKING, Any

import numpy as np

from maze.figures import draw_maze, draw_trajectory
from tasks.navigation import depth
from tasks.navigation.agents import AGENTS
from tasks.navigation.decoder import corner, grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from maze import Simulator
    from maze.players import Rollout
    from tasks.navigation.evaluate import Evaluation

# Of each agent; six colours that the colour-blind can tell apart, and lines of two kinds.
COLOURS = "#56B4E9", "#0072B2", "#009E73", "#CC79A7", "#D55E00", "#E69F00"
STYLES: dict[str, dict[str, Any]] = {
    name: {"color": colour, "linestyle": line}
    for name, (line, colour) in zip(AGENTS, product(("-", "--"), COLOURS))
}
GOAL_FOUND = "#c00000"
WAYS = 2  # so many are drawn
MOMENTS = (0.0, 1.0, 3.0, 10.0)  # seconds of an episode


def curves(
    runs: Mapping[str, Sequence[np.ndarray]], scale: Mapping[str, float], title: str
) -> Figure:
    """Learning curves: points an episode over agent steps (in millions).

    Parameters
    ----------
    runs : mapping
        By the agent's name the curves of its seeds, each (points, 2) of steps and scores; drawn is their mean.
        What follows the name, as in "nav-d2 6M", tells of other settings: such a curve has marks.
    scale : mapping
        The scores of the oracle and of chance, drawn as lines.
    title : str
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4), layout="constrained")
    axes = figure.subplots()
    marks = cycle("os^v")
    for name, seeds in runs.items():
        agent, *others = name.split()
        label = name if len(seeds) == 1 else f"{name}, {len(seeds)} seeds"
        steps, points = mean_curve(seeds)
        marked: dict[str, Any] = {}
        if others:
            marked = {"marker": next(marks), "markersize": 4, "markevery": len(steps) // 12 + 1}
        axes.plot(steps / 1e6, points, label=label, **STYLES[agent], **marked)
    for name, score in scale.items():
        axes.axhline(score, color="0.4", linewidth=0.8, linestyle=":")
        axes.annotate(f"{name} {score:.0f}", (1.01, score), xycoords=("axes fraction", "data"),
                      va="center", color="0.3", fontsize=8)  # fmt: skip
    axes.set(xlabel="agent steps (millions)", ylabel="points an episode", title=title)
    axes.grid(True, linewidth=0.3)
    figure.legend(loc="outside right upper", fontsize=8)  # where it hides no curve
    return figure


def mean_curve(curves: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The mean of learning curves, each (points, 2) of steps and scores, at the steps of the first."""
    curves = [curve for curve in curves if len(curve)]  # in an early one no episode has ended yet
    if not curves:
        return np.empty(0), np.empty(0)
    steps = curves[0][:, 0]
    scores = [np.interp(steps, curve[:, 0], curve[:, 1]) for curve in curves]
    return steps, np.mean(scores, axis=0)


def trajectories(test: Evaluation, simulator: Simulator) -> Figure:
    """Ways through the first two mazes, coloured by the value, and that over time with goal finds in red."""
    from matplotlib.figure import Figure

    played, values = test.played, test.values
    count = min(WAYS, values.shape[1])
    figure = Figure(figsize=(10, 3.2 * count), layout="constrained")
    rows = figure.subplots(count, 2, squeeze=False, width_ratios=(1, 1.4))
    for over_time in rows[1:, 1]:
        over_time.sharey(rows[0, 1])
    shown = values[:, :count]
    for n, (above, over_time) in enumerate(rows):
        lines = draw_trajectory(
            above, simulator.episodes[n], played.poses[:, n], played.found[:, n], values[:, n]
        )
        lines.set_clim(shown.min(), shown.max())
        above.set_title(f"points {played.scores[n]:.0f}, goals {played.found[:, n].sum()}")
        seconds = np.arange(len(values)) * played.seconds
        over_time.plot(seconds, values[:, n], color="#0072B2", linewidth=0.9)
        for when in seconds[played.found[:, n]]:
            over_time.axvline(when, color=GOAL_FOUND, linewidth=1)
        over_time.set(ylabel="value", xlim=(0, len(values) * played.seconds))
    rows[-1][1].set_xlabel("seconds of the episode; red: goal found")
    figure.colorbar(lines, ax=rows[:, 0], label="value", location="left", shrink=0.8)
    return figure


def positions(test: Evaluation, simulator: Simulator) -> Figure:
    """How likely each cell is by the decoder, laid over the map, at some moments of the first episode."""
    from matplotlib.figure import Figure

    rows, columns = grid(simulator.maze_size)
    height, width = simulator.maze_size
    last = len(test.values) - 1
    # The pose before the first step is not kept, so that the second is the first that can be shown.
    steps = sorted({min(max(round(t / test.played.seconds), 1), last) for t in MOMENTS})
    figure = Figure(figsize=(3.2 * len(steps), 3), layout="constrained")
    for axes, step in zip(figure.subplots(1, len(steps), squeeze=False)[0], steps):
        draw_maze(axes, simulator.episodes[0], pale=0.75)
        likelihood = test.likelihoods[step].reshape(rows, columns)
        (top, left), (bottom, right) = corner(0, 0), corner(rows, columns)
        axes.imshow(likelihood, extent=(left, right, bottom, top), cmap="Blues",
                    alpha=0.75, vmin=0, vmax=1, zorder=2)  # fmt: skip
        x, y, angle = test.played.poses[step - 1, 0]  # they are those after a step
        axes.plot(x, y, "o", color="#D55E00", markersize=7, zorder=5)
        axes.plot([x, x + np.cos(angle)], [y, y + np.sin(angle)], color="#D55E00", zorder=5)
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.set_title(f"{step * test.played.seconds:.1f} s")
    figure.suptitle(f"Position as decoded, truth in orange ({test.position:.0f} % right)")
    return figure


def depths(test: Evaluation, bands: bool) -> Figure:
    """What is seen, its true coarse depth, and the depth that the last head predicts."""
    from matplotlib.figure import Figure

    count = len(test.pictures)
    figure = Figure(figsize=(2.6 * count, 4), layout="constrained")
    grid_axes = figure.subplots(3, count, squeeze=False, height_ratios=(2, 1, 1))
    for column, seen, true, told in zip(grid_axes.T, test.pictures, test.tiles, test.told):
        column[0].imshow(seen.transpose(1, 2, 0))
        for axes, picture in zip(column[1:], (depth.bands(true) if bands else true, told)):
            axes.imshow(picture, cmap="viridis", vmin=0, vmax=depth.BANDS - 1 if bands else depth.FAR,
                        aspect="auto")  # fmt: skip
        for axes in column:
            axes.set(xticks=[], yticks=[])
    last = [*test.depth][-1]
    for axes, label in zip(grid_axes[:, 0], ("picture", "depth", f"{last} predicts")):
        axes.set_ylabel(label)
    share = ", ".join(f"{name} {right:.0f} %" for name, right in test.depth.items())
    figure.suptitle(f"Depth in {'bands' if bands else 'tiles'}: right {share}")
    return figure


def latency(played: Rollout, forgetful: Rollout | None = None) -> Figure:
    """Seconds to the first goal of an episode, to the second, …: and had its memory been emptied at each?"""
    from matplotlib.figure import Figure

    waits = played.waits()
    numbers = range(1, len(waits) + 1)
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    if not waits:
        axes.text(0.5, 0.5, "no goal was found", transform=axes.transAxes, ha="center")
        axes.set(xticks=[], yticks=[])
    else:
        axes.boxplot(waits, showfliers=False, medianprops={"color": "#D55E00"})
        shown = [str(k) if len(waits) < 12 or k % 5 == 0 or k == 1 else "" for k in numbers]
        axes.set_xticks(numbers, shown)
    if waits and forgetful is not None:
        medians = [np.median(seconds) for seconds in forgetful.waits()[: len(waits)]]
        axes.plot(numbers[: len(medians)], medians, "x", color="#0072B2", zorder=5,
                  label="median if memory is emptied at each find")  # fmt: skip
        axes.legend()
    axes.set(xlabel="goal of the episode", ylabel="seconds to it")
    return figure
