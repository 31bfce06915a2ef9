"""The bar: floors below which this project must not be, and aims, as ratios to PyTorch."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import exp, log

#: Ratios (above 1: we are better) by kind of case, as (kind, ratio).
Ratios = Iterable[tuple[str, float]]


@dataclass(frozen=True)
class Bar:
    """A figure made of the ratios of some kinds of cases, and where it should be."""

    what: str
    kinds: tuple[str, ...]
    figure: Callable[[list[float]], float]
    floor: float
    aim: float | None


def geometric_mean(ratios: list[float]) -> float:
    """The mean of what are factors."""
    return exp(sum(map(log, ratios)) / len(ratios))


BARS = (
    Bar("convolutions, geometric mean", ("convolution",), geometric_mean, 1.0, 1.5),
    Bar("convolutions, lowest", ("convolution", "first convolution"), min, 0.7, 1.0),
    Bar("grid_sample, lowest", ("grid_sample",), min, 1.0, 2.0),
    Bar("LSTM against the fused one, lowest", ("LSTM",), min, 1.0, 1.5),
    Bar("whole training steps, lowest", ("step",), min, 1.0, 1.5),
    Bar("overhead of an operation, lowest", ("overhead",), min, 1.0, 1.4),
    Bar("peak memory, lowest", ("memory",), min, 1.0, None),
)


def judge(ratios: Ratios) -> list[list[str]]:
    """Rows of what, measured, floor, met or not, aim, met or not; for what was measured.

    A first convolution, of which no input gradient is asked, counts in the lowest only: its shape is
    in the mean already.
    """
    ratios = list(ratios)
    rows = []
    for bar in BARS:
        counted = [ratio for kind, ratio in ratios if kind in bar.kinds]
        if counted:
            figure = bar.figure(counted)
            row = [bar.what, f"{figure:.2f}"]
            rows.append([*row, *_met(figure, bar.floor), *_met(figure, bar.aim)])
    return rows


def _met(figure: float, wanted: float | None) -> list[str]:
    if wanted is None:
        return ["", ""]
    return [f"{wanted:.1f}", "met" if figure >= wanted else "not met"]
