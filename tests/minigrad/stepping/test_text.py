"""A step in the terminal: every number is there, in ASCII, and aligned."""

import numpy as np
import pytest

import minigrad
from minigrad import Function
from minigrad.stepping.plain_ascii import plain_ascii
from minigrad.stepping.text import numbers, short


def test_a_step_reads_like_this():
    a = minigrad.tensor([1.0, 2.0], requires_grad=True)
    b = minigrad.tensor([3.0, 4.0], requires_grad=True)
    with minigrad.recording():
        y = a * b
    y = y + a
    lines = str(minigrad.step(np.sum(y)).until("multiply")).split("\n")
    file = __file__.replace("\\", "/")
    assert lines[2].replace("\\", "/").endswith(f"{file.rsplit('/', 1)[1]}:16: y = a * b")
    assert [*lines[:2], *lines[3:]] == [
        "step 3 of 3: multiply",
        "  y = a b;   da = b dy,   db = a dy",
        "  y      output                    [3 8]",
        "  dy     comes in                  [1 1]",
        "  a      from leaf a               [1 2]",
        "  dy/da  entry by entry            [3 4]",
        "  da     to leaf a                 [3 4]",
        "         sum there of 2, complete  [4 5]",
        "  b      from leaf b               [3 4]",
        "  dy/db  entry by entry            [1 2]",
        "  db     to leaf b, all of it      [1 2]",
    ]


def test_text_is_ascii_whatever_the_formula():
    class Odd(Function):
        """ŷ = Σₖ √θx² e⁻ˣ ⋆ …;   dx = 漢 dy"""

        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, dy):
            return dy

    x = minigrad.tensor([1.0], requires_grad=True)
    text = str(minigrad.step(Odd.apply(x)).next())
    assert text.isascii()
    assert "sum_k sqrt theta x^2 e^(-x) (*) ...;   dx = ? dy" in text


@pytest.mark.parametrize(
    ("formula", "plain"),
    [
        ("y = aᵇ;   da = b aᵇ⁻¹ dy", "y = a^b;   da = b a^(b-1) dy"),
        ("y = sin(πx) / (πx)", "y = sin(pi x) / (pi x)"),
        ("x̂ = (x - x̄) ≤ 0", "x_hat = (x - x_bar) <= 0"),
        ("grid = B θᵀ;   dθ = dgridᵀ B", "grid = B theta^T;   dtheta = dgrid^T B"),
        ("y = (Σ |x|ᵖ)¹ᐟᵖ", "y = (sum |x|^p)^(1/p)"),
    ],
)
def test_formulas_in_plain_ascii(formula, plain):
    assert plain_ascii(formula) == plain


def test_all_formulas_of_the_engine_have_an_ascii_form():
    stack, seen = [Function], []
    while stack:
        seen += [cls := stack.pop()]
        stack += cls.__subclasses__()
    ours = [c for c in seen if c.__module__.startswith(("minigrad", "layers")) and c.__doc__]
    assert len(ours) > 80
    for cls in ours:
        assert "?" not in plain_ascii(cls.__doc__.split("\n")[0]), cls


def test_large_arrays_are_told_by_shape_and_range():
    large = np.linspace(-1, 3, 60).reshape(6, 10)
    assert numbers(large) == "6 x 10, -1 to 3, mean 1"
    large[0, 0] = np.nan
    large[0, 1] = np.inf
    assert "2 NaN or inf" in numbers(large)
    assert numbers(np.full((7, 7), np.nan)) == "7 x 7, 49 NaN or inf"
    assert numbers(np.zeros((0, 2))) == "0 x 2, empty"
    assert numbers(np.arange(3)) == "[0 1 2]"
    assert numbers(np.array(True)) == "True"


def test_numbers_have_four_digits_and_zero_no_sign():
    assert short(np.float32(-0.0)) == "0"
    assert short(1 / 3) == "0.3333"
    assert short(1.23456e-12) == "1.235e-12"
    assert short(float("nan")) == "nan"
    assert short(3) == "3"


def test_iteration_goes_from_the_first_to_the_last_step():
    x = minigrad.tensor([1.0], requires_grad=True)
    stepper = minigrad.step(np.exp(np.tanh(x)))
    assert [s.number for s in stepper] == [1, 2]
    assert [s.number for s in stepper] == [1, 2]
    assert len(stepper) == 2
    assert stepper.back().number == 1
    assert "at 1" in repr(stepper)
    assert "> 1  exp" in repr(stepper)
