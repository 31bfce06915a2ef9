"""The tape: what every operation shares, done once.

`record` is the forward half of the seam: it brings operands to one dtype, runs the rule, explains
shapes that do not fit, and, where a gradient is wanted, leaves a Node behind. `backward.py` is the
other half. A rule knows nothing of either.

A Node points only backwards, at the nodes and leaves its operands came from, and holds no array but
those that the rule kept on ctx: what no rule kept is free as soon as the caller lets go of it.
"""

import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import guard
from minigrad.context import Context
from minigrad.errors import DtypeError, MinigradError, ShapeError
from minigrad.grad_mode import mode
from minigrad.shapes import explain

if TYPE_CHECKING:
    from minigrad.function import Function

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
NUMBER_KINDS = "biuf"


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
    ids : tuple of int
        Where the rule kept anything, the identities of the arrays given to forward and returned by
        it: a kept array with one of them is that operand or output (kept arrays are alive, so that
        identities are not reused).
    where : (code, instruction)
        The caller's line, looked up only when it is shown.
    """

    ctx: Any = None
    where: Any
    index: int | None = None
    ids: tuple[int, ...] = ()
    outputs = 1
    retained: tuple[Any, ...] = ()
    watched: tuple[Any, ...] = ()

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
        return _describe_line(*node.where)


def record(rule: "type[Function]", operands: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Run `rule` forward on `operands`; see Function.apply."""
    arrays, origins, dtype = _unpack(rule, operands)
    needs = tuple([origin is not None for origin in origins])
    tracked = mode.enabled and True in needs
    ctx = Context()
    ctx.needs_input_grad = needs if tracked else (False,) * len(needs)
    try:
        result = rule.forward(ctx, *arrays, **options)
    except MinigradError:
        raise
    except (ValueError, IndexError) as error:
        raise ShapeError(explain(rule.name, arrays, options, error)) from error

    if rule.sets_dtype:
        dtype = None
    if type(result) is tuple:
        ys = [_settle(rule, ctx, y, arrays, dtype) for y in result]
        outs = _tensors_of_many(rule, ctx, ys, operands, arrays, options, origins, tracked)
        return tuple(outs)
    y = _settle(rule, ctx, result, arrays, dtype)
    if tracked and y.dtype.kind == "f":
        node = Node(rule, tuple(origins), y.shape, y.dtype)
        _keep(node, ctx, operands, arrays, options, (y,))
        out = Tensor._of(y, node)
    else:
        out = Tensor._of(y)
    if y.base is not None:
        guard.share(out, operands)
    return out


def _tensors_of_many(rule, ctx, ys, operands, arrays, options, origins, tracked) -> list[Any]:
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
    return outs


def _keep(node, ctx, operands, arrays, options, ys) -> None:
    """What backward will need: the rule's ctx, which arrays on it are which, the caller's line."""
    node.ctx = ctx
    if ctx.__dict__:
        node.ids = tuple([id(a) for a in (*arrays, *options.values(), *ys)])
        guard.watch(node, operands, options)
    frame = sys._getframe(3)
    while _is_ours(frame.f_code.co_filename) and frame.f_back is not None:
        frame = frame.f_back
    node.where = (frame.f_code, frame.f_lasti)


def _origin(operand: "Tensor") -> "Node | Tensor | None":
    """The node that made a Tensor, or the Tensor itself if it is a leaf that wants a gradient."""
    return operand._node or (operand if operand._requires_grad else None)


def _unpack(rule: "type[Function]", operands: tuple[Any, ...]) -> tuple[list[Any], list[Any], Any]:
    """Operands as arrays and numbers of one float dtype, the highest among the Tensors; origins."""
    arrays: list[Any] = []
    origins: list[Any] = []
    dtype, mixed = None, False
    for operand in operands:
        if isinstance(operand, Tensor):
            array = operand._data
            arrays.append(array)
            origins.append(operand._node or (operand if operand._requires_grad else None))
            if array.dtype is not dtype:
                mixed = mixed or dtype is not None or array.dtype.kind != "f"
                if array.dtype.kind == "f":
                    dtype = np.promote_types(dtype, array.dtype) if dtype else array.dtype
        else:
            # A view, so that x * x.data holds two arrays, of which one is a constant.
            arrays.append(operand.view() if type(operand) is np.ndarray else operand)
            origins.append(None)
            # Python's own numbers take the dtype of what they meet, so they can stay as they are.
            mixed = mixed or not (operand is None or type(operand) in (float, int, bool))
    if mixed:
        arrays = [_cast(rule, a, dtype) for a in arrays]
    return arrays, origins, dtype


def _cast(rule: "type[Function]", value: Any, dtype: Any) -> Any:
    if value is None or type(value) in (float, int, bool):
        return value
    if type(value) is not np.ndarray:
        value = np.asarray(value)
    if value.dtype.kind not in NUMBER_KINDS:
        raise DtypeError(
            f"{rule.name}: an operand of dtype {value.dtype} is not supported; minigrad computes with "
            "real numbers. Pass float32 or float64 arrays (np.stack joins a list of Tensors)."
        )
    return value if dtype is None or value.dtype == dtype else value.astype(dtype)


def _settle(rule: "type[Function]", ctx: Context, raw: Any, arrays: list[Any], dtype: Any) -> Any:
    """A forward's result as an array of the right dtype that is none of the operands."""
    y = raw if type(raw) is np.ndarray else np.asarray(raw)
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
    for a in arrays:
        if y is a:
            return y.view()
    return y


_PACKAGES = tuple(
    os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), name) + os.sep
    for name in ("minigrad", "layers")
)
_ours: dict[str, bool] = {}


def _is_ours(filename: str) -> bool:
    known = _ours.get(filename)
    if known is None:
        known = _ours[filename] = os.path.abspath(filename).startswith(_PACKAGES)
    return known


def _describe_line(code: Any, instruction: int) -> str:
    import linecache

    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= instruction < end and number is not None:
            line = number
    source = linecache.getline(code.co_filename, line).strip()
    return f"{code.co_filename}:{line}" + (f": {source}" if source else "")


from minigrad.tensor import Tensor  # noqa: E402  (tensor.py needs `record` first)
