"""Layers as functions, with PyTorch's names and argument order: ``import layers.functional as F``."""

from layers.activation import leaky_relu, relu, sigmoid, softplus, tanh
from layers.batchnorm import batch_norm
from layers.binary_cross_entropy import binary_cross_entropy_with_logits
from layers.cross_entropy import cross_entropy
from layers.dropout import dropout
from layers.linear import linear
from layers.lstm import lstm
from layers.regression_loss import mse_loss, smooth_l1_loss
from layers.softmax import log_softmax, softmax

__all__ = [
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "leaky_relu",
    "linear",
    "log_softmax",
    "lstm",
    "mse_loss",
    "relu",
    "sigmoid",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
]
