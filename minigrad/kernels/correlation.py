"""The innermost loops of convolution: weighted sums of shifted runs of numbers.

A run is a piece of a plane. Convolution and its gradients need, of the numbers k of a run and of many
taps t with weights w[o, t], each shifted by its offset::

    y[o, k]  = Σ_t w[o, t] x[offset_t + k]          `correlate`
    dx[offset_t + k] += Σ_o w[o, t] dy[o, k]        `correlate_back`
    dw[o, t] += Σ_k dy[o, k] x[offset_t + k]        `correlate_weights`

Twelve vectors of sums stay in registers while a loop runs over the index that is summed: 4 rows of
weights times 3 vectors of k, or 4 outputs times 3 taps. So a number that was loaded serves three or
four products, and no sum goes to memory before it is complete. That is so of float32; a vector of
float64 takes two registers, and the sums twice as many.

Several runs of one length are done at once, one a row of y and `step` numbers apart in x. They are
taken in whole vectors, so that up to SLACK numbers beyond the end of each are read and written: there
must be room behind the last, and dy must be 0 there.
"""

import numpy as np

from minigrad.kernels import part
from minigrad.kernels.simd import LANES, add, fma, load, splat, store, total

__all__ = [
    "ROWS",
    "SLACK",
    "TAPS",
    "correlate",
    "correlate_back",
    "correlate_weights",
    "pack",
    "vectors_of",
]

ROWS = 4  # of weights, used at a time
TAPS = 3  # whose gradients are summed at a time
SLACK = 3 * LANES


