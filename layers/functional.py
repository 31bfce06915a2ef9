"""Layers as functions, with PyTorch's names and argument order: ``import layers.functional as F``."""

from layers.activation import leaky_relu, relu, sigmoid, softplus, tanh
from layers.affine_grid import affine_grid, attention_grid
from layers.batchnorm import batch_norm
from layers.binary_cross_entropy import binary_cross_entropy_with_logits
from layers.conv import conv2d
from layers.conv_transpose import conv_transpose2d
from layers.cross_entropy import cross_entropy
from layers.dropout import dropout
from layers.grid_sample import grid_sample
from layers.linear import linear
from layers.lstm import lstm
from layers.pool import avg_pool2d, max_pool2d
from layers.projective_grid import projective_grid
from layers.regression_loss import mse_loss, smooth_l1_loss
from layers.softmax import log_softmax, softmax
from layers.thin_plate_spline import thin_plate_spline_grid

__all__ = [
    "affine_grid",
    "attention_grid",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "conv2d",
    "conv_transpose2d",
    "cross_entropy",
    "dropout",
    "grid_sample",
    "leaky_relu",
    "linear",
    "log_softmax",
    "lstm",
    "max_pool2d",
    "mse_loss",
    "projective_grid",
    "relu",
    "sigmoid",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
    "thin_plate_spline_grid",
]
