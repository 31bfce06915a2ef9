"""layers: hand-derived layers and losses with PyTorch's names and conventions, one file a family."""

from layers import functional
from layers.activation import LeakyReLU, ReLU, Sigmoid, Softplus, Tanh
from layers.batchnorm import BatchNorm2d
from layers.container import ModuleList, Sequential
from layers.dropout import Dropout
from layers.flatten import Flatten
from layers.linear import Linear
from layers.lstm import LSTM, LSTMCell
from layers.module import Module, Parameter
from layers.softmax import LogSoftmax, Softmax

__all__ = [
    "BatchNorm2d",
    "Dropout",
    "Flatten",
    "LSTM",
    "LSTMCell",
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
