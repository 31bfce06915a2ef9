"""Transposed convolution: every pixel stamps a filter, and stamps add up where they overlap.

Where a convolution gathers, this spreads::

    y[n,o,r,t] = b[o] + Σ_c Σ x[n,c,p,q] w[c,o,i,j]     over all p, i with p·sh - ph + i·dh = r
                                                        and q, j with q·sw - pw + j·dw = t

That is, sign by sign, dx of a convolution with this filter (see conv.py), with x in the place of dy.
A linear map and the way its gradient comes back are transposes of each other, so the gradients here
are the other two sums of a convolution, that runs from y's plane to x's::

    dx[n,c,p,q] = Σ_o Σ_i Σ_j dy[n,o, p·sh - ph + i·dh, q·sw - pw + j·dw] w[c,o,i,j]
    dw[c,o,i,j] = Σ_n Σ_p Σ_q x[n,c,p,q] dy[n,o, p·sh - ph + i·dh, q·sw - pw + j·dw]
    db[o]       = Σ_n Σ_r Σ_t dy[n,o,r,t]

Stride makes the image larger, and padding cuts the rim of y away. A convolution of stride s gives
the same size for s sizes of its input; output_padding (less than the stride) says which of them is
meant, by so many more rows at the bottom and columns at the right.
"""

from typing import Any

import numpy as np

from layers import init
from layers.checks import as_float, check_size
from layers.errors import OptionError
from layers.image_checks import Pair, as_image, as_pair, check_filters, check_groups
from layers.module import Module, Parameter
from minigrad import Function, Tensor
from minigrad.errors import ShapeError
from minigrad.kernels import convolution as kernels


