"""Figures: ways through a maze, and where one has been. matplotlib is imported when something is drawn."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from maze.episode import Episode
from maze.kernels.records import GOAL
from maze.topdown import ground

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from maze.players import Rollout

__all__ = ["draw_heat_map", "draw_maze", "draw_trajectory", "visits", "ways"]

TILE = 8  # pixels of a tile in the picture underneath


def draw_maze(axes: Any, episode: Episode, pale: float = 0.6) -> None:
    """Draw walls, goal and fruit into matplotlib's `axes`, in tiles; walls as `pale` as that, 0 to 1."""
    image = ground(episode.walls, TILE).astype(float)
    height, width = episode.walls.shape
    image += (255 - image) * pale
    axes.imshow(image.astype(np.uint8), extent=(0, width, height, 0))
    is_goal = episode.things["kind"] == GOAL
    goal, fruit = episode.things[is_goal], episode.things[~is_goal]
    axes.plot(fruit["x"], fruit["y"], "o", color="#c02040", markersize=5, zorder=3)
    axes.plot(
        goal["x"], goal["y"], "*", color="#ffb000", markeredgecolor="black", markersize=16, zorder=4
    )
    axes.set(xticks=[], yticks=[], xlim=(0, width), ylim=(height, 0))


def draw_trajectory(
    axes: Any,
    episode: Episode,
    poses: np.ndarray,
    found: np.ndarray | None = None,
    values: np.ndarray | None = None,
) -> Any:
    """Draw a way through the maze in the colours of `values`, and return its lines for a colour bar.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    episode : Episode
    poses : (T, 2 or 3)
        x and y in tiles, as in `Rollout.poses`.
    found : (T,) bool, optional
        The steps in which the goal was found: there the way begins anew elsewhere.
    values : (T,), optional
        Default: the time, from light to dark.
    """
    from matplotlib.collections import LineCollection

    draw_maze(axes, episode)
    points = np.asarray(poses, float)[:, :2]
    segments = np.stack([points[:-1], points[1:]], axis=1)
    joined = np.ones(len(segments), bool) if found is None else ~np.asarray(found)[1:]
    colours = "viridis_r" if values is None else "viridis"
    lines = LineCollection(list(segments[joined]), cmap=colours, linewidths=1.6)
    lines.set_array((np.arange(len(points)) if values is None else np.asarray(values))[1:][joined])
    return axes.add_collection(lines)


def visits(episode: Episode, poses: np.ndarray) -> np.ndarray:
    """Return the share of time (H, W) spent on each tile; `poses` (..., 2 or 3) begin with x and y."""
    tiles = np.asarray(poses)[..., :2].reshape(-1, 2).astype(int)
    counts = np.zeros(episode.walls.shape)
    np.add.at(counts, (tiles[:, 1], tiles[:, 0]), 1)
    return counts / max(len(tiles), 1)


def draw_heat_map(axes: Any, episodes: Sequence[Episode], poses: np.ndarray) -> Any:
    """Draw where the time was spent, in per cent of it a tile, and return the image for a colour bar.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    episodes : sequence of Episode
        Of the same walls. Drawn are the goal and fruit that lie there in all of them.
    poses : (..., 2 or 3)
        x and y in tiles, as in `Rollout.poses`.
    """
    things = reduce(np.intersect1d, [episode.things for episode in episodes])
    episode = replace(episodes[0], things=things)
    height, width = episode.walls.shape
    share = np.ma.masked_where(episode.walls > 0, 100 * visits(episode, poses))
    draw_maze(axes, episode, pale=0.75)
    return axes.imshow(share, cmap="viridis", extent=(0, width, height, 0), vmin=0)


def ways(episodes: Sequence[Episode], played: "Rollout", title: str = "") -> "Figure":
    """Draw the way of the first of N episodes, from light to dark, beside where all N spent their time.

    Parameters
    ----------
    episodes : sequence of Episode
        All N, of the same walls.
    played : Rollout
        Of all.
    title : str, optional
    """
    from matplotlib.figure import Figure

    height, width = episodes[0].walls.shape
    count = played.poses.shape[1]
    figure = Figure(figsize=(11, 1 + 5 * height / width), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_trajectory(left, episodes[0], played.poses[:, 0], played.found[:, 0])
    left.set_title(f"one episode: points {played.scores[0]:.0f}, goals {played.found[:, 0].sum()}")
    image = draw_heat_map(right, episodes, played.poses)
    right.set_title(
        f"{count} episode{'s' * (count > 1)}: points {played.scores.mean():.1f} in the mean"
    )
    figure.colorbar(image, ax=right, label="% of the time", shrink=0.8)
    figure.suptitle(title)
    return figure
