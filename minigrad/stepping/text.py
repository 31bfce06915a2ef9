"""A step in the terminal: aligned rows, in plain ASCII."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.stepping.folded import Folded
from minigrad.stepping.plain_ascii import plain_ascii
from minigrad.stepping.rows import Row, rows
from minigrad.stepping.steps import Step

#: Entries up to which an array is written out.
SMALL = 40


def step_text(step: Step) -> str:
    """All of a step."""
    head = [
        step.heading,
        *step.formula.split("\n"),
        *([f'stepper.unfold("{step.name}") opens it'] if isinstance(step, Folded) else []),
        step.line,
        *filter(None, [step.inner]),
    ]
    return plain_ascii("\n".join(["\n  ".join(head), *_aligned(rows(step))]))


def _aligned(shown: list[Row]) -> Iterator[str]:
    first, second = (
        max(map(len, column)) for column in zip(*((row.name, row.words) for row in shown))
    )
    for row in shown:
        lead = f"  {row.name:<{first}}  {row.words:<{second}}  "
        content = row.instead if row.array is None else numbers(row.array)
        yield lead + content.replace("\n", "\n" + " " * len(lead))


def numbers(array: np.ndarray) -> str:
    """A small array in full, a large one as shape and range."""
    if array.size == 0 or array.size > SMALL:
        return summary(array)
    width = max(len(short(entry)) for entry in array.ravel())
    formatter: Any = {"all": lambda entry: short(entry).rjust(width)}
    return np.array2string(array, formatter=formatter, max_line_width=10**6)


def summary(array: np.ndarray) -> str:
    """Shape and range of an array, and how many entries are not finite."""
    text = " x ".join(map(str, array.shape)) or "a number"
    finite = array[np.isfinite(array)]
    if finite.size:
        mean = np.mean(finite, dtype=float)
        text += f", {short(finite.min())} to {short(finite.max())}, mean {short(mean)}"
    if finite.size < array.size:
        text += f", {array.size - finite.size:,} NaN or inf"
    return text if array.size else text + ", empty"


def short(value: Any) -> str:
    """A number to four digits, and -0 as 0."""
    return format(value + 0.0, ".4g") if isinstance(value, (float, np.floating)) else str(value)


def counted(count: int, what: str) -> str:
    """How many of something there are: ``1 step``, ``2 steps``."""
    return f"{count} {what}" + "s" * (count != 1)
