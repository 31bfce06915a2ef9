"""gradcheck looks inside of f: kinks that cancel end to end, mistakes that cancel, or do not count."""

import numpy as np
import pytest

from layers import functional as F
from minigrad import Function, gradcheck

ZEROS = np.zeros(3)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("f", "inputs"),
    [
        (lambda x: F.relu(x) - x * 0.3 + np.log1p(np.exp(-np.abs(x))), ZEROS),
        (lambda x: F.relu(x) + np.log1p(np.exp(-np.abs(x))), ZEROS),
        (lambda x: F.relu(x) - F.relu(-x), ZEROS),
        (lambda x, y: F.relu(x - y) - F.relu(y - x), [np.ones(3), np.ones(3)]),
        (lambda x: np.sign(x) * np.abs(x), ZEROS),
        (lambda x: np.where(x.data > 0, x, np.exp(np.minimum(x, 0)) - 1), np.array([0.0, 1])),
    ],
)
def test_kinks_inside_of_f_that_cancel_are_no_lost_path(f, inputs, seed):
    report = gradcheck(f, inputs, seed=seed)
    assert report, report
    assert "sat on a kink, moved off it" in str(report)


def test_a_lost_path_is_found_beside_kinks_that_cancel():
    report = gradcheck(lambda x: F.relu(x) - F.relu(-x.detach()), np.zeros(3))
    assert report.mistakes == {"path"}


class Minus(Function):
    """y = -x, with a sign too few on the way back"""

    @staticmethod
    def forward(ctx, x):
        return -x

    @staticmethod
    def backward(ctx, dy):
        return dy


class Relu7(Function):
    """max(x, 0), with the slope 7 at 0"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.maximum(x, 0)

    @staticmethod
    def backward(ctx, dy):
        return np.where(ctx.x == 0, 7, ctx.x > 0) * dy


def test_two_mistakes_that_cancel():
    report = gradcheck(lambda x: Minus.apply(np.exp(Minus.apply(x))) * 2, np.ones(3))
    assert report.wrong == 0
    assert report.mistakes == {"alone", "sign"}
    assert "End to end the gradients agree; those of minus alone do not." in str(report)
    assert "the fault lies in minus, called at" in str(report)


def test_a_wrong_slope_at_a_kink_that_has_no_effect():
    report = gradcheck(lambda x: Relu7.apply(x * 0.0) + x, np.ones(3))
    assert report.mistakes == {"kink"}
    assert "slopes 0 and 1, yours 7" in str(report)


def test_of_many_operations_some_are_left_out_and_each_rule_is_looked_at():
    def many(x):
        for _ in range(50):
            x = x * 1.01
        return Minus.apply(Minus.apply(x))

    assert not gradcheck(many, np.ones(2))
    report = gradcheck(lambda x: many(Minus.apply(x) * 0 + x) * 0 + np.exp(x), np.ones(2))
    assert report.mistakes == {"alone", "sign"}

    def right(x):
        for _ in range(50):
            x = x * 1.01
        return x

    assert "18 of 50 operations were not checked alone." in str(gradcheck(right, np.ones(2)))


def test_a_gradient_right_on_a_kink_alone():
    pair = (lambda x: (np.abs(x), None), lambda dy, _: 0 * dy)
    assert not gradcheck(pair, np.zeros(3))
    report = gradcheck(np.abs, np.zeros(3))
    assert report
    assert "absolute at a kink (3 entries)" in str(report)
    assert "does not depend" not in str(gradcheck(np.linalg.norm, np.zeros(3)))


def test_an_operation_given_by_itself_is_not_said_to_be_left_out():
    pair = (lambda x: (np.sin(x), x), lambda dy, x: dy * np.cos(x))
    assert "checked alone" not in str(gradcheck(pair, np.ones(1 << 21)))
    assert "1 of 2 operations were not checked alone" in str(
        gradcheck(lambda x: np.sum(x, 1) * 2, np.ones((2, 1 << 20)))
    )
