"""``python -m tests.benchmarks.parts``: where a convolution spends its time; writes PARTS.md beside it.

Forward, a kernel lays images out in planes, sums shifted runs and takes the outputs out again; the gradients
are made of the same three in other orders. Here each part runs alone on what stays in the caches, on one
thread, and what the whole kernel takes beyond them are trips to memory and the call.

A second table holds the rates of the gradients' sums beside the forward pass's, and a third the layout that a
convolution chooses beside all that it could have chosen.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np

from minigrad.kernels import convolution, correlation, layouts, planes
from minigrad.kernels.threads import set_num_threads
from minigrad.kernels.windows import output_size
from tests.benchmarks import machine
from tests.benchmarks.rounds import medians

RESULTS = Path(__file__).with_name("PARTS.md")

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
def _sum_back(x, packed, offsets, layout, upstream, room, most):
    step = layout.cols * layout.lanes
    for _ in range(0, len(x), layout.lanes):
        for top in range(0, layout.out_rows, most):
            runs, length = planes.runs_of(layout, min(most, layout.out_rows - top))
            correlation.correlate_back(
                packed, offsets, upstream, top * step, runs, length, step, room
            )


@numba.njit
def _sum_weights(x, offsets, layout, upstream, room, sums, most):
    step = layout.cols * layout.lanes
    for _ in range(0, len(x), layout.lanes):
        for top in range(0, layout.out_rows, most):
            runs, length = planes.runs_of(layout, min(most, layout.out_rows - top))
            correlation.correlate_weights(
                upstream, offsets, room, top * step, runs, length, step, sums
            )


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


def _convolution(shape: tuple[int, ...]) -> tuple[Any, ...]:
    """What the planner is asked, and images, weights, bias and room for outputs."""
    images, channels, side, filters, k, stride, padding, dilation = shape
    how = (stride, stride), (padding, padding), (dilation, dilation)
    size = output_size((side, side), (k, k), *how)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((images, channels, side, side), np.float32)
    weights = rng.standard_normal((filters, channels * k * k), np.float32)
    y, bias = np.zeros((images, filters, *size), np.float32), np.zeros(filters, np.float32)
    return ((channels, k, k), size, *how, images), x, weights, bias, y


def parts_of(shape: tuple[int, ...]) -> list[str]:
    """The cells of one convolution's row: its parts."""
    question, x, weights, bias, y = _convolution(shape)
    images = len(x)
    layout, offsets = layouts.plan(*question)
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


def rates_of(shape: tuple[int, ...]) -> list[str]:
    """The cells of one convolution's row: GF/s of the three sums, and the gradients' choices."""
    question, x, weights, _, y = _convolution(shape)
    products = 2e-6 * y.size * weights.shape[1]
    layout, offsets = layouts.plan(*question, "input_grad")
    other, others = layouts.plan(*question, "weight_grad")
    packed, sums, most = _prepare(weights, layout)
    turned = _prepare(weights.T.copy(), layout)[0]
    room = np.zeros(planes.plane_size(layout) + correlation.SLACK, np.float32)
    forward = _milliseconds(_sum, x, packed, offsets, layout, room, sums, most)
    upstream = sums[: len(weights)] * 0
    back = _milliseconds(_sum_back, x, turned, offsets, layout, upstream, room, most)
    _, upstream, most = _prepare(weights, other)
    room = np.zeros(planes.plane_size(other) + correlation.SLACK, np.float32)
    taps = np.append(others, [0] * (-len(others) % correlation.TAPS))
    total = np.zeros((len(upstream), len(taps)), np.float32)
    of_weights = _milliseconds(_sum_weights, x, taps, other, upstream, room, total, most)
    choices = [_choice(shape, "input_grad", layout), _choice(shape, "weight_grad", other)]
    rates = [f"{products / ms:.0f}" for ms in (forward, back, of_weights)]
    return [_name(shape), *rates, str(layout.lanes), choices[0], str(other.lanes), choices[1]]


