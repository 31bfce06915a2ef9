"""What a check looks at: a map from arrays to numbers, with the backward that is held to it.

    Whole        all that f does, from inputs and parameters to outputs, through the tape
    Operation    one rule alone, on copies of its operands, without the tape

Outputs and upstream gradients are flat vectors, several outputs one behind the other; `split` cuts
them apart. The arrays may be written to: forward reads them anew each time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

import numpy as np

from minigrad.backward import walk
from minigrad.checking.raised import where
from minigrad.context import Context
from minigrad.errors import DtypeError, GradientError, GraphError
from minigrad.function import Function
from minigrad.grad_mode import enable_grad, no_grad
from minigrad.shapes import unbroadcast
from minigrad.tape import Node
from minigrad.tensor import Tensor


class MisshapenError(GradientError):
    """A gradient that has not the shape of its array."""


#: How far inputs are moved, in proportion, to see what follows them.
AWAY = 1e-3

Backward = Callable[[np.ndarray], list[Any]]


class Map:
    """A map of `arrays`, called `names`, to outputs of `shapes`.

    Attributes
    ----------
    name : str
        The operation's, or 'f'.
    strict : bool
        Nobody un-broadcasts the gradients: each must have the shape of its array.
    dtypes : tuple of dtype
        Those of the outputs of an operation.
    """

    name = "f"
    strict = False
    dtypes: tuple[Any, ...] = ()
    names: list[str]
    arrays: list[np.ndarray]
    shapes: list[tuple[int, ...]]

    def forward(self) -> np.ndarray:
        """The outputs as one vector, a copy."""
        raise NotImplementedError

    def graph(self) -> Backward:
        """Run forward for a backward pass; return that, from upstream to one gradient an array."""
        raise NotImplementedError

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What a block writes into the arrays is undone at its end, however it ends."""
        kept = [a.copy() for a in self.arrays]
        try:
            yield
        finally:
            for a, before in zip(self.arrays, kept):
                a[...] = before

    def backward(self, upstream: np.ndarray) -> list[Any]:
        """One gradient an array, as the rule gave them, of whatever shape."""
        with np.errstate(all="ignore"):
            return self.graph()(upstream.copy())

    def gradients(self, upstream: np.ndarray) -> list[np.ndarray]:
        """One gradient an array, each of its array's shape.

        Raises
        ------
        GradientError
            The rule failed, or gave a wrong number of gradients; MisshapenError, one of a wrong shape.
        """
        return [self.fit(k, raw) for k, raw in enumerate(self.backward(upstream))]

    def fit(self, k: int, raw: Any) -> np.ndarray:
        """The gradient of array `k` in its shape."""
        shape, answer = self.arrays[k].shape, np.asarray(raw)
        if answer.shape != shape and not self.strict:
            try:
                answer = unbroadcast(answer, shape)
            except ValueError:
                pass
        if answer.shape != shape:
            raise MisshapenError(
                f"{self.name}: the gradient of {self.names[k]} has shape {answer.shape}; it must "
                f"have the shape of {self.names[k]}, {shape}."
            )
        return answer

    def joined(self, outputs: Any) -> np.ndarray:
        """All outputs as one vector, a copy.

        Raises
        ------
        GraphError
            One whose shape follows the numbers in the inputs.
        """
        for number, (y, shape) in enumerate(zip(outputs, self.shapes)):
            if np.shape(y) != shape:
                raise GraphError(
                    f"gradcheck: the shape of output {number} of {self.name} follows the numbers in its "
                    f"inputs: {shape}, and {np.shape(y)} a small step away. Check it where its shape stays."
                )
        return np.concatenate([np.zeros(0), *(np.ravel(y) for y in outputs)]).astype(np.float64)

    def split(self, vector: np.ndarray) -> list[np.ndarray]:
        """A vector over all outputs as one array an output."""
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        parts = np.split(vector, np.cumsum(sizes)[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, self.shapes)]


class Whole(Map):
    """What `call` computes from the Tensors `leaves`, whose arrays are written to."""

    def __init__(self, call: Callable[[], Any], leaves: list[Tensor], names: list[str]):
        self.call, self.leaves, self.names = call, leaves, names
        self.arrays = [leaf._data for leaf in leaves]
        outputs = self.outputs()
        self.shapes = [y.shape for y in outputs]
        self._refuse_float32(outputs)

    def outputs(self) -> list[Tensor]:
        """The Tensors that f returns, checked."""
        outputs = list(_flat(self.call()))
        for number, y in enumerate(outputs):
            if not isinstance(y, Tensor):
                raise GraphError(
                    f"gradcheck: output {number} of f is a {type(y).__name__}. f must return Tensors; "
                    "was a value taken out of the graph on the way?"
                )
            if y.dtype.kind != "f":
                raise DtypeError(
                    f"gradcheck: output {number} of f is {y.dtype}, which has no slope."
                )
        return outputs

    def _refuse_float32(self, outputs: list[Tensor]) -> None:
        """Outputs in float32 may be constants only: small steps drown in their rounding."""
        for number, y in enumerate(outputs):
            if y.dtype == np.float64:
                continue
            with self.undone():
                for a in self.arrays:
                    a += AWAY * np.maximum(1, np.abs(a))
                moved = self.outputs()[number]._data
            if y.requires_grad or not np.array_equal(moved, y._data, equal_nan=True):
                raise DtypeError(
                    f"gradcheck: output {number} of f is {y.dtype}, though all inputs are float64: small "
                    "steps drown in its rounding. Was it made anew (minigrad.tensor), or cast (astype)?"
                )

    def forward(self) -> np.ndarray:
        """What f returns, computed without a graph."""
        with no_grad():
            return self.joined([y._data for y in self.outputs()])

    def graph(self) -> Backward:
        """A graph of all of f, and the walk back through it."""
        with enable_grad():
            outputs = self.outputs()
        tracked = [number for number, y in enumerate(outputs) if y.requires_grad]
        roots = [outputs[number] for number in tracked]

        def backward(upstream: np.ndarray) -> list[Any]:
            parts = self.split(upstream)
            seeds = [parts[n].astype(outputs[n].dtype, copy=False) for n in tracked]
            found = walk(roots, seeds, retain_graph=True)
            return [np.array(found.get(x, np.zeros(x.shape))) for x in self.leaves]

        return backward


