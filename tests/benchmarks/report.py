"""The report: Markdown whose tables line up in a terminal too."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.benchmarks.bar import judge
from tests.benchmarks.case import BOTH, FORWARD, Case
from tests.benchmarks.pairs import Pairs

SPEED = """\
Times are medians, in ms: ours, then PyTorch's. A ratio is PyTorch's time by ours, the median over pairs
taken in turn (ours, PyTorch, ours, ...): above 1 we are faster. Forward is without a graph;
forward+backward gives the gradients by all float inputs and parameters, from a random upstream gradient,
and in a training step includes Adam. What ours achieved stands beside the machine's peak: GF/s beside
sgemm; GB/s, each array read or written once, beside copying (which small arrays in the caches can pass).
Both sides were held to the same numbers before they were timed."""

MEMORY = """\
MB at the peak of a process that makes three training steps, less its peak after the imports. A ratio is
PyTorch's by ours."""

COLD = "Each in a new process: what an import takes, and the first training step of the ST-CNN."

BAR = """\
Ratios of forward+backward at {threads}, above 1 where we are better. The mean counts each convolution
once, with all gradients; the lowest may be one without the input's."""


@dataclass(frozen=True)
class Timing:
    """A case at a number of threads."""

    case: Case
    threads: int
    passes: dict[str, Pairs] = field(default_factory=dict)

    def add(self, name: str, pairs: Pairs) -> None:
        """More pairs of a pass."""
        before = self.passes.get(name, Pairs([], []))
        self.passes[name] = Pairs(before.ours + pairs.ours, before.theirs + pairs.theirs)


@dataclass(frozen=True)
class Peak:
    """MB of memory, ours and PyTorch's."""

    name: str
    threads: int
    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """How many times as much theirs takes."""
        return self.theirs / self.ours


@dataclass
class Report:
    """All that a run measured; `str` gives the Markdown.

    Attributes
    ----------
    command : str
    machine : dict
        What `machine.describe` said.
    peaks : dict
        By number of threads what `machine.peaks` said.
    timings, memory : list
    waits : dict
        What `cold.seconds` said.
    """

    command: str
    machine: dict[str, str]
    peaks: dict[int, dict[str, float]]
    timings: list[Timing] = field(default_factory=list)
    memory: list[Peak] = field(default_factory=list)
    waits: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        sections = [
            "# Beside PyTorch",
            f"Made by `{self.command}`.",
            _section("Machine", "", ["", ""], self._machine()),
            _section("Speed", SPEED, ["case", "threads", *_columns()], self._speed()),
            _section("Peak memory", MEMORY, ["step", "threads", *SIDES], self._memory()),
            _section("Cold start", COLD, ["", "seconds"], self._waits()),
            _section(
                "The bar",
                BAR.format(threads=_threads(max(self.peaks))),
                ["", "measured", "floor", "", "aim", ""],
                judge(self.ratios()),
            ),
        ]
        return "\n\n".join(filter(None, sections)) + "\n"

    def ratios(self) -> list[tuple[str, float]]:
        """Kind and ratio of all that the bar may count: at the most threads, backward included."""
        most = max(self.peaks)
        return [
            *((t.case.kind, t.passes[BOTH].ratio) for t in self.timings if t.threads == most),
            *(("memory", peak.ratio) for peak in self.memory if peak.threads == most),
        ]

    def _machine(self) -> list[list[str]]:
        rows = [[what, value] for what, value in self.machine.items()]
        for n, peak in self.peaks.items():
            rows.append([f"sgemm peak, {_threads(n)}", f"{peak['GF/s']:.0f} GF/s"])
            rows.append([f"copy speed, {_threads(n)}", f"{peak['GB/s']:.1f} GB/s"])
        return rows

    def _speed(self) -> list[list[str]]:
        return [
            [t.case.name, str(t.threads), *self._cells(t, FORWARD), *self._cells(t, BOTH)]
            for t in self.timings
        ]

    def _cells(self, timing: Timing, name: str) -> list[str]:
        pairs = timing.passes.get(name)
        if pairs is None:
            return [""] * 5
        ours, theirs = median(pairs.ours), median(pairs.theirs)
        achieved = timing.case.work.achieved(name, ours, self.peaks[timing.threads])
        return [f"{1e3 * ours:.3f}", f"{1e3 * theirs:.3f}", f"{pairs.ratio:.2f}", *achieved]

    def _memory(self) -> list[list[str]]:
        return [
            [m.name, str(m.threads), f"{m.ours:.0f}", f"{m.theirs:.0f}", f"{m.ratio:.2f}"]
            for m in self.memory
        ]

    def _waits(self) -> list[list[str]]:
        return [[what, f"{seconds:.2f}"] for what, seconds in self.waits.items()]


SIDES = ("ours", "PyTorch", "ratio")


def _columns() -> list[str]:
    return [
        column for name in (FORWARD, BOTH) for column in (name, *SIDES[1:], "achieved", "of peak")
    ]


def _section(title: str, text: str, header: Sequence[str], rows: list[list[str]]) -> str:
    """A section of the report; nothing where there are no rows."""
    return "\n\n".join(filter(None, [f"## {title}", text, table(header, rows)])) if rows else ""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, names to the left and figures to the right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines.insert(1, rule)
    return "\n".join(f"| {' | '.join(_aligned(line, widths))} |" for line in lines)


def _aligned(line: list[str], widths: list[int]) -> list[str]:
    return [line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]


def _threads(n: int) -> str:
    return f"{n} thread{'s' * (n > 1)}"
