"""profile: forward and backward time and bytes by operation."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from minigrad import guard, tape
from minigrad.debugging.compiling import Compiling
from minigrad.debugging.observer import Observer
from minigrad.tensor import Tensor


def profile(clock: Callable[[], float] = time.perf_counter) -> "Profile":
    """Measure each operation, forward and backward, inside the block; then print it.

    The time is that of the rules alone, without the tape's own work. The bytes are those of what the
    rules returned, results forward and gradients backward, and of what they kept in between. Kernels
    are compiled, or read from disk, in their first call: that time has a line of its own.

    Parameters
    ----------
    clock : callable
        Seconds, from any start.

    Examples
    --------
    >>> with minigrad.profile() as p:
    ...     loss = cross_entropy(net(x), y)
    ...     loss.backward()
    >>> print(p)
    """
    return Profile(clock)


@dataclass
class Cost:
    """What all calls of one operation took: numbers of calls, seconds and bytes.

    `kept` are the bytes of arrays that a forward call left for its backward, some of which others
    hold as well (operands, for the most part).
    """

    calls: int = 0
    seconds: float = 0.0
    bytes: int = 0
    kept: int = 0
    backward_calls: int = 0
    backward_seconds: float = 0.0
    backward_bytes: int = 0


class Profile(Observer):
    """The context that `profile` returns; printed, it is a table.

    Attributes
    ----------
    costs : dict from an operation's name to Cost
    compiling : Compiling
        Its `seconds` are counted in no Cost.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter):
        self.costs: dict[str, Cost] = {}
        self.compiling = Compiling(clock)
        self._clock = clock
        self._inner = 0.0  # of the rule that runs: what rules that it called took

    def __enter__(self) -> Self:
        self.compiling.__enter__()
        return super().__enter__()

    def __exit__(self, *_: Any) -> None:
        super().__exit__()
        self.compiling.__exit__()

    def forward(self, rule: Any, ctx: Any, arrays: list[Any], options: dict[str, Any]) -> Any:
        """Run a rule forward and measure it."""
        y, seconds = self._timed(super().forward, rule, ctx, arrays, options)
        cost = self._cost(rule.name)
        cost.calls += 1
        cost.seconds += seconds
        cost.bytes += _bytes(y if isinstance(y, tuple) else (y,))
        if True in ctx.needs_input_grad:
            cost.kept += _bytes(guard.kept(ctx))
        return y

    def backward(self, node: tape.Node, gradient: Any, create_graph: bool) -> tuple[Any, ...]:
        """Run a rule backward and measure it."""
        answers, seconds = self._timed(super().backward, node, gradient, create_graph)
        cost = self._cost(node.name)
        cost.backward_calls += 1
        cost.backward_seconds += seconds
        cost.backward_bytes += _bytes(answers)
        return answers

    def _cost(self, name: str) -> Cost:
        return self.costs.setdefault(name, Cost())

    def _timed(self, run: Callable[..., Any], *given: Any) -> tuple[Any, float]:
        """What `run` returns, and the seconds it took, without compiling and rules that it called."""
        before, self._inner = self._inner, 0.0
        start = self._clock() - self.compiling.seconds
        answer = run(*given)
        elapsed = self._clock() - self.compiling.seconds - start
        own = elapsed - self._inner
        self._inner = before + elapsed
        return answer, own

    def __str__(self) -> str:
        """A table, the slowest operation first."""
        if not self.costs:
            return "profile: no operation ran inside the block."
        rows = sorted(
            self.costs.items(), key=lambda item: -(item[1].seconds + item[1].backward_seconds)
        )
        total = Cost(*map(sum, zip(*(vars(cost).values() for cost in self.costs.values()))))
        width = max(len("operation"), *(len(name) for name in self.costs))
        compiled = self.compiling.seconds
        return "\n".join(
            [
                f"{'':{width}}  {'forward':^38}  {'backward':^28}",
                f"{'operation':{width}}  {'calls':>6}{'ms':>11}{'bytes':>11}{'kept':>10}"
                f"  {'calls':>6}{'ms':>11}{'bytes':>11}",
                *(_row(name, cost, width) for name, cost in rows),
                _row("total", total, width),
                *([f"compiling kernels, not counted: {1e3 * compiled:.0f} ms"] * (compiled > 0)),
            ]
        )

    __repr__ = __str__


def _row(name: str, cost: Cost, width: int) -> str:
    return (
        f"{name:{width}}  {cost.calls:6}{1e3 * cost.seconds:11.3f}{_size(cost.bytes):>11}"
        f"{_size(cost.kept):>10}  {cost.backward_calls:6}{1e3 * cost.backward_seconds:11.3f}"
        f"{_size(cost.backward_bytes):>11}"
    )


def _size(count: int) -> str:
    """Bytes in the unit that fits."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.2f} {unit}"
    return f"{count} B"


def _bytes(values: Any) -> int:
    """The bytes of all arrays among `values`, each counted once."""
    arrays = {id(v): v for v in values if isinstance(v, (np.ndarray, np.generic, Tensor))}
    return sum(a._data.nbytes if isinstance(a, Tensor) else a.nbytes for a in arrays.values())
