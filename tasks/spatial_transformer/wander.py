"""What is measured of transformers side by side: which of them holds which digit still.

A digit lies anywhere in its channel. In the crops of a transformer that follows it, it comes to lie in
one place; in the crops of one that follows the other digit it wanders as before, or more.
"""

from __future__ import annotations

import numpy as np

from layers import Module
from minigrad import no_grad, tensor
from tasks.spatial_transformer.models import transformers


def wander(net: Module, x: np.ndarray, chunk: int = 500) -> dict[str, dict[str, float]]:
    """How far the ink of each channel wanders in the crops of each transformer.

    Parameters
    ----------
    x
        (N, C, S, S) pictures.

    Returns
    -------
    dict
        `["st1"]["channel2"]`: over the pictures, the root mean square distance of the centre of channel
        2's ink from where it is on average, in pixels of the first transformer's crop.
    """
    centres: list[list[np.ndarray]] = [[] for _ in transformers(net)]
    with no_grad():
        for start in range(0, len(x), chunk):
            net(tensor(x[start : start + chunk]))
            for parts, transformer in zip(centres, transformers(net)):
                parts.append(ink_centres(transformer.output))
    return {
        f"st{k}": {
            f"channel{c}": _spread(centre)
            for c, centre in enumerate(np.concatenate(parts).swapaxes(0, 1), start=1)
        }
        for k, parts in enumerate(centres, start=1)
    }


def ink_centres(pictures: np.ndarray) -> np.ndarray:
    """The centre of the ink of pictures (..., H, W): (..., 2) as (x, y) in pixels; nan without ink."""
    y, x = np.indices(pictures.shape[-2:])
    ink = pictures.sum(axis=(-2, -1))
    moments = np.stack([(pictures * x).sum(axis=(-2, -1)), (pictures * y).sum(axis=(-2, -1))], -1)
    return np.divide(
        moments, ink[..., None], out=np.full_like(moments, np.nan), where=ink[..., None] > 0
    )


def _spread(points: np.ndarray) -> float:
    points = points[~np.isnan(points[:, 0])]
    if not len(points):
        return float("nan")  # the crops hold no ink at all
    away = points - points.mean(axis=0)
    return float(np.sqrt((away**2).sum(axis=1).mean()))
