"""minigrad: a reverse-mode autograd engine on NumPy, small enough to step through."""

__version__ = "0.1.0"

from minigrad.tensor import Tensor, tensor  # isort: skip  (first: the rest is built on it)
from minigrad import optim
from minigrad.backward import grad
from minigrad.debugging.anomaly import anomaly
from minigrad.debugging.profile import profile
from minigrad.drawing.dot import dot
from minigrad.drawing.figure import draw
from minigrad.function import Function
from minigrad.grad_mode import enable_grad, is_grad_enabled, no_grad
from minigrad.gradcheck import gradcheck
from minigrad.ops.special import log_sigmoid, logsumexp, sigmoid, softplus
from minigrad.random import manual_seed
from minigrad.serialize import load, save
from minigrad.stepping.recording import recording
from minigrad.stepping.stepper import step

__all__ = [
    "Function",
    "Tensor",
    "anomaly",
    "dot",
    "draw",
    "enable_grad",
    "grad",
    "gradcheck",
    "is_grad_enabled",
    "load",
    "log_sigmoid",
    "logsumexp",
    "manual_seed",
    "no_grad",
    "optim",
    "profile",
    "recording",
    "save",
    "sigmoid",
    "softplus",
    "step",
    "tensor",
]
