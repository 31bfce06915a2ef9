"""What gradcheck found: which entries, how far apart, and what a difference of that size means."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np


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
    """What gradcheck found; true where all is well.

    Attributes
    ----------
    names : list of str
        Of what was checked: ``input 0``, ``parameter weight``, …
    analytic, numeric : list of ndarray
        For each of them the gradients by backward and by differences.
    moved : int
        How many entries sat on a kink and were moved off it.
    problems : list of str
        What was wrong apart from entries that disagree.
    """

    names: list[str]
    atol: float
    rtol: float
    analytic: list[np.ndarray] = field(default_factory=list)
    numeric: list[np.ndarray] = field(default_factory=list)
    moved: int = 0
    problems: list[str] = field(default_factory=list)

    def agree(self, analytic: Any, numeric: Any) -> Any:
        """Whether gradients are as near to each other as asked; never where one is not finite."""
        return self._excess(analytic, numeric) <= 1

    def _excess(self, analytic: Any, numeric: Any) -> Any:
        """The difference as a multiple of what is allowed."""
        with np.errstate(invalid="ignore"):
            excess = np.abs(analytic - numeric) / (self.atol + self.rtol * np.abs(numeric))
        return np.where(np.isnan(excess), np.inf, excess)

    @property
    def wrong(self) -> int:
        """How many entries disagree."""
        return sum(int(np.sum(~self.agree(a, n))) for a, n in zip(self.analytic, self.numeric))

    @property
    def worst(self) -> Entry | None:
        """The entry that disagrees most, measured by what is allowed; None if there are none."""
        found, most = None, -1.0
        for name, a, n in zip(self.names, self.analytic, self.numeric):
            excess = self._excess(a, n)
            if excess.size and excess.max() > most:
                most = excess.max()
                place = np.unravel_index(int(np.argmax(excess)), a.shape)
                index = tuple(int(i) for i in place)
                found = Entry(name, index, float(a[index]), float(n[index]))
        return found

    def __bool__(self) -> bool:
        return not self.problems and self.wrong == 0

    def __str__(self) -> str:
        total, wrong = sum(a.size for a in self.analytic), self.wrong
        entries = f"{_entries(total)} of {', '.join(self.names)}"
        if wrong:
            what = f"failed: backward and central differences differ in {wrong} of {entries}."
        elif self.problems:
            what = "failed."
        else:
            what = f"passed: backward and central differences agree in {entries}."
        lines = [f"gradcheck {what}"]
        if (worst := self.worst) is not None:
            at = "[" + ", ".join(map(str, worst.position)) + "]"
            lines += [
                f"  worst: {worst.name}{at}: analytic {worst.analytic:.9g}, numeric "
                f"{worst.numeric:.9g}; relative error {worst.relative_error:.1e}, {self._verdict(worst)}"
            ]
        if self.moved:
            lines += [f"  {_entries(self.moved)} sat on a kink, moved off it to be checked."]
        return "\n".join([*lines, *(f"  {problem}" for problem in self.problems)])

    def _verdict(self, entry: Entry) -> str:
        """What the size of a relative error means (after the CS231n notes, "Gradient checks")."""
        error = entry.relative_error
        if not np.isfinite(error):
            return "which is no number: look for a division by 0, or an overflow"
        if abs(entry.analytic - entry.numeric) <= self.atol and error > 1e-7:
            return "of two numbers so near to 0 that it means nothing"
        for bound, meaning in (
            (1e-2, "above 1e-2: the rule is wrong"),
            (1e-4, "above 1e-4: too much, unless there is a kink nearby"),
            (1e-7, "above 1e-7: fine beside a kink or for a long computation, else look again"),
        ):
            if error > bound:
                return meaning
        return "below 1e-7: as good as it gets"


def _entries(count: int) -> str:
    return f"{count} entr{'y' if count == 1 else 'ies'}"
