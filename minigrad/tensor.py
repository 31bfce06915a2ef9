"""Tensor: an array, the gradient that reached it, and where it came from."""

import copy
import dis
import operator
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigrad.errors import DtypeError, GraphError, GraphWarning, ShapeError
from minigrad.methods import NumPyMethods
from minigrad.shapes import explained


def tensor(data: Any, requires_grad: bool = False, dtype: Any = None) -> "Tensor":
    """A Tensor with a copy of `data`.

    Parameters
    ----------
    data : array_like
        Numbers in any nesting, or an array. Float data become float32 unless `dtype` says
        otherwise; integers and bools keep their dtype.
    requires_grad : bool
        Whether backward passes leave a gradient in `.grad`; float data only.
    dtype : numpy.float32, numpy.float64, an integer dtype or bool, optional

    Raises
    ------
    DtypeError
        Complex, text or object data; a gradient asked of integers.
    """
    return Tensor(data, requires_grad, dtype)


class Tensor(NumPyMethods):
    """An array whose history is recorded; made by `tensor` and by operations on Tensors.

    Operators, methods and NumPy's own functions mean what NumPy means, and keep the graph.
    Comparisons give plain bool arrays, and a Tensor hashes by identity.

    Attributes
    ----------
    data : ndarray
    grad : ndarray or None
        What backward passes have added up; None before the first.
    requires_grad : bool
    shape, dtype, ndim, size, T : as in NumPy
    """

    # Defaults that most Tensors never change; kept on the class so that making one stays cheap.
    grad: np.ndarray | None = None
    _node: Any = None
    _requires_grad: bool = False
    _readers: Any = None  # weak references to the nodes that may keep this array (guard.py)
    _hooks: tuple[Any, ...] = ()
    _exposed: bool = False  # whether a caller may hold the array itself

    def __init__(self, data: Any, requires_grad: bool = False, dtype: Any = None):
        self._data = _as_data(data, dtype)
        self.requires_grad = requires_grad

    @classmethod
    def _of(cls, array: np.ndarray, node: Any = None) -> "Tensor":
        """Wrap an array without a copy: the result of an operation."""
        out = cls.__new__(Tensor)
        out._data = array
        if node is not None:
            out._node = node
        return out

    # -- the array ------------------------------------------------------------------------------

    @property
    def data(self) -> np.ndarray:
        """The array; read-only while a graph keeps it for a backward pass (see guard.py)."""
        if self._readers is not None or self._node is not None:
            keeper = guard.keeper(self)
            if keeper is not None:
                return guard.KeptArray.of(self._data, keeper)
        self._exposed = True
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        array = np.asarray(value, dtype=self._data.dtype)
        if array.shape != self._data.shape:
            raise ShapeError(
                f"data of shape {array.shape} cannot replace data of shape {self._data.shape}; "
                "make a new tensor instead."
            )
        self._data = array
        self._readers, self._exposed = None, True

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self._data.shape

    @property
    def dtype(self) -> np.dtype:
        """The array's dtype."""
        return self._data.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """The number of entries."""
        return self._data.size

    def numpy(self) -> np.ndarray:
        """The array of an untracked Tensor; a tracked one is detached first: `t.detach().numpy()`."""
        self._stay_in_graph()
        return self.data

    def item(self) -> Any:
        """The one entry as a Python number."""
        return self._data.item()

    def tolist(self) -> Any:
        """The entries as nested lists of Python numbers."""
        return self._data.tolist()

    def astype(self, dtype: Any) -> "Tensor":
        """The same numbers in another dtype; a float dtype keeps the graph."""
        return ops.astype(self, dtype)

    # -- the graph ------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow into or through this Tensor."""
        return self._node is not None or self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and self._data.dtype.kind != "f":
            raise DtypeError(
                f"Only float data can have a gradient, and this is {self._data.dtype}. Write the numbers "
                "as floats (1.0), or pass dtype=np.float32."
            )
        if not value and self._node is not None:
            raise GraphError(
                "requires_grad of a computed Tensor cannot be switched off; t.detach() gives one "
                "without a history."
            )
        self._requires_grad = bool(value)

    def requires_grad_(self, requires_grad: bool = True) -> "Tensor":
        """Set `requires_grad` and return the Tensor itself."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this Tensor."""
        return self._node is None

    def backward(self, grad: Any = None, retain_graph: bool = False) -> None:
        """Add the gradient of this Tensor to `.grad` of every leaf that it was computed from.

        Parameters
        ----------
        grad : array of this shape, optional
            The gradient that flows in; may be omitted for a Tensor of one entry (it is 1).
        retain_graph : bool
            Keep what the rules need for a second backward pass, instead of freeing it.

        Raises
        ------
        GraphError
            No graph, a freed graph, or no `grad` for more than one entry.
        """
        backward.backward(self, grad, retain_graph)

    def retain_grad(self) -> None:
        """Let backward passes leave a gradient in `.grad` of this computed Tensor too."""
        if not self.requires_grad:
            raise GraphError("retain_grad: this Tensor is not part of a graph.")
        if self._node is not None and all(r() is not self for r in self._node.retained):
            self._node.retained += (weakref.ref(self),)

    def register_hook(self, hook: Callable[[Any], Any]) -> "hooks.Handle":
        """Have `hook` called with the gradient of this Tensor in each backward pass, once it is complete.

        Those passes count that `minigrad.draw` and `step` make for themselves.

        Parameters
        ----------
        hook : callable
            From the gradient (an array; a Tensor under create_graph) to None, or to another of its
            shape, which goes on in its place. It should not change the gradient in place.

        Returns
        -------
        Handle
            ``handle.remove()`` takes the hook away. Copies of the Tensor do not have it.

        Raises
        ------
        GraphError
            No gradient flows here.
        UnsupportedError
            `hook` cannot be called.
        """
        if not self.requires_grad:
            raise GraphError(
                "register_hook: no gradient ever flows into this Tensor. Make it with requires_grad=True, "
                "or take one that was computed from such a Tensor."
            )
        return hooks.Handle(self._node or self, hook)

    def detach(self) -> "Tensor":
        """The same data without a history; memory is shared."""
        out = Tensor._of(self._data.view())
        guard.share(out, (self,))
        self._exposed = True
        return out

    # -- what NumPy asks ------------------------------------------------------------------------

    def _stay_in_graph(self) -> None:
        if self.requires_grad:
            raise GraphError(
                "A Tensor that requires a gradient cannot become a plain array: its history would be "
                "lost. Take it out on purpose with t.detach().numpy(); join several with "
                "np.stack([t, u]); instead of a[i] = t, build the array with np.stack, "
                "np.concatenate or np.where."
            )

    def _stay_out_of_arrays(self, caller: Any) -> None:
        """Refuse ``array[i] = t``: NumPy makes one number a float without asking `__array__`."""
        if dis.opname[caller.f_code.co_code[caller.f_lasti]] in ("STORE_SUBSCR", "STORE_SLICE"):
            self._stay_in_graph()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        self._stay_in_graph()
        return np.array(self.data, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return numpy_protocol.array_ufunc(self, ufunc, method, *inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return numpy_protocol.array_function(self, function, types, args, kwargs)

    # -- operators ------------------------------------------------------------------------------

    def __add__(self, other: Any) -> "Tensor":
        return record(ops.Add, (self, other))

    def __radd__(self, other: Any) -> "Tensor":
        return record(ops.Add, (other, self))

    def __sub__(self, other: Any) -> "Tensor":
        return record(ops.Subtract, (self, other))

    def __rsub__(self, other: Any) -> "Tensor":
        return record(ops.Subtract, (other, self))

    def __mul__(self, other: Any) -> "Tensor":
        return record(ops.Multiply, (self, other))

    def __rmul__(self, other: Any) -> "Tensor":
        return record(ops.Multiply, (other, self))

    def __truediv__(self, other: Any) -> "Tensor":
        return record(ops.Divide, (self, other))

    def __rtruediv__(self, other: Any) -> "Tensor":
        return record(ops.Divide, (other, self))

    def __pow__(self, other: Any) -> "Tensor":
        return record(ops.Power, (self, other))

    def __rpow__(self, other: Any) -> "Tensor":
        return record(ops.Power, (other, self))

    def __matmul__(self, other: Any) -> "Tensor":
        return record(ops.Matmul, (self, other))

    def __rmatmul__(self, other: Any) -> "Tensor":
        return record(ops.Matmul, (other, self))

    def __neg__(self) -> "Tensor":
        return record(ops.Negative, (self,))

    def __pos__(self) -> "Tensor":
        return self

    def __abs__(self) -> Any:
        return np.abs(self)

    def __mod__(self, other: Any) -> "Tensor":
        return np.remainder(self, other)

    def __rmod__(self, other: Any) -> "Tensor":
        return np.remainder(other, self)

    def __divmod__(self, other: Any) -> "tuple[Tensor, Tensor]":
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> "tuple[Tensor, Tensor]":
        return other // self, other % self

    def __floordiv__(self, other: Any) -> "Tensor":
        return np.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> "Tensor":
        return np.floor_divide(other, self)

    def __getitem__(self, index: Any) -> "Tensor":
        return ops.getitem(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise GraphError(
            "t[i] = … would change data behind the graph's back. Build the result with np.where, "
            "np.concatenate or np.stack; to set a leaf's own numbers, write t.data[i] = …"
        )

    # Comparisons leave the graph by nature: they have no gradient.
    def __eq__(self, other: Any) -> Any:
        return self._compare(operator.eq, other)

    def __ne__(self, other: Any) -> Any:
        return self._compare(operator.ne, other)

    def __lt__(self, other: Any) -> Any:
        return self._compare(operator.lt, other)

    def __le__(self, other: Any) -> Any:
        return self._compare(operator.le, other)

    def __gt__(self, other: Any) -> Any:
        return self._compare(operator.gt, other)

    def __ge__(self, other: Any) -> Any:
        return self._compare(operator.ge, other)

    def _compare(self, compare: Any, other: Any) -> Any:
        other = _plain(other)
        with explained(compare.__name__, self._data, other):
            return compare(self._data, other)

    __hash__ = object.__hash__

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator["Tensor"]:
        return (self[i] for i in range(len(self._data)))

    def __contains__(self, value: Any) -> bool:
        return _plain(value) in self._data

    def __bool__(self) -> bool:
        return bool(self._data)

    def __float__(self) -> float:
        self._stay_out_of_arrays(sys._getframe(1))
        value = float(self._data)
        if self.requires_grad:  # float(t) may be meant, math.exp(t) is not: both end here
            warnings.warn(
                "A Tensor that requires a gradient was made a Python float, which has no history. For a "
                "number to look at write t.item(); to compute on, use NumPy: np.exp(t), not math.exp(t).",
                GraphWarning,
                stacklevel=2,
            )
        return value

    def __int__(self) -> int:
        self._stay_out_of_arrays(sys._getframe(1))
        return int(self._data)

    def __index__(self) -> int:
        return self._data.__index__()

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __repr__(self) -> str:
        text = np.array2string(self._data, prefix="tensor(", separator=", ")
        notes = "" if self.dtype in (np.float32, np.int64, np.bool_) else f", dtype={self.dtype}"
        if self._node is not None:
            notes += f", made_by={self._node.name}"
        elif self._requires_grad:
            notes += ", requires_grad=True"
        return f"tensor({text}{notes})"

    def __deepcopy__(self, memo: dict[int, Any]) -> "Tensor":
        if self._node is not None:
            raise GraphError("Only leaf Tensors can be copied deeply; detach() this one first.")
        twin = copy.copy(self)
        twin._data = self._data.copy()
        twin.grad = None if self.grad is None else self.grad.copy()
        memo[id(self)] = twin
        return twin

    def __getstate__(self) -> dict[str, Any]:
        if self._node is not None:
            raise GraphError("A Tensor with a history cannot be pickled; detach() it first.")
        state = dict(vars(self))
        state.pop("_readers", None)
        state.pop("_exposed", None)
        state.pop("_hooks", None)
        return state


def _plain(value: Any) -> Any:
    return value._data if isinstance(value, Tensor) else value


def _as_data(data: Any, dtype: Any) -> np.ndarray:
    """A copy of `data` in a dtype that minigrad computes with."""
    if isinstance(data, Tensor):
        if data.requires_grad:
            raise GraphError(
                "tensor(t) of a tracked Tensor would lose its history; write t.detach() for that, "
                "or use t itself."
            )
        data, dtype = data._data, dtype or data._data.dtype
    try:
        array = np.array(data)
    except ValueError as error:
        raise ShapeError(
            f"A tensor's rows have one length, and these differ ({error}). Pad the short ones, or "
            "make a tensor of each."
        ) from error
    if array.dtype.kind not in "biuf":
        raise DtypeError(
            f"A tensor holds real numbers, not {array.dtype} data ({type(data).__name__})."
            + (" Tensors are joined with np.stack." if isinstance(data, (list, tuple)) else "")
        )
    if dtype is None:
        dtype = np.float32 if array.dtype.kind == "f" else array.dtype
    dtype = np.dtype(dtype)
    if dtype.kind not in "biu" and dtype not in (np.float32, np.float64):
        raise DtypeError(f"dtype {dtype} is not supported; use np.float32 or np.float64.")
    return array.astype(dtype, copy=False)


# These need the class above; the class needs them only when it is used.
from minigrad import backward, guard, hooks, numpy_protocol, ops  # noqa: E402
from minigrad.tape import record  # noqa: E402
