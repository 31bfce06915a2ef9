"""The library's own operations and layers, which are right: gradcheck must pass them all.

Each entry is a callable of Tensors with the shapes of its inputs and where they lie. `draw` gives
inputs on kinks too: whole numbers have ties, zeros, and samples exactly on pixels.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import layers
import minigrad
from layers import functional as F

M, IMAGE = (3, 4), (2, 2, 4, 5)
ANY, POSITIVE, UNIT = (-2, 2), (1, 3), (-1, 1)


class Entry(NamedTuple):
    """An operation, the shapes of its inputs, and the range of their numbers."""

    f: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    range: tuple[int, int]

    def draw(self, rng: Any, kinks: bool, dtype: Any = np.float64) -> list[np.ndarray]:
        low, high = self.range
        if kinks:
            drawn = [rng.integers(low, high, s, endpoint=True).astype(float) for s in self.shapes]
        else:
            drawn = [rng.uniform(low, high, s) for s in self.shapes]
        return [x.astype(dtype) for x in drawn]


def _all(functions: str, *shapes: Any, where: tuple[int, int] = ANY) -> dict[str, Entry]:
    """Functions of NumPy, or of minigrad, by name."""
    found = {}
    for name in functions.split():
        found[name] = Entry(getattr(np, name, None) or getattr(minigrad, name), shapes, where)
    return found


def _weights(rng_seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(rng_seed).standard_normal(shape)


ROWS = np.array([0, 2, 2, 1])
LABELS = np.array([1, 0, 3])

OPERATIONS: dict[str, Entry] = {
    **_all("negative positive square exp expm1 exp2 sin cos arctan sinh cosh tanh arcsinh sinc", M),
    **_all("absolute sign floor ceil trunc rint cbrt sort median ptp cumsum cumprod prod sum", M),
    **_all("mean var max min ravel transpose flip diff deg2rad sigmoid softplus log_sigmoid", M),
    **_all("sqrt reciprocal log log1p log2 log10", M, where=POSITIVE),
    **_all("add subtract multiply maximum minimum fmax fmin logaddexp hypot", M, M),
    **_all("divide power arctan2 true_divide", M, M, where=POSITIVE),
    "add, broadcast": Entry(np.add, (M, (4,)), ANY),
    "multiply, broadcast": Entry(np.multiply, ((3, 1), (4,)), ANY),
    "maximum, broadcast": Entry(np.maximum, (M, (1, 4)), ANY),
    "mod": Entry(lambda a: np.mod(a, 1.7), (M,), ANY),
    "clip": Entry(lambda a: np.clip(a, -1, 1), (M,), ANY),
    "where": Entry(lambda a, b: np.where(a.detach().numpy() > 0, a, b), (M, M), ANY),
    "max, one axis": Entry(lambda a: np.max(a, axis=1), (M,), ANY),
    "std": Entry(lambda a: np.std(a * np.arange(1.0, 5), axis=1), (M,), POSITIVE),
    "norm": Entry(np.linalg.norm, (M,), ANY),
    "quantile": Entry(lambda a: np.quantile(a, [0.2, 0.5], axis=0), (M,), ANY),
    "matmul": Entry(np.matmul, (M, (4, 2)), ANY),
    "matmul, batches": Entry(np.matmul, ((2, 3, 4), (4, 2)), ANY),
    "einsum": Entry(lambda a, b: np.einsum("ij,kj->ki", a, b), (M, (2, 4)), ANY),
    "tensordot": Entry(lambda a, b: np.tensordot(a, b, 1), (M, (4, 2)), ANY),
    "inv": Entry(lambda a: np.linalg.inv(a + 9 * np.eye(3)), ((3, 3),), ANY),
    "det": Entry(lambda a: np.linalg.det(a + 9 * np.eye(3)), ((3, 3),), ANY),
    "solve": Entry(lambda a, b: np.linalg.solve(a + 9 * np.eye(3), b), ((3, 3), (3, 2)), ANY),
    "concatenate": Entry(lambda a, b: np.concatenate([a, b]), (M, M), ANY),
    "stack": Entry(lambda a, b: np.stack([a, b], 1), (M, M), ANY),
    "split": Entry(lambda a: np.split(a, 2, 1), (M,), ANY),
    "pad": Entry(lambda a: np.pad(a, 1), (M,), ANY),
    "pad, reflected": Entry(lambda a: np.pad(a, 1, mode="reflect"), (M,), ANY),
    "roll": Entry(lambda a: np.roll(a, 1, 1), (M,), ANY),
    "indexing": Entry(lambda a: a[ROWS], (M,), ANY),
    "indexing, slices": Entry(lambda a: a[::-1, 1:3], (M,), ANY),
    "convolve": Entry(np.convolve, ((5,), (3,)), ANY),
    "a value used twice": Entry(lambda a: a * np.tanh(a) + a @ a.T @ a, (M,), ANY),
    "binary cross-entropy, its two kinks cancelling": Entry(
        lambda a: F.relu(a) - a * 0.3 + np.log1p(np.exp(-np.abs(a))), (M,), ANY
    ),
    "softplus, its two kinks cancelling": Entry(
        lambda a: F.relu(a) + np.log1p(np.exp(-np.abs(a))), (M,), ANY
    ),
    "x by two relus": Entry(lambda a, b: F.relu(a - b) - F.relu(b - a), (M, M), ANY),
    "sign times absolute": Entry(lambda a: np.sign(a) * np.abs(a), (M,), ANY),
    "relu of a product": Entry(lambda a, b: F.relu(a @ b) @ b.T, (M, (4, 2)), ANY),
    "max of relu": Entry(lambda a: np.max(F.relu(a) * a, axis=0), (M,), ANY),
}

LAYERS: dict[str, Entry] = {
    **{
        name: Entry(getattr(F, name), (M,), ANY)
        for name in ("relu", "leaky_relu", "sigmoid", "tanh", "softplus")
    },
    "softmax": Entry(lambda x: F.softmax(x, 1), (M,), ANY),
    "log_softmax": Entry(lambda x: F.log_softmax(x, 0), (M,), ANY),
    "linear": Entry(F.linear, (M, (2, 4), (2,)), ANY),
    "cross_entropy": Entry(lambda x: F.cross_entropy(x, LABELS), (M,), ANY),
    "mse_loss": Entry(F.mse_loss, (M, M), ANY),
    "smooth_l1_loss": Entry(F.smooth_l1_loss, (M, M), ANY),
    "binary_cross_entropy_with_logits": Entry(
        lambda x: F.binary_cross_entropy_with_logits(x, np.eye(3, 4)), (M,), ANY
    ),
    "dropout": Entry(lambda x: F.dropout(x, rng=np.random.default_rng(0)), (M,), ANY),
    "conv2d": Entry(lambda x, w, b: F.conv2d(x, w, b, padding=1), (IMAGE, (2, 2, 3, 2), (2,)), ANY),
    "conv_transpose2d": Entry(
        lambda x, w: F.conv_transpose2d(x, w, stride=2), ((1, 2, 2, 3), (2, 1, 2, 2)), ANY
    ),
    "max_pool2d": Entry(lambda x: F.max_pool2d(x, 2, 1), (IMAGE,), ANY),
    "avg_pool2d": Entry(lambda x: F.avg_pool2d(x, 2), (IMAGE,), ANY),
    "batch_norm": Entry(
        lambda x, w, b: F.batch_norm(
            x + np.arange(80.0).reshape(IMAGE) % 7, None, None, w, b, True
        ),
        (IMAGE, (2,), (2,)),
        ANY,
    ),
    "batch norm, then relu": Entry(
        lambda x: F.relu(F.batch_norm(x, None, None, training=True)), ((4, 2),), ANY
    ),
    "affine_grid": Entry(lambda t: F.affine_grid(t, (2, 1, 3, 4)), ((2, 2, 3),), ANY),
    "grid_sample": Entry(F.grid_sample, ((1, 2, 3, 4), (1, 2, 3, 2)), UNIT),
    "grid_sample, on pixels": Entry(
        lambda x, g: F.grid_sample(x, g / 2, align_corners=True), ((1, 1, 5, 5), (1, 2, 3, 2)), ANY
    ),
    "grid_sample, border": Entry(
        lambda x, g: F.grid_sample(x, g, padding_mode="border"), ((1, 1, 3, 4), (1, 2, 3, 2)), ANY
    ),
    "spatial transformer": Entry(
        lambda x, t: F.grid_sample(x, F.affine_grid(t, (1, 1, 3, 3))),
        ((1, 1, 3, 4), (1, 2, 3)),
        UNIT,
    ),
}


def modules() -> dict[str, tuple[Any, tuple[int, ...]]]:
    """Modules with the shape of their input; made anew, for they remember what they saw."""
    return {
        "Linear": (layers.Linear(4, 2), M),
        "Conv2d": (layers.Conv2d(2, 2, 3), IMAGE),
        "ConvTranspose2d": (layers.ConvTranspose2d(2, 1, 2), (1, 2, 2, 3)),
        "BatchNorm2d": (layers.BatchNorm2d(2), IMAGE),
        "MaxPool2d": (layers.MaxPool2d(2), IMAGE),
        "LSTM": (layers.LSTM(2, 3), (3, 2, 2)),
        "LSTMCell": (layers.LSTMCell(2, 3), (3, 2)),
        "a net": (
            layers.Sequential(
                layers.Conv2d(1, 2, 2),
                layers.ReLU(),
                layers.MaxPool2d(2),
                layers.Flatten(),
                layers.Linear(4, 2),
            ),
            (2, 1, 5, 4),
        ),
    }