def conv_transpose2d_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None = None,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    output_padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Stamp `w` (C, O/groups, kh, kw) at each pixel of `x` (N, C, H, W); return y, cache."""
    window = (stride, padding, dilation, groups)
    size = transposed_size(x.shape[2:], w.shape[2:], stride, padding, output_padding, dilation)
    y = kernels.conv2d_input_grad(x, w, (len(x), w.shape[1] * groups, *size), *window)
    if b is not None:
        y += b[:, None, None]
    return y, (x, w, window)


def conv_transpose2d_backward(
    dy: np.ndarray, cache: tuple[Any, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """Return dx, dw, db, each None where `needs` does not ask for it."""
    x, w, window = cache
    dx = dw = db = None
    if needs[0]:
        dx = kernels.conv2d_forward(dy, w, None, *window)
        dx = dx[:, :, : x.shape[2], : x.shape[3]]  # output padding can make room for one place more
    if needs[1]:
        dw, _ = kernels.conv2d_weight_grad(x, dy, w.shape, *window)
    if needs[2]:
        db = dy.sum(axis=(0, 2, 3))
    return dx, dw, db


def transposed_size(
    size: Pair, kernel: Pair, stride: Pair, padding: Pair, output_padding: Pair, dilation: Pair
) -> Pair:
    """Return (Ho, Wo): from the first stamp's upper left to the last one's lower right, but the rim."""
    height, width = (
        (n - 1) * s - 2 * p + d * (k - 1) + 1 + more
        for n, k, s, p, more, d in zip(size, kernel, stride, padding, output_padding, dilation)
    )
    return height, width


class ConvTranspose2dFunction(Function):
    """y = x stamped with w, + b;   dx = dy ⋆ w,   dw = x ⋆ dy,   db = Σ dy"""

    differentiable_once = True

    @staticmethod
    def forward(ctx, x, w, b, *, stride, padding, output_padding, dilation, groups):
        y, ctx.cache = conv_transpose2d_forward(
            x, w, b, stride, padding, output_padding, dilation, groups
        )
        return y

    @staticmethod
    def backward(ctx, dy):
        return conv_transpose2d_backward(dy, ctx.cache, ctx.needs_input_grad)


def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    output_padding: int | Pair = 0,
    groups: int = 1,
    dilation: int | Pair = 1,
) -> Tensor:
    """Stamp filters at every pixel; PyTorch's `torch.nn.functional.conv_transpose2d`.

    Parameters
    ----------
    input : (N, C, H, W) Tensor or array
    weight : (C, O / groups, kh, kw)
    bias : (O,) or None
    stride, padding, dilation : int or (vertical, horizontal)
    output_padding : int or (vertical, horizontal)
        Less than the stride or the dilation.
    groups : int
        Divides C and O.

    Returns
    -------
    (N, O, Ho, Wo) Tensor, with ``Ho = (H - 1)·sh - 2·ph + dh·(kh - 1) + 1 + output_padding`` and Wo
    alike

    Raises
    ------
    ShapeError, DtypeError, OptionError
    """
    name = "conv_transpose2d"
    x, w = as_image(name, input), as_float(name, weight, "weight")
    b = None if bias is None else as_float(name, bias, "bias")
    stride = as_pair(name, "stride", stride, 1)
    padding = as_pair(name, "padding", padding, 0)
    dilation = as_pair(name, "dilation", dilation, 1)
    output_padding = _check_output_padding(name, output_padding, stride, dilation)
    groups = check_groups(name, groups)
    form = "(in_channels, out_channels / groups, kh, kw)"
    check_filters(name, w, b, form, w.shape[1] * groups if w.ndim == 4 else 0)
    if x.shape[1] != len(w):
        raise ShapeError(
            f"{name}: the input of shape {x.shape} has {x.shape[1]} channels; a weight of shape "
            f"{w.shape}, which is {form}, expects {len(w)}."
        )
    check_groups(name, groups, in_channels=len(w))
    size = transposed_size(x.shape[2:], w.shape[2:], stride, padding, output_padding, dilation)
    if min(size) < 1:
        raise ShapeError(
            f"{name}: an input of {x.shape[2]} x {x.shape[3]}, stamped with a kernel of "
            f"{w.shape[2]} x {w.shape[3]} at stride {stride} and dilation {dilation}, is cut away by "
            f"padding {padding}: {size[0]} x {size[1]} would be left. Make the padding smaller."
        )
    return ConvTranspose2dFunction.apply(
        x,
        w,
        b,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
    )


def _check_output_padding(layer: str, value: Any, stride: Pair, dilation: Pair) -> Pair:
    pair = as_pair(layer, "output_padding", value, 0)
    if any(more >= max(s, d) for more, s, d in zip(pair, stride, dilation)):
        raise OptionError(
            f"{layer}: output_padding {pair} must be less than the stride {stride} or the dilation "
            f"{dilation}: no pixel of the input reaches farther."
        )
    return pair


class ConvTranspose2d(Module):
    """Transposed convolution with filters of its own, initialised as in PyTorch.

    That is U(-1/√f, 1/√f) with f = out_channels/groups·kh·kw: PyTorch takes the second axis of the
    weight as what is added up, which here counts channels of the output.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, output_padding : int or (vertical, horizontal)
    groups : int
        Divides both numbers of channels.
    bias : bool
    dilation : int or (vertical, horizontal)
    rng : numpy.random.Generator, optional

    Attributes
    ----------
    weight : (in_channels, out_channels / groups, kh, kw) Parameter
    bias : (out_channels,) Parameter or None
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        output_padding: int | Pair = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | Pair = 1,
        *,
        rng: np.random.Generator | None = None,
    ):
        name = "ConvTranspose2d"
        self.in_channels = check_size(name, "in_channels", in_channels)
        self.out_channels = check_size(name, "out_channels", out_channels)
        self.kernel_size = as_pair(name, "kernel_size", kernel_size, 1)
        self.stride = as_pair(name, "stride", stride, 1)
        self.padding = as_pair(name, "padding", padding, 0)
        self.dilation = as_pair(name, "dilation", dilation, 1)
        self.output_padding = _check_output_padding(
            name, output_padding, self.stride, self.dilation
        )
        self.groups = check_groups(name, groups, in_channels=in_channels, out_channels=out_channels)
        shape = (self.in_channels, self.out_channels // self.groups, *self.kernel_size)
        fan_in = shape[1] * shape[2] * shape[3]
        self.weight = Parameter(init.uniform(shape, fan_in, rng))
        self.bias = Parameter(init.uniform((out_channels,), fan_in, rng)) if bias else None

    def forward(self, x: Any) -> Tensor:
        return conv_transpose2d(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, padding={self.padding}, output_padding={self.output_padding}, "
            f"dilation={self.dilation}, groups={self.groups}, bias={self.bias is not None}"
        )
