"""What a rule must do apart from being right: answer twice alike, leave what it is given alone.

forward     the same outputs for the same inputs, which stay as they are; no NaN, no overflow
backward    the same gradients each time, whatever forward saw since, inputs and upstream gradient
            untouched, 0 for 0, and for -dy minus what it gives for dy
"""

import numpy as np

from minigrad.checking.maps import AWAY, Map
from minigrad.checking.report import Finding, short
from minigrad.checking.slopes import Index

#: After one of these, what backward answers is not to be compared with anything.
UNRELIABLE = {"modified", "not deterministic", "not repeatable", "state"}


def check_forward(subject: Map, start: list[np.ndarray]) -> list[Finding]:
    """Does forward leave its inputs, once `start`, alone, and answer twice alike?"""
    one, two = subject.forward(), subject.forward()
    if not _equal(subject.arrays, start):
        k = [np.array_equal(a, b, equal_nan=True) for a, b in zip(subject.arrays, start)].index(False)  # fmt: skip
        return [
            Finding(
                "modified",
                f"f changes its inputs in place ({subject.names[k]}): work on a copy, x = x.copy().",
            )
        ]
    if np.isnan(one).any():
        return [
            Finding(
                "nan",
                f"f gives NaN in {np.isnan(one).sum()} of {one.size} outputs, and NaN has no slope. Run f "
                "inside of minigrad.anomaly(): it names the line that makes the first one.",
            )
        ]
    if not _equal([one], [two]):
        return [
            Finding(
                "not deterministic",
                "f gives different results for the same inputs: does it draw random numbers (call "
                "minigrad.manual_seed or seed a generator inside f; a Dropout draws none after .eval()), or "
                "remember earlier calls?",
            )
        ]
    return _overflow(subject, one)


#: An infinite output is no edge of f's domain where it stays infinite in so many moves of the inputs.
TRIES = 8
#: So many entries, the largest first, are asked whether they make it infinite.
ASKED = 256


def _overflow(subject: Map, y: np.ndarray) -> list[Finding]:
    """Does an entry make an output infinite? One that always is (a mask's -inf) has the slope 0."""
    rng, infinite = np.random.default_rng(0), np.isinf(y)
    for _ in range(TRIES if infinite.any() else 0):
        infinite &= np.isinf(_elsewhere(subject, rng))
    if not infinite.any():
        return []
    for k, i in _largest(subject.arrays):
        mended = infinite & (
            np.isfinite(_with(subject, k, i, 0)) | np.isfinite(_with(subject, k, i, 1))
        )
        if mended.any():
            return [
                Finding(
                    "infinite",
                    f"f is infinite in {_output(subject, mended)}, with {subject.names[k]}{list(i)} = "
                    f"{short(subject.arrays[k][i])}: there it has no slope to compare with. Check at smaller "
                    "numbers; if f should be finite there, mend forward.",
                )
            ]
    return []


def _largest(arrays: list[np.ndarray]) -> list[tuple[int, Index]]:
    """The entries of all arrays that are largest, those first."""
    ends = np.cumsum([0, *(a.size for a in arrays)])
    found = []
    for place in np.argsort(-np.abs(np.concatenate([a.ravel() for a in arrays])))[:ASKED]:
        k = int(np.searchsorted(ends, place, "right")) - 1
        i = np.unravel_index(place - ends[k], arrays[k].shape)
        found.append((k, tuple(int(n) for n in i)))
    return found


def _elsewhere(subject: Map, rng: np.random.Generator) -> np.ndarray:
    """The outputs with each entry a little to one side."""
    with subject.undone():
        for a in subject.arrays:
            a += AWAY * rng.choice([-1, 1], a.shape) * np.maximum(1, np.abs(a))
        return subject.forward()


def _with(subject: Map, k: int, i: Index, value: float) -> np.ndarray:
    """The outputs with another value in one entry."""
    kept = subject.arrays[k][i]
    subject.arrays[k][i] = value
    try:
        return subject.forward()
    except Exception:  # whatever a forward raises that does not take such inputs
        return np.array(np.nan)
    finally:
        subject.arrays[k][i] = kept


