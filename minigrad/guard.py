"""The guard: data that a backward pass still needs must not change before it.

Three ways to change an array in place, and what happens to each:

- through `Tensor.data` while a live graph keeps the array: `Tensor.data` then hands out a read-only
  `KeptArray`, whose writes raise at once and name the operation that keeps it;
- through an array the caller owns (an operand that is a plain array, or a `Tensor.data` taken before
  the operation): a fingerprint taken when the rule kept it is compared in backward;
- through a view, made by NumPy, of an array taken before: found by the fingerprint alike.

The fingerprint is a CRC of the whole array up to 1 KiB and of 128 entries spread over a larger one,
so that a few entries changed in a large array may pass unseen. Nothing else is missed.
"""

import weakref
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.errors import MutationError


def watch(node: Any, operands: Any, outputs: Any) -> None:
    """Let each Tensor know the node that may keep its array; fingerprint what callers own."""
    reference = weakref.ref(node)
    owned = False
    for operand in operands:
        if isinstance(operand, Tensor):
            _add(operand, reference)
            owned = owned or operand._exposed
        elif type(operand) is np.ndarray:
            owned = True
    for out in outputs:
        base = out._data.base
        if base is not None:
            # A view of an operand's memory: whoever keeps the one keeps the other.
            for operand in operands:
                if isinstance(operand, Tensor) and _owner(operand._data) is _owner(base):
                    out._readers, out._exposed = operand._readers, operand._exposed
                    break
        _add(out, reference)
    if owned:
        mine = {
            id(o._data if isinstance(o, Tensor) else o)
            for o in operands
            if not isinstance(o, Tensor) or o._exposed
        }
        node.watched = tuple(
            (array, fingerprint(array)) for array in kept(node.ctx) if id(array) in mine
        )


def _add(tensor: Any, reference: Any) -> None:
    readers = tensor._readers
    if readers is None:
        tensor._readers = [reference]
        return
    readers.append(reference)
    n = len(readers)
    if n >= 64 and n & (n - 1) == 0:
        # Pruned at each doubling: a parameter read in a million forward passes stays small.
        readers[:] = [r for r in readers if (node := r()) is not None and node.ctx is not None]


def kept(ctx: Any) -> Iterator[np.ndarray]:
    """The arrays on a ctx, also those inside tuples and lists."""
    if ctx is None:
        return
    stack = list(vars(ctx).values())
    while stack:
        value = stack.pop()
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, (tuple, list)):
            stack.extend(value)


def fingerprint(array: np.ndarray) -> int:
    """A CRC of the array's bytes, or of 128 of its entries where it is larger than 1 KiB."""
    flat = array.reshape(-1) if array.flags.c_contiguous else array.ravel()
    if array.nbytes > 1024:
        flat = flat[:: max(1, flat.size // 128)]
    return zlib.crc32(flat.tobytes())


def check(node: Any) -> None:
    """Raise where an array that the node's rule kept has changed since forward."""
    for array, before in node.watched:
        if fingerprint(array) != before:
            raise MutationError(
                f"{node.name}: an array of shape {array.shape} that its backward pass needs was "
                f"changed in place after the forward call at {node.line()}. Give the operation a "
                "copy (array.copy()), or change the array (or call an optimizer's step) after backward()."
            )


def keeper(tensor: Any) -> Any:
    """A live node whose rule keeps the memory of `tensor`, or None."""
    readers = tensor._readers
    if not readers:
        return None
    return next(_keepers(tensor), None)


def expire(tensor: Any) -> None:
    """Before the data of `tensor` change on purpose: a backward pass that needs them will raise."""
    if tensor._readers:
        for node in _keepers(tensor):
            node.watched += ((tensor._data, None),)  # a fingerprint that nothing has
        tensor._readers.clear()


def _keepers(tensor: Any) -> Iterator[Any]:
    """The live nodes whose rules keep the memory of `tensor`."""
    owner = _owner(tensor._data)
    for reference in tensor._readers:
        node = reference()
        if node is not None and any(_owner(a) is owner for a in kept(node.ctx)):
            yield node


def _owner(array: np.ndarray) -> np.ndarray:
    """The array whose memory `array` looks at."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _unless_kept(method: str) -> Any:
    def guarded(self: "KeptArray", *args: Any, **kwargs: Any) -> Any:
        if not self.flags.writeable:
            self.refuse()
        return getattr(np.ndarray, method)(self, *args, **kwargs)

    return guarded


class KeptArray(np.ndarray):
    """A read-only face of an array that a graph keeps; what is computed from it is a plain array."""

    _node: Any = None

    @classmethod
    def of(cls, array: np.ndarray, node: Any) -> "KeptArray":
        """A view of `array`, which `node` keeps."""
        face = array.view(cls)
        face.flags.writeable = False
        face._node = weakref.ref(node)
        return face

    def __array_finalize__(self, parent: Any) -> None:
        self._node = getattr(parent, "_node", None)

    def refuse(self) -> None:
        """Raise, naming the operation that keeps this data."""
        node = self._node() if self._node else None
        by = f"{node.name} at {node.line()} keeps" if node else "a recorded operation keeps"
        raise MutationError(
            f"This data cannot be changed in place yet: {by} it for its backward pass. Call "
            "backward() first, work on a copy (t.data.copy()), or record nothing "
            "(with minigrad.no_grad())."
        )

    __setitem__ = _unless_kept("__setitem__")
    fill = _unless_kept("fill")
    sort = _unless_kept("sort")
    put = _unless_kept("put")
    partition = _unless_kept("partition")

    def copy(self, order: Any = "C") -> np.ndarray:
        """A plain array of its own."""
        return np.array(self, order=order)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        for target in (*kwargs.get("out", ()), *(inputs[:1] if method == "at" else ())):
            if isinstance(target, KeptArray) and not target.flags.writeable:
                target.refuse()
        plain = [i.view(np.ndarray) if isinstance(i, KeptArray) else i for i in inputs]
        return getattr(ufunc, method)(*plain, **kwargs)


from minigrad.tensor import Tensor  # noqa: E402  (tensor.py uses this module)
