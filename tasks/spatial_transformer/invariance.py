"""Invariance: how far a net's features and answers stay put when a digit moves, layer by layer.

Pooling takes the largest of each 2x2 pixels, so a small step may go unnoticed: in a default run the
first pooling gains 0.3 pixels and the second 0.7. Nothing in a ConvNet is made for rotation or scale:
it must learn each pose. A spatial transformer undoes the movement before the first
convolution, as far as it has learned to; in a short run that is to follow the digit and to zoom, while
a turned digit is left turned.

Three nets learn the same distorted digits. Then upright test digits in the middle of the canvas are
moved by a known amount, and the features of each layer are compared with those of the digits at rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from layers import Conv2d, Linear, MaxPool2d, Module, ReLU, Sequential, SpatialTransformer
from minigrad import Tensor, no_grad, tensor
from tasks.config import Config as CommonConfig
from tasks.config import option
from tasks.data import DataError, load_mnist
from tasks.run import Run
from tasks.spatial_transformer import invariance_figures
from tasks.spatial_transformer.data import DISTORTIONS, TrainingBatches, test_set
from tasks.spatial_transformer.distortions import sample
from tasks.spatial_transformer.evaluate import error
from tasks.spatial_transformer.grids import Pose, similarity_grid
from tasks.spatial_transformer.models import build
from tasks.spatial_transformer.train import ADAM_RATES, Trainer

NO_POOL: Final = "cnn-no-pool"
Net = Literal["cnn-no-pool", "cnn", "st-cnn"]


@dataclass(frozen=True)
class Config(CommonConfig):
    """The settings of invariance."""

    nets: tuple[Net, ...] = option((NO_POOL, "cnn", "st-cnn"), "networks, trained side by side")
    steps: int = option(800, "training steps", minimum=1)
    batch: int = option(64, "digits a step", minimum=1)
    lr: float | None = option(None, "Adam's learning rate; none: the best for each net", minimum=0)
    filters: int = option(32, "filters of the second convolution; the first has half", minimum=2)
    digits: int = option(200, "upright test digits that are moved", minimum=20)
    evaluate_every: int = option(200, "steps between two evaluations", minimum=1)
    test_size: int | None = option(None, "distorted test digits; none: each one once", minimum=1)


PRESETS = {
    "quick": {"steps": 10, "evaluate_every": 10, "batch": 32, "digits": 20, "test_size": 100},
    "default": {},
    "paper": {
        "data": "full",
        "steps": 10_000,
        "batch": 128,
        "filters": 64,
        "digits": 400,
        "evaluate_every": 1000,
    },
}
FIRST_LOOK = 30  # steps to the first evaluation and picture
DISTORTION = DISTORTIONS["RTS"]  # of the digits that the nets learn


def main(run: Run[Config]) -> None:
    """Train the nets on the same batches, then move the same digits before each of them."""
    config = run.config
    mnist = load_mnist(config.data)
    batches = TrainingBatches(
        mnist.x_train, mnist.y_train, DISTORTION, config.batch, run.rng("batches")
    )
    x_test, y_test = test_set(mnist.x_test, mnist.y_test, DISTORTION, seed=0, size=config.test_size)
    if config.digits > len(mnist.x_test):
        raise DataError(
            f"--digits {config.digits} must be at most {len(mnist.x_test)}: so many test digits are here"
        )
    images, labels = mnist.x_test[: config.digits], mnist.y_test[: config.digits]

    trainers: dict[str, Trainer] = {}
    for name in config.nets:
        net = make_net(name, config.filters, run.rng(f"init {name}"))
        rate = ADAM_RATES[name.removesuffix("-no-pool")] if config.lr is None else config.lr
        trainers[name] = Trainer(net, "adam", rate, config.steps, name=name)

    nets = {name: trainer.net for name, trainer in trainers.items()}
    for step in run.steps(config.steps, {"nets": trainers, "batches": batches}):
        x, y = next(batches)
        loss = {name: trainer.step(x, y) for name, trainer in trainers.items()}
        if step % config.evaluate_every == 0 or step in (FIRST_LOOK, config.steps):
            errors = {name: error(net, x_test, y_test) for name, net in nets.items()}
            run.log(step, loss=loss, error=errors)
            measured = {
                name: {move.name: measure(net, images, labels, move) for move in MOVEMENTS}
                for name, net in nets.items()
            }
            run.metrics |= {"error": errors, **figures_of(measured)}
            run.figure("invariance", invariance_figures.invariance(measured, MOVEMENTS))
    run.say(EXPLAINED)


# What is moved, and how


class Movement(NamedTuple):
    """One way to move a digit: its unit, the amounts from rest on, and the farthest that is learned."""

    name: str
    unit: str
    amounts: tuple[float, ...]
    learned: float


MOVEMENTS = (
    Movement("translation", "px", tuple(range(9)), learned=7),
    Movement("rotation", "degrees", tuple(range(0, 91, 15)), learned=45),
    Movement("scale", "times larger or smaller", (1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6), learned=1.2),
)
WAYS = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])


def moved(images: np.ndarray, movement: Movement, amount: float) -> np.ndarray:
    """Digits (N, 28, 28) uint8 on their canvas, all moved as far: (N, 1, 42, 42) float32.

    They go right, down, left and up by turns; to the left and to the right; larger and smaller.
    """
    n = len(images)
    angle, scale, shift = np.zeros(n), np.ones(n), np.zeros((n, 2))
    one_way = np.arange(n) % 2 == 0
    if movement.name == "translation":
        shift = amount * WAYS[np.arange(n) % len(WAYS)]
    elif movement.name == "rotation":
        angle = np.where(one_way, amount, -amount)
    else:
        scale = np.where(one_way, amount, 1 / amount)
    return sample(images, similarity_grid(Pose(angle, scale, shift), DISTORTION.canvas))


# What is trained


class Subsample(Module):
    """Every second pixel, down and across: what is left of 2x2 pooling without its choice."""

    def forward(self, x: Tensor) -> Tensor:
        """Of `x` (N, C, H, W) the pixels of odd number: (N, C, H // 2, W // 2)."""
        return x[:, :, 1::2, 1::2]


def make_net(name: str, filters: int, rng: np.random.Generator) -> Module:
    """The cnn or st-cnn of `models`, or the cnn whose poolings only subsample."""
    if name != NO_POOL:
        return build(name, DISTORTION.canvas, rng, filters=filters)
    cnn = build("cnn", DISTORTION.canvas, rng, filters=filters)
    return Sequential(*(Subsample() if isinstance(m, MaxPool2d) else m for m in cnn.children()))


# What is measured

EXPLAINED = f"""\
reach: how far a digit is moved until half of a layer's features have changed, in {", ".join(f"{m.unit} ({m.name})" for m in MOVEMENTS)}
same: per cent of the digits moved as far as the nets were trained for that get the same class as at rest
right: per cent of them that get their own class"""


class Measured(NamedTuple):
    """How one net takes one movement; the arrays have an entry for each amount.

    Attributes
    ----------
    stay
        Layer to how far its features stay put: 1 as if the digit had not moved, 0 as different as
        those of a digit of another class, less where they differ more than that.
    reach
        Layer to how far a digit may be moved until its features stay put by half only.
    same, right
        The shares of digits that are given the same class as at rest, and their own.
    seen
        (amounts, H, W): the first digit as the first convolution gets to see it.
    """

    stay: dict[str, np.ndarray]
    reach: dict[str, float]
    same: np.ndarray
    right: np.ndarray
    seen: np.ndarray


def measure(net: Module, images: np.ndarray, labels: np.ndarray, movement: Movement) -> Measured:
    """Move the digits `images` (N, 28, 28) by each amount, and see what stays as it was.

    With the distance d(u, v) = 1 - cos(u, v) of two features, a layer's features stay put by
    1 - mean d(at rest, moved) / mean d(at rest, at rest for a digit of another class). Of a layer that
    makes the same of all digits (each ReLU of it has died) nothing can be said: nan.
    """
    rest = features(net, moved(images, movement, movement.amounts[0]))
    one, other = np.nonzero(labels[:, None] != labels)
    apart = {layer: distances(f)[one, other].mean() for layer, f in rest.items()}
    stay: dict[str, list[float]] = {layer: [] for layer in rest}
    answers, seen = [], []
    for amount in movement.amounts:
        now = features(net, moved(images, movement, amount))
        for layer, f in rest.items():
            away = distance(f, now[layer]).mean()
            stay[layer].append(1 - away / apart[layer] if apart[layer] > 1e-6 else np.nan)
        answers.append(now["scores"].argmax(axis=1))
        seen.append(now.get("crop", now["input"])[0, 0])
    curves = {layer: np.array(values) for layer, values in stay.items()}
    return Measured(
        stay=curves,
        reach={layer: reach(movement.amounts, curve) for layer, curve in curves.items()},
        same=np.mean(np.array(answers) == answers[0], axis=1),
        right=np.mean(np.array(answers) == labels, axis=1),
        seen=np.array(seen),
    )


def reach(amounts: Sequence[float], stay: np.ndarray, least: float = 0.5) -> float:
    """The amount up to which `stay` does not fall below `least`; at most the greatest amount.

    Between the amounts, `stay` is taken to be straight. Where it is nan, so is the answer.
    """
    if np.isnan(stay).any():
        return np.nan
    below = np.flatnonzero(stay < least)
    if not len(below):
        return float(amounts[-1])
    last = below[0] - 1
    part = (stay[last] - least) / (stay[last] - stay[last + 1])
    return float(amounts[last] + part * (amounts[last + 1] - amounts[last]))


def features(net: Module, x: np.ndarray) -> dict[str, np.ndarray]:
    """What each layer makes of the pictures: input, crop (of a transformer), conv1, pool1, … scores.

    Features are as ReLU leaves them. (In the net it comes after the pooling, which makes no difference:
    the largest stays the largest.)
    """
    kept = {"input": x}
    convolutions = 0
    with no_grad():
        y = tensor(x)
        for module in net.children():
            y = module(y)
            if isinstance(module, SpatialTransformer):
                kept["crop"] = y.numpy()
            elif isinstance(module, Conv2d):
                convolutions += 1
                kept[f"conv{convolutions}"] = np.maximum(y, 0).numpy()
            elif isinstance(module, ReLU):
                kept[f"pool{convolutions}"] = y.numpy()
            elif isinstance(module, Linear):
                kept["scores"] = y.numpy()
    return kept


def figures_of(measured: Mapping[str, Mapping[str, Measured]]) -> dict[str, Any]:
    """`reach.cnn.rotation.conv2` in degrees; `same` and `right` in per cent, at the learned limit."""
    metrics: dict[str, Any] = {}
    for name, by_movement in measured.items():
        for movement in MOVEMENTS:
            row = by_movement[movement.name]
            at = movement.amounts.index(movement.learned)
            where = f"{name}.{movement.name}"
            metrics[f"reach.{where}"] = row.reach
            metrics[f"same.{where}"] = 100 * row.same[at]
            metrics[f"right.{where}"] = 100 * row.right[at]
    return metrics


def distance(f: np.ndarray, g: np.ndarray) -> np.ndarray:
    """1 - cos of features (N, ...) and others, (N,), as |u - v|^2 / 2 of u, v of length 1.

    So features that are all 0 differ by 0 from each other, and by 1/2 from any others.
    """
    return ((_unit(f) - _unit(g)) ** 2).sum(axis=1) / 2


def distances(f: np.ndarray) -> np.ndarray:
    """The `distance` of each of the features (N, ...) from each, (N, N)."""
    u = _unit(f)
    products = u @ u.T
    squares = np.diagonal(products)
    return (squares[:, None] + squares) / 2 - products


def _unit(f: np.ndarray) -> np.ndarray:
    """Features (N, ...) as vectors (N, D) of length 1 (or 0)."""
    flat = f.reshape(len(f), -1)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return flat / np.where(length > 0, length, 1)
