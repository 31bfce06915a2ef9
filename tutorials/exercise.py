"""What all exercises share: checks that are worth points, and a run of them that says what it found.

A check is a function ``check_...`` that takes what it checks by name, as a pytest fixture is taken, and
fails by an assertion. `points` gives it its worth; `grade` runs all checks among some names. A piece that
is still blank raises NotImplementedError, which is no mistake: *not attempted*, *wrong* and *crashed* are
told apart, and no check keeps another from running.
"""

from __future__ import annotations

import inspect
import textwrap
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.checking.raised import where
from minigrad.stepping.plain_ascii import plain_ascii


@dataclass(frozen=True)
class Terms:
    """What a check is worth, and to whom it shows.

    Attributes
    ----------
    worth : float
    number : str
        As in "3.2".
    hint : str
        Said where the check fails.
    visibility : str
        "visible", or "after_published" for a hidden check (Gradescope's words).
    """

    worth: float
    number: str
    hint: str
    visibility: str


@dataclass(frozen=True)
class Result:
    """What came of a check: "passed", "not attempted", "wrong" or "crashed", and why."""

    title: str
    terms: Terms
    status: str
    output: str = ""

    @property
    def score(self) -> float:
        """All of its worth or nothing."""
        return self.terms.worth if self.status == "passed" else 0.0


def points(
    worth: float, *, number: str, hint: str = "", visibility: str = "visible"
) -> Callable[[Any], Any]:
    """Decorate a check with what it is worth; the first line of its docstring is its title."""

    def mark(check: Any) -> Any:
        check.terms = Terms(worth, number, hint, visibility)
        return check

    return mark


def checks(names: Mapping[str, Any]) -> list[Any]:
    """The checks among some names, in the order in which they were defined."""
    return [value for value in names.values() if isinstance(getattr(value, "terms", None), Terms)]


def run(check: Any, names: Mapping[str, Any]) -> Result:
    """Run one check on what `names` holds."""
    title = check.__doc__.splitlines()[0]
    parameters = inspect.signature(check).parameters
    missing = [name for name in parameters if name not in names]
    if missing:
        said = f"there is no {missing[0]} any more: was it renamed?"
        return Result(title, check.terms, "crashed", said)
    wanted = {name: names[name] for name in parameters}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # nbgrader takes a word on stderr for a wrong answer
            check(**wanted)
    except NotImplementedError as error:
        return Result(title, check.terms, "not attempted", str(error))
    except AssertionError as error:
        return Result(title, check.terms, "wrong", str(error))
    except Exception as error:
        said = f"{type(error).__name__}: {error}, {where(error)}"
        return Result(title, check.terms, "crashed", said)
    return Result(title, check.terms, "passed")


def returned(function: Callable[..., Any], *given: Any) -> Any:
    """What a function returns; where that is None, the check that asks fails in words."""
    answer = function(*given)
    assert answer is not None, f"{function.__name__} returned None. Does it lack a return?"
    return answer


def grade(names: Mapping[str, Any]) -> float:
    """Run all checks, say what came of each, and return the points: what an nbgrader cell ends in.

    Parameters
    ----------
    names : mapping
        ``globals()`` of the exercise: its checks, and what they take.
    """
    results = [run(check, names) for check in checks(names)]
    for result in results:
        print(plain_ascii(_told(result)))
    total = sum(result.score for result in results)
    print(f"{total:g} of {sum(result.terms.worth for result in results):g} points")
    if any(result.status == "not attempted" for result in results):
        print(
            "Something is still blank: write it in the place of NotImplementedError, and run again."
        )
    return float(total)


def _told(result: Result) -> str:
    terms = result.terms
    lines = f"{terms.number}  {result.title}  {result.score:g} of {terms.worth:g}"
    if result.status == "passed":
        return lines
    lines += f", {result.status}"
    if result.output:
        lines += "\n" + textwrap.indent(result.output, "     ")
    if terms.hint and result.status != "not attempted":
        lines += f"\n     hint: {terms.hint}"
    return lines
