"""``python -m tests.benchmarks.profile``: what our time goes into, on one thread and on two; writes PROFILE.md.

Only ours is measured. What stands in one row is timed in turn, so that differences of medians mean something.
"""

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

import minigrad
from layers import LSTM, functional
from layers import lstm as recurrent
from minigrad.kernels import convolution as convolving
from minigrad.kernels.lstm import steps_back, steps_forward
from minigrad.kernels.panels import add_product, panels
from minigrad.kernels.products import matmul
from minigrad.kernels.sampling import grid_sample_backward, grid_sample_forward
from minigrad.kernels.threads import run_both
from tests.benchmarks import machine, parts, profile_steps, rounds
from tests.benchmarks.comparison import Side
from tests.benchmarks.report import table
from tests.benchmarks.training import NETWORKS

RESULTS = Path(__file__).with_name("PROFILE.md")
THREADS = (1, 2)
SAMPLED = ((64, 1, 42, 42), (16, 3, 84, 84), (64, 32, 28, 28))
SEQUENCE = (20, 16, 256)  # steps, examples, features in and out

HEAD = """\
# What our time goes into

Written by `python -m tests.benchmarks.profile`: medians, float32, on one thread and on two. Before and after, sgemm did
{} and {} GF/s and copying {} and {} GB/s on one thread, {} and {} GF/s and {} and {} GB/s on two. Shares of the peak are
of sgemm's before."""
CONVOLUTION = """
## Convolution

The three kernels alone, in ms, at what rate (GF/s) and share of sgemm's; both gradients as a layer asks for them (on two
threads one each); the layer's forward+backward; and what that takes beyond forward and both: tape and Python.
"""
RECURRENT = """
## LSTM, 20x16x256 -> 256, one layer

The parts of forward+backward, each alone, in ms, with their products' rate and its share of sgemm's; indented, what the
steps are made of. The rest is what the layer takes beyond its parts.
"""
SAMPLING = """
## grid_sample

ns a sample: one number of the output, four pixels gathered. dx and dgrid are asked for one by one, then together, as a
layer does (on two threads one each); the layer's forward+backward; and what it takes beyond forward and both.
"""


def convolution(shape: tuple[int, ...], threads: int, peak: float) -> list[str]:
    """One convolution's row."""
    stride, padding, dilation = ((n, n) for n in shape[5:])
    _, x, weights, bias, y = parts._convolution(shape)
    w, dy = weights.reshape(shape[3], shape[1], shape[4], shape[4]), np.ones_like(y)
    window = stride, padding, dilation, 1

    def conv2d(*operands: Any) -> Any:
        return functional.conv2d(*operands, stride, padding, dilation)

    forward, dx, dw, both, layer = rounds.medians(
        lambda: convolving.conv2d_forward(x, w, bias, *window),
        lambda: convolving.conv2d_input_grad(dy, w, x.shape, *window),
        lambda: convolving.conv2d_weight_grad(dy, x, w.shape, *window),
        lambda: convolving.conv2d_grads(dy, x, w, *window),
        _layer(conv2d, (x, w, bias), dy),
    )
    products = 2e-6 * y.size * w[0].size
    kernels = [cell for ms in (forward, dx, dw) for cell in rounds.rate(ms, products, peak)]
    rest = layer - forward - both
    return [parts._name(shape), str(threads), *kernels, *rounds.times(both, layer, rest)]


@numba.njit(nogil=True)
def _order(w):
    return panels(w), panels(w.T)


@numba.njit(nogil=True)
def _products(x, packed, y, start, stop):
    for t in range(1, len(x)):
        add_product(x[t, start:stop], packed, y[t, start:stop])


def lstm(peak: float) -> list[list[str]]:
    """The cells of each part, in order."""
    steps, batch, size = SEQUENCE
    net, rng = LSTM(size, size), np.random.default_rng(0)
    x, dy = rng.standard_normal((2, *SEQUENCE), np.float32)
    weights = [parameter.data for parameter in net.parameters()]
    y, *_, cache = recurrent.lstm_forward(x, None, None, *weights)
    _, w_ih, w_hh, gates, h, c = cache
    none, da, into = np.zeros_like(c[0]), np.empty_like(gates), np.empty_like(y)
    rows, (packed, turned) = recurrent._rows, _order(w_hh)
    recurrent.lstm_backward(dy, none, none, cache)

    def share(function: Any, *arrays: Any) -> Any:
        return lambda: recurrent._share(lambda *some: function(*arrays, *some), c[0], w_hh)

    def outer() -> None:
        run_both(
            lambda: recurrent._outer(rows(da), rows(x)),
            lambda: (recurrent._outer(rows(da), rows(h[:-1])), np.sum(rows(da), axis=0)),
            recurrent._worth_sharing(none, w_hh),
        )

    bias = weights[2] + weights[3]
    back = share(steps_back, dy, none, none.copy(), gates, w_hh, c, da)
    back()  # fills da
    product = 2e-6 * steps * batch * 4 * size * size
    most = product * (steps - 1) / steps  # the first step's is not the kernels'
    timed = (
        (lambda: matmul(rows(x), w_ih.T), product),
        (share(steps_forward, w_hh, bias, gates, h, c), most),
        (share(_products, h[:-1], packed, gates.copy()), most),
        (back, most),
        (share(_products, da, turned, into), most),
        (lambda: _order(w_hh), 0),
        (lambda: matmul(rows(da), w_ih), product),
        (outer, 2 * product),
        (_layer(lambda x: net(x)[0], (x,), dy, net.parameters()), 6 * product),
    )
    times = rounds.medians(*(function for function, _ in timed))
    cells = [rounds.rate(ms, work, peak) for ms, (_, work) in zip(times, timed)]
    cells.insert(-1, rounds.rate(times[-1] - sum(times[i] for i in (0, 1, 3, 6, 7)), 0, peak))
    return cells


