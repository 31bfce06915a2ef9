"""``python -m tests.benchmarks.parts``: where a convolution spends its time; writes PARTS.md beside it.

Forward, a kernel lays images out in planes, sums shifted runs and takes the outputs out again; the gradients
are made of the same three in other orders. Here each part runs alone on what stays in the caches, on one
thread, and what the whole kernel takes beyond them are trips to memory and the call.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numba
import numpy as np

from minigrad.kernels import convolution, correlation, planes
from minigrad.kernels.threads import set_num_threads
from minigrad.kernels.windows import output_size
from tests.benchmarks import machine

RESULTS = Path(__file__).with_name("PARTS.md")
REPETITIONS = 40

# images, channels, side, filters, kernel, stride, padding, dilation
SHAPES = (
    (64, 1, 28, 32, 5, 1, 0, 1),
    (64, 32, 14, 64, 3, 1, 0, 1),
    (16, 3, 84, 16, 8, 4, 0, 1),
    (16, 16, 20, 32, 4, 2, 0, 1),
    (1, 64, 32, 256, 3, 1, 0, 1),
    (8, 32, 64, 32, 3, 1, 0, 1),
    (8, 32, 64, 32, 3, 1, 4, 4),
    (8, 64, 64, 64, 1, 1, 0, 1),
)


@numba.njit
def _spread(x, layout, room):
    for first in range(0, len(x), layout.lanes):
        count = min(layout.lanes, len(x) - first)
        planes.spread(x, first, count, 0, layout, room)


@numba.njit
def _sum(x, packed, offsets, layout, room, sums, most):
    step = layout.cols * layout.lanes
    for _ in range(0, len(x), layout.lanes):
        for top in range(0, layout.out_rows, most):
            runs, length = planes.runs_of(layout, min(most, layout.out_rows - top))
            correlation.correlate(packed, offsets, room, top * step, runs, length, step, sums)


@numba.njit
def _collect(sums, layout, bias, y, most):
    for first in range(0, len(y), layout.lanes):
        count = min(layout.lanes, len(y) - first)
        for top in range(0, layout.out_rows, most):
            rows = min(most, layout.out_rows - top)
            planes.collect_outputs(sums, first, count, 0, y.shape[1], top, rows, layout, bias, y)


@numba.njit
def _prepare(weights, layout):
    """Packed weights, the room for sums, and how many rows of outputs are summed at a time."""
    most = convolution._rows_at_a_time(layout)
    _, sums = convolution._room(layout, weights.shape[0], most, weights.dtype, 0)
    return correlation.pack(weights), sums, most


def rows(shape: tuple[int, ...]) -> list[str]:
    """The cells of one convolution's row."""
    images, channels, side, filters, k, stride, padding, dilation = shape
    how = (stride, stride), (padding, padding), (dilation, dilation)
    size = output_size((side, side), (k, k), *how)
    layout, offsets = convolution._plan((channels, k, k), size, *how, images)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((images, channels, side, side), np.float32)
    weights = rng.standard_normal((filters, offsets.size), np.float32)
    y, bias = np.zeros((images, filters, *size), np.float32), np.zeros(filters, np.float32)
    packed, sums, most = _prepare(weights, layout)
    room = np.zeros(planes.plane_size(layout) + correlation.SLACK, np.float32)
    parts = [
        _milliseconds(_spread, x, layout, room),
        _milliseconds(_sum, x, packed, offsets, layout, room, sums, most),
        _milliseconds(_collect, sums, layout, bias, y, most),
    ]
    whole = _milliseconds(
        convolution.forward, x, 0, weights, offsets, bias, y, 0, layout, (0, images)
    )
    rate = 2e-6 * y.size * offsets.size / parts[1]
    times = [f"{t:.2f}" for t in (*parts, whole - sum(parts), whole)]
    return [_name(shape), str(layout.lanes), *times, f"{rate:.0f}"]


def _name(shape: tuple[int, ...]) -> str:
    images, channels, side, filters, k, stride, _, dilation = shape
    more = f", stride {stride}" * (stride > 1) + f", dilation {dilation}" * (dilation > 1)
    return f"{images}x{channels}x{side}x{side} -> {filters}, {k}x{k}{more}"


def _milliseconds(function: Callable[..., Any], *arguments: Any) -> float:
    function(*arguments)
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return 1e3 * median(times)


HEAD = """\
# Where a convolution's forward pass spends its time

Written by `python -m tests.benchmarks.parts`: medians in ms on one thread, float32. `lanes` images are
interleaved. Each part runs alone; the rest is what the kernel takes beyond them. The sums' rate stands
beside this machine's sgemm, {peak:.0f} GF/s in the same run.

| convolution | lanes | lay out | sum | take out | rest | kernel | GF/s of the sums |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
"""


def main() -> None:
    """Measure, print and write."""
    set_num_threads(1)
    peak = machine.peaks(1, 5)["GF/s"]
    table = "".join(f"| {' | '.join(rows(shape))} |\n" for shape in SHAPES)
    page = HEAD.format(peak=peak) + table
    print(page)
    RESULTS.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
