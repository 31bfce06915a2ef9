"""Cross-entropy, many places at a time; the formulas stand in layers/cross_entropy.py.

A place has C logits and a label: an example, or a pixel of one. Logits are (N, C, D), with D places an
example; where D is 1, the N examples serve as the places of a single one.

The trick in three lines: the logits of WIDTH places are brought side by side, class after class, so that the
largest, the exponentials (exponentials.py) and their sums are found for all of these places at once, in
vectors. Nothing of the size of the logits is kept: the gradient takes their exponentials again.
"""

import numpy as np

from minigrad.kernels import kernel, part, plain
from minigrad.kernels.exponentials import exp
from minigrad.kernels.threads import run_sliced

__all__ = ["cross_entropy_backward", "cross_entropy_forward"]

WIDTH = 128
LARGE = 1 << 16  # logits from which on a second thread is worth its start

Cache = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def cross_entropy_forward(
    z: np.ndarray, labels: np.ndarray, ignore_index: int
) -> tuple[np.ndarray, Cache, int]:
    """Return the losses -log softmax(z)[label] of logits `z` (N, C, D) and integer `labels` (N, D).

    Returns
    -------
    losses : (N, D)
        0 where the label is `ignore_index`.
    cache
    counted : int
        How many labels are not `ignore_index`; -1 if one of them is none of 0 ... C - 1.
    """
    (z,), (labels,) = plain(z), plain(labels, dtype=np.int64)
    high, total, picked = np.empty((3, *labels.shape), z.dtype)

    def run(start: int, stop: int) -> int:
        at = slice(start, stop)
        return sums(z[at], labels[at], ignore_index, high[at], total[at], picked[at])

    counts = run_sliced(run, len(z)) if z.size >= LARGE else [run(0, len(z))]
    if min(counts) < 0:
        return picked, (z, labels, high, total), -1
    return np.log(total) - picked, (z, labels, high, total), sum(counts)


def cross_entropy_backward(scale: np.ndarray, cache: Cache, ignore_index: int) -> np.ndarray:
    """Return dz (N, C, D), where each loss reaches the end by its number in `scale` (N, D)."""
    z, labels, high, total = cache
    dz = np.empty_like(z)

    def run(start: int, stop: int) -> None:
        at = slice(start, stop)
        gradient(z[at], labels[at], ignore_index, high[at], total[at], scale[at], dz[at])

    run_sliced(run, len(z)) if z.size >= LARGE else run(0, len(z))
    return dz


def _sums_numpy(
    z: np.ndarray,
    labels: np.ndarray,
    ignore_index: int,
    high: np.ndarray,
    total: np.ndarray,
    picked: np.ndarray,
) -> int:
    counted = labels != ignore_index
    label = np.where(counted, labels, 0)
    if np.any((label < 0) | (label >= z.shape[1])):
        return -1
    high[...] = np.max(z, axis=1, initial=-np.inf)
    lowered = z - high[:, None]
    total[...] = np.where(counted, np.sum(np.exp(lowered), axis=1), 1)
    picked[...] = np.where(counted, np.take_along_axis(lowered, label[:, None], axis=1)[:, 0], 0)
    return int(np.sum(counted))


