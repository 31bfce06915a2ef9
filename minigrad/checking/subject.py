"""What gradcheck is given, made one thing: Tensors in float64 and a call that uses them.

f may be a callable of Tensors, a Module, a Function, or a pair of plain array functions, of which a
Function is made here.
"""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.checking.maps import Map, Operation, Whole, refuse_unwritten
from minigrad.errors import (
    DtypeError,
    GraphError,
    NotFiniteError,
    UnsupportedError,
)
from minigrad.function import Function
from minigrad.tensor import Tensor


class Subject:
    """f with its inputs and parameters.

    Attributes
    ----------
    names : list of str
        Of inputs and parameters.
    promoted : list of str
        Those that were no float64.
    """

    def __init__(self, f: Any, inputs: Any, params: Sequence[Tensor] | None):
        given = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        self.f: Any = pair(*f) if isinstance(f, (tuple, list)) and len(f) == 2 else f
        if isinstance(self.f, type) and not issubclass(self.f, Function):
            raise UnsupportedError(
                f"gradcheck: {self.f.__name__} is a class. Give it one that is made: {self.f.__name__}(...)."
            )
        if isinstance(self.f, type):
            refuse_unwritten(self.f)
        if not callable(self.f):
            raise UnsupportedError(
                f"gradcheck: f is a {type(f).__name__}; it must be a function of Tensors, a Module, a "
                "Function class, or a pair (forward, backward) of functions on arrays."
            )
        named = _parameters(f) if params is None else {str(i): p for i, p in enumerate(params)}
        self.variables = [_variable(number, value) for number, value in enumerate(given)]
        self._refuse_other_count(f, len(given), inputs)
        self.params = list(named.values())
        self.names = [f"input {number}" for number in range(len(given))]
        self.names += [f"parameter {name}" for name in named]
        if not self.names:
            raise GraphError("gradcheck: there is nothing to check, neither inputs nor parameters.")
        self.promoted = [
            name for name, x in zip(self.names, [*given, *self.params]) if _dtype(x) != np.float64
        ]

    def _refuse_other_count(self, f: Any, count: int, inputs: Any) -> None:
        """A list is several inputs, which f must take."""
        called = f[0] if isinstance(f, (tuple, list)) else f
        if isinstance(called, type) or not isinstance(inputs, (list, tuple)):
            return
        try:
            signature = inspect.signature(called)
        except (TypeError, ValueError):
            return  # one of NumPy's, which have none
        try:
            signature.bind(*[None] * count)
        except TypeError:
            raise GraphError(
                f"gradcheck: f does not take {count} inputs: f{signature}. A list means several inputs, one for "
                f"each of its {count} items; one array of them is np.array([...])."
            ) from None

    def arrays(self) -> list[np.ndarray]:
        """Copies of all inputs and parameters, as they are now."""
        return [x._data.copy() for x in (*self.variables, *self.params)]

    def map(self) -> Map:
        """The map to check, and to write to the arrays of; inside of `in_float64`."""
        rule = isinstance(self.f, type) and issubclass(self.f, Function)
        call = self.f.apply if rule else self.f
        leaves = [*self.variables, *self.params]
        whole = Whole(lambda: call(*self.variables), leaves, self.names)
        if not rule or self.params:
            return whole
        arrays = [x._data for x in self.variables]
        return Operation(self.f, arrays, (True,) * len(arrays), names=self.names)

    @contextmanager
    def in_float64(self) -> Iterator[None]:
        """Parameters in float64 copies meanwhile; they and a Module's state are put back at the end."""
        arrays = [p._data for p in self.params]
        f: Any = self.f
        state = f.state_dict() if hasattr(f, "load_state_dict") else None
        try:
            for p in self.params:
                p._data = p._data.astype(np.float64)
            yield
        finally:
            for p, array in zip(self.params, arrays, strict=True):
                p._data = array
            if state is not None:
                f.load_state_dict(state)


def pair(forward: Any, backward: Any) -> type[Function]:
    """The Function of ``forward(*xs) -> (y, cache)`` and ``backward(dy, cache)``, one gradient an input.

    Where forward returns several outputs, ``((y1, y2), cache)``, backward is given a tuple of as many.
    """
    called = getattr(forward, "__name__", "f").removesuffix("_forward")

    class Pair(Function):
        name = "f" if called == "<lambda>" else called
        strict = True

        @staticmethod
        def forward(ctx, *xs):
            answer = forward(*xs)
            if not (isinstance(answer, tuple) and len(answer) == 2):
                raise GraphError(
                    f"gradcheck: {Pair.name} returned {_described(answer)}; the forward of a pair "
                    "returns two things, the output and what backward will need: return y, cache."
                )
            y, ctx.cache = answer
            return y

        @staticmethod
        def backward(ctx, *upstream):
            answer = backward(upstream[0] if len(upstream) == 1 else upstream, ctx.cache)
            return tuple(answer) if isinstance(answer, list) else answer

    return Pair


def _described(answer: Any) -> str:
    return f"{len(answer)} things" if isinstance(answer, tuple) else f"a {type(answer).__name__}"


def _variable(number: int, value: Any) -> Tensor:
    array = value._data if isinstance(value, Tensor) else np.asarray(value)
    if array.dtype.kind != "f":
        raise DtypeError(
            f"gradcheck: input {number} is {array.dtype}, and only floats have a gradient. Write its "
            "numbers as floats (1.0), or leave it out of the inputs: lambda x: f(x, labels)."
        )
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise NotFiniteError(
            f"gradcheck: input {number} is {array[tuple(bad[0])]} at {bad[0].tolist()}, where nothing has a "
            "slope. Check at finite numbers."
        )
    return Tensor(array, requires_grad=True, dtype=np.float64)


def _dtype(x: Any) -> Any:
    return x.dtype if isinstance(x, Tensor) else np.asarray(x).dtype


def _parameters(f: Any) -> dict[str, Tensor]:
    """The parameters of a Module that require gradients, by name; nothing for a function."""
    if not hasattr(f, "named_parameters"):
        return {}
    return {name: p for name, p in f.named_parameters() if p.requires_grad}
