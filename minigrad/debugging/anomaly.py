"""anomaly: find the operation that makes the first NaN or infinity, forward or backward."""

import sys
from typing import Any

import numpy as np

from minigrad import tape
from minigrad.debugging.observer import Observer
from minigrad.debugging.remedies import backward_remedy, forward_remedy
from minigrad.errors import NotFiniteError
from minigrad.tensor import Tensor


def anomaly(allow_inf: bool = False) -> "Anomaly":
    """Raise at the first operation that makes a NaN or an infinity, forward or backward.

    Every result and every gradient is looked at, in all threads, which takes time: use it to find the
    fault, then leave it out. Both passes belong inside the block. NumPy's own warnings are silent there.

    Parameters
    ----------
    allow_inf : bool
        Look for NaN only, where infinities are meant, as in a mask of -inf before a softmax.

    Raises
    ------
    NotFiniteError
        Names the operation, the forward line that called it, the first entry and the operands.

    Examples
    --------
    >>> with minigrad.anomaly():
    ...     loss = -np.mean(np.log(p))
    ...     loss.backward()
    """
    return Anomaly(allow_inf)


class Anomaly(Observer):
    """The context that `anomaly` returns."""

    def __init__(self, allow_inf: bool):
        self._is_bad = np.isnan if allow_inf else _is_not_finite

    def forward(self, rule: Any, ctx: Any, arrays: list[Any], options: dict[str, Any]) -> Any:
        """Run a rule forward and look at what it returned."""
        with np.errstate(all="ignore"):
            y = super().forward(rule, ctx, arrays, options)
        for part in y if isinstance(y, tuple) else (y,):
            if (entry := self._first(part)) is not None:
                raise NotFiniteError(self._forward_text(rule, arrays, np.asarray(part), entry))
        return y

    def backward(self, node: tape.Node, gradient: Any, create_graph: bool) -> tuple[Any, ...]:
        """Run a rule backward and look at the gradients that it returned."""
        with np.errstate(all="ignore"):
            answers = super().backward(node, gradient, create_graph)
        for number, answer in enumerate(answers):
            if node.inputs[number] is not None and (entry := self._first(answer)) is not None:
                raise NotFiniteError(self._backward_text(node, gradient, number, answer, entry))
        return answers

    def _first(self, value: Any) -> tuple[int, ...] | None:
        """The index of the first bad entry, or None."""
        array = _plain(value)
        if array is None or array.dtype.kind != "f":
            return None
        bad = self._is_bad(array)
        return tuple(map(int, np.argwhere(bad)[0])) if bad.any() else None

    def _forward_text(
        self, rule: Any, arrays: list[Any], y: np.ndarray, entry: tuple[int, ...]
    ) -> str:
        where = f"The forward call is at {_line_here()}"
        for number, array in enumerate(map(_plain, arrays)):
            if (place := self._first(array)) is not None:
                return (
                    f"{rule.name}: operand {number} holds {_word(array, place)}{_at(place)} of "
                    f"{array.shape}, which no operation inside of anomaly() made. Look at the data, the "
                    f"parameters, or what was computed before the block. {where}"
                )
        remedy = forward_remedy(rule.name, y, bool(np.isnan(y[entry])))
        return (
            f"{rule.name} made the first {_word(y, entry)}{_at(entry)} of its result {y.shape}. "
            f"{_operands(arrays)}{remedy} {where}"
        )

    def _backward_text(
        self, node: tape.Node, gradient: Any, number: int, answer: Any, entry: tuple[int, ...]
    ) -> str:
        where = f"The forward call was at {node.line()}"
        parts = gradient if isinstance(gradient, list) else [gradient]
        if any(self._first(part) is not None for part in parts):
            return (
                f"{node.name}: the gradient that came into its backward is not finite, and no rule made "
                f"it so. Look at what backward() was given, and at hooks. {where}"
            )
        array = _plain(answer)
        remedy = backward_remedy(node.name)
        return (
            f"The backward of {node.name} made the first {_word(array, entry)}{_at(entry)} of the "
            f"gradient {array.shape} of operand {number}, from a finite one. {remedy} {where}"
        )


def _is_not_finite(array: np.ndarray) -> np.ndarray:
    return ~np.isfinite(array)


def _plain(value: Any) -> Any:
    """A value as an array; None for None."""
    if isinstance(value, Tensor):
        return value._data
    return None if value is None else np.asarray(value)


def _word(array: np.ndarray, entry: Any) -> str:
    value = array[entry]
    return "NaN" if np.isnan(value) else "inf" if value > 0 else "-inf"


def _at(entry: tuple[int, ...]) -> str:
    return f", at entry {entry[0] if len(entry) == 1 else entry}" if entry else ""


def _operands(arrays: list[Any]) -> str:
    """Shapes and ranges, as a sentence."""
    said = []
    for number, value in enumerate(arrays):
        array = _plain(value)
        if array is not None and array.size:
            span = f"from {array.min():.3g} to {array.max():.3g}" if array.ndim else f"{array:.3g}"
            said.append(f"operand {number} {array.shape} is {span}")
    return f"Here {', '.join(said)}. " if said else ""


def _line_here() -> str:
    """The caller's own line, from inside a forward call."""
    frame = sys._getframe(1)
    while tape._is_ours[frame.f_code.co_filename] and frame.f_back is not None:
        frame = frame.f_back
    return tape._describe_line(frame.f_code, frame.f_lasti)
