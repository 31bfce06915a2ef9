"""What gradcheck found, and how it is told: a lesson of at most twelve lines."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minigrad.checking.tolerance import Tolerance

LINES = 12
#: Of numbers smaller than so many times atol, a relative error means nothing.
NOTHING = 100


class Finding(NamedTuple):
    """Something that is wrong: the kind of mistake, and a sentence about it."""

    name: str
    text: str


class Entry(NamedTuple):
    """One entry of one input: the gradient that backward gave, and the central difference."""

    name: str
    position: tuple[int, ...]
    analytic: float
    numeric: float

    @property
    def relative_error(self) -> float:
        """|analytic - numeric| / max(|analytic|, |numeric|)."""
        size = max(abs(self.analytic), abs(self.numeric))
        return abs(self.analytic - self.numeric) / size if size else 0.0


@dataclass
class Report:
    """What gradcheck found; true where all is well, and not where nothing could be checked.

    Attributes
    ----------
    names : list of str
        Of what was checked: ``input 0``, ``parameter weight``, …
    analytic, numeric, checked : list of ndarray
        For each of them the gradients by backward and by differences, and which entries have any.
    moved : int
        How many entries sat on a kink and were moved off it.
    problems : list of Finding
        What was wrong apart from entries that disagree.
    fault : str
        In which operation the fault lies, and on which line of f it was called.
    diagnosis : list of Finding
        Known mistakes that were tried on the entries that disagree, and fit.
    kinks, notes : list of str
        Kinks at which the slope given is one of those between the two sides; what else to know.
    """

    names: list[str]
    tolerance: Tolerance
    analytic: list[np.ndarray] = field(default_factory=list)
    numeric: list[np.ndarray] = field(default_factory=list)
    checked: list[np.ndarray] = field(default_factory=list)
    moved: int = 0
    problems: list[Finding] = field(default_factory=list)
    fault: str = ""
    diagnosis: list[Finding] = field(default_factory=list)
    kinks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        """How many entries disagree."""
        return sum(
            int(np.sum(~self.tolerance.agree(a[c], n[c])))
            for a, n, c in zip(self.analytic, self.numeric, self.checked)
        )

    @property
    def mistakes(self) -> set[str]:
        """The kinds of all that was found wrong."""
        return {finding.name for finding in (*self.problems, *self.diagnosis)}

    @property
    def worst_of_each(self) -> list[Entry]:
        """For each input the entry that disagrees most, measured by what is allowed."""
        found = []
        for name, a, n, c in zip(self.names, self.analytic, self.numeric, self.checked):
            if c.any():
                excess = np.where(c, self.tolerance.excess(a, n), -1)
                place = np.unravel_index(int(np.argmax(excess)), a.shape)
                index = tuple(int(i) for i in place)
                found.append(Entry(name, index, float(a[index]), float(n[index])))
        return found

    @property
    def worst(self) -> Entry | None:
        """The entry that disagrees most; None if there are none."""
        return max(self.worst_of_each, key=self._excess, default=None)

    def _excess(self, entry: Entry) -> float:
        return float(self.tolerance.excess(entry.analytic, entry.numeric))

    @property
    def unknown(self) -> bool:
        """Whether there was something to check and nothing of it could be."""
        return any(c.size for c in self.checked) and not any(c.any() for c in self.checked)

    def __bool__(self) -> bool:
        return not self.problems and self.wrong == 0 and not self.unknown

    def __str__(self) -> str:
        tail = _first(3, [text for _, text in self.problems], "problems")
        tail += [f"  {self.fault}"] if self.fault else []
        tail += _first(3, [f"diagnosis: {text}" for _, text in self.diagnosis], "diagnosis")
        tail += _first(2, self.kinks, "kinks")
        tail += [f"  {' '.join(self.notes)}"] if self.notes else []
        return "\n".join([self._headline(), *self._table(LINES - 1 - len(tail)), *tail])

    def _headline(self) -> str:
        total, wrong = sum(int(c.sum()) for c in self.checked), self.wrong
        if self.mistakes == {"float32"}:
            return "gradcheck could not tell: no entry could be checked."
        if wrong:
            return f"gradcheck failed: backward and central differences differ in {wrong} of {entries(total)}."
        if self.problems:
            return "gradcheck failed."
        if self.unknown:
            return "gradcheck could not tell: no entry could be checked."
        if not total:
            return "gradcheck passed, but nothing was checked."
        return f"gradcheck passed: backward and central differences agree in {entries(total)}."

    def _table(self, room: int) -> list[str]:
        """An aligned row for each input, the worst first where there is no room for all."""
        rows = self.worst_of_each
        if not rows or room < 2:
            return []
        more = len(rows) - (room - 1)
        if more > 0:
            shown = sorted(rows, key=self._excess, reverse=True)[: room - 2]
            rows = [row for row in rows if row in shown]
        cells = [("worst entry", "analytic", "numeric", "rel. error", "")]
        cells += [
            (
                f"{e.name}[{', '.join(map(str, e.position))}]",
                f"{e.analytic:.6g}",
                f"{e.numeric:.6g}",
                f"{e.relative_error:.1e}",
                self._verdict(e),
            )
            for e in rows
        ]
        widths = [max(len(row[c]) for row in cells) for c in range(4)]
        lines = [
            f"  {at:<{widths[0]}}  {a:>{widths[1]}}  {n:>{widths[2]}}  {error:>{widths[3]}}  {means}".rstrip()
            for at, a, n, error, means in cells
        ]
        return lines + ([f"  ... and {more + 1} more, none of them worse."] if more > 0 else [])

    def _verdict(self, entry: Entry) -> str:
        """What the size of a relative error means (after the CS231n notes, "Gradient checks")."""
        error = entry.relative_error
        if "float32" in self.mistakes:
            return "means nothing: forward computes in float32"
        if not np.isfinite(error):
            return "no number: look for a division by 0, or an overflow"
        near_0 = max(abs(entry.analytic), abs(entry.numeric)) < NOTHING * self.tolerance.atol
        if self._excess(entry) <= 1 and error > (1e-7 if near_0 else 1e-4):
            return "of two numbers so near to 0 that it means nothing"
        for bound, meaning in (
            (1e-2, "above 1e-2: the rule is wrong"),
            (1e-4, "above 1e-4: too much, unless there is a kink nearby"),
            (1e-7, "above 1e-7: fine beside a kink or for a long computation, else look again"),
        ):
            if error > bound:
                return meaning
        return "below 1e-7: as good as it gets"


def _first(count: int, texts: list[str], name: str) -> list[str]:
    """So many lines, the last of which says where the others are."""
    lines = [f"  {text}" for text in texts[:count]]
    if len(texts) > count:
        lines[-1] += f" And {len(texts) - count} more, in report.{name}."
    return lines


def entries(count: int) -> str:
    """A count of entries, in words."""
    return f"{count:,} entr{'y' if count == 1 else 'ies'}"


def short(number: Any) -> str:
    """A number in few digits; one that is nearly whole is whole."""
    return f"{round(float(number), 5):.4g}" if np.isfinite(number) else str(float(number))
