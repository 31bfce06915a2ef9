"""The two sides of a case: made of the same numbers, and held to the same results before any timing."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tests.benchmarks.case import BOTH, FORWARD, Passes

TOLERANCE = 1e-4  # of the largest entry: float32, sums of up to 60,000 products in different orders


class Side:
    """One library's half: a function of Tensors, and the leaves that a backward pass reaches.

    Parameters
    ----------
    library : module
        minigrad or torch; what is used here has the same name in both.
    function : callable
        From one Tensor an array to a Tensor.
    arrays : sequence of ndarray
    frozen : collection of int
        Which arrays no gradient is asked for.
    parameters : iterable of Tensor
        Further leaves, those of a module.
    """

    def __init__(
        self,
        library: Any,
        function: Callable[..., Any],
        arrays: Sequence[np.ndarray],
        frozen: Sequence[int] = (),
        parameters: Iterable[Any] = (),
    ):
        self.library, self.function = library, function
        self.inputs = [
            library.tensor(a, requires_grad=a.dtype.kind == "f" and i not in frozen)
            for i, a in enumerate(arrays)
        ]
        self.leaves = [t for t in self.inputs if t.requires_grad] + list(parameters)
        self.upstream: Any = None

    def forward(self) -> Any:
        """The output, without a graph."""
        with self.library.no_grad():
            return self.function(*self.inputs)

    def forward_backward(self) -> None:
        """The gradients of all leaves."""
        for leaf in self.leaves:
            leaf.grad = None
        self.function(*self.inputs).backward(self.upstream)


def compare(ours: Side, theirs: Side, rng: np.random.Generator) -> Passes:
    """Hold the output and the gradient of every leaf to the other side's; what to time."""
    y = ours.forward().numpy()
    _same(y, theirs.forward(), "the output")
    upstream = np.asarray(rng.standard_normal(y.shape), np.float32)
    for side in (ours, theirs):
        side.upstream = side.library.tensor(upstream)
        side.forward_backward()
    for number, (a, b) in enumerate(zip(ours.leaves, theirs.leaves, strict=True)):
        _same(a.grad, b.grad, f"the gradient of leaf {number}")
    return {
        FORWARD: (ours.forward, theirs.forward),
        BOTH: (ours.forward_backward, theirs.forward_backward),
    }


def compare_steps(ours: Callable[[], float], theirs: Callable[[], float]) -> Passes:
    """Hold the losses of the first training steps to each other; what to time."""
    losses = [(ours(), theirs()) for _ in range(4)]
    for number, (a, b) in enumerate(losses):
        _same(np.array(a), np.array(b), f"the loss after {number} steps")
    return {BOTH: (ours, theirs)}


def _same(ours: Any, theirs: Any, what: str) -> None:
    a, b = np.asarray(ours), np.asarray(theirs)
    np.testing.assert_allclose(
        a, b, rtol=0, atol=TOLERANCE * float(np.abs(b).max()), err_msg=f"{what} differs"
    )
