"""gradcheck: hold a gradient to numbers, and say what is wrong with it.

For a random upstream gradient u, the derivative of <u, f(x)> with respect to one entry of x is what
backward answers there, and also, nearly, the central difference (<u, f(x + h)> - <u, f(x - h)>) / 2h.

1. Do forward and backward answer twice alike, and leave alone what they are given?   (manners)
   Does forward compute in float64, and how far is it rounded inside?           (single, rounding)
2. Does backward agree with differences, entry by entry, off the kinks?             (comparison)
3. Does that of each operation alone, where the inputs are?                               (alone)
   On its kinks, is its slope one of those between the two sides?                         (kinks)
   Do the slopes of equal entries add up to that of all together?                         (ties)
4. If not: in which operation is the fault,                                              (fault)
   and which of the known mistakes fits what was found, or where is it at odds with f? (diagnosis)

The parts are files of `minigrad.checking`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.checking.alone import chosen, compare_alone
from minigrad.checking.arguments import check_collections, check_numbers
from minigrad.checking.comparison import Comparison, choose, compare
from minigrad.checking.fault import examine, first_faulty
from minigrad.checking.kinks import check_kinks
from minigrad.checking.manners import UNRELIABLE, check_backward, check_forward, check_linear
from minigrad.checking.maps import Map, MisshapenError, Operation, Whole
from minigrad.checking.recorder import left_graph, operations
from minigrad.checking.report import Finding, Report, entries
from minigrad.checking.single import IN_FLOAT32, in_float32, part_in_float32
from minigrad.checking.subject import Subject
from minigrad.checking.tolerance import Tolerance
from minigrad.errors import GradientError
from minigrad.tape import Node
from minigrad.tensor import Tensor


def gradcheck(
    f: Any,
    inputs: Any,
    *,
    params: Sequence[Tensor] | None = None,
    eps: float = 1e-6,
    atol: float = 1e-6,
    rtol: float = 1e-5,
    samples: int | None = None,
    seed: int = 0,
    kinks: Mapping[str, float] | None = None,
) -> Report:
    """Hold the gradients of `f` at `inputs` to central differences; where they differ, say why.

    Each operation of f is checked by itself too, a few entries of each, as mistakes may cancel.

    Also checked: f gives the same for the same inputs and leaves them alone; a second backward pass
    gives what the first gave; no upstream gradient gives no gradient.

    Parameters
    ----------
    f : callable, Function class, Module, or pair of functions
        From Tensors to a float Tensor of any shape, or several. A pair ``(forward, backward)`` works
        on plain arrays: ``forward(*xs) -> (y, cache)``, ``backward(dy, cache)`` -> one gradient an
        input, each of its input's shape.
    inputs : array_like or Tensor, or a list or tuple of them
        Where to check; float data, promoted to float64. What has no gradient (labels, options)
        belongs into f: ``lambda x: f(x, labels)``.
    params : sequence of Tensor, optional
        Leaf Tensors that f uses without being given them, checked like inputs; float64 during the
        check, and as before after it. By default the parameters of a Module that require gradients.
    eps : float
        The step of the differences, for entries up to 1; in proportion to the entry above.
    atol, rtol : float
        Passes where |analytic - numeric| <= atol + rtol |numeric|; atol in proportion to the largest
        slope where that is below 1.
    samples : int, optional
        How many entries of each input to check, drawn at random. By default all, and a sample (which
        the report states) where an input has more than 4,096.
    seed : int
        Of the upstream gradients, the samples and the moves off kinks.
    kinks : mapping of str to float, optional
        For operations by name, the slope that is asked for at a kink: ``{"relu": 0}``. By default any
        between the slopes of the two sides will do.

    Returns
    -------
    Report
        True where all is well, false where nothing could be checked; print it to read what was found.

    Raises
    ------
    DtypeError
        An input or an output that is not float.
    GraphError
        Nothing to check; f returns what is not a Tensor, or one whose shape follows the numbers in the
        inputs; f does not take as many inputs; `kinks` names an operation that f lacks.
    NotImplementedError
        A rule that is still to be written raised it, or lacks its forward or backward.
    NotFiniteError
        An input that is NaN or infinite somewhere.
    UnsupportedError
        f, `params` or `kinks` are none of what they may be.
    ValueError
        A step that is not positive or too short for float64, a tolerance below 0, fewer than one sample.

    Examples
    --------
    >>> report = minigrad.gradcheck(lambda x, w: np.tanh(x @ w), [x, w])
    >>> report = minigrad.gradcheck((softmax_forward, softmax_backward), x)
    >>> report = minigrad.gradcheck(layers.Linear(3, 2), x)  # its parameters too
    >>> print(report)
    >>> assert report, report
    """
    check_numbers(eps, atol, rtol, samples, seed)
    check_collections(params, kinks)
    subject = Subject(f, inputs, params)
    report = Report(subject.names, Tolerance(atol, rtol))
    if subject.promoted:
        first, more = subject.promoted[:3], len(subject.promoted) - 3
        rest = f" and {more} more" if more > 0 else ""
        report.notes.append(f"Promoted to float64: {', '.join(first)}{rest}.")
    for name, array in zip(subject.names, subject.arrays()):
        if array.size == 0:
            report.notes.append(f"Nothing was checked in {name}: its shape is {array.shape}.")
    with subject.in_float64(), np.errstate(all="ignore"):  # what is NaN or inf, the report says
        start = subject.arrays()
        # Not default_rng(seed): the inputs may come from that, and would then be their own upstream.
        rng = np.random.default_rng([seed, *b"gradcheck"])
        check = _Check(subject.map(), report, eps, samples, rng)
        report.problems += check_forward(check.subject, start)
        if not report.problems:
            check.run(start, kinks)
    return report


COARSE = "numbers inside of f cancel in float64 (as in 1 - p near p = 1) or are rounded (to float32?), so that"


def _between(subject: Whole) -> Finding:
    """What is said where all operations are right by themselves."""
    lost = left_graph(subject)
    if lost:
        return Finding(
            "path",
            "a path lost: a value left the graph (detach, .data, no_grad). Without a history, though it follows "
            f"the inputs, is {lost}",
        )
    return Finding(
        "unknown",
        "each operation is right by itself, and no value was seen to leave the graph between them: none of the "
        "known mistakes fits.",
    )


def _in_one_of(left_out: Sequence[Node]) -> Finding:
    """What is said where operations that could not be checked alone are all that is left."""
    named = " or ".join(f"{node.name}, called at {node.line()}" for node in left_out[:2])
    return Finding(
        "unknown",
        f"all operations that can be checked alone are right; the fault may lie in {named}, whose options "
        "depend on the inputs: gradcheck that one by itself.",
    )


def _called(operation: Operation) -> str:
    assert operation.node
    return f"the fault lies in {operation.name}, called at {operation.node.line()}"


def _no_slope(analytic: np.ndarray, numeric: np.ndarray, checked: np.ndarray) -> bool:
    """Whether an input was checked, and f and backward both say that nothing depends on it."""
    return bool(checked.any() and not (analytic[checked].any() or numeric[checked].any()))


class _Check:
    """One gradcheck, which fills in a report."""

    def __init__(self, subject: Map, report: Report, eps: float, samples: int | None, rng: Any):
        self.subject, self.report, self.eps = subject, report, eps
        self.samples, self.rng, self.tolerance = samples, rng, report.tolerance

    def run(self, start: list[np.ndarray], kinks: Mapping[str, float] | None) -> None:
        report, subject = self.report, self.subject
        if in_float32(subject):
            report.problems.append(IN_FLOAT32)
            return
        given = subject.forward()
        upstream = self.rng.standard_normal(given.size)
        entries = choose(subject.arrays, self.samples, self.rng)
        self._say_sampled(len(entries))
        try:
            report.problems += check_backward(subject, upstream)
            if report.mistakes & UNRELIABLE:
                self._find_unreliable()
                return
            part = part_in_float32(subject)
            if part:
                report.problems.append(part)
                return
            found = compare(
                subject, upstream, entries, self.tolerance, self.eps, self.rng, self._inner_kink
            )
            self._take_over(found, np.isinf(given))
        except GradientError as error:
            kind = "shape" if isinstance(error, MisshapenError) else "raised"
            report.problems.append(Finding(kind, str(error)))
            self._diagnose()
            return
        if (report.wrong or found.coarse) and self._find_float32():
            return
        if report.wrong:
            self._diagnose()
            return
        report.problems += check_linear(subject, upstream)
        for array, before in zip(subject.arrays, start):
            array[...] = before
        self._check_alone(bool(found.kinked or found.moved), kinks or {})

    def _take_over(self, found: Comparison, infinite: np.ndarray) -> None:
        """What was found, of outputs that were `infinite` at the inputs given."""
        report = self.report
        report.analytic, report.numeric, report.checked = (
            found.analytic, found.numeric, found.checked,
        )  # fmt: skip
        report.tolerance, report.moved = found.tolerance, len(found.moved)
        flat = [
            name
            for name, *given in zip(report.names, found.analytic, found.numeric, found.checked)
            if _no_slope(*given)
        ]
        if flat:
            report.notes.append(
                f"f does not depend on {' and '.join(flat)} here: all slopes are 0, and a lost path would not show."
            )
        if found.moved:
            left = bool(np.isfinite(self.subject.forward()[infinite]).any())
            report.notes.append(
                f"{entries(len(found.moved))} sat on a kink, moved off it to be checked."
                if not left
                else f"{entries(len(found.moved))} sat where f is infinite and has no slope (or on a kink): "
                "checked beside it, not there."
            )
        if found.stuck:
            report.notes.append(f"{entries(len(found.stuck))} stayed on a kink, left unchecked.")
        if found.seconded:
            report.notes.append(
                f"The numbers of {entries(found.seconded)} are by a complex step, which is exact."
            )
        why = COARSE if found.coarse else "the outputs are so large that"
        if found.hidden:
            report.notes.append(
                f"Of {entries(found.hidden)} it cannot be known whether they are right: {why} rounding hides the slope."
            )
        if found.lengthened:
            report.notes.append(
                f"{why[0].upper()}{why[1:]} {entries(found.lengthened)} took a longer step."
            )

    def _say_sampled(self, count: int) -> None:
        total = sum(array.size for array in self.subject.arrays)
        if count < total:
            self.report.notes.append(f"A sample: {count} of {entries(total)} were checked.")

    def _check_alone(self, kinked: bool, kinks: Mapping[str, float]) -> None:
        """Each operation at its own inputs, as they were given; all of them on their kinks if f sits on one."""
        done, left_out = operations(self.subject)
        count, at_kinks = 0, []
        for operation in chosen(done) if isinstance(self.subject, Whole) else ():
            found = compare_alone(operation, self.tolerance, self.eps, self.rng)
            if found is None:
                continue
            if found.wrong:
                self._say_faulty(operation)
                return
            count += 1
            if found.kinked:
                at_kinks.append(operation)
        total = len(done) + len(left_out)
        if isinstance(self.subject, Whole) and count < total:
            self.report.notes.append(
                f"{total - count} of {total} operations were not checked alone."
            )
        if kinked or kinks or at_kinks:
            looked_at = done if kinked or kinks else at_kinks
            notes, problems = check_kinks(
                looked_at, kinks, self.samples, self.eps, self.tolerance, self.rng
            )
            self.report.kinks += dict.fromkeys(notes)  # one of a kind
            self.report.problems += problems

    def _say_faulty(self, operation: Operation) -> None:
        report = self.report
        report.problems.append(
            Finding(
                "alone",
                f"End to end the gradients agree; those of {operation.name} alone do not. Here they cancel, "
                "or do not count.",
            )
        )
        report.fault = _called(operation)
        report.diagnosis += examine(operation, self.tolerance, self.eps, self.rng)

    def _inner_kink(self) -> bool:
        """Whether an operation of f sits on a kink, be it one that others cancel."""
        if isinstance(self.subject, Operation):
            return False
        found = (
            compare_alone(operation, self.tolerance, self.eps, self.rng)
            for operation in chosen(operations(self.subject)[0])
        )
        return any(comparison and comparison.kinked for comparison in found)

    def _find_unreliable(self) -> None:
        """Which operation of a longer f it is that cannot be relied on."""
        for operation in operations(self.subject)[0]:
            upstream = self.rng.standard_normal(operation.forward().size)
            found = [
                finding
                for finding in check_backward(operation, upstream)
                if finding.name in UNRELIABLE
            ]
            if found and operation.node:
                self.report.problems = found
                self.report.fault = _called(operation)
                return

    def _find_float32(self) -> bool:
        """Whether an operation of a longer f computes in float32; if so, which."""
        done = operations(self.subject)[0] if isinstance(self.subject, Whole) else []
        found = next((operation for operation in done if in_float32(operation)), None)
        if found:
            self.report.problems.append(IN_FLOAT32)
            self.report.fault = _called(found)
        return found is not None

    def _diagnose(self) -> None:
        """At the inputs where they were moved to, off their kinks."""
        report, subject = self.report, self.subject
        if isinstance(subject, Whole):
            alone, left_out = operations(subject)
            faulty = first_faulty(alone, self.tolerance, self.eps, self.rng)
            if faulty is None:
                if report.wrong:
                    report.diagnosis.append(_in_one_of(left_out) if left_out else _between(subject))
                return
            subject = faulty
            if report.wrong and faulty.node:
                report.fault = _called(faulty)
        report.diagnosis += examine(subject, self.tolerance, self.eps, self.rng)
