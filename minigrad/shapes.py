"""Shapes: un-broadcasting a gradient, and saying in words why shapes do not fit (see hints.py)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.errors import MinigradError, ShapeError
from minigrad.hints import hint


def unbroadcast(grad: Any, shape: tuple[int, ...]) -> Any:
    """Sum `grad` over the axes along which an operand of `shape` was repeated.

    Raises
    ------
    ValueError
        Where `shape` does not broadcast to the gradient's shape.
    """
    extra = len(grad.shape) - len(shape)
    axes = tuple(range(extra)) + tuple(
        extra + i for i, n in enumerate(shape) if n == 1 and grad.shape[extra + i] != 1
    )
    if extra < 0 or any(n != 1 and n != g for n, g in zip(shape, grad.shape[extra:], strict=True)):
        raise ValueError(f"a gradient of shape {grad.shape} for an operand of shape {shape}")
    return np.sum(grad, axis=axes, keepdims=True).reshape(shape) if axes else grad


def explain(name: str, arrays: list[Any], options: dict[str, Any], error: Exception) -> str:
    """Say which operation met which shapes, what NumPy says of it, and the likely mend."""
    shapes = [np.shape(a) for a in arrays if a is not None]
    met = operands_met(arrays)
    given = ", ".join([f"{k}={_short(v)}" for k, v in options.items()])
    what = f"{name}: {met}" + (f" with {given}" if given else "")
    fit = "does" if len(shapes) == 1 else "do"
    return f"{what} {fit} not fit ({error}). {hint(name, shapes, options, error)}".rstrip()


def operands_met(arrays: list[Any]) -> str:
    """The shapes of operands in words."""
    shapes = [str(np.shape(a)) for a in arrays if a is not None]
    return f"{'an operand' if len(shapes) == 1 else 'operands'} of shape {' and '.join(shapes)}"


@contextmanager
def explained(name: str, *arrays: Any, **options: Any) -> Iterator[None]:
    """Explain an error of NumPy's that is raised within, as the tape does for a rule's forward."""
    try:
        yield
    except MinigradError:
        raise
    except (ValueError, IndexError) as error:
        raise ShapeError(explain(name, list(arrays), options, error)) from error


def axis_index(name: str, axis: int, shape: tuple[int, ...]) -> int:
    """`axis` counted from the start; for operations that need it before NumPy checks it.

    Raises
    ------
    ShapeError
        An array of this shape has no such axis.
    """
    with explained(name, np.broadcast_to(0, shape), axis=axis):
        if not -len(shape) <= axis < len(shape):
            raise np.exceptions.AxisError(axis, len(shape))
    return axis % len(shape)


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.ndim:
        return f"<array {value.shape}>"
    if isinstance(value, slice):
        text = ":".join(["" if part is None else str(part) for part in (value.start, value.stop)])
        return text if value.step is None else f"{text}:{value.step}"
    if isinstance(value, tuple):
        text = ", ".join([_short(v) for v in value])
        return f"({text},)" if len(value) == 1 else f"({text})"
    value = value.item() if isinstance(value, np.ndarray) else value
    text = "..." if value is Ellipsis else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
