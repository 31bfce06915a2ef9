"""NumPy's functions on Tensors: `np.exp(t)`, `array * t`, `np.concatenate([t, u])` keep the graph.

NumPy asks `__array_ufunc__` and `__array_function__` of an argument before it computes. Here they
look the function up in a table that the modules of `minigrad.ops` fill with `implements`. What the
table lacks, and arguments that cannot be differentiated, are refused by name: nothing leaves the
graph in silence.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from minigrad.errors import MinigradError, ShapeError, UnsupportedError
from minigrad.shapes import explain, operands_met

#: From a NumPy function or ufunc to what serves for it when an argument is a Tensor.
implementations: dict[Callable[..., Any], Callable[..., Any]] = {}


def implements(*functions: Callable[..., Any]) -> Callable[[Any], Any]:
    """Let the decorated function, or Function class, serve for these NumPy functions."""

    def register(implementation: Any) -> Any:
        serve = getattr(implementation, "apply", implementation)
        for function in functions:
            implementations[function] = serve
        return implementation

    return register


def array_ufunc(tensor: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """`Tensor.__array_ufunc__`."""
    serve = implementations.get(ufunc)
    if serve is not None and method == "__call__" and not kwargs:
        return serve(*inputs)
    name = f"np.{ufunc.__name__}"
    if method == "at":
        raise UnsupportedError(
            f"{name}.at writes into an array in place, which leaves the graph. Compute the sum with "
            "indexing and np.add, or work on t.detach().numpy()."
        )
    if kwargs.get("out") is not None:
        raise UnsupportedError(
            f"{name} with out={_in_place(ufunc)} would write a Tensor into a plain array and leave the "
            f"graph. Write y = {name}(…), or use t.detach().numpy()."
        )
    if method == "outer":
        return _outer(ufunc, *inputs, **kwargs)
    if method != "__call__":
        return _reduce(ufunc, method, *inputs, **kwargs)
    if kwargs:
        option = next(iter(kwargs))
        raise UnsupportedError(
            f"{name} with {option}= is not supported here. {_remedy(name, option)}"
        )
    raise UnsupportedError(_missing(name))


def _reduce(ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """`np.add.reduce(t)` and its kin have names of their own: np.sum, np.prod, np.cumsum, …"""
    spellings: dict[Any, Any] = {
        (np.add, "reduce"): np.sum,
        (np.multiply, "reduce"): np.prod,
        (np.maximum, "reduce"): np.max,
        (np.minimum, "reduce"): np.min,
        (np.add, "accumulate"): np.cumsum,
        (np.multiply, "accumulate"): np.cumprod,
    }
    spelled = spellings.get((ufunc, method))
    if spelled is None:
        raise UnsupportedError(_missing(f"np.{ufunc.__name__}.{method}"))
    kwargs.setdefault("axis", 0)
    return spelled(*inputs, **kwargs)


def _outer(ufunc: np.ufunc, a: Any, b: Any, **kwargs: Any) -> Any:
    """`np.add.outer(a, b)`: every entry of `a` with every entry of `b`."""
    columns = np.reshape(a, np.shape(a) + (1,) * np.ndim(b))
    return ufunc(columns, b, **kwargs)


def array_function(tensor: Any, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """`Tensor.__array_function__`."""
    name = f"{function.__module__.replace('numpy', 'np', 1)}.{function.__name__}"
    if kwargs.get("out") is not None:
        raise UnsupportedError(
            f"{name} with out= would leave the graph. Write y = {name}(…) without it."
        )
    kwargs = {k: v for k, v in kwargs.items() if k != "out"}
    serve = implementations.get(function)
    if serve is None:
        raise UnsupportedError(_missing(name))
    try:
        return serve(*args, **kwargs)
    except TypeError as error:
        unknown = "unexpected keyword argument" in str(error)
        if not unknown:
            raise
        option = str(error).rsplit("'", 2)[-2]
        raise UnsupportedError(
            f"{name} with {option}= is not supported here. {_remedy(name, option)}"
        ) from None
    except (ValueError, IndexError, ZeroDivisionError) as error:
        called = _as_called(function.__name__, args, kwargs, error)
        if called is error:
            raise
        raise called from error


def _as_called(name: str, args: Any, kwargs: Any, error: Exception) -> Exception:
    """An error from inside a function that is composed of others, in terms of what was called."""
    others = isinstance(error, (MinigradError, LinAlgError)) and not isinstance(error, ShapeError)
    if others or str(error).startswith(f"{name}:"):
        return error
    operands = [*_arrays_in([*args, *kwargs.values()])]
    if isinstance(error, ShapeError):
        return ShapeError(f"{name}: {operands_met(operands)}: {error}")
    options = {k: v for k, v in kwargs.items() if not hasattr(v, "shape")}
    return ShapeError(explain(name, operands, options, error))


def _arrays_in(values: Any) -> Iterator[Any]:
    """The arrays and Tensors among arguments, also inside lists."""
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _arrays_in(value)
        elif hasattr(value, "shape"):
            yield value


def _remedy(name: str, option: str) -> str:
    remedies = {
        "where": "Choose entries with np.where(condition, a, b) instead.",
        "dtype": "Change the dtype with t.astype(dtype).",
        "correction": "ddof= says the same.",
    }
    start = {
        "np.sum": "Add it: np.sum(t) + initial.",
        "np.prod": "Multiply by it: np.prod(t) * initial.",
        "np.max": "Take the larger: np.maximum(np.max(t), initial).",
        "np.min": "Take the smaller: np.minimum(np.min(t), initial).",
    }
    if option == "initial" and name in start:
        return start[name]
    return remedies.get(option, "Leave it out, or work on t.detach().numpy().")


def _missing(name: str) -> str:
    return (
        f"{name} has no differentiable form in minigrad. Compose it from functions that have one, "
        "write a minigrad.Function, or leave the graph on purpose: t.detach().numpy()."
    )


def _in_place(ufunc: np.ufunc) -> str:
    """How `out=` is spelled with an operator."""
    symbols = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**"}
    symbol = (symbols | {"matmul": "@", "floor_divide": "//"}).get(ufunc.__name__)
    return f" (or `array {symbol}= tensor`)" if symbol else ""
