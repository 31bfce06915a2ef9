"""Checks that the layers on images share: images, pairs, and windows that must fit."""

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np

from layers.checks import as_float
from layers.errors import OptionError
from minigrad.errors import ShapeError

Pair = tuple[int, int]


def as_image(layer: str, x: Any) -> Any:
    """Return `x`, a float Tensor or array (N, C, H, W), or refuse it."""
    x = as_float(layer, x)
    if x.ndim != 4:
        hint = {
            2: " A single grey image becomes one with x[None, None].",
            3: " Does it lack its batch axis? x[None] adds one; x[:, None] adds one for channels.",
        }.get(x.ndim, "")
        raise ShapeError(
            f"{layer}: the input has shape {x.shape}; it must have four axes, "
            f"(images, channels, height, width).{hint}"
        )
    if 0 in x.shape[1:]:
        raise ShapeError(f"{layer}: the input has shape {x.shape}; only the batch may be empty.")
    return x


def as_pair(layer: str, name: str, value: Any, least: int) -> Pair:
    """Return (vertical, horizontal) from a whole number or a pair of them, each `least` or more."""
    numbers = tuple(value) if isinstance(value, (tuple, list, np.ndarray)) else (value, value)
    whole = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in numbers)
    if len(numbers) != 2 or not whole or min(numbers) < least:
        raise OptionError(
            f"{layer}: {name} must be a whole number of {least} or more, or a pair of them "
            f"(vertical, horizontal), not {value!r}."
        )
    return int(numbers[0]), int(numbers[1])


def check_groups(layer: str, groups: Any, **channels: int) -> int:
    """Return `groups`, a whole number that divides each of the named numbers of channels."""
    if isinstance(groups, bool) or not isinstance(groups, (int, np.integer)) or groups < 1:
        raise OptionError(f"{layer}: groups must be a whole number of 1 or more, not {groups!r}.")
    for name, count in channels.items():
        if count % groups:
            raise OptionError(
                f"{layer}: {name} = {count} cannot be split into {groups} groups of equal size."
            )
    return int(groups)


def check_window(
    layer: str, size: Pair, kernel: Pair, padding: Pair, dilation: Pair = (1, 1)
) -> None:
    """Refuse a window that is larger than the padded image of `size` (H, W)."""
    for what, n, k, p, d in zip(("rows", "columns"), size, kernel, padding, dilation):
        reach = d * (k - 1) + 1
        if reach > n + 2 * p:
            spread = f" (with dilation {d} it spans {reach})" if d > 1 else ""
            raise ShapeError(
                f"{layer}: a kernel of {k} {what}{spread} does not fit into an input of {n} {what} "
                f"with padding {p} on both sides, {n + 2 * p} in all. Make the kernel "
                f"{'or the dilation ' if d > 1 else ''}smaller or the padding at least "
                f"{-(-(reach - n) // 2)}."
            )


def check_filters(layer: str, weight: Any, bias: Any, expected: str, channels: int) -> None:
    """Refuse weights without four axes, and a bias that is not one number a channel of output."""
    if weight.ndim != 4 or 0 in weight.shape:
        raise ShapeError(f"{layer}: the weight has shape {weight.shape}; it must be {expected}.")
    if bias is not None and bias.shape != (channels,):
        raise ShapeError(
            f"{layer}: the bias has shape {bias.shape}; with a weight of shape {weight.shape} it "
            f"must be ({channels},), one number for each channel of the output."
        )


def check_choice(layer: str, name: str, value: Any, choices: Sequence[str]) -> str:
    """Return `value`, one of `choices`, or say which is nearest."""
    if value not in choices:
        near = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.4)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise OptionError(
            f"{layer}: {name} must be one of {', '.join(map(repr, choices))}, not {value!r}.{hint}"
        )
    return value
