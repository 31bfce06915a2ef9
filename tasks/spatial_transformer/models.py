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
    localisation: tuple[int, ...] = (32, 32),
) -> Module:
    """The network of that name for pictures of `channels` x `side` x `side`.

    Parameters
    ----------
    transform
        What the transformer may do: attention, affine, projective or tps.
    filters, hidden
        Filters of the cnn's second convolution, of which the first has half as many; units of the
        fcn's hidden layers.
    localisation
        Units of the hidden layers of a fully connected localisation net.
    """
    kind = name.removeprefix("2").removeprefix("st-")
    count = 0 if name == kind else 2 if name.startswith("2") else 1
    front: list[Module] = [
        _transformer(kind, channels, side, transform, localisation, rng) for _ in range(count)
    ]
    if count == 2:
        front = [ParallelSpatialTransformers(front)]
    seen = (count * channels, CROP) if count else (channels, side)
    classifier = (
        _fcn(*seen, classes, hidden, rng) if kind == "fcn" else _cnn(*seen, classes, filters, rng)
    )
    return Sequential(*front, *classifier)


def _fcn(channels: int, side: int, classes: int, hidden: tuple[int, ...], rng: np.random.Generator):
    pixels = channels * side * side
    return [
        *_hidden(pixels, hidden, rng),
        Linear((pixels, *hidden)[-1], classes, rng=rng),
    ]


def _hidden(pixels: int, sizes: tuple[int, ...], rng: np.random.Generator) -> list[Module]:
    layers: list[Module] = [Flatten()]
    for before, size in zip((pixels, *sizes), sizes):
        layers += [Linear(before, size, rng=rng), ReLU()]
    return layers


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
    kind: str,
    channels: int,
    side: int,
    transform: str,
    hidden: tuple[int, ...],
    rng: np.random.Generator,
) -> SpatialTransformer:
    """A transformer with the paper's localisation net of that kind."""
    if kind == "fcn":
        inner = _hidden(channels * side * side, hidden, rng)
        features = hidden[-1]
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
