"""What students write for the backward of softmax, and what they are told of it."""

import numpy as np
import pytest

from tests.tutorials.forms import with_solution
from tutorials.__main__ import find
from tutorials.exercise import checks, run

TEXT = find("softmax_backward").path.read_text(encoding="utf-8")

#: What is written in the place of the solution; what the check of the gradient says; points of 5.
TYPICAL = {
    "return dy * y * (1 - y)": ("only the Jacobian's diagonal", 0),
    "return dy * y": ("a path through the sum that divides lost", 0),
    "return y * (dy - dy.sum(axis=-1, keepdims=True))": ("a path through the sum that divides", 0),
    "return y * (dy - np.mean(dy * y, axis=-1, keepdims=True))": ("miscounted", 0),
    "return y * (dy - np.sum(dy * y, axis=0, keepdims=True))": ("axis wrong", 0),
    "return y * (dy - np.sum(dy * y))": ("a path through the sum that divides", 2),
    "return y * (dy - np.sum(dy * y, axis=-1))": ("could not be broadcast together", 2),
    "return -y * (dy - np.sum(dy * y, axis=-1, keepdims=True))": ("sign flipped", 0),
    "return y * (1 - y)": ("a term of the rule is not multiplied by it", 0),
    "dy *= y\nreturn dy - y * dy.sum(axis=-1, keepdims=True)": ("in place", 2),
    "pass": ("Does it lack a return?", 0),
    "return y * (dy - np.sum(dy * y, axis=1, keepdims=True))": (
        "",
        4,
    ),  # the hidden check of three axes
}


def results(solution, capsys):
    names = {}
    exec(with_solution(TEXT, solution), names)
    capsys.readouterr()
    return {check.__name__: run(check, names) for check in checks(names)}


@pytest.mark.parametrize("solution", TYPICAL)
def test_typical_mistakes_are_named(solution, capsys):
    said, score = TYPICAL[solution]
    found = results(solution, capsys)
    gradient = found["check_gradient"]
    assert gradient.status == ("wrong" if said else "passed")
    assert said in gradient.output
    assert sum(result.score for result in found.values()) == score


@pytest.mark.parametrize(
    "solution",
    [
        "return dy * y - y * np.sum(dy * y, axis=-1, keepdims=True)",
        "return dy * y - y * np.einsum('...i,...i->...', dy, y)[..., None]",
        "J = y[..., None] * np.eye(y.shape[-1]) - y[..., None] * y[..., None, :]\n"
        "return (J @ dy[..., None])[..., 0]",
    ],
)
def test_other_ways_to_write_it_get_all_points(solution, capsys):
    assert sum(result.score for result in results(solution, capsys).values()) == 5


def test_the_statements_example_is_true():
    names = {}
    exec(TEXT, names)
    y, _ = names["softmax"](np.zeros(2))
    assert np.allclose(names["softmax_backward"](np.array([1.0, 0.0]), y), [0.25, -0.25])


def test_what_returns_nothing_is_wrong_in_words_and_crashes_no_check(capsys):
    for result in results("pass", capsys).values():
        assert result.status == "wrong"
        assert "returned None. Does it lack a return?" in result.output
