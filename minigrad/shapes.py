"""Shapes: un-broadcasting a gradient, and saying in words why shapes do not fit."""

from typing import Any

import numpy as np


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
    shown = " and ".join(str(s) for s in shapes)
    given = ", ".join(f"{k}={_short(v)}" for k, v in options.items())
    what = f"{name}: operands of shape {shown}" + (f" with {given}" if given else "")
    return f"{what} do not fit ({error}). {_hint(name, shapes)}".rstrip()


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"<array {value.shape}>"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _hint(name: str, shapes: list[tuple[int, ...]]) -> str:
    if len(shapes) != 2:
        return ""
    a, b = shapes
    if name == "matmul":
        if not a or not b:
            return "matmul wants arrays of one axis or more; multiply by a number with *."
        inner = b[-2] if len(b) > 1 else b[0]
        if a[-1] == inner:
            return f"The leading axes {a[:-2]} and {b[:-2]} must broadcast."
        hint = f"The last axis of the first ({a[-1]}) must equal the {'second last' if len(b) > 1 else 'only'} axis of the second ({inner})."
        if len(b) > 1 and b[-1] == a[-1]:
            hint += " Transposing the second, a @ b.T, would fit."
        elif len(a) > 1 and a[-2] == inner:
            hint += " Transposing the first, a.T @ b, would fit."
        return hint
    for back in range(1, min(len(a), len(b)) + 1):
        m, n = a[-back], b[-back]
        if m != n and 1 not in (m, n):
            hint = f"Axis -{back} has {m} entries in one and {n} in the other; they must be equal, or one of them 1."
            if len(a) == 1 and len(b) > 1 and a[0] in b[:-1]:
                hint += f" If the first runs along axis {b.index(a[0])}, reshape it to {_column(a[0], b)}."
            elif len(b) == 1 and len(a) > 1 and b[0] in a[:-1]:
                hint += f" If the second runs along axis {a.index(b[0])}, reshape it to {_column(b[0], a)}."
            elif a == b[::-1] and len(a) == 2:
                hint += " Is one of them transposed? Try .T."
            return hint
    return ""


def _column(n: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return (n,) + (1,) * (len(shape) - 1 - shape.index(n))
