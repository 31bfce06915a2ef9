"""What a case is, and how much work there is in it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

Shape = tuple[int, ...]

#: What is timed of a case: by name of the pass, ours and theirs.
Passes = dict[str, tuple[Callable[[], Any], Callable[[], Any]]]

FORWARD, BOTH = "forward", "forward+backward"


@dataclass(frozen=True)
class Work:
    """What the passes do, in units of `unit`: GF, GB, or operations of the engine."""

    unit: str = ""
    passes: dict[str, float] = field(default_factory=dict)

    def achieved(self, name: str, seconds: float, peaks: dict[str, float]) -> tuple[str, str]:
        """The rate at which a pass did it, and its share of the machine's peak; as text."""
        if name not in self.passes:
            return "", ""
        if self.unit == "µs/op":
            return f"{seconds / self.passes[name] * 1e6:.2f} µs/op", ""
        rate = self.passes[name] / seconds
        return f"{rate:.1f} {self.unit}", f"{100 * rate / peaks[self.unit]:.0f} %"


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes
    ----------
    name : str
    kind : str
        What the bar counts it among (see bar.py).
    prepare : callable
        Makes the two sides, holds them to the same results, and returns what to time.
    work : Work
    """

    name: str
    kind: str
    prepare: Callable[[], Passes]
    work: Work = Work()


def flops(forward: float, gradients: int = 2) -> Work:
    """Multiplications and additions; each gradient (by input, by weight) takes as many again."""
    both = forward * (1 + gradients)
    return Work("GF/s", {FORWARD: forward / 1e9, BOTH: both / 1e9})


def moved(*shapes: Shape) -> Work:
    """float32 arrays, each read or written once forward; backward its gradient is."""
    gigabytes = 4 * sum(prod(shape) for shape in shapes) / 1e9
    return Work("GB/s", {FORWARD: gigabytes, BOTH: 2 * gigabytes})


def operations(number: int) -> Work:
    """Operations of the engine, on arrays so small that their arithmetic hardly counts."""
    return Work("µs/op", {FORWARD: number, BOTH: number})
