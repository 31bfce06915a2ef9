"""Pooling: one number for each window of the image, its largest or its mean.

Max pooling selects. Let (r*, t*) be where the maximum of window (p, q) stands::

    y[n,c,p,q] = x[n,c,r*,t*]           dx[n,c,r,t] = Σ dy[n,c,p,q]  over windows with (r*,t*) = (r,t)

A small change of any other pixel changes nothing, so it gets nothing. At a tie the maximum has a
kink, and any sharing out among the tied pixels is a subgradient; the first in reading order gets it
all, as in PyTorch. Padding counts as -∞ and so is never chosen (a dilated window that sees nothing
else is -∞, and has no gradient).

Average pooling is linear, with the weight 1/(kh·kw) for every pixel of the window::

    y[n,c,p,q] = Σ_i Σ_j x[n,c, p·sh - ph + i, q·sw - pw + j] / (kh·kw)
    dx[n,c,r,t] = Σ dy[n,c,p,q] / (kh·kw)     over windows (p, q) that see (r, t)

Padding counts as 0 and is counted in.
"""

from typing import Any

import numpy as np

from layers.errors import OptionError
from layers.image_checks import Pair, as_image, as_pair, check_window
from layers.module import Module
from minigrad import Function, Tensor
from minigrad.kernels import pooling as kernels


def max_pool2d_forward(
    x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair = (0, 0), dilation: Pair = (1, 1)
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """The maximum of each window of `x` (N, C, H, W); return y (N, C, Ho, Wo), cache."""
    y, argmax = kernels.max_pool2d_forward(x, kernel, stride, padding, dilation)
    return y, (argmax, x.shape)


def max_pool2d_backward(dy: np.ndarray, cache: tuple[Any, ...]) -> np.ndarray:
    """Return dx: each dy added where its maximum stood."""
    argmax, x_shape = cache
    return kernels.max_pool2d_backward(dy, argmax, x_shape)


def avg_pool2d_forward(
    x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair = (0, 0)
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """The mean of each window of `x` (N, C, H, W); return y (N, C, Ho, Wo), cache."""
    window = (kernel, stride, padding)
    return kernels.avg_pool2d_forward(x, *window), (x.shape, window)


def avg_pool2d_backward(dy: np.ndarray, cache: tuple[Any, ...]) -> np.ndarray:
    """Return dx: each dy spread evenly over its window."""
    x_shape, window = cache
    return kernels.avg_pool2d_backward(dy, x_shape, *window)


class MaxPool2dFunction(Function):
    """y = max of each window;   dx = dy where the maximum stood"""

    differentiable_once = True

    @staticmethod
    def forward(ctx, x, *, kernel, stride, padding, dilation):
        y, ctx.cache = max_pool2d_forward(x, kernel, stride, padding, dilation)
        return y

    @staticmethod
    def backward(ctx, dy):
        return max_pool2d_backward(dy, ctx.cache)


class AvgPool2dFunction(Function):
    """y = mean of each window;   dx = dy / (kh kw), on all of the window"""

    differentiable_once = True

    @staticmethod
    def forward(ctx, x, *, kernel, stride, padding):
        y, ctx.cache = avg_pool2d_forward(x, kernel, stride, padding)
        return y

    @staticmethod
    def backward(ctx, dy):
        return avg_pool2d_backward(dy, ctx.cache)


def max_pool2d(
    input: Any,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
) -> Tensor:
    """The maximum of each window; PyTorch's `torch.nn.functional.max_pool2d`.

    Parameters
    ----------
    input : (N, C, H, W) Tensor or array
    kernel_size : int or (vertical, horizontal)
    stride : int or (vertical, horizontal), optional
        The kernel's size when not given: windows side by side.
    padding : int or (vertical, horizontal)
        At most half of what the window spans, dilation included.
    dilation : int or (vertical, horizontal)

    Returns
    -------
    (N, C, Ho, Wo) Tensor, with ``Ho = (H + 2·ph - dh·(kh - 1) - 1) // sh + 1`` and Wo alike

    Raises
    ------
    ShapeError, DtypeError, OptionError
    """
    x = as_image("max_pool2d", input)
    kernel, stride, padding, dilation = _window(
        "max_pool2d", kernel_size, stride, padding, dilation
    )
    check_window("max_pool2d", x.shape[2:], kernel, padding, dilation)
    return MaxPool2dFunction.apply(
        x, kernel=kernel, stride=stride, padding=padding, dilation=dilation
    )


def avg_pool2d(
    input: Any,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> Tensor:
    """The mean of each window; PyTorch's `torch.nn.functional.avg_pool2d`.

    Parameters
    ----------
    input : (N, C, H, W) Tensor or array
    kernel_size : int or (vertical, horizontal)
    stride : int or (vertical, horizontal), optional
        The kernel's size when not given: windows side by side.
    padding : int or (vertical, horizontal)
        At most half the kernel's size. Its zeros are counted in.

    Returns
    -------
    (N, C, Ho, Wo) Tensor, with ``Ho = (H + 2·ph - kh) // sh + 1`` and Wo alike

    Raises
    ------
    ShapeError, DtypeError, OptionError
    """
    x = as_image("avg_pool2d", input)
    kernel, stride, padding, _ = _window("avg_pool2d", kernel_size, stride, padding)
    check_window("avg_pool2d", x.shape[2:], kernel, padding)
    return AvgPool2dFunction.apply(x, kernel=kernel, stride=stride, padding=padding)


def _window(
    layer: str, kernel_size: Any, stride: Any, padding: Any, dilation: Any = 1
) -> tuple[Pair, Pair, Pair, Pair]:
    """Kernel, stride, padding and dilation as pairs, checked."""
    kernel = as_pair(layer, "kernel_size", kernel_size, 1)
    stride = kernel if stride is None else as_pair(layer, "stride", stride, 1)
    padding = as_pair(layer, "padding", padding, 0)
    dilation = as_pair(layer, "dilation", dilation, 1)
    for p, k, d in zip(padding, kernel, dilation):
        if 2 * p > d * (k - 1) + 1:
            raise OptionError(
                f"{layer}: padding {padding} is more than half of what the window spans "
                f"(kernel_size {kernel}, dilation {dilation}); at the rim it would see mostly nothing."
            )
    return kernel, stride, padding, dilation


class MaxPool2d(Module):
    """The maximum of each window; see `max_pool2d`.

    Parameters
    ----------
    kernel_size : int or (vertical, horizontal)
    stride : int or (vertical, horizontal), optional
        The kernel's size when not given.
    padding, dilation : int or (vertical, horizontal)
    """

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
        dilation: int | Pair = 1,
    ):
        self.kernel_size, self.stride, self.padding, self.dilation = _window(
            "MaxPool2d", kernel_size, stride, padding, dilation
        )

    def forward(self, x: Any) -> Tensor:
        return max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}"
        )


class AvgPool2d(Module):
    """The mean of each window; see `avg_pool2d`.

    Parameters
    ----------
    kernel_size : int or (vertical, horizontal)
    stride : int or (vertical, horizontal), optional
        The kernel's size when not given.
    padding : int or (vertical, horizontal)
    """

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
    ):
        self.kernel_size, self.stride, self.padding, _ = _window(
            "AvgPool2d", kernel_size, stride, padding
        )

    def forward(self, x: Any) -> Tensor:
        return avg_pool2d(x, self.kernel_size, self.stride, self.padding)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