@kernel(twin=_sums_numpy)
def sums(
    z: np.ndarray,
    labels: np.ndarray,
    ignore_index: int,
    high: np.ndarray,
    total: np.ndarray,
    picked: np.ndarray,
) -> int:
    """Write of each place the largest logit, Σ exp(z - largest), and what the label picks of z - largest.

    Where a label is `ignore_index` the sum is 1 and the pick 0.

    Returns
    -------
    int
        How many labels are not `ignore_index`; -1 if one of them is no class.
    """
    classes, counted = z.shape[1], 0
    label, highs = labels.reshape(-1), high.reshape(-1)
    totals, picks = total.reshape(-1), picked.reshape(-1)
    near = np.zeros((classes, WIDTH), z.dtype)
    best, added = np.empty(WIDTH, z.dtype), np.empty(WIDTH, z.dtype)
    examples, places = _as_one(z.shape)
    for n in range(examples):
        for first in range(0, places, WIDTH):
            count, place = min(WIDTH, places - first), n * places + first
            _collect(z, n, first, count, near)
            best[:], added[:] = -np.inf, 0
            for c in range(classes):
                for r in range(WIDTH):
                    best[r] = near[c, r] if near[c, r] > best[r] else best[r]
            for c in range(classes):
                for r in range(WIDTH):
                    added[r] += exp(near[c, r] - best[r], z.dtype.type)
            for r in range(count):
                highs[place + r], totals[place + r], picks[place + r] = best[r], 1, 0
                k = label[place + r]
                if k == ignore_index:
                    continue
                if k < 0 or k >= classes:
                    return -1
                totals[place + r], picks[place + r] = added[r], near[k, r] - best[r]
                counted += 1
    return counted


@part
def _as_one(shape):
    """Examples, places of each."""
    examples, _, places = shape
    return (1, examples) if places == 1 else (examples, places)


@part
def _collect(z, n, first, count, near):
    """near[c, r] = logit c of the r-th of `count` places, from place `first` of example n on."""
    classes, places = z.shape[1], z.shape[2]
    flat = z.reshape(-1)
    if places == 1:
        for r in range(count):
            source = flat[(first + r) * classes : (first + r + 1) * classes]
            for c in range(classes):
                near[c, r] = source[c]
    else:
        for c in range(classes):
            source, row = z[n, c, first : first + count], near[c]
            for r in range(count):
                row[r] = source[r]


def _gradient_numpy(
    z: np.ndarray,
    labels: np.ndarray,
    ignore_index: int,
    high: np.ndarray,
    total: np.ndarray,
    scale: np.ndarray,
    dz: np.ndarray,
) -> None:
    dz[...] = np.exp(z - high[:, None]) * (scale / total)[:, None]
    n, d = np.nonzero(labels != ignore_index)
    dz[n, labels[n, d], d] -= scale[n, d]
    dz.swapaxes(1, 2)[labels == ignore_index] = 0


@kernel(twin=_gradient_numpy)
def gradient(
    z: np.ndarray,
    labels: np.ndarray,
    ignore_index: int,
    high: np.ndarray,
    total: np.ndarray,
    scale: np.ndarray,
    dz: np.ndarray,
) -> None:
    """dz = scale (exp(z - high) / total - one-hot label), and 0 where the label is `ignore_index`."""
    classes = z.shape[1]
    label, highs = labels.reshape(-1), high.reshape(-1)
    totals, scales = total.reshape(-1), scale.reshape(-1)
    near = np.zeros((classes, WIDTH), z.dtype)
    best, factor = np.zeros(WIDTH, z.dtype), np.zeros(WIDTH, z.dtype)
    examples, places = _as_one(z.shape)
    for n in range(examples):
        for first in range(0, places, WIDTH):
            count, place = min(WIDTH, places - first), n * places + first
            _collect(z, n, first, count, near)
            for r in range(count):
                best[r], factor[r] = highs[place + r], scales[place + r] / totals[place + r]
            for c in range(classes):
                for r in range(WIDTH):
                    near[c, r] = exp(near[c, r] - best[r], z.dtype.type) * factor[r]
            for r in range(count):
                k = label[place + r]
                if k == ignore_index:
                    near[:, r] = 0
                else:
                    near[k, r] -= scales[place + r]
            _spread(near, n, first, count, dz)


@part
def _spread(near, n, first, count, z):
    """The reverse of `_collect`."""
    classes, places = z.shape[1], z.shape[2]
    flat = z.reshape(-1)
    if places == 1:
        for r in range(count):
            target = flat[(first + r) * classes : (first + r + 1) * classes]
            for c in range(classes):
                target[c] = near[c, r]
    else:
        for c in range(classes):
            target, row = z[n, c, first : first + count], near[c]
            for r in range(count):
                target[r] = row[r]
