"""What is trained: the four kinds of network of the paper, with and without a transformer in front.

    fcn      two hidden layers
    cnn      conv 9x9 - pool - conv 7x7 - pool - classifier
    st-fcn   a spatial transformer whose localisation net is fully connected, then the fcn
    st-cnn   a spatial transformer whose localisation net is convolutional, then the cnn
    2st-fcn  two transformers side by side, each of which sees and crops all channels, then the fcn

A transformer hands on a crop of 28x28 whatever the size of its input. The paper's recalled sizes for
42x42 (2x2 pooling of a 42x42 crop, then 9x9 and 7x7 with pooling) do not close, so there is no such
pooling here.
"""

from __future__ import annotations

import numpy as np

from layers import (
    AvgPool2d,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    Module,
    ParallelSpatialTransformers,
    ReLU,
    Sequential,
    SpatialTransformer,
)

CROP = 28
NETS = ("fcn", "cnn", "st-fcn", "st-cnn", "2st-fcn")


def build(
    name: str,
    side: int,
    rng: np.random.Generator,
    channels: int = 1,
    classes: int = 10,
    transform: str = "affine",
    filters: int = 64,
    hidden: tuple[int, ...] = (128, 128),
) -> Module:
    """The network of that name for pictures of `channels` x `side` x `side`.

    Parameters
    ----------
    transform
        What the transformer may do: attention, affine, projective or tps.
    filters, hidden
        Filters of the cnn's second convolution, of which the first has half as many; units of the
        fcn's hidden layers.
    """
    kind = name.removeprefix("2").removeprefix("st-")
    if name == kind:
        front, seen = [], (channels, side)
    elif name.startswith("2"):
        transformers = [_transformer(kind, channels, side, transform, rng) for _ in range(2)]
        front, seen = [ParallelSpatialTransformers(transformers)], (2 * channels, CROP)
    else:
        front, seen = [_transformer(kind, channels, side, transform, rng)], (channels, CROP)
    classifier = (
        _fcn(*seen, classes, hidden, rng) if kind == "fcn" else _cnn(*seen, classes, filters, rng)
    )
    return Sequential(*front, *classifier)


def _fcn(channels: int, side: int, classes: int, hidden: tuple[int, ...], rng: np.random.Generator):
    sizes = (channels * side * side, *hidden)
    layers = [Flatten()]
    for size, larger in zip(sizes[1:], sizes):
        layers += [Linear(larger, size, rng=rng), ReLU()]
    return [*layers, Linear(sizes[-1], classes, rng=rng)]


def _cnn(channels: int, side: int, classes: int, filters: int, rng: np.random.Generator):
    last = ((side - 8) // 2 - 6) // 2
    return [
        Conv2d(channels, filters // 2, 9, rng=rng),
        MaxPool2d(2),
        ReLU(),
        Conv2d(filters // 2, filters, 7, rng=rng),
        MaxPool2d(2),
        ReLU(),
        Flatten(),
        Linear(filters * last * last, classes, rng=rng),
    ]


def _transformer(
    kind: str, channels: int, side: int, transform: str, rng: np.random.Generator
) -> SpatialTransformer:
    """A transformer with the paper's localisation net of that kind."""
    if kind == "fcn":
        inner = [
            Flatten(),
            Linear(channels * side * side, 32, rng=rng),
            ReLU(),
            Linear(32, 32, rng=rng),
            ReLU(),
        ]
        features = 32
    else:
        last = (side // 2 - 4) // 2 - 4
        inner = [
            AvgPool2d(2),
            Conv2d(channels, 20, 5, rng=rng),
            MaxPool2d(2),
            ReLU(),
            Conv2d(20, 20, 5, rng=rng),
            ReLU(),
            Flatten(),
            Linear(20 * last * last, 20, rng=rng),
            ReLU(),
        ]
        features = 20
    return SpatialTransformer(Sequential(*inner), features, transform, (CROP, CROP))


def transformers(net: Module) -> list[SpatialTransformer]:
    """The spatial transformers of a network, in order; none for a net without."""
    return [module for module in net.modules() if isinstance(module, SpatialTransformer)]
