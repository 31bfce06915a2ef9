"""gradcheck at ties: the slopes of equal entries must add up, in whatever way they share."""

import numpy as np
import pytest

from layers import functional as F
from minigrad import gradcheck


def _first(x, y):
    """1 for the first of equals."""
    slope = np.zeros_like(x)
    slope.flat[np.argmax(x == y)] = 1
    return slope


def _shared(x, y):
    return (x == y) / np.sum(x == y)


def _every(x, y):
    return (x == y).astype(float)


def _pick(choose, slope):
    """A pair that chooses one entry, as np.max does, and gives `slope` of its gradient to the entries."""

    def forward(x):
        y = choose(x)
        return y, (x, y)

    return forward, lambda dy, cache: dy * slope(*cache)


@pytest.mark.parametrize("choose", [np.max, np.min, np.median])
@pytest.mark.parametrize(
    "x", [[2.0, 2, 1], [1.0, 1, 1], [-3.0, 0, 0, 0, 5], [0.0] * 5, [1.0, 7, 7, 7, 1]]
)
def test_one_of_equals_may_have_it_all_or_each_its_share_but_not_each_all(choose, x):
    x = np.array(x)
    tied = np.sum(x == choose(x)) > 1
    for slope in (_first, _shared):
        assert gradcheck(_pick(choose, slope), x), slope
    report = gradcheck(_pick(choose, _every), x)
    assert bool(report) != tied
    assert not tied or report.mistakes == {"kink"}


def test_what_is_said_of_a_tie():
    report = gradcheck(_pick(np.max, _every), np.array([2.0, 2, 1]))
    assert (
        "forward at a tie, input 0[0] and input 0[1], all 2: moved together they have the slope 1, and "
        "yours add up to 2."
    ) in str(report)
    assert len(str(report).splitlines()) <= 12


def test_equal_operands():
    def pair(share):
        return lambda a, b: (np.maximum(a, b), (a, b)), lambda dy, c: share(dy, *c)

    x = np.array([1.0, 2, 3, 3])
    halves = pair(lambda dy, a, b: (dy * ((a > b) + (a == b) / 2), dy * ((b > a) + (a == b) / 2)))
    first = pair(lambda dy, a, b: (dy * (a >= b), dy * (b > a)))
    both = pair(lambda dy, a, b: (dy * (a >= b), dy * (b >= a)))
    none = pair(lambda dy, a, b: (dy * (a > b), dy * (b > a)))
    for right in (halves, first):
        assert gradcheck(right, [x, x.copy()])
    for wrong in (both, none):
        assert gradcheck(wrong, [x, x.copy()]).mistakes == {"kink"}
    said = str(gradcheck(none, [x, x.copy()]))
    assert (
        "at a tie, input 0[0] and input 1[0], all 1: moved together they have the slope 1" in said
    )


def test_equal_pixels_in_a_window():
    def forward(x):
        windows = x.reshape(2, 2, 2, 2).swapaxes(1, 2)
        return windows.max((2, 3)), (x, windows)

    def backward(dy, cache):
        x, windows = cache
        at = windows == windows.max((2, 3), keepdims=True)
        return (at * dy[:, :, None, None]).swapaxes(1, 2).reshape(x.shape)

    x = np.array([[1.0, 1, 0, 2], [0, 1, 3, 4], [5, 6, 7, 7], [6, 0, 7, 7]])
    assert gradcheck((forward, backward), x).mistakes == {"kink"}
    image = x[None, None]
    assert gradcheck(lambda x: F.max_pool2d(x, 2), image)


@pytest.mark.parametrize("seed", range(10))
def test_right_operations_pass_at_ties(seed):
    x = np.random.default_rng(seed).integers(-1, 2, (3, 4)).astype(float)
    for f in (
        np.sort,
        np.median,
        np.ptp,
        lambda x: np.max(x, 0) - np.min(x, 0),
        lambda x: np.max(abs(x)) + np.maximum(x, x[::-1]),
        lambda x: F.relu(x) - F.relu(-x[::-1]),
        lambda x: np.cumsum(np.sort(x, 0)) * np.max(x),
    ):
        assert gradcheck(f, x, seed=seed), f


@pytest.mark.parametrize("seed", range(10))
def test_kinks_of_several_entries_that_only_cancel_are_no_tie(seed):
    """relu(a) - relu(-b) has one slope along (1, 1) at 0, and its two zeros have nothing to do with each other."""
    w = np.random.default_rng(seed).choice([-1.0, 1, 2], 6)

    def forward(x):
        return np.maximum(w * x, 0).sum(), x

    assert gradcheck((forward, lambda dy, x: dy * w * (w * x > 0)), np.zeros(6), seed=seed)
    assert gradcheck((forward, lambda dy, x: dy * w * (w * x >= 0)), np.zeros(6), seed=seed)


@pytest.mark.parametrize("seed", range(5))
def test_the_middle_one_of_three_equals_may_have_its_weight(seed):
    """None of the three has that slope as it moves alone."""

    def forward(x):
        order = np.argsort(x, kind="stable")
        return 0.2 * x[order[2]] + 0.8 * x[order[1]], (x, order)

    def backward(dy, cache, weights=(0.8, 0.2)):
        x, order = cache
        dx = np.zeros_like(x)
        dx[order[1:3]] = weights
        return dx * dy

    x = np.random.default_rng(seed).permutation([-1.0, -1.0, -1.0, 1.0, 1.0])
    assert gradcheck((forward, backward), x, seed=seed)
    wrong = gradcheck((forward, lambda dy, c: backward(dy, c, (1.7, -0.7))), x, seed=seed)
    assert not wrong


def test_ties_of_more_values_than_are_looked_at_are_told():
    x = np.repeat(np.arange(40.0), 2)
    assert "ties of 8 more values were not looked at" in str(gradcheck(lambda x: np.sort(x), x))


def test_a_wrong_tie_behind_many_others_is_found():
    x = np.repeat(np.arange(20.0), 2)
    assert gradcheck(_pick(np.max, _every), x).mistakes == {"kink"}


def test_every_terminal_can_print_what_is_said_of_ties():
    assert str(gradcheck(_pick(np.max, _every), np.zeros(4))).isascii()
