"""One step of RMSprop, in one trip through memory.

The trick: an entry of s and of x changes while both are in registers. The loop reads three numbers, writes
two, and is compiled to vectors; the twin, in whole-array NumPy, makes a trip for each of its operations.
"""

import numpy as np

from minigrad.kernels import kernel, plain
from minigrad.kernels.threads import run_sliced

__all__ = ["rmsprop"]

LARGE = 1 << 17  # numbers from which on a second thread is worth its start


def rmsprop(
    x: np.ndarray,
    g: np.ndarray,
    s: np.ndarray,
    alpha: float,
    rate: float,
    eps: float,
    eps_inside: bool,
) -> None:
    """Change x and s, in place and of one shape, by the gradient `g`.

    ::

        s = α s + (1 - α) g²;   x = x - rate g / (√s + eps), or rate g / √(s + eps)
    """
    how = alpha, rate, *((eps, 0.0) if eps_inside else (0.0, eps))
    if not (x.flags.carray and s.flags.carray):
        _step_numpy(x, g, s, *how)
        return
    (g,) = plain(g, dtype=x.dtype.type)
    flat = [array.reshape(-1) for array in (x, g, s)]

    def run(start: int, stop: int) -> None:
        step(*(array[start:stop] for array in flat), *how)

    run_sliced(run, x.size) if x.size >= LARGE else step(*flat, *how)


def _step_numpy(
    x: np.ndarray,
    g: np.ndarray,
    s: np.ndarray,
    alpha: float,
    rate: float,
    inside: float,
    outside: float,
) -> None:
    s += (1 - alpha) * (np.square(g) - s)
    x -= rate * g / (np.sqrt(s + inside) + outside)


@kernel(twin=_step_numpy)
def step(
    x: np.ndarray,
    g: np.ndarray,
    s: np.ndarray,
    alpha: float,
    rate: float,
    inside: float,
    outside: float,
) -> None:
    """What `rmsprop` does, of arrays of one axis."""
    number = x.dtype.type
    new, rate = number(1 - alpha), number(rate)
    inside, outside = number(inside), number(outside)
    for i in range(x.size):
        s[i] += new * (g[i] * g[i] - s[i])
        x[i] -= rate * g[i] / (np.sqrt(s[i] + inside) + outside)
