"""What colocalise draws: the boxes on their way to the digits, the mean of the crops, and the curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from layers.affine_grid import attention_grid
from layers.functional import grid_sample
from tasks.spatial_transformer.boxes import boxes_of
from tasks.spatial_transformer.figures import picture
from tasks.spatial_transformer.models import CROP

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = tuple[np.ndarray, np.ndarray]

FOUND = {"edgecolor": "#D55E00", "linewidth": 2.0}
TRUE = {"edgecolor": "#0072B2", "linewidth": 1.6, "linestyle": (0, (2, 2))}
SHOWN = 7
MOMENTS = (0.0, 0.25, 0.5, 1.0)  # of the steps so far


def colocalise(
    x: np.ndarray,
    truth: np.ndarray,
    diary: Mapping[int, np.ndarray],
    localised: Mapping[int, Curve],
    overlap: Mapping[int, Curve],
    title: str,
) -> Figure:
    """Pictures with the found and the true boxes at up to four moments, and how many were right.

    Parameters
    ----------
    x, truth
        (N, 1, S, S) pictures of one digit and their boxes (N, 4); the first seven are shown.
    diary
        Step to the theta (N, 3) of the attention then.
    localised, overlap
        Per digit the steps and per cent of boxes with IoU > 0.5; the steps and mean IoU.
    """
    from matplotlib.figure import Figure

    steps = sorted({min(diary, key=lambda s: abs(s - m * max(diary))) for m in MOMENTS})
    figure = Figure(figsize=(9, 1.3 * len(steps) + 3), layout="constrained")
    figure.suptitle(f"Co-localisation ({title}): the boxes found (full) and the true ones (dashed)")
    above, below = figure.subfigures(
        2, 1, squeeze=False, height_ratios=(1.3 * len(steps) + 0.2, 2.5)
    )[:, 0]
    axes = above.subplots(len(steps), SHOWN + 1, squeeze=False)
    for row, step in zip(axes, steps):
        boxes = boxes_of(diary[step], x.shape[-1])
        row[0].set_ylabel(f"step {step}")
        for n, axis in enumerate(row[:SHOWN]):
            if n < len(x):
                picture(axis, x[n, 0])
                _box(axis, truth[n], **TRUE)
                _box(axis, boxes[n], **FOUND)
            else:
                axis.set_axis_off()
        picture(row[SHOWN], _mean_crop(x, diary[step]))
    axes[0, SHOWN].set_title(f"mean of all\n{len(x)} crops", fontsize=9)
    left, right = below.subplots(1, 2)
    _draw_curves(left, localised)
    left.set(ylabel="boxes with IoU > 0.5 (%)", ylim=(-3, 103))
    _draw_curves(right, overlap)
    right.set(ylabel="mean IoU", ylim=(-0.03, 1.03))
    return figure


def _box(axis: Axes, box: np.ndarray, **style: Any) -> None:
    from matplotlib.patches import Rectangle

    x1, y1, x2, y2 = box - 0.5  # pictures are drawn with the middle of pixel 0 at 0
    axis.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, **style))


def _mean_crop(x: np.ndarray, theta: np.ndarray) -> np.ndarray:
    size = (len(x), 1, CROP, CROP)
    mean = grid_sample(x, attention_grid(theta, size)).numpy().mean(axis=(0, 1))
    return mean / max(mean.max(), 1e-6)


def _draw_curves(axes: Axes, curves: Mapping[int, Curve]) -> None:
    """A line a digit, each in a grey of its own that its name repeats, side by side along the lines."""
    for k, (digit, (steps, values)) in enumerate(curves.items()):
        grey = 0.7 * k / len(curves)
        axes.plot(steps, values, color=str(grey), linewidth=1.4)
        if len(steps):
            at = (k + 1) * len(steps) // (len(curves) + 1)
            axes.annotate(
                str(digit),
                (steps[at], values[at]),
                fontsize=9,
                ha="center",
                va="center",
                bbox={"boxstyle": "circle,pad=0.15", "fc": "white", "ec": str(grey)},
            )
    axes.set(xlabel="training step")
    axes.grid(True, linewidth=0.3)