def _output(subject: Map, mask: np.ndarray) -> str:
    """The first of some outputs in words."""
    for number, part in enumerate(subject.split(mask)):
        if part.any():
            return f"output {number}{np.argwhere(part)[0].tolist()}"
    return "no output"


UPSTREAM = "the upstream gradient"
#: By so large a part of the largest entry the gradients for dy and -dy may miss each other: float32 sums, say.
ROUNDING = 1e-5
#: How often backward is repeated: to see chance that strikes seldom; and where arrays are large.
PASSES, LARGE, FEW = 40, 1 << 16, 2

STATE = Finding(
    "state",
    "backward gives other gradients once forward has run on other inputs: it keeps state outside of ctx (or "
    "of the cache), and a second forward overwrites it.",
)


def check_backward(subject: Map, upstream: np.ndarray) -> list[Finding]:
    """Does backward answer twice alike, after another forward too, leave what it is given alone, and give 0 for 0?"""
    before = [a.copy() for a in (*subject.arrays, upstream)]
    given = upstream.copy()
    with np.errstate(all="ignore"):
        backward = subject.graph()
        one = backward(given)
        passes = PASSES if given.size + sum(a.size for a in subject.arrays) < LARGE else FEW
        equal = all(_equal(one, backward(given)) for _ in range(passes - 1))
        changed = [
            name
            for name, now, then in zip([*subject.names, UPSTREAM], [*subject.arrays, given], before)
            if not _equal([now], [then])
        ]
        for a, kept in zip(subject.arrays, before):
            a[...] = kept
        if changed:
            return [
                Finding(
                    "modified",
                    f"backward changes {' and '.join(changed)} in place: work on a copy.",
                )
            ]
        if not equal:
            return [_unequal(subject, upstream)]
        if _forward_elsewhere(subject) and not _equal(one, backward(given)):
            return [STATE]
        nothing = backward(np.zeros_like(upstream))
    for name, gradient in zip(subject.names, nothing):
        if np.any(gradient[np.isfinite(gradient)] != 0):
            return [
                Finding(
                    "from nothing",
                    f"An upstream gradient of 0 does not give gradients of 0 ({name}): a term of the "
                    "rule is not multiplied by it.",
                )
            ]
    return []


def check_linear(subject: Map, upstream: np.ndarray) -> list[Finding]:
    """Is the gradient for -dy minus that for dy? A rule that is right for one dy alone may be no rule."""
    with np.errstate(all="ignore"):
        backward = subject.graph()
        pairs = zip(subject.names, backward(upstream.copy()), backward(-upstream))
    for name, one, other in pairs:
        finite = np.isfinite(one) & np.isfinite(other)
        size = np.max(np.abs(one[finite]), initial=0)
        if np.any(np.abs(one + other)[finite] > ROUNDING * size):
            return [
                Finding(
                    "not linear",
                    f"not linear in dy: for -dy the gradient of {name} is not minus that for dy.",
                )
            ]
    return []


def _forward_elsewhere(subject: Map) -> bool:
    """Run forward on other inputs, which leaves nothing behind but what it keeps outside of ctx; whether it could."""
    try:
        _elsewhere(subject, np.random.default_rng(0))
    except Exception:  # whatever a forward raises that does not take such inputs
        return False
    return True


def _unequal(subject: Map, upstream: np.ndarray) -> Finding:
    """Why two passes over one graph differ: chance, if passes over two graphs differ as well."""
    one = subject.backward(upstream)
    if all(_equal(one, subject.backward(upstream)) for _ in range(PASSES)):
        return Finding(
            "not repeatable",
            "A second backward pass over the same graph gives other gradients: does a rule change in "
            "place what it kept on ctx?",
        )
    return Finding(
        "not deterministic",
        "backward gives other gradients each time, in a second backward pass and on a new graph: does "
        "it draw random numbers? Keep forward's on ctx.",
    )


def _equal(one: list[np.ndarray], two: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, two, strict=True))
