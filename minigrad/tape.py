"""The tape: what every operation shares, done once.

`record` is the forward half of the seam: it brings operands to one dtype, runs the rule, explains
shapes that do not fit, and, where a gradient is wanted, leaves a Node behind. `backward.py` is the
other half. A rule knows nothing of either.

A Node points only backwards, at the nodes and leaves its operands came from, and holds no array but
those that the rule kept on ctx: what no rule kept is free as soon as the caller lets go of it.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from minigrad import guard
from minigrad.context import Context, EmptyContext
from minigrad.errors import DtypeError, MinigradError, ShapeError
from minigrad.grad_mode import mode
from minigrad.shapes import explain

if TYPE_CHECKING:
    from minigrad.function import Function

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
NUMBER_KINDS = "biuf"
NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


class Node:
    """One recorded operation: its rule, what it kept, and where its operands came from.

    Attributes
    ----------
    rule : type of Function, or None for one of several outputs (see `index`)
    ctx : Context or None
        What the rule kept; None once it was freed.
    inputs : tuple
        Per operand, the Node or the leaf Tensor it came from, or None where nothing is tracked.
    shape, dtype : the shape and dtype of the output (of a tuple, for a rule with several outputs)
    index : int or None
        Set on a node that stands for output `index` of the many-output node `inputs[0]`.
    ids : sequence of int
        Where the rule kept anything, the identities of the arrays given to forward and returned by
        it: a kept array with one of them is that operand or output (kept arrays are alive, so that
        identities are not reused).
    code, instruction
        Where the caller's line is, looked up only when it is shown.
    values : Values or None
        Operands and outputs, kept for viewing inside `with minigrad.recording():` only.
    """

    ctx: Any = None
    code: Any
    instruction: int
    index: int | None = None
    ids: Sequence[int] = ()
    outputs = 1
    retained: tuple[Any, ...] = ()
    watched: tuple[Any, ...] = ()
    values: Any = None
    _hooks: tuple[Any, ...] = ()

    def __init__(self, rule: Any, inputs: tuple[Any, ...], shape: Any, dtype: Any):
        self.rule = rule
        self.inputs = inputs
        self.shape = shape
        self.dtype = dtype

    @property
    def name(self) -> str:
        """The operation's name, as errors and pictures show it."""
        return self.rule.name if self.rule else f"output {self.index} of {self.inputs[0].name}"

    def line(self) -> str:
        """The forward call in the caller's own code, as ``file.py:12: source``."""
        node = self.inputs[0] if self.rule is None else self
        return _describe_line(node.code, node.instruction)


def record(rule: "type[Function]", operands: tuple[Any, ...], options: Any = NO_OPTIONS) -> Any:
    """Run `rule` forward, and record it if an operand is tracked and gradients are enabled.

    Every operation of every program comes through here, so this is written for speed: one pass over
    the operands, and what is rare is looked into elsewhere. Its own caller is one of ours
    (`Function.apply`, an operator), so that the line to remember is further up.
    """
    # Operands as arrays and numbers of one float dtype, the highest among the Tensors.
    arrays: list[Any] = []
    origins: list[Any] = []
    needs: list[bool] = []
    dtype, mixed = None, False
    for operand in operands:
        origin = None
        if isinstance(operand, Tensor):
            array = operand._data
            origin = operand._node or (operand if operand._requires_grad else None)
            kind = array.dtype
            if kind is not dtype:
                if dtype is None and (kind is FLOAT32 or kind is FLOAT64):
                    dtype = kind
                else:
                    mixed = True
                    if kind.kind == "f":
                        dtype = np.promote_types(dtype, kind) if dtype else kind
        elif type(operand) is ndarray:
            # So that x * x.data holds two arrays, of which one is a constant.
            array = operand.view()
            mixed = True
        else:
            array = operand
            # Python's own numbers take the dtype of what they meet, so they can stay as they are.
            mixed = mixed or not (operand is None or type(operand) in (float, int, bool))
        arrays.append(array)
        origins.append(origin)
        needs.append(origin is not None)
    if mixed:
        arrays = [_cast(rule, a, dtype) for a in arrays]
    tracked = True in needs and mode.enabled
    ctx = Context()
    ctx.needs_input_grad = tuple(needs) if tracked else (False,) * len(needs)
    try:
        if observer is not None:
            y = observer.forward(rule, ctx, arrays, options)
        elif options:
            y = rule.forward(ctx, *arrays, **options)
        elif len(arrays) == 2:
            y = rule.forward(ctx, arrays[0], arrays[1])  # takes less than to unpack them
        else:
            y = rule.forward(ctx, *arrays)
    except MinigradError:
        raise
    except (ValueError, IndexError) as error:
        raise ShapeError(explain(rule.name, arrays, options, error)) from error

    if type(y) is not ndarray or y.dtype is not dtype:
        if rule.sets_dtype:
            dtype = None
        if type(y) is tuple:
            ys = [_settle(rule, ctx, part, dtype) for part in y]
            ys = [part.view() if any(part is a for a in arrays) else part for part in ys]
            return _tensors_of_many(rule, ctx, ys, operands, arrays, options, origins, tracked)
        y = _settle(rule, ctx, y, dtype)
    for a in arrays:
        if y is a:
            y = y.view()
    out = _new(Tensor)
    out._data = y
    if tracked and (y.dtype is dtype or y.dtype.kind == "f"):
        out._node = node = _new(Node)  # without the call of its __init__
        node.rule, node.inputs, node.shape, node.dtype = rule, tuple(origins), y.shape, y.dtype
        _keep(node, ctx, operands, arrays, options, (y,))
    if y.base is not None:
        guard.share(out, operands)
    return out


