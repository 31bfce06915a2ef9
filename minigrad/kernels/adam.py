"""Adam's step in one trip through memory.

As whole-array operations it is a dozen trips, each through a million numbers for a layer of a thousand
times a thousand weights. The loop reads four numbers, writes three, and is compiled to vectors.
"""

import numpy as np

from minigrad.kernels import kernel, plain
from minigrad.kernels.threads import run_sliced

__all__ = ["adam"]

LARGE = 1 << 17  # numbers from which on a second thread is worth its start


def adam(
    x: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    betas: tuple[float, float],
    rate: float,
    scale: float,
    eps: float,
) -> None:
    """Change x, m and v, in place and of one shape, by the gradient `g`.

    ::

        m = β₁ m + (1 - β₁) g;   v = β₂ v + (1 - β₂) g²;   x = x - rate m / (scale √v + eps)
    """
    how = *betas, rate, scale, eps
    if not (x.flags.carray and m.flags.carray and v.flags.carray):
        _step_numpy(x, g, m, v, *how)
        return
    (g,) = plain(g, dtype=x.dtype.type)
    flat = [array.reshape(-1) for array in (x, g, m, v)]

    def run(start: int, stop: int) -> None:
        step(*(array[start:stop] for array in flat), *how)

    run_sliced(run, x.size) if x.size >= LARGE else step(*flat, *how)


def _step_numpy(
    x: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    beta1: float,
    beta2: float,
    rate: float,
    scale: float,
    eps: float,
) -> None:
    m += (1 - beta1) * (g - m)
    v += (1 - beta2) * (np.square(g) - v)
    x -= rate * m / (scale * np.sqrt(v) + eps)


@kernel(twin=_step_numpy)
def step(
    x: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    beta1: float,
    beta2: float,
    rate: float,
    scale: float,
    eps: float,
) -> None:
    """What `adam` does, of arrays of one axis."""
    number = x.dtype.type
    new_m, new_v = number(1 - beta1), number(1 - beta2)
    rate, scale, eps = number(rate), number(scale), number(eps)
    for i in range(x.size):
        m[i] += new_m * (g[i] - m[i])
        v[i] += new_v * (g[i] * g[i] - v[i])
        x[i] -= rate * m[i] / (scale * np.sqrt(v[i]) + eps)
