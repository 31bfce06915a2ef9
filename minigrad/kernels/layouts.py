"""How a convolution lays its images out: the fastest way, as a rough count of cycles has it.

How many images are interleaved, and whether rows are joined to one run, makes a kernel up to twice as
fast; which is best depends on sizes, strides, and what is computed.
"""

from functools import lru_cache

import numpy as np

from minigrad.kernels.correlation import vectors_of
from minigrad.kernels.planes import Layout, Pair

__all__ = ["CHUNK", "all_layouts", "plan"]

CHUNK = 2048  # outputs of a channel that are computed at a time: what they need stays in the cache
LARGE = 1 << 18  # planes of more numbers do not stay there


@lru_cache(maxsize=256)
def plan(
    taps: tuple[int, int, int],
    size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    images: int,
    rule: str = "forward",
) -> tuple[Layout, np.ndarray]:
    """How images are laid out for `taps` (channels, kh, kw) and outputs of `size`; the taps' offsets.

    `rule` is the kernel's name.
    """
    possible, offsets = all_layouts(taps, size, stride, padding, dilation, images)
    layout = min(possible, key=lambda layout: cycles(layout, offsets.size, rule))
    return layout, offsets * layout.lanes


def all_layouts(
    taps: tuple[int, int, int], size: Pair, stride: Pair, padding: Pair, dilation: Pair, images: int
) -> tuple[list[Layout], np.ndarray]:
    """All ways to lay out images, and the taps' offsets in one lane."""
    (row_phases, row_shifts), (col_phases, col_shifts) = (
        (np.arange(k) * d % s, np.arange(k) * d // s) for k, d, s in zip(taps[1:], dilation, stride)
    )
    rows, cols = size[0] + int(row_shifts.max()), size[1] + int(col_shifts.max())
    channels = np.arange(taps[0])[:, None, None]
    planes = (channels * stride[0] + row_phases[:, None]) * stride[1] + col_phases
    offsets = ((planes * rows + row_shifts[:, None]) * cols + col_shifts).ravel()
    possible = [
        Layout(taps[0], stride, padding, rows, cols, *size, lanes, joined)
        for lanes in (1, 4, 8, 16)
        if lanes <= max(1, images)
        for joined in (True, False)
    ]
    return possible, offsets


def cycles(layout: Layout, taps: int, rule: str) -> float:
    """What an output takes in such a layout, roughly; PARTS.md of tests/benchmarks has the test of it."""
    lanes, runs, length = layout.lanes, layout.out_rows, layout.out_cols * layout.lanes
    outputs = runs * length
    if layout.joined:
        runs, length = 1, ((runs - 1) * layout.cols + layout.out_cols) * lanes
    if lanes == 1:
        moves = 1.6 if layout.stride == (1, 1) else 2.0
    else:
        numbers = layout.channels * np.prod(layout.stride) * layout.rows * layout.cols * lanes
        moves = 1.5 + 2 / lanes + (1 if numbers > LARGE else 0)
    taken = float(runs * vectors_of(length) * taps)  # one vector a cycle
    if rule != "forward":
        taken += runs * taps / 2  # the gradients' sums begin anew with each run
    if rule == "weight_grad":
        # Each chunk ends with adding up the numbers of each vector: some 8 cycles a weight.
        taken += 8 * taps * max(1, outputs / CHUNK)
    return taken / outputs + moves
