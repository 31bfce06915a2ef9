"""Which of the known mistakes a wrong gradient is: each is tried, and only what fits is said."""

import numpy as np

from minigrad.checking import path_mistakes as path
from minigrad.checking import shape_mistakes as shape
from minigrad.checking import value_mistakes as value
from minigrad.checking.case import Case
from minigrad.checking.report import Finding

#: The known mistakes: what a report calls them, and the hypothesis that is tested.
HYPOTHESES = (
    ("sum missing", shape.sum_missing),
    ("shape", shape.reshaped),
    ("sign", value.sign),
    ("path", path.nothing),
    ("upstream ignored", value.upstream_ignored),
    ("transposed", shape.transposed),
    ("permutation", shape.permutation),
    ("exchanged", value.exchanged),
    ("overwritten", value.overwritten),
    ("diagonal", value.diagonal),
    ("upstream averaged", value.upstream_averaged),
    ("upstream summed", value.upstream_summed),
    ("sum missing", value.one_of_the_sum),
    ("mask", value.mask),
    ("path", path.straight_path),
    ("path", path.output_ignored),
    ("path", path.other_use),
    ("path", path.shared_path),
    ("axis", shape.axis),
    ("flipped", shape.flipped),
    ("mean for sum", value.mean_for_sum),
    ("factor", value.factor),
)

#: More than so many are not told apart by numbers.
MOST = 3


def diagnose(case: Case) -> list[Finding]:
    """The mistakes that fit a gradient that is known to be wrong."""
    name = case.subject.names[case.k]
    bad = np.argwhere(~np.isfinite(case.yours))
    if len(bad):
        first = ", ".join(map(str, bad[0]))
        value_there = case.yours[tuple(bad[0])]
        text = (
            f"{name}: {value_there} first at [{first}], in {len(bad)} of {case.yours.size} entries."
        )
        return [Finding("nan", text)]
    found: dict[str, Finding] = {}
    for kind, hypothesis in HYPOTHESES:
        if len(found) == MOST:
            break
        with np.errstate(all="ignore"):
            error, text = min(hypothesis(case), default=(np.inf, ""))
        if kind not in found and error <= case.threshold:
            found[kind] = Finding(kind, f"{name}: {text}, to {max(error, 1e-16):.0e}.")
    findings = list(found.values())
    where = place(case)
    if where:
        findings.append(Finding("place", f"{name}: {where}"))
    return findings


def place(case: Case) -> str:
    """Where the wrong entries are, if they are few or along a border; or nothing."""
    if not case.shaped or not case.complete or case.wrong.all() or not case.wrong.any():
        return ""
    at = np.array([i for i, wrong in zip(case.rows, case.wrong) if wrong])
    if len(at) <= 2:
        listed = " and ".join("[" + ", ".join(map(str, i)) + "]" for i in at)
        return f"wrong in {listed} alone, right elsewhere."
    for axis, n in enumerate(case.x.shape):
        values = np.unique(at[:, axis])
        if len(values) <= max(1, n // 4):
            return (
                f"wrong only where axis {axis} is {', '.join(map(str, values))}, right elsewhere."
            )
    edges = [
        axis
        for axis, n in enumerate(case.x.shape)
        if n > 2 and np.mean((at[:, axis] == 0) | (at[:, axis] == n - 1)) > 0
    ]
    on_edge = np.zeros(len(at), bool)
    for axis in edges:
        on_edge |= (at[:, axis] == 0) | (at[:, axis] == case.x.shape[axis] - 1)
    if edges and on_edge.all():
        return f"wrong only on the border (first and last of axes {', '.join(map(str, edges))})."
    return ""