PARTS_OF_LSTM = (
    *("x W_ihᵀ", "steps forward", "… their products", "steps back", "… their products"),
    *("… W_hh into order, for both", "da W_ih", "dW_ih, dW_hh, db", "the rest", "forward+backward"),
)


def sampling(shape: tuple[int, ...], threads: int) -> list[str]:
    """One grid_sample's row."""
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, *shape), np.float32)
    theta = np.eye(2, 3) + 0.2 * rng.standard_normal((shape[0], 2, 3))
    grid = functional.affine_grid(theta.astype(np.float32), shape, align_corners=False).numpy()
    how = "bilinear", "zeros", False
    forward, dx, dgrid, both, layer = rounds.medians(
        lambda: grid_sample_forward(x, grid, *how),
        lambda: grid_sample_backward(dy, x, grid, *how, True, False),
        lambda: grid_sample_backward(dy, x, grid, *how, False, True),
        lambda: grid_sample_backward(dy, x, grid, *how),
        _layer(lambda *operands: functional.grid_sample(*operands, *how), (x, grid), dy),
    )
    times = forward, dx, dgrid, both, layer, layer - forward - both
    name = "x".join(map(str, shape))
    return [name, str(threads), *(f"{1e6 * ms / x.size:.2f}" for ms in times)]


def _layer(function: Any, arrays: Any, dy: np.ndarray, parameters: Any = ()) -> Callable[[], None]:
    """forward+backward as the benchmark calls it."""
    side = Side(minigrad, function, arrays, parameters=parameters)
    side.upstream = minigrad.tensor(dy)
    return side.forward_backward


def measure() -> str:
    """The page."""
    rates, found = [], []
    for n in THREADS:
        with machine.running_on(n):
            before = machine.peaks(n, min(rounds.REPETITIONS, 6))
            peak = before["GF/s"]
            found.append(
                (
                    [convolution(shape, n, peak) for shape in parts.SHAPES],
                    lstm(peak),
                    [sampling(shape, n) for shape in SAMPLED],
                    [profile_steps.training(name) for name in NETWORKS],
                    profile_steps.overhead(),
                )
            )
            after = machine.peaks(n, min(rounds.REPETITIONS, 6))
            rates += [f"{by:.0f}" for unit in before for by in (before[unit], after[unit])]
    convolutions, layers, samples, steps, operations = zip(*found)
    counts = [f"{n} thread{'s' * (n > 1)}" for n in THREADS]
    page = [HEAD.format(*rates)]
    kernels = [cell for name in ("forward", "dx", "dw, db") for cell in (name, "GF/s", "of peak")]
    columns = ["convolution", "threads", *kernels, "both gradients", "layer", "beyond"]
    page += [CONVOLUTION, table(columns, [row for rows in zip(*convolutions) for row in rows])]
    columns = ["", *(cell for n in counts for cell in (n, "GF/s", "of peak"))]
    rows = [[name, *sum(cells, [])] for name, *cells in zip(PARTS_OF_LSTM, *layers)]
    page += [RECURRENT, table(columns, rows)]
    columns = ["images", "threads", "forward", "dx", "dgrid", "both", "layer", "beyond"]
    page += [SAMPLING, table(columns, [row for rows in zip(*samples) for row in rows])]
    columns = ["", *(cell for n in counts for cell in (f"{n}, forward", "backward", "of step"))]
    columns.append("gain")
    for name, by_threads in zip(NETWORKS, zip(*steps)):
        page += [
            profile_steps.STEP.format(name),
            table(columns, profile_steps.training_rows(by_threads)),
        ]
    rows = [
        [name, *rounds.times(*us)]
        for name, *us in zip(profile_steps.PARTS_OF_OVERHEAD, *operations)
    ]
    page += [profile_steps.OVERHEAD.format(profile_steps.OPERATIONS), table(["", *counts], rows)]
    return "\n".join(page) + "\n"


def main() -> None:
    """Measure, print and write."""
    gc.collect()
    gc.freeze()  # the modules that PyTorch imports are not the collector's to look through
    try:
        page = measure()
    finally:
        gc.unfreeze()
    print(page)
    RESULTS.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
