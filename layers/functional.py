"""Layers as functions, with PyTorch's names and argument order: ``import layers.functional as F``."""

from layers.activation import leaky_relu, relu, sigmoid, softplus, tanh
from layers.cross_entropy import cross_entropy
from layers.linear import linear
from layers.softmax import log_softmax, softmax

__all__ = [
    "cross_entropy",
    "leaky_relu",
    "linear",
    "log_softmax",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "tanh",
]
