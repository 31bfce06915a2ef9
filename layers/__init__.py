"""layers: hand-derived layers and losses with PyTorch's names and conventions, one file a family."""

from layers import functional, views
from layers.activation import LeakyReLU, ReLU, Sigmoid, Softplus, Tanh
from layers.batchnorm import BatchNorm2d
from layers.container import ModuleList, Sequential
from layers.conv import Conv2d
from layers.conv_transpose import ConvTranspose2d
from layers.dropout import Dropout
from layers.flatten import Flatten
from layers.linear import Linear
from layers.lstm_modules import LSTM, LSTMCell
from layers.module import Module, Parameter
from layers.pool import AvgPool2d, MaxPool2d
from layers.softmax import LogSoftmax, Softmax
from layers.spatial_transformer import ParallelSpatialTransformers, SpatialTransformer

__all__ = [
    "AvgPool2d",
    "BatchNorm2d",
    "Conv2d",
    "ConvTranspose2d",
    "Dropout",
    "Flatten",
    "LSTM",
    "LSTMCell",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MaxPool2d",
    "Module",
    "ModuleList",
    "ParallelSpatialTransformers",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "SpatialTransformer",
    "Tanh",
    "functional",
    "views",
]
