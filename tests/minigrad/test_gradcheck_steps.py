"""The steps of gradcheck: short where f is steep, long where outputs are large, none over an edge."""

import numpy as np
import pytest

from minigrad import gradcheck
from tests.strategies import draw_array


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: 1 / (x * x), [1e-4]),
        (lambda x: 2 / x + 1, [1e-7]),
        (lambda x: 1 / (x * x + 1e-8), [0.0, 1e-4, 1.0]),
        (np.sin, [1e6, 1.0]),
        (lambda x: -np.mean(np.log(x)), [1e-4] * 6),
        (lambda x: np.sqrt(x) * 2 + 1, [1e-4] * 6),
        (lambda p: -np.mean(0.3 * np.log(p) + np.log(1 - p)), [1e-4, 1 - 1e-4, 0.5, 1 - 1e-5]),
        (np.log, [1e-7, 1e-9]),
    ],
)
def test_what_is_steep_is_no_kink(f, x):
    report = gradcheck(f, np.array(x))
    assert report, report
    assert report.moved == 0
    assert "kink" not in str(report).replace("beside a kink", "")


def test_what_is_steep_and_wrong_fails():
    pair = (lambda x: (1 / (x * x), x), lambda dy, x: -2.001 * dy / x**3)
    assert gradcheck(pair, np.array([1e-4, 1e-3, 1])).wrong == 3


def test_what_is_wrong_so_near_an_edge_that_a_step_crosses_it_is_named():
    report = gradcheck((lambda x: (np.log(x), x), lambda dy, x: 1.5 * dy / x), np.full(4, 1e-7))
    assert report.mistakes == {"factor"}


def test_entries_on_an_edge_are_moved_to_the_side_where_f_is_finite():
    assert gradcheck(lambda x: np.mean(np.sqrt(x) * x), np.zeros(20))
    report = gradcheck(lambda x: np.sum(np.arcsin(x)), np.array([1.0, -1, 0.2]))
    assert report, report
    assert report.moved == 2


@pytest.mark.parametrize("seed", range(5))
def test_large_outputs_that_are_curved(seed):
    report = gradcheck(lambda x: np.sum(np.sin(x)) + 1e8, draw_array(seed, (5,)), seed=seed)
    assert report, report


def test_a_complex_step_does_not_overrule_a_difference_that_is_right():
    """abs drops the imaginary part, and with it the slope of the penalty."""
    rng = np.random.default_rng(7)
    x, y = rng.standard_normal((20, 3)), rng.standard_normal(20)

    def forward(w):
        return ((x @ w - y) ** 2).sum() + 1e-3 * np.linalg.norm(w) ** 2, w

    def backward(dy, w, penalty=0.0):
        return dy * (2 * x.T @ (x @ w - y) + penalty * w)

    w = rng.standard_normal(3)
    assert not gradcheck((forward, backward), w)
    assert gradcheck((forward, lambda dy, w: backward(dy, w, 2e-3)), w)
