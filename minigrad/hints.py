"""The likely mend of shapes that do not fit: one short rule for each kind of operation.

A rule gets the operands' shapes, the operation's options and NumPy's error, and answers with a
sentence, or with "" where it has nothing to add.
"""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

Shape = tuple[int, ...]


def hint(name: str, shapes: list[Shape], options: dict[str, Any], error: Exception) -> str:
    """The sentence for this operation, or "" where no rule has one."""
    if isinstance(error, np.exceptions.AxisError) and error.ndim is not None:
        return _axes(error.ndim)
    try:
        return HINTS.get(name, _broadcast)(shapes, options, str(error))
    except (TypeError, ValueError, IndexError, KeyError):
        return ""  # options that no rule foresees; NumPy's own words must do


def _axes(ndim: int) -> str:
    if ndim < 2:
        return "A vector has the one axis 0, or -1." if ndim else "A number has no axes."
    return f"The {ndim} axes are 0 to {ndim - 1}, or -{ndim} to -1 from the end."


def _matmul(shapes: list[Shape], options: dict[str, Any], error: str) -> str:
    a, b = shapes
    if not a or not b:
        return "matmul wants arrays of one axis or more; multiply by a number with *."
    inner = b[-2] if len(b) > 1 else b[0]
    if a[-1] == inner:
        return f"The leading axes {a[:-2]} and {b[:-2]} must broadcast."
    which = "second last" if len(b) > 1 else "only"
    text = (
        f"The last axis of the first ({a[-1]}) must equal the {which} axis of the second ({inner})."
    )
    if len(b) > 1 and b[-1] == a[-1]:
        text += " Transposing the second, a @ b.T, would fit."
    elif len(a) > 1 and a[-2] == inner:
        text += " Transposing the first, a.T @ b, would fit."
    return text


def _tensordot(shapes: list[Shape], options: dict[str, Any], error: str) -> str:
    (a, b), (mine, its) = shapes, options["axes"]
    if len(mine) != len(its):
        return f"{len(mine)} axes of the first are paired with {len(its)} of the second."
    wrong = [
        f"axis {i} of the first ({a[i]}) with axis {j} of the second ({b[j]})"
        for i, j in zip(mine, its)
        if a[i] != b[j]
    ]
    return f"Paired axes must be equal, and axes= pairs {', '.join(wrong)}." if wrong else ""


def _reshape(shapes: list[Shape], options: dict[str, Any], error: str) -> str:
    size = math.prod(shapes[0])
    new = options["shape"]
    new = list(new) if isinstance(new, (tuple, list)) else [new]
    if new.count(-1) > 1:
        return "Only one axis can be -1, the one that NumPy is to compute."
    known = math.prod([n for n in new if n != -1])
    if -1 in new:
        return f"The other axes hold {known} entries, and {size} is no multiple of that."
    return f"There are {size} entries, and the new shape holds {known}; one axis may be -1."


def _concatenate(shapes: list[Shape], options: dict[str, Any], error: str) -> str:
    first, axis = shapes[0], options["axis"]
    if not first:
        return "Numbers have no axis to be joined along; np.stack gives them one."
    for k, other in enumerate(shapes):
        if len(other) != len(first):
            return f"Operand 0 has {len(first)} axes and operand {k} has {len(other)}; np.expand_dims adds one."
    axis %= len(first)
    for k, other in enumerate(shapes):
        for i, (m, n) in enumerate(zip(first, other)):
            if i != axis and m != n:
                text = f"All axes but axis {axis} must be equal; axis {i} is {m} in operand 0 and {n} in operand {k}."
                fits = all(s[:i] + s[i + 1 :] == first[:i] + first[i + 1 :] for s in shapes)
                return text + (f" They would fit along axis={i}." if fits else "")
    return ""


def _stack(shapes: list[Shape], options: dict[str, Any], error: str) -> str:
    if len(set(shapes)) > 1:
        return "All shapes must be equal; along an axis that is there, np.concatenate joins."
    return ""


def _squeeze(shapes: list[Shape], options: dict[str, Any], error: str) -> str:
    (shape,), axis = shapes, options["axis"]
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    long = ", ".join(f"axis {i} has {shape[i]}" for i in axes if shape[i] != 1)
    return f"Only axes of length 1 can go, and {long}." if long else ""


def _transpose(shapes: list[Shape], options: dict[str, Any], error: str) -> str:
    n = len(shapes[0])
    return f"axes= must name each axis once. {_axes(n)}"


def _broadcast_to(shapes: list[Shape], options: dict[str, Any], error: str) -> str:
    (shape,), new = shapes, options["shape"]
    new = tuple(new) if isinstance(new, (tuple, list)) else (new,)
    if len(shape) > len(new):
        return f"It has {len(shape)} axes and the new shape only {len(new)}."
    return _broadcast([shape, new], options, error)


def _split(shapes: list[Shape], options: dict[str, Any], error: str) -> str:
    return "np.array_split cuts into unequal pieces." if "equal division" in error else ""


def _index(shapes: list[Shape], options: dict[str, Any], error: str) -> str:
    shape = shapes[0]
    if found := re.search(r"axis (\d+) with size (\d+)", error):
        axis, n = map(int, found.groups())
        return (
            f"Axis {axis} has the positions 0 to {n - 1}, or -{n} to -1 from the end." if n else ""
        )
    if "too many indices" in error:
        return f"It has {len(shape)} axes, fewer than the index names."
    if "must be of integer" in error:
        return "Turn positions into integers with .astype(int), and make masks by a comparison."
    return ""


def _extreme(shapes: list[Shape], options: dict[str, Any], error: str) -> str:
    return "It has no entries, so none is the largest or smallest." if 0 in shapes[0] else ""


def _square(shapes: list[Shape], options: dict[str, Any], error: str) -> str:
    if len(shapes[0]) < 2 or shapes[0][-1] != shapes[0][-2]:
        return "The last two axes of the first must be of equal length."
    return ""


def _broadcast(shapes: list[Shape], options: dict[str, Any], error: str) -> str:
    if len(shapes) != 2:
        return ""
    a, b = shapes
    for back in range(1, min(len(a), len(b)) + 1):
        m, n = a[-back], b[-back]
        if m != n and 1 not in (m, n):
            text = f"Axis -{back} has {m} entries in one and {n} in the other; they must be equal, or one of them 1."
            if len(a) == 1 and len(b) > 1 and a[0] in b[:-1]:
                text += f" If the first runs along axis {b.index(a[0])}, reshape it to {_column(a[0], b)}."
            elif len(b) == 1 and len(a) > 1 and b[0] in a[:-1]:
                text += f" If the second runs along axis {a.index(b[0])}, reshape it to {_column(b[0], a)}."
            elif a == b[::-1] and len(a) == 2:
                text += " Is one of them transposed? Try .T."
            return text
    return ""


def _column(n: int, shape: Shape) -> Shape:
    return (n,) + (1,) * (len(shape) - 1 - shape.index(n))


HINTS: dict[str, Callable[[list[Shape], dict[str, Any], str], str]] = {
    "matmul": _matmul,
    "dot": _matmul,
    "tensordot": _tensordot,
    "reshape": _reshape,
    "concatenate": _concatenate,
    "stack": _stack,
    "squeeze": _squeeze,
    "transpose": _transpose,
    "broadcast_to": _broadcast_to,
    "split": _split,
    "getitem": _index,
    "take": _index,
    "max": _extreme,
    "min": _extreme,
    "inv": _square,
    "det": _square,
    "slogdet": _square,
    "solve": _square,
}
