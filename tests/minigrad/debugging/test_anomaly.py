"""anomaly: names the first operation at fault and the caller's line, forward and backward."""

import inspect

import numpy as np
import pytest

import minigrad
from layers import Linear, ReLU, Sequential
from minigrad import Function, tape
from minigrad.errors import NotFiniteError


def _x(*values):
    return minigrad.tensor(list(values), requires_grad=True)


def _message(run, **options):
    with pytest.raises(NotFiniteError) as caught, minigrad.anomaly(**options):
        run()
    return str(caught.value)


def test_the_first_of_a_chain_is_named_with_its_line_entry_operands_and_remedy():
    x = _x(1.0, 2.0, 0.5)

    def run():
        shifted = x - 1
        y = np.log(shifted)  # the culprit
        return np.sum(y * 0 + np.exp(y))

    text = _message(run)
    assert text.startswith("log made the first -inf, at entry 0 of its result (3,).")
    assert "operand 0 (3,) is from -0.5 to 1" in text
    assert "np.maximum(x, 1e-12)" in text
    lines, start = inspect.getsourcelines(run)
    number = start + next(k for k, line in enumerate(lines) if "culprit" in line)
    assert f"test_anomaly.py:{number}: y = np.log(shifted)  # the culprit" in text


def test_a_gradient_that_becomes_infinite_is_laid_at_the_rule_and_its_forward_line():
    x = _x(4.0, 0.0)

    def run():
        np.sum(np.sqrt(x) * 3).backward()  # the culprit

    text = _message(run)
    assert text.startswith(
        "The backward of sqrt made the first inf, at entry 1 of the gradient (2,)"
    )
    assert "# the culprit" in text


def test_a_rule_whose_backward_makes_nan_is_named_though_all_before_was_finite():
    class Faulty(Function):
        "y = x;   dx = 0 / 0"

        @staticmethod
        def forward(ctx, x):
            return x + 0

        @staticmethod
        def backward(ctx, dy):
            return dy * 0 / (dy * 0)

    x = _x(1.0)
    text = _message(lambda: np.sum(np.sin(Faulty.apply(x * 2))).backward())
    assert text.startswith("The backward of faulty made the first NaN, at entry 0")


def test_what_comes_in_with_the_data_is_not_laid_at_an_operation():
    text = _message(lambda: np.array([1.0, np.nan]) * _x(1.0, 2.0))
    assert "multiply: operand 0 holds NaN, at entry 1 of (2,), which no operation" in text


def test_a_parameter_that_is_nan_is_found_in_the_layer_that_uses_it():
    net = Sequential(Linear(2, 2), ReLU(), Linear(2, 1))
    net[2].weight.data[0, 1] = np.nan
    text = _message(lambda: net(np.ones((3, 2), np.float32)))
    assert "linear: operand 1 holds NaN, at entry (0, 1) of (1, 2)" in text
    assert "test_anomaly.py" in text


def test_an_upstream_gradient_that_is_not_finite_is_said_to_be_given():
    x = _x(1.0, 2.0)
    text = _message(lambda: (x * x).backward(np.array([1.0, np.inf])))
    assert "multiply: the gradient that came into its backward is not finite" in text


def test_several_outputs_are_all_looked_at():
    class Pair(Function):
        "y, z = x, log x"

        @staticmethod
        def forward(ctx, x):
            return x + 0, np.log(x)

    assert _message(lambda: Pair.apply(_x(0.0))).startswith("pair made the first -inf, at entry 0")


def test_infinities_may_be_meant_and_nan_is_found_even_then():
    x = _x(1.0, 2.0)
    with minigrad.anomaly(allow_inf=True):
        scores = np.where(np.array([True, False]), x, -np.inf)
        loss = np.sum(np.exp(scores))
        loss.backward()
    assert x.grad[0] == pytest.approx(np.e)
    assert "NaN" in _message(lambda: x * np.inf * 0, allow_inf=True)


def test_a_sound_program_gets_the_same_numbers_and_nothing_stays_behind():
    x = _x(1.0, 2.0)
    with minigrad.anomaly():
        np.sum(x * x).backward()
    assert x.grad.tolist() == [2, 4]
    _message(lambda: np.log(_x(0.0)))
    assert tape.observer is None


def test_untracked_results_and_integers_are_looked_at_too():
    assert "log" in _message(lambda: np.log(minigrad.tensor([0.0])))
    with minigrad.anomaly():
        assert (minigrad.tensor([1, 2]) + 1).tolist() == [2, 3]


@pytest.mark.parametrize(
    ("call", "operands", "remedy"),
    [
        (np.sqrt, [-1.0], "A negative number has no root"),
        (np.log, [-1.0], "A negative number has no logarithm"),
        (np.log, [0.0], "Keep its operand above 0"),
        (np.log1p, [-2.0], "no value below -1"),
        (np.arcsin, [1.5], "from -1 to 1 alone"),
        (np.arctanh, [1.0], "inside of -1 and 1"),
        (np.divide, [0.0, 0.0], "0 / 0 has no value"),
        (np.divide, [1.0, 0.0], "Keep the divisor away from 0"),
        (np.power, [-2.0, 0.5], "whole powers alone"),
        (np.exp, [100.0], "Subtract the largest entry"),
        (np.multiply, [1e30, 1e30], "beyond 3.4e+38, the largest float32"),
    ],
)
def test_the_remedy_is_that_of_the_cause(call, operands, remedy):
    text = _message(lambda: call(*(_x(operand) for operand in operands)))
    assert remedy in text
    assert "slope" not in text


@pytest.mark.parametrize(
    ("call", "operand"), [(np.sqrt, 0.0), (np.arcsin, 1.0), (np.cbrt, 0.0), (np.arccosh, 1.0)]
)
def test_where_only_the_slope_is_infinite_the_remedy_is_about_the_slope(call, operand):
    assert "slope" in _message(lambda: np.sum(call(_x(operand))).backward())
