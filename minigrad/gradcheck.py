"""gradcheck: hold a gradient to numbers, entry by entry.

For a random upstream gradient u, the derivative of <u, f(x)> with respect to one entry of x is what
backward answers there, and also, nearly, the central difference (<u, f(x + h)> - <u, f(x - h)>) / 2h.

At a kink (a tie in max, a zero in relu, a sample exactly on a pixel) the two need not agree though
the rule is right. An entry that disagrees there is moved off its kink and tried again; the wrong
rule still fails, since it is wrong beside the kink too.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.backward import walk
from minigrad.errors import DtypeError, GraphError
from minigrad.function import Function
from minigrad.grad_mode import enable_grad, no_grad
from minigrad.gradcheck_report import Report
from minigrad.tensor import Tensor

#: How often an entry may be moved before it is taken as it is.
MOVES = 12


def gradcheck(
    f: Any,
    inputs: Any,
    *,
    params: Sequence[Tensor] | None = None,
    eps: float = 1e-6,
    atol: float = 1e-6,
    rtol: float = 1e-5,
    seed: int = 0,
) -> Report:
    """Hold the gradients of `f` at `inputs` to central differences, on every entry.

    Also checked: f gives the same for the same inputs and leaves them alone; a second backward pass
    gives what the first gave; no upstream gradient gives no gradient.

    Parameters
    ----------
    f : callable, Function class or Module
        From Tensors to a float Tensor of any shape, or several.
    inputs : array_like or Tensor, or a list or tuple of them
        Where to check; float data, promoted to float64. What has no gradient (labels, options)
        belongs into f: ``lambda x: f(x, labels)``.
    params : sequence of Tensor, optional
        Leaf Tensors that f uses without being given them, checked like inputs; float64 during the
        check, and as before after it. By default the parameters of a Module that require gradients.
    eps : float
        Half the step of the difference, for entries up to 1; in proportion to the entry above.
    atol, rtol : float
        Passes where |analytic - numeric| <= atol + rtol |numeric|.
    seed : int
        Of the upstream gradients and of the moves off kinks.

    Returns
    -------
    Report
        True where all is well; print it to see the worst entry.

    Raises
    ------
    DtypeError
        An input or an output that is not float.
    GraphError
        Nothing to check, or f returns what is not a Tensor.
    """
    rng = np.random.default_rng(seed)
    given = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    variables = [_variable(number, value) for number, value in enumerate(given)]
    names = [f"input {number}" for number in range(len(variables))]
    named = _parameters(f) if params is None else {str(i): p for i, p in enumerate(params)}
    names += [f"parameter {name}" for name in named]
    if not names:
        raise GraphError("gradcheck: there is nothing to check, neither inputs nor parameters.")
    call = f.apply if isinstance(f, type) and issubclass(f, Function) else f

    with _in_float64(f, list(named.values())):
        check = _Check(lambda: call(*variables), [*variables, *named.values()], eps, rng)
        report = Report(names, atol=atol, rtol=rtol)
        report.problems += check.purity()
        if not report.problems:
            report.analytic, report.numeric, report.moved = check.compare(report.agree)
            report.problems += check.backward_passes()
    return report


class _Check:
    """The computations of one gradcheck, at a point that moves off kinks.

    `call` computes the outputs from the Tensors `leaves`, whose arrays are written to.
    """

    def __init__(self, call: Callable[[], Any], leaves: list[Tensor], eps: float, rng: Any):
        self.call, self.leaves, self.eps, self.rng = call, leaves, eps, rng
        self.arrays = [leaf._data for leaf in leaves]
        self.upstream = [rng.standard_normal(y.shape) for y in self.values()]

    def outputs(self) -> list[Tensor]:
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

    def values(self) -> list[np.ndarray]:
        with no_grad():
            return [np.array(y._data) for y in self.outputs()]

    def purity(self) -> list[str]:
        """Does f leave its inputs alone, and answer twice alike?"""
        before = [a.copy() for a in self.arrays]
        one, two = self.values(), self.values()
        problems = []
        if not _equal(self.arrays, before):
            problems.append("f changes its inputs in place.")
        if not _equal(one, two):
            problems.append(
                "f gives different results for the same inputs: does it draw random numbers (seed a "
                "generator inside f), or remember earlier calls?"
            )
        return problems

    def compare(self, agree: Callable[[Any, Any], Any]) -> tuple[list, list, int]:
        """Analytic and numeric gradients, and how many entries had to be moved for them."""
        analytic = [np.zeros(a.shape) for a in self.arrays]
        numeric = [np.zeros(a.shape) for a in self.arrays]
        start = [a.copy() for a in self.arrays]
        pending = [(k, i) for k, a in enumerate(self.arrays) for i in np.ndindex(a.shape)]
        moved: set[Any] = set()
        for _ in range(MOVES + 1):
            gradients = self.gradients()
            ways_out = {}
            for k, i in pending:
                analytic[k][i], numeric[k][i] = gradients[k][i], self._slope(k, i, -1, 1)
                if not agree(analytic[k][i], numeric[k][i]):
                    gap, way = self.kink(k, i)
                    if not agree(numeric[k][i] + gap / 2, numeric[k][i]):
                        ways_out[k, i] = way
            if not ways_out:
                break
            for (k, i), way in ways_out.items():
                size = self.rng.uniform(1e-3, 1e-2) * max(1.0, abs(start[k][i]))
                self.arrays[k][i] = start[k][i] + way * size
            moved.update(ways_out)
            pending = list(ways_out)
        return analytic, numeric, len(moved)

    def kink(self, k: int, i: tuple[int, ...]) -> tuple[float, int]:
        """By how much the slopes to the two sides of entry i of array k differ, and a way out.

        Curvature too opens a gap between them, but in proportion to the step: it is subtracted. At an
        edge of f's domain the gap is nan, and the way out is that inside.
        """
        right, left = self._slope(k, i, 0, 1), self._slope(k, i, -1, 0)
        wide = self._slope(k, i, 0, 2) - self._slope(k, i, -2, 0)
        way = self.rng.choice([-1, 1])
        if np.isfinite(right) != np.isfinite(left):
            way = 1 if np.isfinite(right) else -1
        return 2 * (right - left) - wide, way

    def _slope(self, k: int, i: tuple[int, ...], low: int, high: int) -> float:
        """The slope of <u, f> along an entry, between two points given in steps from where it is."""
        array = self.arrays[k]
        kept = array[i]
        h = self.eps * max(1.0, abs(kept))
        with np.errstate(all="ignore"):
            array[i] = kept + high * h
            above = self.values()
            array[i] = kept + low * h
            below = self.values()
            array[i] = kept
            # The difference first, then the product with u: less of it is lost to rounding.
            change = sum(np.sum(u * (a - b)) for u, a, b in zip(self.upstream, above, below))
        return float(change) / ((high - low) * h)

    def gradients(self) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            return self._walk(self._graph(), [u.copy() for u in self.upstream])

    def backward_passes(self) -> list[str]:
        """Does backward answer twice alike, leave what it is given alone, and give 0 for 0?"""
        problems = []
        before = [a.copy() for a in (*self.arrays, *self.upstream)]
        outputs = self._graph()
        one = self._walk(outputs, self.upstream, retain_graph=True)
        two = self._walk(outputs, self.upstream, retain_graph=True)
        if not _equal([*self.arrays, *self.upstream], before):
            problems.append("backward changes an input, or the gradient it is given, in place.")
        elif not _equal(one, two):
            problems.append(
                "A second backward pass over the same graph gives other gradients: does a rule change "
                "in place what it kept on ctx?"
            )
        none = self._walk(outputs, [np.zeros_like(u) for u in self.upstream])
        if any(np.any(g != 0) for g in none):
            problems.append("An upstream gradient of 0 does not give gradients of 0.")
        return problems

    def _graph(self) -> list[Tensor]:
        with enable_grad():
            return self.outputs()

    def _walk(self, outputs: list[Tensor], seeds: list[np.ndarray], **options: Any) -> list[Any]:
        """Gradients of all leaves, 0 for those that the outputs do not depend on."""
        tracked = [
            (y, u.astype(y.dtype, copy=False))
            for y, u in zip(outputs, seeds, strict=True)
            if y.requires_grad
        ]
        found = walk([y for y, _ in tracked], [u for _, u in tracked], **options)
        return [np.array(found.get(x, np.zeros(x.shape))) for x in self.leaves]


def _variable(number: int, value: Any) -> Tensor:
    array = value._data if isinstance(value, Tensor) else np.asarray(value)
    if array.dtype.kind != "f":
        raise DtypeError(
            f"gradcheck: input {number} is {array.dtype}, and only floats have a gradient. Write its "
            "numbers as floats (1.0), or leave it out of the inputs: lambda x: f(x, labels)."
        )
    return Tensor(array, requires_grad=True, dtype=np.float64)


def _parameters(f: Any) -> dict[str, Tensor]:
    """The parameters of a Module that require gradients, by name; nothing for a function."""
    if not hasattr(f, "named_parameters"):
        return {}
    return {name: p for name, p in f.named_parameters() if p.requires_grad}


@contextmanager
def _in_float64(f: Any, params: list[Tensor]) -> Iterator[None]:
    """Parameters in float64 copies meanwhile; they and a Module's state are put back at the end."""
    arrays = [p._data for p in params]
    state = f.state_dict() if hasattr(f, "load_state_dict") else None
    try:
        for p in params:
            p._data = p._data.astype(np.float64)
        yield
    finally:
        for p, array in zip(params, arrays, strict=True):
            p._data = array
        if state is not None:
            f.load_state_dict(state)


def _flat(outputs: Any) -> Iterator[Any]:
    if isinstance(outputs, (list, tuple)):
        for output in outputs:
            yield from _flat(output)
    else:
        yield outputs


def _equal(one: list[np.ndarray], two: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, two, strict=True))
