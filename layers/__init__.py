"""layers: hand-derived layers and losses with PyTorch's names and conventions, one file a family."""

from layers import functional
from layers.activation import LeakyReLU, ReLU, Sigmoid, Softplus, Tanh
from layers.container import ModuleList, Sequential
from layers.flatten import Flatten
from layers.linear import Linear
from layers.module import Module, Parameter
from layers.softmax import LogSoftmax, Softmax

__all__ = [
    "Flatten",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Module",
    "ModuleList",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "functional",
]
