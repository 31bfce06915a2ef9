"""Convolution of images: one small set of filters, moved over every place.

Filter o looks at the image from every place (p, q) of a lattice of step s (stride), with its entries
d apart (dilation), on an image with p zeros around it (padding)::

    y[n,o,p,q] = b[o] + Σ_c Σ_i Σ_j w[o,c,i,j] x[n,c,r,t]      r = p·sh - ph + i·dh
                                                               t = q·sw - pw + j·dw

(x counts as 0 outside the image; as in PyTorch the filter is not flipped.) y is linear in x, in w and
in b, so each gradient gathers, over all outputs that an entry took part in, dy times its partner::

    db[o]       = Σ_n Σ_p Σ_q dy[n,o,p,q]
    dw[o,c,i,j] = Σ_n Σ_p Σ_q dy[n,o,p,q] x[n,c, p·sh - ph + i·dh, q·sw - pw + j·dw]
    dx[n,c,r,t] = Σ_o Σ dy[n,o,p,q] w[o,c,i,j]     over all p, i with p·sh - ph + i·dh = r
                                                   and q, j with q·sw - pw + j·dw = t

dw is the image correlated with dy. For dx every output stamps its filter, times dy, back onto the
place it looked at, and stamps add up where they overlap. With g groups the channels are split into g
parts that know nothing of each other: filter o then sees C/g channels.

How the sums are done fast stands in minigrad.kernels.convolution.
"""

from typing import Any

import numpy as np

from layers import init
from layers.checks import as_float, check_size
from layers.image_checks import (
    Pair,
    as_image,
    as_pair,
    check_filters,
    check_groups,
    check_window,
)
from layers.module import Module, Parameter
from minigrad import Function, Tensor
from minigrad.errors import ShapeError
from minigrad.kernels import convolution as kernels


def conv2d_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None = None,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Convolve `x` (N, C, H, W) with `w` (O, C/groups, kh, kw); return y (N, O, Ho, Wo), cache."""
    window = (stride, padding, dilation, groups)
    return kernels.conv2d_forward(x, w, b, *window), (x, w, window)


def conv2d_backward(
    dy: np.ndarray, cache: tuple[Any, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """Return dx, dw, db, each None where `needs` does not ask for it."""
    x, w, window = cache
    dx = dw = db = None
    if needs[0] and needs[1]:
        dx, dw, db = kernels.conv2d_grads(dy, x, w, *window)
    elif needs[0]:
        dx = kernels.conv2d_input_grad(dy, w, x.shape, *window)
    elif needs[1]:
        dw, db = kernels.conv2d_weight_grad(dy, x, w.shape, *window)
    if needs[2] and db is None:
        db = dy.sum(axis=(0, 2, 3))
    return dx, dw, db if needs[2] else None


class Conv2dFunction(Function):
    """y = x ⋆ w + b;   dx = dy stamped with w,   dw = dy ⋆ x,   db = Σ dy"""

    differentiable_once = True

    @staticmethod
    def forward(ctx, x, w, b, *, stride, padding, dilation, groups):
        y, ctx.cache = conv2d_forward(x, w, b, stride, padding, dilation, groups)
        return y

    @staticmethod
    def backward(ctx, dy):
        return conv2d_backward(dy, ctx.cache, ctx.needs_input_grad)


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve images with filters; PyTorch's `torch.nn.functional.conv2d`.

    Parameters
    ----------
    input : (N, C, H, W) Tensor or array
    weight : (O, C / groups, kh, kw)
    bias : (O,) or None
    stride, padding, dilation : int or (vertical, horizontal)
    groups : int
        Divides C and O.

    Returns
    -------
    (N, O, Ho, Wo) Tensor, with ``Ho = (H + 2·ph - dh·(kh - 1) - 1) // sh + 1`` and Wo alike

    Raises
    ------
    ShapeError, DtypeError, OptionError
    """
    x, w = as_image("conv2d", input), as_float("conv2d", weight, "weight")
    b = None if bias is None else as_float("conv2d", bias, "bias")
    stride = as_pair("conv2d", "stride", stride, 1)
    padding = as_pair("conv2d", "padding", padding, 0)
    dilation = as_pair("conv2d", "dilation", dilation, 1)
    check_filters("conv2d", w, b, "(out_channels, in_channels / groups, kh, kw)", len(w))
    groups = check_groups("conv2d", groups, out_channels=len(w))
    expected = w.shape[1] * groups
    if x.shape[1] != expected:
        last = " Channels come second here, not last." if x.shape[3] == expected else ""
        raise ShapeError(
            f"conv2d: the input of shape {x.shape} has {x.shape[1]} channels; a weight of shape "
            f"{w.shape} with {groups} group{'s' * (groups > 1)} expects {expected}.{last}"
        )
    check_window("conv2d", x.shape[2:], w.shape[2:], padding, dilation)
    return Conv2dFunction.apply(
        x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )


class Conv2d(Module):
    """Convolution with filters of its own, initialised as in PyTorch: U(-1/√f, 1/√f), f = C/g·kh·kw.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, dilation : int or (vertical, horizontal)
    groups : int
        Divides both numbers of channels.
    bias : bool
    rng : numpy.random.Generator, optional

    Attributes
    ----------
    weight : (out_channels, in_channels / groups, kh, kw) Parameter
    bias : (out_channels,) Parameter or None
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        rng: np.random.Generator | None = None,
    ):
        self.in_channels = check_size("Conv2d", "in_channels", in_channels)
        self.out_channels = check_size("Conv2d", "out_channels", out_channels)
        self.kernel_size = as_pair("Conv2d", "kernel_size", kernel_size, 1)
        self.stride = as_pair("Conv2d", "stride", stride, 1)
        self.padding = as_pair("Conv2d", "padding", padding, 0)
        self.dilation = as_pair("Conv2d", "dilation", dilation, 1)
        self.groups = check_groups(
            "Conv2d", groups, in_channels=in_channels, out_channels=out_channels
        )
        shape = (self.out_channels, self.in_channels // self.groups, *self.kernel_size)
        fan_in = shape[1] * shape[2] * shape[3]
        self.weight = Parameter(init.uniform(shape, fan_in, rng))
        self.bias = Parameter(init.uniform(shape[:1], fan_in, rng)) if bias else None

    def forward(self, x: Any) -> Tensor:
        return conv2d(
            x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"groups={self.groups}, bias={self.bias is not None}"
        )