def layouts_of(shape: tuple[int, ...]) -> list[str]:
    """The cells of one convolution's row: each layout's time by that of the fastest."""
    times = _by_layout(shape, "forward")
    chosen, _ = layouts.plan(*_convolution(shape)[0])
    fastest = min(times.values())
    cells = {}
    for layout, taken in times.items():
        mark = "**" if layout == chosen else ""
        cells[layout.lanes, layout.joined] = f"{mark}{taken / fastest:.2f}{mark}"
    columns = [(lanes, joined) for lanes in (1, 4, 8, 16) for joined in (True, False)]
    return [_name(shape), *(cells.get(column, "") for column in columns)]


def _choice(shape: tuple[int, ...], kernel: str, chosen: Any) -> str:
    """The time of a gradient's layout by that of the fastest, and how many lanes that has."""
    times = _by_layout(shape, kernel)
    fastest = min(times, key=lambda layout: times[layout])
    return f"{times[chosen] / times[fastest]:.2f} ({fastest.lanes})"


def _by_layout(shape: tuple[int, ...], kernel: str) -> dict[Any, float]:
    question, x, weights, bias, y = _convolution(shape)
    possible, offsets = layouts.all_layouts(*question)
    dw = np.zeros((len(weights), offsets.size + 1), np.float32)

    def arguments(taps: np.ndarray) -> tuple[Any, ...]:
        return {
            "forward": (x, 0, weights, taps, bias, y, 0),
            "input_grad": (y, 0, weights, taps, np.zeros_like(x), 0),
            "weight_grad": (y, 0, x, 0, taps, dw),
        }[kernel]

    run = getattr(convolution, kernel)
    return {
        layout: _milliseconds(run, *arguments(offsets * layout.lanes), layout, (0, len(x)))
        for layout in possible
    }


def _name(shape: tuple[int, ...]) -> str:
    images, channels, side, filters, k, stride, _, dilation = shape
    more = f", stride {stride}" * (stride > 1) + f", dilation {dilation}" * (dilation > 1)
    return f"{images}x{channels}x{side}x{side} -> {filters}, {k}x{k}{more}"


def _milliseconds(function: Callable[..., Any], *arguments: Any) -> float:
    return medians(partial(function, *arguments))[0]


HEAD = """\
# Where a convolution's forward pass spends its time

Written by `python -m tests.benchmarks.parts`: medians in ms on one thread, float32. `lanes` images are
interleaved. Each part runs alone; the rest is what the kernel takes beyond them. The sums' rate stands
beside this machine's sgemm, {peak:.0f} GF/s in the same run.

| convolution | lanes | lay out | sum | take out | rest | kernel | GF/s of the sums |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
"""


RATES = """
# The sums of the gradients

GF/s of the sums alone on one thread: forward, and of the gradients by the input, which are added to what is there
already, and by the weights, where each chunk ends with adding up the numbers of its vectors. Beside them the lanes
that each gradient chooses, and the kernel's time with them by its time with the fastest layout (whose lanes follow).

| convolution | forward | input | weights | lanes, input | by fastest | lanes, weights | by fastest |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
"""


LAYOUTS = """
# The choice of a layout

Each layout's time, forward, by that of the fastest, and in bold the one that `cycles` in
minigrad/kernels/layouts.py chooses: 1, 4, 8 or 16 images interleaved, rows joined to one run or not.

| convolution | 1, joined | 1 | 4, joined | 4 | 8, joined | 8 | 16, joined | 16 |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
"""


def main() -> None:
    """Measure, print and write."""
    set_num_threads(1)
    peak = machine.peaks(1, 5)["GF/s"]
    page = HEAD.format(peak=peak) + _table(parts_of) + RATES + _table(rates_of)
    page += LAYOUTS + _table(layouts_of)
    print(page)
    RESULTS.write_text(page, encoding="utf-8")


def _table(row: Callable[[tuple[int, ...]], list[str]]) -> str:
    return "".join(f"| {' | '.join(row(shape))} |\n" for shape in SHAPES)


if __name__ == "__main__":
    sys.exit(main())