def _tensors_of_many(rule, ctx, ys, operands, arrays, options, origins, tracked) -> tuple:
    """The outputs of a rule with several: a node for the rule and one for each of them."""
    if tracked:
        node = Node(rule, tuple(origins), tuple(y.shape for y in ys), tuple(y.dtype for y in ys))
        node.outputs = len(ys)
        _keep(node, ctx, operands, arrays, options, ys)
    outs = []
    for index, y in enumerate(ys):
        if tracked and y.dtype.kind == "f":
            part = Node(None, (node,), y.shape, y.dtype)
            part.index = index
            outs.append(Tensor._of(y, part))
        else:
            outs.append(Tensor._of(y))
        if y.base is not None:
            guard.share(outs[-1], operands)
    return tuple(outs)


def _keep(node, ctx, operands, arrays, options, ys) -> None:
    """What backward will need: the rule's ctx, which arrays on it are which, the caller's line."""
    if listener is not None:
        listener(node, arrays, options, ys)
    values = ctx.__dict__
    if values:
        node.ctx = ctx
        kept: list[ndarray] = []
        for value in values.values():
            if type(value) is ndarray:
                kept.append(value)
            elif value is not None and type(value) not in _NO_ARRAYS:
                kept = guard.kept(ctx)  # those inside of it, too
                break
        if kept:
            given = [*arrays, *options.values()] if options else arrays
            node.ids = [*map(id, [*given, *ys])]
            guard.watch(node, operands, options, kept)
    else:
        node.ctx = _empty_contexts[ctx.needs_input_grad]
    frame = _getframe(3)
    code = frame.f_code
    while _is_ours[code.co_filename]:
        back = frame.f_back
        if back is None:
            break
        frame, code = back, back.f_code
    node.code, node.instruction = code, frame.f_lasti


#: Called with each new node, what forward was given, its options and what it returned, while somebody
#: looks on (see listening.py).
listener: Any = None

#: Runs every rule, forward and backward, in place of the tape while somebody measures or checks (see
#: debugging/observer.py).
observer: Any = None

_NO_ARRAYS = frozenset((bool, int, float, str))


class _EmptyContexts(dict):
    """By what they need: one for all nodes that kept nothing, so that a large graph is the smaller."""

    def __missing__(self, needs: tuple[bool, ...]) -> EmptyContext:
        ctx = self[needs] = EmptyContext(needs)
        return ctx


_empty_contexts = _EmptyContexts()
_getframe, _new = sys._getframe, object.__new__


def _origin(operand: "Tensor") -> "Node | Tensor | None":
    """The node that made a Tensor, or the Tensor itself if it is a leaf that wants a gradient."""
    return operand._node or (operand if operand._requires_grad else None)


def _cast(rule: "type[Function]", value: Any, dtype: Any) -> Any:
    if value is None or type(value) in (float, int, bool):
        return value
    if type(value) is not ndarray:
        value = np.asarray(value)
    if value.dtype.kind not in NUMBER_KINDS:
        raise DtypeError(
            f"{rule.name}: an operand of dtype {value.dtype} is not supported; minigrad computes with "
            "real numbers. Pass float32 or float64 arrays (np.stack joins a list of Tensors)."
        )
    return value if dtype is None or value.dtype == dtype else value.astype(dtype)


def _settle(rule: "type[Function]", ctx: Context, raw: Any, dtype: Any) -> Any:
    """A forward's result as an array of the right dtype."""
    y = raw if type(raw) is ndarray else np.asarray(raw)
    if dtype is not None and y.dtype is not dtype and y.dtype.kind == "f":
        y = y.astype(dtype, copy=False)
    if y.dtype.kind not in NUMBER_KINDS:
        raise DtypeError(
            f"{rule.name}: forward returned {type(raw).__name__} of dtype {y.dtype}; "
            "it must return an array (or a tuple of arrays) of real numbers."
        )
    if y is not raw:
        for key, value in vars(ctx).items():
            if value is raw:
                setattr(ctx, key, y)
    return y


_PACKAGES = tuple(
    os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), name) + os.sep
    for name in ("minigrad", "layers")
)


class _Ours(dict):
    """Whether a file is one of ours: by file name, found out once."""

    def __missing__(self, filename: str) -> bool:
        self[filename] = os.path.abspath(filename).startswith(_PACKAGES)
        return self[filename]


_is_ours = _Ours()


def _describe_line(code: Any, instruction: int) -> str:
    import linecache

    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= instruction < end and number is not None:
            line = number
    source = linecache.getline(code.co_filename, line).strip()
    return f"{code.co_filename}:{line}" + (f": {source}" if source else "")


from minigrad.tensor import Tensor  # noqa: E402  (tensor.py needs `record` first)
