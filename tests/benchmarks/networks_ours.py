"""The networks of the training steps, as the tasks build them."""

import numpy as np

import minigrad
from layers import Module
from layers.functional import cross_entropy
from tasks.spatial_transformer.models import build
from tests.benchmarks.training import NETWORKS, SIDE, Step


def network(name: str) -> Module:
    """The network of that name in NETWORKS, with its task's default sizes."""
    rng = np.random.default_rng(0)
    return build(side=SIDE, rng=rng, filters=64, hidden=(256, 128), **NETWORKS[name])


def step(name: str) -> Step:
    """A training step of that network."""
    return Step(name, minigrad, cross_entropy, network(name))