@part
def pack(weights):
    """Weights (rows, summed) in the order of their use, (rows/4, summed, 4), filled up with zeros."""
    rows, summed = weights.shape
    packed = np.zeros((-(-rows // ROWS), summed, ROWS), weights.dtype)
    for r in range(rows):
        for s in range(summed):
            packed[r // ROWS, s, r % ROWS] = weights[r, s]
    return packed


def vectors_of(length: int) -> int:
    """How many vectors `correlate` and `correlate_back` take for a run: three at a time, or one at its end."""
    threes, rest = divmod(length, 3 * LANES)
    return 3 * threes + (0 if rest == 0 else 1 if rest <= LANES else 3)


@part
def correlate(packed, offsets, x, start, runs, length, step, y):
    """y[o, p, k] = Σ_t w[o, t] x[start + p*step + offsets[t] + k] for k < length; w is packed."""
    pitch, size, flat = y.shape[2], y.shape[1] * y.shape[2], y.reshape(-1)
    for p in range(runs):
        for k in range(0, length, 3 * LANES):
            for block in range(packed.shape[0]):
                to = block * ROWS * size + p * pitch + k
                if length - k > LANES:
                    sums = _three_vectors(packed[block], offsets, x, start + p * step + k)
                    for i in range(ROWS):
                        for j in range(3):
                            store(flat, to + i * size + j * LANES, sums[3 * i + j])
                else:
                    ends = _one_vector(packed[block], offsets, x, start + p * step + k)
                    for i in range(ROWS):
                        store(flat, to + i * size, ends[i])


@part
def correlate_back(packed, offsets, dy, start, runs, length, step, dx):
    """dx[start + p*step + offsets[t] + k] += Σ_o w[o, t] dy[o, p, k] for k < length; wᵀ is packed."""
    pitch, size, flat = dy.shape[2], dy.shape[1] * dy.shape[2], dy.reshape(-1)
    reads = np.arange(dy.shape[0]) * size
    for p in range(runs):
        for k in range(0, length, 3 * LANES):
            for block in range(packed.shape[0]):
                used = min(ROWS, offsets.size - block * ROWS)
                if length - k > LANES:
                    sums = _three_vectors(packed[block], reads, flat, p * pitch + k)
                    for i in range(used):
                        to = start + p * step + k + offsets[block * ROWS + i]
                        for j in range(3):
                            at = to + j * LANES
                            store(dx, at, add(load(dx, at), sums[3 * i + j]))
                else:
                    ends = _one_vector(packed[block], reads, flat, p * pitch + k)
                    for i in range(used):
                        at = start + p * step + k + offsets[block * ROWS + i]
                        store(dx, at, add(load(dx, at), ends[i]))


@part
def correlate_weights(dy, offsets, x, start, runs, length, step, dw):
    """dw[o, t] += Σ_p Σ_k dy[o, p, k] x[start + p*step + offsets[t] + k] for k < length.

    dw has multiples of ROWS and TAPS, dy as many rows, and there are as many offsets.
    """
    pitch, size, flat = dy.shape[2], dy.shape[1] * dy.shape[2], dy.reshape(-1)
    for o in range(0, dw.shape[0], ROWS):
        for t in range(0, dw.shape[1], TAPS):
            sums = _three_taps(
                flat, o * size, size, pitch, x, start, step, offsets[t:], runs, length
            )
            for i in range(ROWS):
                for j in range(TAPS):
                    dw[o + i, t + j] += total(sums[3 * i + j])


@part
def _three_vectors(weights, offsets, x, start):
    """For 4 rows of weights (summed, 4) the sums of w[s] x[start + offsets[s] + k] in 3 vectors of k."""
    a0 = a1 = a2 = b0 = b1 = b2 = c0 = c1 = c2 = d0 = d1 = d2 = splat(x.dtype.type(0))
    for s in range(offsets.size):
        k = start + offsets[s]
        x0, x1, x2 = load(x, k), load(x, k + LANES), load(x, k + 2 * LANES)
        w = splat(weights[s, 0])
        a0, a1, a2 = fma(w, x0, a0), fma(w, x1, a1), fma(w, x2, a2)
        w = splat(weights[s, 1])
        b0, b1, b2 = fma(w, x0, b0), fma(w, x1, b1), fma(w, x2, b2)
        w = splat(weights[s, 2])
        c0, c1, c2 = fma(w, x0, c0), fma(w, x1, c1), fma(w, x2, c2)
        w = splat(weights[s, 3])
        d0, d1, d2 = fma(w, x0, d0), fma(w, x1, d1), fma(w, x2, d2)
    return a0, a1, a2, b0, b1, b2, c0, c1, c2, d0, d1, d2


@part
def _one_vector(weights, offsets, x, start):
    """The same in one vector."""
    a = b = c = d = splat(x.dtype.type(0))
    for s in range(offsets.size):
        x0 = load(x, start + offsets[s])
        a, b = fma(splat(weights[s, 0]), x0, a), fma(splat(weights[s, 1]), x0, b)
        c, d = fma(splat(weights[s, 2]), x0, c), fma(splat(weights[s, 3]), x0, d)
    return a, b, c, d


@part
def _three_taps(dy, row, size, pitch, x, start, step, offsets, runs, length):
    """For 4 rows of dy and 3 taps the sums of their products, one number of each vector of k."""
    a0 = a1 = a2 = b0 = b1 = b2 = c0 = c1 = c2 = d0 = d1 = d2 = splat(x.dtype.type(0))
    for p in range(runs):
        for k in range(0, length, LANES):
            at = start + p * step + k
            x0 = load(x, at + offsets[0])
            x1 = load(x, at + offsets[1])
            x2 = load(x, at + offsets[2])
            at = row + p * pitch + k
            y = load(dy, at)
            a0, a1, a2 = fma(y, x0, a0), fma(y, x1, a1), fma(y, x2, a2)
            y = load(dy, at + size)
            b0, b1, b2 = fma(y, x0, b0), fma(y, x1, b1), fma(y, x2, b2)
            y = load(dy, at + 2 * size)
            c0, c1, c2 = fma(y, x0, c0), fma(y, x1, c1), fma(y, x2, c2)
            y = load(dy, at + 3 * size)
            d0, d1, d2 = fma(y, x0, d0), fma(y, x1, d1), fma(y, x2, d2)
    return a0, a1, a2, b0, b1, b2, c0, c1, c2, d0, d1, d2
