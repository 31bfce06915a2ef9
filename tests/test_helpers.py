"""The gradient check must find what is wrong: each fault here is one it was made for."""

import numpy as np
import pytest

import minigrad
from tests.helpers import check_gradient


class WrongFactor(minigrad.Function):
    """y = x²;   dx = 2.001 x dy, which is wrong"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return x * x

    @staticmethod
    def backward(ctx, dy):
        return 2.001 * ctx.x * dy


class ForgetsUpstream(minigrad.Function):
    """y = x²;   dx = 2 x, right for an upstream gradient of ones alone"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return x * x

    @staticmethod
    def backward(ctx, dy):
        return 2 * ctx.x


class HiddenDependence(minigrad.Function):
    """y = x²;   dx = 2 x dy, but x is hidden from a second derivative"""

    @staticmethod
    def forward(ctx, x):
        ctx.numbers = x.tolist()
        return x * x

    @staticmethod
    def backward(ctx, dy):
        return 2 * np.array(ctx.numbers) * dy


class SpendsItself(minigrad.Function):
    """y = x²;   dx = 2 x dy the first time only"""

    @staticmethod
    def forward(ctx, x):
        ctx.x, ctx.calls = x, []
        return x * x

    @staticmethod
    def backward(ctx, dy):
        ctx.calls.append(1)
        return 2 * ctx.x * dy / len(ctx.calls)


class OverwritesUpstream(minigrad.Function):
    """y = 2 x;   dx = 2 dy, written into dy"""

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, dy):
        dy *= 2
        return dy


class ForgetsPlainOperands(minigrad.Function):
    """y = a b;   da is halved where b is a plain array"""

    @staticmethod
    def forward(ctx, a, b):
        ctx.a, ctx.b = a, b
        return a * b

    @staticmethod
    def backward(ctx, dy):
        return ctx.b * dy * (1.0 if all(ctx.needs_input_grad) else 0.5), ctx.a * dy


@pytest.mark.parametrize(
    ("wrong", "operands", "what"),
    [
        (WrongFactor, 1, "gradient of operand 0"),
        (ForgetsUpstream, 1, "gradient of operand 0"),
        (HiddenDependence, 1, "second order"),
        (SpendsItself, 1, "two passes"),
        (OverwritesUpstream, 1, "mutated"),
        (ForgetsPlainOperands, 2, "among plain arrays"),
    ],
)
def test_a_wrong_rule_is_found(wrong, operands, what):
    rng = np.random.default_rng(0)
    with pytest.raises(AssertionError, match=what):
        check_gradient(wrong.apply, *[rng.normal(size=(2, 2)) for _ in range(operands)])


def test_a_right_rule_passes_and_kinks_are_left_out_on_request():
    check_gradient(np.square, np.random.default_rng(0).normal(size=3))
    at_a_kink = np.array([0.0, 1.0, -1.0])
    check_gradient(lambda t: np.maximum(t, 0.7 * t), np.array([1.0, -1.0]))
    with pytest.raises(AssertionError):
        check_gradient(lambda t: np.clip(t, 0, None), at_a_kink)
    check_gradient(lambda t: np.clip(t, 0, None), at_a_kink, kinks=True)
    with pytest.raises(AssertionError, match="kinks"):
        check_gradient(lambda t: np.clip(t, 0, None), np.zeros(3), kinks=True)


def test_several_outputs_are_checked():
    check_gradient(lambda a, b: (a * b, np.exp(a)), np.ones(2), np.full(2, 0.3))
    with pytest.raises(AssertionError):
        check_gradient(lambda a: (np.exp(a), WrongFactor.apply(a)), np.ones(2))
