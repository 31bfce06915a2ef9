"""Products with a matrix that is used again and again, as in a recurrent net: y += x wᵀ.

BLAS brings a matrix into the order of its loops at each call; for sixteen rows of x that takes as long
as to multiply. Here it is done once, and then only sums are left.

The trick in three lines: outputs are taken two vectors at a time, a panel of w, and rows of x four at a
time; a loop over what is summed loads a vector once for four rows. Their eight vectors of sums stay in
registers until they are complete, enough to begin one each cycle while others are under way.
"""

import numpy as np

from minigrad.kernels import part
from minigrad.kernels.simd import LANES, add, fma, load, splat, store, transpose

__all__ = ["add_product", "panels"]

WIDTH = 2 * LANES  # outputs in a panel


@part
def panels(w):
    """Return w (outputs, summed) as (panels, summed, WIDTH), filled up with zeros."""
    outputs, summed = w.shape
    packed = np.zeros((-(-outputs // WIDTH), summed, WIDTH), w.dtype)
    for p in range(packed.shape[0]):
        turned = 0
        if w.strides[1] == w.itemsize and (p + 1) * WIDTH <= outputs:
            turned = summed - summed % LANES
            _turn(w, p, turned, packed)
        for s in range(turned, summed):
            for o in range(min(WIDTH, outputs - p * WIDTH)):
                packed[p, s, o] = w[p * WIDTH + o, s]
    return packed


@part
def _turn(w, p, turned, packed):
    """Write the first `turned` numbers of each row of panel p, LANES x LANES at a time in registers."""
    _, summed = w.shape
    numbers, places = w.reshape(-1), packed.reshape(-1)
    for first in range(0, WIDTH, LANES):
        for s in range(0, turned, LANES):
            i, k = (p * WIDTH + first) * summed + s, (p * summed + s) * WIDTH + first
            transpose(numbers, i, summed, places, k, WIDTH, splat(w.dtype.type(0)))


@part
def add_product(x, packed, y):
    """Add x wᵀ to y (rows, outputs), given x (rows, summed) and the panels of w."""
    (rows, summed), outputs = x.shape, y.shape[1]
    numbers, weights, flat = x.reshape(-1), packed.reshape(-1), y.reshape(-1)
    rest = np.empty(WIDTH, y.dtype)
    for p in range(packed.shape[0]):
        whole = (p + 1) * WIDTH <= outputs
        for first in range(0, rows, 4):
            # Where fewer than four are left, the last one is summed again in place of the others.
            a, last = first * summed, (rows - 1) * summed
            b, c, d = min(a + summed, last), min(a + 2 * summed, last), min(a + 3 * summed, last)
            sums = _four_rows(numbers, a, b, c, d, weights, p * summed * WIDTH, summed)
            for i in range(min(4, rows - first)):
                to = (first + i) * outputs + p * WIDTH
                if whole:
                    store(flat, to, add(load(flat, to), sums[2 * i]))
                    store(flat, to + LANES, add(load(flat, to + LANES), sums[2 * i + 1]))
                else:
                    store(rest, 0, sums[2 * i])
                    store(rest, LANES, sums[2 * i + 1])
                    for o in range(outputs - p * WIDTH):
                        flat[to + o] += rest[o]


@part
def _four_rows(x, a, b, c, d, w, start, summed):
    """The sums of x[row + s] times the two vectors at w[start + s*WIDTH], for the rows a, b, c, d."""
    a0 = a1 = b0 = b1 = c0 = c1 = d0 = d1 = splat(x.dtype.type(0))
    for s in range(summed):
        k = start + s * WIDTH
        w0, w1 = load(w, k), load(w, k + LANES)
        number = splat(x[a + s])
        a0, a1 = fma(number, w0, a0), fma(number, w1, a1)
        number = splat(x[b + s])
        b0, b1 = fma(number, w0, b0), fma(number, w1, b1)
        number = splat(x[c + s])
        c0, c1 = fma(number, w0, c0), fma(number, w1, c1)
        number = splat(x[d + s])
        d0, d1 = fma(number, w0, d0), fma(number, w1, d1)
    return a0, a1, b0, b1, c0, c1, d0, d1
