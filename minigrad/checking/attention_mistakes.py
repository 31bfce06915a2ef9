"""Known mistakes inside attention that is given as one function, y = p v with p = softmax(c q kᵀ).

It is recognised by its numbers, as f(q, k, v) or as f(x, wq, wk, wv) with q = x wq and so on. A wrong
gradient ds of the scores c q kᵀ then tells all others, which are held to yours: dq = c ds k,
dk = c dsᵀ q. Right is ds = p (dp - sum(p dp)), dp = dy vᵀ.
"""

from collections.abc import Callable

import numpy as np

from minigrad.checking.case import Case, distance
from minigrad.checking.value_mistakes import Guess

#: An output that comes this near to attention's is attention's.
SAME = 1e-9

Scores = Callable[[np.ndarray, np.ndarray], np.ndarray]


def diagonal(case: Case) -> Guess:
    """Each score's weight by that score alone."""
    yield from _from_scores(
        case,
        lambda p, dp: p * (1 - p) * dp,
        "only the diagonal of the softmax's Jacobian in attention: ds = p (1 - p) dp gives yours",
    )


def axis(case: Case) -> Guess:
    """The softmax's sum along the queries."""
    yield from _from_scores(
        case,
        lambda p, dp: p * (dp - (p * dp).sum(-2, keepdims=True)),
        "axis wrong in attention's softmax: its sum over p dp along the queries, not the keys, gives yours",
    )


def path(case: Case) -> Guess:
    """No path through the softmax's sum, or no softmax on the way back."""
    lost = "a path through the sum of attention's softmax lost: ds = p dp gives yours"
    yield from _from_scores(case, lambda p, dp: p * dp, lost)
    skipped = "attention's softmax has no slope on the way back: ds = dp gives yours"
    yield from _from_scores(case, lambda p, dp: dp, skipped)


def _from_scores(case: Case, ds: Scores, sentence: str) -> Guess:
    """Yours is what a wrong gradient of the scores gives."""
    arrays = case.subject.arrays
    if not case.shaped or len(arrays) not in (3, 4) or min(a.ndim for a in arrays) < 2:
        return
    try:
        predicted = _gradients(case, ds)
    except ValueError:
        return  # shapes that are not those of attention
    if predicted and predicted[case.k].shape == case.x.shape:
        yield case.comes_from(predicted[case.k].ravel()[case.index]), sentence


def _gradients(case: Case, ds: Scores) -> list[np.ndarray]:
    """What `ds` makes of the gradients of all arrays; nothing where f is not attention."""
    *x, one, two, three = case.subject.arrays
    q, k, v = (x[0] @ w for w in (one, two, three)) if x else (one, two, three)
    y, u = (a.reshape(case.y_shape) for a in (case.subject.forward(), case.upstream))
    for c in (q.shape[-1] ** -0.5, 1.0):
        for causal in (False, True):
            p = _weights(c * q @ _turned(k), causal)
            if (p @ v).shape != y.shape or distance(p @ v, y) > SAME:
                continue
            scores = c * ds(p, u @ _turned(v))
            gradients = [scores @ k, _turned(scores) @ q, _turned(p) @ u]
            if not x:
                return gradients
            dx = sum(g @ _turned(w) for g, w in zip(gradients, (one, two, three)))
            rows = x[0].reshape(-1, x[0].shape[-1])
            return [np.asarray(dx), *(rows.T @ g.reshape(len(rows), -1) for g in gradients)]
    return []


def _weights(scores: np.ndarray, causal: bool) -> np.ndarray:
    """The softmax of scores, of those of later keys not if it is causal."""
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:]) > 0, scores, -np.inf)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True)


def _turned(a: np.ndarray) -> np.ndarray:
    return a.swapaxes(-1, -2)
