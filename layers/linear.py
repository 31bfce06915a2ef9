"""Linear: y = x Wᵀ + b.

Output o of example n is  y[n,o] = Σ_i x[n,i] W[o,i] + b[o].  Each gradient adds up over all outputs
that its entry took part in:

    dx[n,i] = Σ_o dy[n,o] W[o,i]        dx = dy W
    dW[o,i] = Σ_n dy[n,o] x[n,i]        dW = dyᵀ x
    db[o]   = Σ_n dy[n,o]

Where x has more axes than two, all but the last count examples.
"""

from typing import Any

import numpy as np

from layers import init
from layers.checks import as_float, check_size
from layers.module import Module, Parameter
from minigrad import Function, Tensor
from minigrad.errors import ShapeError
from minigrad.kernels.products import matmul


def linear_forward(x: Any, w: Any, b: Any = None) -> tuple[Any, tuple[Any, ...]]:
    """Map `x` (..., I) to y (..., O) by `w` (O, I) and `b` (O,) or None; return y and the cache."""
    y = matmul(_rows(x), w.T)
    if b is not None:
        y += b
    return y.reshape(x.shape[:-1] + w.shape[:1]), (x, w)


def linear_backward(
    dy: Any, cache: tuple[Any, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Any, Any, Any]:
    """Return dx, dw, db, each None where `needs` does not ask for it."""
    x, w = cache
    dy = _rows(dy)
    dx = matmul(dy, w).reshape(x.shape) if needs[0] else None
    dw = matmul(dy.T, _rows(x)) if needs[1] else None
    db = np.sum(dy, axis=0) if needs[2] else None
    return dx, dw, db


def _rows(x: Any) -> Any:
    return x if x.ndim == 2 else x.reshape((-1, x.shape[-1]))


class LinearFunction(Function):
    """y = x Wᵀ + b;   dx = dy W,   dW = dyᵀ x,   db = Σ dy"""

    @staticmethod
    def forward(ctx, x, w, b):
        y, ctx.cache = linear_forward(x, w, b)
        return y

    @staticmethod
    def backward(ctx, dy):
        return linear_backward(dy, ctx.cache, ctx.needs_input_grad)


def linear(input: Any, weight: Any, bias: Any = None) -> Tensor:
    """y = x Wᵀ + b on the last axis.

    Parameters
    ----------
    input : (..., in_features) Tensor or array
    weight : (out_features, in_features)
    bias : (out_features,) or None

    Returns
    -------
    (..., out_features) Tensor

    Raises
    ------
    ShapeError, DtypeError
    """
    x, weight = as_float("linear", input), as_float("linear", weight, "weight")
    bias = None if bias is None else as_float("linear", bias, "bias")
    if weight.ndim != 2 or (bias is not None and bias.shape != weight.shape[:1]):
        raise ShapeError(
            f"linear: the weight has shape {weight.shape} and the bias "
            f"{None if bias is None else bias.shape}; they must be (out, in) and (out,)."
        )
    expected = weight.shape[1]
    if x.ndim == 0 or x.shape[-1] != expected:
        many = int(np.prod(x.shape[1:]))
        hint = " Flatten first: layers.Flatten()." if many == expected and x.ndim > 2 else ""
        if x.ndim > 1 and x.shape[0] == expected:
            hint = " Is it transposed? Examples come first, features last."
        raise ShapeError(
            f"linear: an input of shape {x.shape} has {x.shape[-1] if x.ndim else 'no'} features on "
            f"its last axis; this weight {weight.shape} expects {expected}.{hint}"
        )
    return LinearFunction.apply(x, weight, bias)


class Linear(Module):
    """y = x Wᵀ + b, initialised as in PyTorch: U(-1/√in_features, 1/√in_features).

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
    rng : numpy.random.Generator, optional

    Attributes
    ----------
    weight : (out_features, in_features) Parameter
    bias : (out_features,) Parameter or None
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        rng: np.random.Generator | None = None,
    ):
        self.in_features = check_size("Linear", "in_features", in_features)
        self.out_features = check_size("Linear", "out_features", out_features)
        self.weight = Parameter(init.uniform((out_features, in_features), in_features, rng))
        self.bias = Parameter(init.uniform((out_features,), in_features, rng)) if bias else None

    def forward(self, x: Any) -> Tensor:
        return linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )
