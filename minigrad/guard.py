"""The guard: data that a backward pass still needs must not change before it.

Three ways to change an array in place, and what happens to each:

- through `Tensor.data` while a live graph keeps the array: `Tensor.data` then hands out a read-only
  `KeptArray`, whose writes raise at once and name the operation that keeps it;
- through an array the caller owns (an operand or option that is a plain array, a `Tensor.data` taken
  before the operation, or a view of one): a sample taken when the rule kept it is compared in backward;
- by an optimizer's step: the nodes that keep the parameter are marked, and raise in backward.

The sample is the whole array up to 16 KiB and some 128 entries spread over a larger one, so that
a few entries changed in a large array may pass unseen. Nothing else is missed.
"""

import weakref
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy import ndarray

from minigrad.errors import MutationError


def watch(node: Any, operands: Any, options: dict[str, Any], arrays: list[np.ndarray]) -> None:
    """Let each Tensor know the node that may keep its array; take samples of what callers own.

    `arrays` are those that the node keeps.
    """
    reference = None
    owned: list[np.ndarray] = []
    for operand in operands:
        if isinstance(operand, Tensor):
            data = operand._data
            for other in arrays:
                if other is data or other.base is not None or data.base is not None:
                    break  # the same memory, or perhaps
            else:
                continue
            if reference is None:
                reference = weakref.ref(node)
            if operand._readers is None:
                operand._readers = [reference]
            else:
                _add(operand._readers, reference)
            if operand._exposed:
                owned.append(data)
        elif isinstance(operand, ndarray):
            owned.append(operand)
    if options:
        _collect(options.values(), owned)
    if owned:
        node.watched = [(a, sample(a)) for a in arrays if _is_among(a, owned)]


def _add(readers: list[Any], reference: Any) -> None:
    readers.append(reference)
    n = len(readers)
    if n > 63 and not n & (n - 1):
        # Pruned at each doubling: a parameter read in a million forward passes stays small.
        readers[:] = [r for r in readers if (node := r()) is not None and node.ctx is not None]


def share(out: Any, operands: Any) -> None:
    """If `out` is a view of an operand's memory, whoever keeps the one keeps the other."""
    owner = _owner(out._data)
    for operand in operands:
        if isinstance(operand, Tensor) and _owner(operand._data) is owner:
            if operand._readers is None:
                operand._readers = []
            if operand._node is not None:
                _add(operand._readers, weakref.ref(_maker(operand)))
            out._readers, out._exposed = operand._readers, True
        elif isinstance(operand, ndarray) and _owner(operand) is owner:
            out._exposed = True


def _maker(tensor: Any) -> Any:
    """The node whose rule computed a Tensor."""
    node = tensor._node
    return node if node is None or node.rule is not None else node.inputs[0]


def kept(ctx: Any) -> list[np.ndarray]:
    """The arrays on a ctx, also those inside tuples, lists and dicts."""
    found: list[np.ndarray] = []
    if ctx is not None:
        _collect(ctx.__dict__.values(), found)
    return found


def _collect(values: Iterable[Any], found: list[np.ndarray]) -> None:
    for value in values:
        if isinstance(value, np.ndarray):
            found.append(value)
        elif isinstance(value, (tuple, list)):
            _collect(value, found)
        elif isinstance(value, dict):
            _collect(value.values(), found)


def _is_among(array: np.ndarray, owned: list[np.ndarray]) -> bool:
    """Whether an array looks at the memory of one of the others."""
    for other in owned:
        if array is other or array.base is other or _owner(array) is _owner(other):
            return True
    return False


def sample(array: np.ndarray) -> bytes:
    """The bytes of an array, or those of some 128 entries where it is larger than 16 KiB."""
    return (array if array.nbytes <= 16384 else array[_grid(array.shape)]).tobytes()


@lru_cache
def _grid(shape: tuple[int, ...]) -> tuple[slice, ...]:
    """An index of about 128 entries of an array, spread over all of its axes."""
    budget, slices = 128.0, [slice(None)] * len(shape)
    # Short axes first: what they cannot use is left to the long ones.
    for done, axis in enumerate(sorted(range(len(shape)), key=shape.__getitem__)):
        wanted = round(budget ** (1 / (len(shape) - done)))
        step = -(-shape[axis] // max(1, wanted))
        slices[axis] = slice(None, None, step)
        budget /= -(-shape[axis] // step)
    return tuple(slices)


def check(node: Any) -> None:
    """Raise where an array that the node's rule kept has changed since forward."""
    for array, before in node.watched:
        if before is None or sample(array) != before:
            raise MutationError(
                f"{node.name}: an array of shape {array.shape} that its backward pass needs was "
                f"changed in place after the forward call at {node.line()}. Give the operation a "
                "copy (array.copy()), or change the array (or call an optimizer's step) after backward()."
            )


def keeper(tensor: Any) -> Any:
    """A live node whose rule keeps the memory of `tensor`, or None."""
    return next(_keepers(tensor), None)


def expire(tensor: Any) -> None:
    """Before the data of `tensor` change on purpose: a backward pass that needs them will raise."""
    for node in _keepers(tensor):
        node.watched = [*node.watched, (tensor._data, None)]  # no array has this sample
    if tensor._readers:
        tensor._readers.clear()


def _keepers(tensor: Any) -> Iterator[Any]:
    """The live nodes whose rules keep the memory of `tensor`."""
    nodes = [_maker(tensor), *(reference() for reference in tensor._readers or ())]
    owner = _owner(tensor._data)
    for node in nodes:
        if node is not None and any(_owner(a) is owner for a in kept(node.ctx)):
            yield node


def _owner(array: np.ndarray) -> np.ndarray:
    """The array whose memory `array` looks at."""
    base = array.base
    while isinstance(base, np.ndarray):
        array, base = base, base.base
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
        if node is None or node.ctx is None:
            raise MutationError(
                "This array was read from Tensor.data while a recorded operation needed it, and stays "
                "read-only. Nothing needs it now: take t.data anew."
            )
        raise MutationError(
            f"This data cannot be changed in place yet: {node.name} at {node.line()} keeps it for its "
            "backward pass. Call backward() first, work on a copy (t.data.copy()), or record nothing "
            "(with minigrad.no_grad())."
        )

    __setitem__ = _unless_kept("__setitem__")
    fill = _unless_kept("fill")
    sort = _unless_kept("sort")
    put = _unless_kept("put")
    partition = _unless_kept("partition")

    def copy(self, order: Any = "C") -> Any:
        """A plain array of its own."""
        return np.array(self, order=order)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        for target in (*kwargs.get("out", ()), *(inputs[:1] if method == "at" else ())):
            if isinstance(target, KeptArray) and not target.flags.writeable:
                target.refuse()
        plain = [i.view(np.ndarray) if isinstance(i, KeptArray) else i for i in inputs]
        return getattr(ufunc, method)(*plain, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        try:
            return super().__array_function__(function, types, args, kwargs)
        except ValueError as error:  # np.copyto, np.put, out= …
            if "read-only" in str(error):
                self.refuse()
            raise


from minigrad.tensor import Tensor  # noqa: E402  (tensor.py uses this module)
