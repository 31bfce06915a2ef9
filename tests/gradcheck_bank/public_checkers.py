"""The comparison rules of seven public gradient checkers, on pairs of plain array functions.

Each answers whether it lets (forward, backward) pass at inputs xs. What the checkers do besides (print,
warn, raise) is left out. CS231n's prints an error for a human to judge; the bar is the notes' 1e-6.
"""

from typing import Any

import numpy as np


def _numeric(forward: Any, xs: Any, k: int, eps: float, weights: Any) -> np.ndarray:
    """Central differences of <weights, forward> by every entry of xs[k], in the dtype of xs[k]."""
    gradient = np.zeros(xs[k].shape)
    for i in np.ndindex(xs[k].shape):
        gradient[i] = _slope(forward, xs, k, i, eps, weights)
    return gradient


def _slope(forward: Any, xs: Any, k: int, i: Any, eps: float, weights: Any) -> float:
    kept = xs[k][i]
    xs[k][i] = kept + eps
    above = np.array(forward(*xs)[0])
    xs[k][i] = kept - eps
    below = np.array(forward(*xs)[0])
    xs[k][i] = kept
    return float(np.sum(weights * (above - below)) / (2 * eps))


def _analytic(forward: Any, backward: Any, xs: Any, upstream: Any = None) -> tuple[Any, ...]:
    y, cache = forward(*xs)
    answers = backward(np.ones_like(y) if upstream is None else upstream.copy(), cache)
    return answers if isinstance(answers, tuple) else (answers,)


def dezero(forward: Any, backward: Any, xs: Any, rng: Any) -> bool:
    """Every entry of the sum of the outputs, in float64; rtol 1e-4, atol 1e-5."""
    xs = [x.astype(np.float64) for x in xs]
    answers = _analytic(forward, backward, xs)
    return all(
        np.allclose(a, _numeric(forward, xs, k, 1e-4, 1.0), rtol=1e-4, atol=1e-5)
        for k, a in enumerate(answers)
    )


def minitorch(forward: Any, backward: Any, xs: Any, rng: Any) -> bool:
    """One random entry an input, of the sum of the outputs; rtol and atol 1e-2."""
    answers = _analytic(forward, backward, xs)
    for k, a in enumerate(answers):
        i = tuple(rng.integers(n) for n in xs[k].shape)
        if not np.allclose(a[i], _slope(forward, xs, k, i, 1e-6, 1.0), rtol=1e-2, atol=1e-2):
            return False
    return True


def hips(forward: Any, backward: Any, xs: Any, rng: Any) -> bool:
    """One random direction and one random upstream; 1e-6, absolute or relative."""
    y = forward(*xs)[0]
    upstream = rng.standard_normal(np.shape(y))
    for k, a in enumerate(_analytic(forward, backward, xs, upstream)):
        v = rng.standard_normal(xs[k].shape)
        v = (v / np.linalg.norm(v)).astype(xs[k].dtype)
        ends = [forward(*xs[:k], xs[k] + s * 5e-7 * v, *xs[k + 1 :])[0] for s in (1, -1)]
        one, two = np.sum(a * v), np.sum(upstream * (ends[0] - ends[1])) / 1e-6
        if abs(one - two) >= 1e-6 and abs(one - two) / abs(one + two) >= 1e-6:
            return False
    return True


def tinygrad_2021(forward: Any, backward: Any, xs: Any, rng: Any) -> bool:
    """The whole Jacobian; eps, rtol and atol 1e-3."""
    return _jacobians_agree(forward, backward, xs, 1e-3, 1e-3, 1e-3)


def needle(forward: Any, backward: Any, xs: Any, rng: Any) -> bool:
    """Every entry of the sum of the outputs; the norms of all differences below 1e-6 (hw1)."""
    answers = _analytic(forward, backward, xs)
    numeric = [_numeric(forward, xs, k, 1e-4, 1.0) for k in range(len(xs))]
    return sum(np.linalg.norm(a - n) for a, n in zip(answers, numeric)) < 1e-6


def cs231n(forward: Any, backward: Any, xs: Any, rng: Any) -> bool:
    """Every entry, a random upstream; the largest relative error below 1e-6."""
    upstream = rng.standard_normal(np.shape(forward(*xs)[0]))
    for k, a in enumerate(_analytic(forward, backward, xs, upstream)):
        n = _numeric(forward, xs, k, 1e-5, upstream)
        if np.max(np.abs(a - n) / np.maximum(1e-8, np.abs(a) + np.abs(n))) > 1e-6:
            return False
    return True


def pytorch(forward: Any, backward: Any, xs: Any, rng: Any) -> bool:
    """The whole Jacobian, eps 1e-6, rtol 1e-3, atol 1e-5; each row of it twice, exactly alike."""
    for upstream in _one_hot(forward(*xs)[0]):
        one, two = (_analytic(forward, backward, xs, upstream) for _ in range(2))
        if not all(np.array_equal(a, b) for a, b in zip(one, two)):
            return False
    return _jacobians_agree(forward, backward, xs, 1e-6, 1e-3, 1e-5)


def _one_hot(y: Any) -> Any:
    for i in np.ndindex(np.shape(y)):
        upstream = np.zeros(np.shape(y), np.asarray(y).dtype)
        upstream[i] = 1
        yield upstream


def _jacobians_agree(forward: Any, backward: Any, xs: Any, eps: float, rtol: float, atol: float) -> bool:  # fmt: skip
    for upstream in _one_hot(forward(*xs)[0]):
        answers = _analytic(forward, backward, xs, upstream)
        for k, a in enumerate(answers):
            if not np.allclose(a, _numeric(forward, xs, k, eps, upstream), rtol=rtol, atol=atol):
                return False
    return True


CHECKERS = {
    "DeZero": dezero,
    "minitorch": minitorch,
    "HIPS": hips,
    "tinygrad 2021": tinygrad_2021,
    "needle hw1": needle,
    "CS231n": cs231n,
    "PyTorch": pytorch,
}
