"""Batch normalisation: each channel with mean 0 and variance 1 over batch and image.

In training, with m values x a channel,

    μ = Σ x / m      σ² = Σ (x - μ)² / m      x̂ = (x - μ) / s,  s = √(σ² + ε)      y = γ x̂ + β

Then dβ = Σ dy and dγ = Σ dy x̂. With dx̂ = γ dy, x acts on the outputs in three ways:

    directly             dx̂ / s
    through the mean     ∂x̂_j/∂μ = -1/s, ∂μ/∂x = 1/m             gives  -(Σ dx̂) / (s m)
    through the variance ∂x̂_j/∂σ² = -x̂_j / (2 s²), ∂σ²/∂x = 2 (x - μ) / m = 2 s x̂ / m
                                                                 gives  -x̂ (Σ dx̂ x̂) / (s m)

(μ moves σ² as well, by Σ (x - μ) = 0.) Together, since Σ dx̂ = γ dβ and Σ dx̂ x̂ = γ dγ,

    dx = γ/s · (dy - (dβ + x̂ dγ) / m)

In evaluation μ and σ² are the running estimates, constants, and  dx = γ/s · dy.

Source: S. Ioffe, C. Szegedy, "Batch Normalization", 2015. Running estimates as in PyTorch: the
variance with m - 1.
"""

from typing import Any

import numpy as np

from layers.checks import as_float, check_size
from layers.errors import OptionError
from layers.module import Module, Parameter
from minigrad import Function, Tensor
from minigrad.errors import ShapeError
from minigrad.kernels import batchnorm as kernels


def batch_norm_forward(
    x: np.ndarray, w: Any, b: Any, mean: np.ndarray, var: np.ndarray, eps: float, training: bool
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Normalise `x` (N, C, ...) by `mean` and `var` (C,), scale by `w`, shift by `b`.

    Parameters
    ----------
    w, b : (C,) array or None
    training : bool
        Whether `mean` and `var` are those of x, and so depend on it.
    """
    inverse = 1 / np.sqrt(var + eps)
    y = kernels.batch_norm_forward(x, mean, inverse if w is None else w * inverse, b)
    return y, (x, w, mean, inverse, training)


def batch_norm_backward(
    dy: np.ndarray, cache: tuple[Any, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dx, dw, db."""
    x, w, mean, inverse, training = cache
    return kernels.batch_norm_backward(dy, x, mean, inverse, w, training)


class BatchNormFunction(Function):
    """y = γ x̂ + β, x̂ = (x - μ) / s;   dx = γ/s (dy - (dβ + x̂ dγ) / m),   dγ = Σ dy x̂,   dβ = Σ dy"""

    differentiable_once = True

    @staticmethod
    def forward(ctx, x, w, b, *, mean, var, eps, training):
        y, ctx.cache = batch_norm_forward(x, w, b, mean, var, eps, training)
        return y

    @staticmethod
    def backward(ctx, dy):
        return batch_norm_backward(dy, ctx.cache)


def batch_norm(
    input: Any,
    running_mean: np.ndarray | None,
    running_var: np.ndarray | None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel: by the batch's own statistics in training, else by the running ones.

    Parameters
    ----------
    input : (N, C, ...) Tensor or array
    running_mean, running_var : (C,) array or None
        In training they move towards the batch's statistics, in place, by the share `momentum`;
        None keeps none.
    weight, bias : (C,) or None
        γ and β.
    training : bool
    momentum, eps : float

    Returns
    -------
    Tensor of input's shape

    Raises
    ------
    ShapeError
        Channels that do not fit; in training, fewer than two values a channel.
    """
    x = as_float("batch_norm", input)
    _check_options("batch_norm", momentum, eps)
    _check_shapes(x, running_mean, running_var, weight, bias)
    if not training:
        if running_mean is None or running_var is None:
            raise OptionError("batch_norm: evaluation needs running_mean and running_var.")
        mean, var = running_mean.copy(), running_var.copy()
    else:
        data = x._data if isinstance(x, Tensor) else x
        m = data.size // max(1, data.shape[1])
        if m < 2:
            raise ShapeError(
                f"batch_norm: in training an input of shape {x.shape} has {m} value(s) a channel, "
                "and a variance needs 2 or more. Use a larger batch, or call eval() first."
            )
        mean, var = kernels.batch_statistics(data)
        if running_mean is not None and running_var is not None:
            running_mean += momentum * (mean - running_mean)
            running_var += momentum * (var * (m / (m - 1)) - running_var)
    return BatchNormFunction.apply(x, weight, bias, mean=mean, var=var, eps=eps, training=training)


def _check_options(layer: str, momentum: float | None, eps: float) -> None:
    if not eps >= 0:
        raise OptionError(
            f"{layer}: eps is added to a variance and must be 0 or more, not {eps!r}."
        )
    if momentum is not None and not 0 <= momentum <= 1:
        raise OptionError(f"{layer}: momentum is a share from 0 to 1, not {momentum!r}.")


def _check_shapes(x: Any, *per_channel: Any) -> None:
    if x.ndim < 2:
        raise ShapeError(
            f"batch_norm: an input of shape {x.shape} has no channel axis; it must be (N, C, ...)."
        )
    for array in per_channel:
        if array is not None and array.shape != (x.shape[1],):
            raise ShapeError(
                f"batch_norm: an input of shape {x.shape} has {x.shape[1]} channels on axis 1; this "
                f"layer is made for {array.shape[0]}."
            )


class BatchNorm2d(Module):
    """Batch normalisation of images (N, C, H, W).

    Parameters
    ----------
    num_features : int
        C.
    eps : float
        Added to the variance.
    momentum : float or None
        The share of the newest batch in the running estimates; None averages over all batches.
    affine : bool
        Whether to scale by a weight and shift by a bias, both trained.
    track_running_stats : bool
        False normalises by the batch in evaluation too.

    Attributes
    ----------
    weight, bias : (C,) Parameter or None
        Ones and zeros at first.
    running_mean, running_var, num_batches_tracked : buffers
    """

    running_mean: np.ndarray | None
    running_var: np.ndarray | None
    num_batches_tracked: np.ndarray | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ):
        n = self.num_features = check_size("BatchNorm2d", "num_features", num_features)
        _check_options("BatchNorm2d", momentum, eps)
        self.eps, self.momentum = eps, momentum
        self.weight = Parameter(np.ones(n)) if affine else None
        self.bias = Parameter(np.zeros(n)) if affine else None
        tracked = track_running_stats
        self.register_buffer("running_mean", np.zeros(n, np.float32) if tracked else None)
        self.register_buffer("running_var", np.ones(n, np.float32) if tracked else None)
        self.register_buffer("num_batches_tracked", np.zeros((), np.int64) if tracked else None)

    def forward(self, x: Any) -> Tensor:
        x = as_float("BatchNorm2d", x)
        if x.ndim != 4:
            raise ShapeError(
                f"BatchNorm2d: an input of shape {x.shape} has {x.ndim} axes; it must be "
                "(N, C, H, W). A single image needs a batch axis: x[None]."
            )
        counted = self.num_batches_tracked if self.training else None
        momentum = self.momentum
        if momentum is None:
            momentum = 0.0 if counted is None else 1 / (int(counted) + 1)
        y = batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            momentum,
            self.eps,
        )
        if counted is not None:
            self.num_batches_tracked = np.asarray(counted + 1)
        return y

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.weight is not None}, "
            f"track_running_stats={self.running_mean is not None}"
        )
