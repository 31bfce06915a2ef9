"""How many multiply-adds an operation takes: of products and convolutions, by the operation's name.

One multiply-add is a product that is added to a sum, 2 floating-point operations. A convolution counts
as if its padding held numbers, and a transposed one stamps its filter at each entry of its input,
also where a stamp is cut off. What is linear in the number of entries (biases, activations,
normalisation, pooling, sampling, the gates of an LSTM) is not counted.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def multiply_adds(name: str, arrays: list[Any], options: dict[str, Any], output: Any) -> int:
    """Of one call of an operation with these operands and options; 0 for one that is not counted."""
    count = _COUNTS.get(name)
    return 0 if count is None else int(count(arrays, options, output))


def _conv2d(arrays: list[Any], _options: Any, y: np.ndarray) -> int:
    w = arrays[1]  # (O, C / groups, kh, kw): each entry of y looks at the entries of one filter
    return y.size * math.prod(w.shape[1:])


def _conv_transpose2d(arrays: list[Any], _options: Any, _y: Any) -> int:
    x, w = arrays[
        :2
    ]  # w (C, O / groups, kh, kw): each entry of x stamps the filters of its channel
    return x.size * math.prod(w.shape[1:])


def _linear(arrays: list[Any], _options: Any, y: np.ndarray) -> int:
    return y.size * arrays[1].shape[1]


def _lstm(arrays: list[Any], _options: Any, _y: Any) -> int:
    x, w_ih, w_hh = arrays[0], arrays[3], arrays[4]
    return x.shape[0] * x.shape[1] * (w_ih.size + w_hh.size)


def _matmul(arrays: list[Any], _options: Any, y: Any) -> int:
    return np.size(y) * arrays[0].shape[-1]


def _tensordot(arrays: list[Any], options: dict[str, Any], y: Any) -> int:
    return np.size(y) * math.prod(arrays[0].shape[axis] for axis in options["axes"][0])


def _einsum(arrays: list[Any], options: dict[str, Any], _y: Any) -> int:
    """As if all operands were multiplied at once."""
    lengths: dict[str, int] = {}
    for term, array in zip(options["terms"], arrays):
        lengths |= dict(zip(term, array.shape))
    return math.prod(lengths.values()) * (len(arrays) - 1)


_COUNTS: dict[str, Callable[[list[Any], dict[str, Any], Any], int]] = {
    "conv2d": _conv2d,
    "conv_transpose2d": _conv_transpose2d,
    "linear": _linear,
    "lstm": _lstm,
    "matmul": _matmul,
    "dot": _matmul,
    "tensordot": _tensordot,
    "einsum": _einsum,
}
