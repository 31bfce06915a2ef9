"""What is timed. Where the two libraries name things alike, one function serves both: F is
`layers.functional` in the one and `torch.nn.functional` in the other.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import torch

import layers
import minigrad
from layers import functional
from tests.benchmarks import networks_ours, networks_torch
from tests.benchmarks.case import Case, Passes, Shape, flops, moved, operations
from tests.benchmarks.comparison import Side, compare, compare_steps


def cases() -> list[Case]:
    """All of them, in the order of the table."""
    return [
        *first_convolution((64, 1, 28, 28), 32, 5),
        convolution((64, 32, 14, 14), 64, 3),
        *first_convolution((16, 3, 84, 84), 16, 8, stride=4),
        convolution((16, 16, 20, 20), 32, 4, stride=2),
        convolution((1, 64, 32, 32), 256, 3),
        convolution((8, 32, 64, 64), 32, 3),
        convolution((8, 32, 64, 64), 32, 3, dilation=2, padding=2),
        convolution((8, 32, 64, 64), 32, 3, dilation=4, padding=4),
        convolution((8, 64, 64, 64), 64, 1),
        transposed((8, 21, 16, 16), 21, 4, stride=2),
        transposed((8, 21, 8, 8), 21, 16, stride=8),
        pooling("max_pool2d", (64, 32, 28, 28)),
        pooling("avg_pool2d", (64, 32, 28, 28)),
        batch_norm((64, 32, 28, 28)),
        cross_entropy((64, 10)),
        cross_entropy((4096, 21)),
        grid_sample((64, 1, 42, 42)),
        grid_sample((64, 32, 28, 28)),
        grid_sample((16, 3, 84, 84)),
        affine_grid((64, 1, 42, 42)),
        Case("SpatialTransformer of the ST-CNN", "transformer", transformer),
        lstm(1, "fused LSTM", torch.nn.LSTM),
        lstm(2, "fused LSTM", torch.nn.LSTM),
        lstm(1, "LSTMCell in a loop", LoopOfCells),
        lstm(2, "LSTMCell in a loop", LoopOfCells),
        Case("chain of 30 operations on 8x8", "overhead", chain, operations(30)),
        Case("graph of 10,000 nodes on 8x8", "overhead", graph, operations(10_000)),
        training_step("ST-CNN"),
        training_step("2xST-FCN"),
    ]


# -- functions --------------------------------------------------------------------------------------


def of_arrays(function: Any, arrays: Sequence[np.ndarray], frozen: Sequence[int] = ()) -> Passes:
    """The passes of function(F, *Tensors)."""
    ours = Side(minigrad, lambda *xs: function(functional, *xs), arrays, frozen)
    theirs = Side(torch, lambda *xs: function(torch.nn.functional, *xs), arrays, frozen)
    return compare(ours, theirs, np.random.default_rng(1))


def draw(*shapes: Shape) -> list[np.ndarray]:
    """Random float32 arrays."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape, np.float32) for shape in shapes]


def convolution(
    x: Shape,
    out: int,
    k: int,
    stride: int = 1,
    dilation: int = 1,
    padding: int = 0,
    input_gradient: bool = True,
) -> Case:
    """conv2d of `x` (N, C, H, W) with `out` filters of k x k."""
    w = (out, x[1], k, k)
    reach = dilation * (k - 1) + 1 - 2 * padding
    places = prod((side - reach) // stride + 1 for side in x[2:])
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    without = "" if input_gradient else ", without the input gradient"
    return Case(
        f"conv2d {_window(x, out, k, stride, dilation)}{without}",
        "convolution" if input_gradient else "first convolution",
        lambda: of_arrays(
            lambda F, x, w, b: F.conv2d(x, w, b, **options),
            draw(x, w, (out,)),
            () if input_gradient else (0,),
        ),
        flops(2 * x[0] * places * prod(w), 1 + input_gradient),
    )


def first_convolution(*sizes: Any, **options: Any) -> list[Case]:
    """One that may stand first in a net, where nobody asks for the input's gradient."""
    return [convolution(*sizes, **options, input_gradient=wanted) for wanted in (True, False)]


def transposed(x: Shape, out: int, k: int, stride: int) -> Case:
    """conv_transpose2d of `x` (N, C, H, W) with `out` channels of k x k."""
    w = (x[1], out, k, k)
    return Case(
        f"conv_transpose2d {_window(x, out, k, stride)}",
        "convolution",
        lambda: of_arrays(
            lambda F, x, w, b: F.conv_transpose2d(x, w, b, stride), draw(x, w, (out,))
        ),
        flops(2 * x[0] * x[2] * x[3] * prod(w)),
    )


def pooling(name: str, x: Shape) -> Case:
    """max_pool2d or avg_pool2d, 2x2."""
    y = (*x[:2], x[2] // 2, x[3] // 2)
    return Case(
        f"{name} {_shape(x)}, 2x2",
        "pooling",
        lambda: of_arrays(lambda F, x: getattr(F, name)(x, 2), draw(x)),
        moved(x, y),
    )


def batch_norm(x: Shape) -> Case:
    """With the statistics of the batch, as in training."""
    channels = x[1:2]
    return Case(
        f"batch_norm {_shape(x)}",
        "normalisation",
        lambda: of_arrays(
            lambda F, x, w, b: F.batch_norm(x, None, None, w, b, True), draw(x, channels, channels)
        ),
        moved(x, x),
    )


def cross_entropy(z: Shape) -> Case:
    """Softmax cross-entropy of logits `z` (N, classes)."""
    labels = np.random.default_rng(2).integers(0, z[1], z[0])
    return Case(
        f"cross_entropy {_shape(z)}",
        "loss",
        lambda: of_arrays(lambda F, z, y: F.cross_entropy(z, y), [*draw(z), labels]),
        moved(z),
    )


def grid_sample(x: Shape) -> Case:
    """Bilinear, at the places of random affine maps near the identity: some lie outside."""
    grid = (x[0], *x[2:], 2)

    def prepare() -> Passes:
        image, change = draw(x, (x[0], 2, 3))
        places = functional.affine_grid(np.eye(2, 3, dtype=np.float32) + 0.2 * change, x)
        return of_arrays(
            lambda F, x, grid: F.grid_sample(x, grid, align_corners=False), [image, places.numpy()]
        )

    return Case(f"grid_sample {_shape(x)}", "grid_sample", prepare, moved(x, grid, x))


def affine_grid(size: Shape) -> Case:
    """Places (N, H, W, 2) from maps (N, 2, 3)."""
    theta = (size[0], 2, 3)
    return Case(
        f"affine_grid {_shape(size)}",
        "affine_grid",
        lambda: of_arrays(
            lambda F, theta: F.affine_grid(theta, list(size), align_corners=False), draw(theta)
        ),
        moved((size[0], *size[2:], 2)),
    )


# -- modules ----------------------------------------------------------------------------------------


def of_modules(
    ours: layers.Module, theirs: torch.nn.Module, x: Shape, call: Any = lambda net, x: net(x)
) -> Passes:
    """The passes of call(module, x), with gradients of x and all parameters."""
    sides = [
        Side(library, lambda t, net=net: call(net, t), draw(x), parameters=net.parameters())
        for library, net in ((minigrad, ours), (torch, theirs))
    ]
    return compare(*sides, np.random.default_rng(1))


def transformer() -> Passes:
    """Localisation net, grid and sampler: 64 pictures of 42x42 to 28x28."""
    ours, theirs = networks_ours.network("ST-CNN")[0], networks_torch.network("ST-CNN")[0]
    theirs.regression.weight.data = torch.tensor(draw((6, 20))[0] / 100)  # θ near the identity
    ours.load_state_dict(theirs.state_dict())
    return of_modules(ours, theirs, (64, 1, 42, 42))


class LoopOfCells(torch.nn.Module):
    """An LSTM as a student would write it: one cell a layer, step by step."""

    def __init__(self, inputs: int, hidden: int, depth: int):
        super().__init__()
        sizes = [inputs] + [hidden] * (depth - 1)
        self.cells = torch.nn.ModuleList(torch.nn.LSTMCell(size, hidden) for size in sizes)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
        """Outputs (T, N, H) of `x` (T, N, I)."""
        for cell in self.cells:
            state, outputs = None, []
            for x_t in x:
                state = cell(x_t, state)
                outputs.append(state[0])
            x = torch.stack(outputs)
        return (x,)


def lstm(
    depth: int, peer: str, module: Any, steps: int = 20, batch: int = 16, n: int = 256
) -> Case:
    """Our LSTM of so many layers against `module`."""

    def prepare() -> Passes:
        ours, theirs = layers.LSTM(n, n, depth), module(n, n, depth)
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            mine.data = other.detach().numpy().copy()
        return of_modules(ours, theirs, (steps, batch, n), lambda net, x: net(x)[0])

    return Case(
        f"LSTM {steps}x{batch}x{n} -> {n}, {depth} layer{'s' * (depth > 1)}, against {peer}",
        "LSTM" if module is torch.nn.LSTM else "LSTM cells",
        prepare,
        flops(depth * 2 * steps * batch * 4 * n * (n + n)),
    )


# -- overhead and whole steps -----------------------------------------------------------------------


def chain() -> Passes:
    """y = tanh(a y + b), ten times."""

    def function(F: Any, y: Any, a: Any, b: Any) -> Any:
        for _ in range(10):
            y = F.tanh(y * a + b)
        return y

    return of_arrays(function, draw((8, 8), (8, 8), (8, 8)))


def graph() -> Passes:
    """y, z = y + z, -y turns in a circle of six steps, so numbers and gradients stay as they are."""

    def function(F: Any, y: Any, z: Any) -> Any:
        for _ in range(5000):
            y, z = y + z, -y
        return y

    return of_arrays(function, draw((8, 8), (8, 8)))


def training_step(name: str) -> Case:
    """Loss, backward pass and Adam, from the same parameters."""

    def prepare() -> Passes:
        ours, theirs = networks_ours.step(name), networks_torch.step(name)
        theirs.net.load_state_dict({k: torch.tensor(v) for k, v in ours.net.state_dict().items()})
        return compare_steps(ours, theirs)

    return Case(f"training step, {name}", "step", prepare)


def _window(x: Shape, out: int, k: int, stride: int, dilation: int = 1) -> str:
    spread = f", dilation {dilation}" if dilation > 1 else ""
    return f"{_shape(x)} -> {out}, {k}x{k}" + (f", stride {stride}" if stride > 1 else "") + spread


def _shape(shape: Shape) -> str:
    return "x".join(map(str, shape))
