"""Which of the known mistakes a wrong gradient is: each is tried, and only what fits is said."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minigrad.checking import attention_mistakes as attention
from minigrad.checking import path_mistakes as path
from minigrad.checking import shape_mistakes as shape
from minigrad.checking import structure_mistakes as structure
from minigrad.checking import value_mistakes as value
from minigrad.checking.case import Case
from minigrad.checking.report import Finding

Hypotheses = tuple[tuple[str, Callable[[Case], value.Guess]], ...]

#: Where this fits, nothing else is looked for.
FIRST: Hypotheses = (
    ("upstream ignored", value.upstream_unused),
    ("from nothing", value.without_upstream),
    ("not linear", value.not_linear),
    ("flat", value.flat),
    ("axis", shape.summed_over_another),
)
#: The known mistakes: what a report calls them, and the hypothesis that is tested.
HYPOTHESES: Hypotheses = (
    ("sum missing", shape.sum_missing),
    ("shape", shape.reshaped),
    ("sign", value.sign),
    ("path", path.nothing),
    ("upstream ignored", value.upstream_ignored),
    ("transposed", shape.transposed),
    ("permutation", shape.permutation),
    ("exchanged", value.exchanged),
    ("output for input", value.output_for_input),
    ("overwritten", value.overwritten),
    ("diagonal", value.diagonal),
    ("upstream averaged", value.upstream_averaged),
    ("upstream summed", value.upstream_summed),
    ("sum missing", value.one_of_the_sum),
    ("mask", value.mask),
    ("path", path.straight_path),
    ("path", path.output_ignored),
    ("path", path.other_use),
    ("path", path.penalty),
    ("path", path.shared_path),
    ("path", path.one_hot),
    ("axis", shape.axis),
    ("flipped", shape.flipped),
    ("mean for sum", value.mean_for_sum),
    ("flat", value.flat_entries),
    ("factor", value.factor),
    ("slope", value.factor_that_varies),
    ("diagonal", attention.diagonal),
    ("axis", attention.axis),
    ("path", attention.path),
)
#: What is said where none of them fits.
STRUCTURE: Hypotheses = (
    ("axis", structure.mixed),
    ("slope", structure.slope_of_last_step),
    ("slope", structure.slope_of_first_step),
)

#: More than so many are not told apart by numbers.
MOST = 3


class Fit(NamedTuple):
    """A kind of mistake that fits, a sentence about it, and how closely it does; 0 where it does or does not."""

    kind: str
    text: str
    error: float = 0.0


def diagnose(cases: list[Case]) -> list[Finding]:
    """The mistakes that fit gradients that are known to be wrong; what is said of several, once."""
    told: dict[tuple[str, str], list[tuple[str, Fit]]] = {}
    for case in cases:
        for fit in _fits(case):
            told.setdefault((fit.kind, fit.text), []).append((case.subject.names[case.k], fit))
    findings = []
    for (kind, text), by in told.items():
        *others, last = (name for name, _ in by)
        names = f"{', '.join(others)} and {last}" if others else last
        errors = [fit.error for _, fit in by if fit.error]
        to = f", to {max(errors):.0e}" if errors else ""
        findings.append(Finding(kind, f"{names}: {text}{to}."))
    return sorted(findings, key=lambda finding: finding.name == "place")  # what, before where


def _fits(case: Case) -> list[Fit]:
    """What fits one gradient, and where it is wrong."""
    bad = np.argwhere(~np.isfinite(case.yours))
    if len(bad):
        first = ", ".join(map(str, bad[0]))
        value_there = case.yours[tuple(bad[0])]
        text = f"{value_there} first at [{first}], in {len(bad)} of {case.yours.size} entries"
        return [Fit("nan", text)]
    fits = _fitting(case, FIRST) or _fitting(case, HYPOTHESES)
    where = place(case, known=bool(fits))
    if not fits:
        fits = [Fit(kind, text) for kind, text, _ in _fitting(case, STRUCTURE)]
        where = where or structure.place_in_upstream(case)
    return fits + [Fit("place", where)] if where else fits


def _fitting(case: Case, hypotheses: Hypotheses) -> list[Fit]:
    """Those that fit, one of a kind."""
    found: dict[str, Fit] = {}
    for kind, hypothesis in hypotheses:
        if len(found) == MOST:
            break
        with np.errstate(all="ignore"):
            error, text = min(hypothesis(case), default=(np.inf, ""))
        if kind not in found and error <= case.threshold:
            found[kind] = Fit(kind, text, error)
    return list(found.values())


def place(case: Case, known: bool) -> str:
    """Where the wrong entries are: few, a block, along a border, of one sign; or, of a known mistake, how many.

    Of a region most entries are wrong. Where the mistake is `known`, larger blocks go without saying.
    """
    if not case.shaped or not case.complete or case.wrong.all() or not case.wrong.any():
        return ""
    at = np.array([i for i, wrong in zip(case.rows, case.wrong) if wrong])
    if len(at) <= 2:
        listed = " and ".join("[" + ", ".join(map(str, i)) + "]" for i in at)
        return f"wrong in {listed} alone, right elsewhere"
    for axis, n in enumerate(case.x.shape):
        values = [int(v) for v in np.unique(at[:, axis])]
        run = values[-1] - values[0] == len(values) - 1
        full = len(at) >= structure.MOSTLY * len(values) * (case.x.size // n)
        small = len(values) <= max(1, n // 4) or (run and len(values) < n and not known)
        if full and small:
            return f"wrong only where axis {axis} is {structure.listed(values)}, right elsewhere"
    for word, side in (("< 0", case.x < 0), ("> 0", case.x > 0)):
        if np.array_equal(case.wrong, side.ravel()[case.index]):
            return f"wrong where {case.subject.names[case.k]} {word}, right elsewhere"
    border = _border(case)
    if border:
        return border
    if known and len(at) < structure.MOSTLY * case.x.size:
        return f"wrong in {len(at)} of {case.x.size} entries, right elsewhere"
    return ""


def _border(case: Case) -> str:
    """The first and last slices that are wrong for the most part, if all wrong entries are in them; or nothing."""
    wrong = np.zeros(case.x.shape, bool)
    wrong.ravel()[case.index] = case.wrong
    rest, axes_of = wrong.copy(), dict[str, list[int]]()
    for axis, n in enumerate(case.x.shape):
        mostly = [n > 2 and wrong.take(end, axis).mean() >= structure.MOSTLY for end in (0, -1)]
        ends = [word for word, is_wrong in zip(("first", "last"), mostly) if is_wrong]
        if ends:
            axes_of.setdefault(" and ".join(ends), []).append(axis)
            np.moveaxis(rest, axis, 0)[[{"first": 0, "last": -1}[word] for word in ends]] = False
    if rest.any():
        return ""
    told = [f"{ends} of axes {', '.join(map(str, axes))}" for ends, axes in axes_of.items()]
    return f"wrong only on the border ({', '.join(told)})"