class Operation(Map):
    """One rule, at copies of its operands.

    Parameters
    ----------
    rule : type of Function
    operands : list
        What forward is given.
    needs : tuple of bool
        Which of them the gradient is asked for.
    options : dict
    names : list of str, optional
        What to call those operands.
    node : Node, optional
        Where the rule was recorded.

    Attributes
    ----------
    label : str
        Its name, and which of several of that name it is.
    """

    def __init__(self, rule: Any, operands: list[Any], needs: tuple[bool, ...], options=None, names=None, node: Node | None = None):  # fmt: skip
        refuse_unwritten(rule)
        self.rule, self.needs, self.options, self.node = rule, needs, options or {}, node
        self.name, self.strict = rule.name, getattr(rule, "strict", False)
        self.label = rule.name
        self.operands = [np.array(a, np.float64) if n else a for a, n in zip(operands, needs)]
        self.places = [place for place, need in enumerate(needs) if need]
        self.arrays = [self.operands[place] for place in self.places]
        self.names = names or [f"operand {place}" for place in self.places]
        outputs = [np.asarray(y) for y in self._run(self.operands)[0]]
        self.shapes, self.dtypes = [y.shape for y in outputs], tuple(y.dtype for y in outputs)

    def _run(self, operands: list[Any]) -> tuple[tuple[Any, ...], Context]:
        ctx = Context()
        ctx.needs_input_grad = self.needs
        y = self.rule.forward(ctx, *operands, **self.options)
        return y if isinstance(y, tuple) else (y,), ctx

    def forward(self) -> np.ndarray:
        """What the rule's forward returns."""
        return self.joined(self._run(self.operands)[0])

    def complex_forward(self, k: int, i: tuple[int, ...], step: complex) -> np.ndarray | None:
        """The outputs with a complex step in entry `i` of array `k`; None if forward cannot."""
        operands = list(self.operands)
        moved = operands[self.places[k]] = self.arrays[k].astype(complex)
        moved[i] += step
        try:
            return np.concatenate([np.ravel(y) for y in self._run(operands)[0]])
        except Exception:  # whatever a forward that was written for real numbers may raise
            return None

    def graph(self) -> Backward:
        """The rule's backward, with what a new forward kept."""
        _, ctx = self._run(self.operands)

        def backward(upstream: np.ndarray) -> list[Any]:
            answers = self._call_rule(ctx, self.split(upstream))
            wanted = [answers[place] for place in self.places]
            return [
                np.zeros(x.shape) if answer is None else self._numbers(name, answer)
                for x, name, answer in zip(self.arrays, self.names, wanted)
            ]

        return backward

    def _numbers(self, name: str, answer: Any) -> np.ndarray:
        """A gradient as an array of floats, a copy."""
        if not (self.strict or isinstance(answer, (np.ndarray, np.floating))):
            raise GradientError(  # as the tape does
                f"{self.name}: backward returned {type(answer).__name__} for {name}; it must return an array."
            )
        try:
            array = np.array(answer)
        except ValueError:  # of lists of several lengths
            array = np.array(None)
        if array.dtype.kind not in "fiub":
            what = "complex numbers" if array.dtype.kind == "c" else f"a {type(answer).__name__}"
            raise GradientError(
                f"{self.name}: backward returned {what} for {name}. A gradient is an array of real numbers."
            )
        return array.astype(float)

    def _call_rule(self, ctx: Context, upstream: list[np.ndarray]) -> tuple[Any, ...]:
        try:
            answers = self.rule.backward(ctx, *upstream)
        except NotImplementedError:
            raise  # a rule that is still to be written is not a wrong one
        except Exception as error:
            raise GradientError(
                f"{self.name}: its backward failed with {type(error).__name__}: {error}, {where(error)}"
            ) from error
        if answers is None and (self.strict or len(self.needs) > 1):
            raise GradientError(f"{self.name}: backward returned None. Does it lack a return?")
        answers = answers if isinstance(answers, tuple) else (answers,)
        if len(answers) != len(self.needs):
            raise GradientError(
                f"{self.name}: backward returned {len(answers)} gradients for the {len(self.needs)} "
                "operands of forward. Return one for each, None where there is none."
            )
        return answers


def refuse_unwritten(rule: Any) -> None:
    """A rule without its forward or backward is still to be written, or has it under a name of its own."""
    for method in ("forward", "backward"):
        if getattr(rule, method) is getattr(Function, method):
            near = get_close_matches(method, vars(rule), 1)
            hint = f"; is its {near[0]!r} meant?" if near else "."
            raise NotImplementedError(
                f"gradcheck: {rule.__name__} has no {method}. Write it as a static method, {method}(ctx, ...)"
                f"{hint}"
            )


def _flat(outputs: Any) -> Iterator[Any]:
    if isinstance(outputs, (list, tuple)):
        for output in outputs:
            yield from _flat(output)
    else:
        yield outputs
