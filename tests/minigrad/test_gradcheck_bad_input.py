"""gradcheck on what it should not be given: it says what is wrong, or what it could not look at."""

import numpy as np
import pytest

import minigrad
from layers import Dropout, ReLU
from layers import functional as F
from layers.batchnorm import batch_norm_backward, batch_norm_forward
from minigrad import Function, gradcheck
from minigrad.errors import GradientError, GraphError, NotFiniteError, UnsupportedError
from tests.strategies import draw_array


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_inputs_that_are_not_finite_are_refused(bad):
    x = np.ones((2, 3))
    x[1, 0] = bad
    with pytest.raises(NotFiniteError, match=rf"input 1 is {bad} at \[1, 0\]"):
        gradcheck(lambda a, b: a * b, [np.ones((2, 3)), x])


def test_outputs_that_are_nan_end_the_check_without_warnings():
    report = gradcheck(np.sqrt, np.array([1.0, -1.0, 4.0]))
    assert report.mistakes == {"nan"}
    assert "f gives NaN in 1 of 3 outputs" in str(report)
    assert "minigrad.anomaly()" in str(report)


def test_infinite_outputs_at_the_edge_of_a_domain_are_no_mistake():
    assert gradcheck(np.log, np.array([1.0, 0.0]))


def test_an_empty_input_passes_with_a_word():
    report = gradcheck(lambda x: x * 2, np.ones((0, 3)))
    assert report
    assert "Nothing was checked in input 0: its shape is (0, 3)." in str(report)


@pytest.mark.parametrize("count", [1, 2])
def test_a_backward_without_a_return(count):
    report = gradcheck(
        (lambda *xs: (sum(xs), None), lambda dy, cache: None), [np.ones(3) for _ in range(count)]
    )
    assert not report
    assert "f: backward returned None. Does it lack a return?" in str(report)


class Square(Function):
    """y = x²;   dx = 2 x dy"""

    slope = 2.0

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return x * x

    @classmethod
    def backward(cls, ctx, dy):
        return cls.slope * ctx.x * dy


@pytest.mark.parametrize("size", [3e6, 3e9])
def test_large_outputs_do_not_drown_right_gradients_in_rounding(size):
    x = draw_array(0, (20,), 0.5, 2)
    report = gradcheck(lambda x: np.sum(Square.apply(x)) + size, x)
    assert report, report
    assert report.moved == 0
    assert "The outputs are so large that" in str(report)


def test_large_outputs_do_not_hide_wrong_gradients():
    class Wrong(Square):
        slope = 2.0001

    assert not gradcheck(lambda x: np.sum(Wrong.apply(x)) + 3e6, draw_array(0, (20,), 0.5, 2))


def test_of_ten_million_entries_a_few_are_checked():
    x = np.random.default_rng(0).random(10_000_000, dtype=np.float32)
    report = gradcheck(lambda x: np.sum(x * x), x)
    assert report, report
    assert "A sample: 10 of 10,000,000 entries were checked." in str(report)


class Normalised(Function):
    """x̂ = (x - μ) / s, with a factor too much on the way back"""

    @staticmethod
    def forward(ctx, x, *, mean, var):
        y, ctx.cache = batch_norm_forward(x, None, None, mean, var, 1e-5, True)
        return y

    @staticmethod
    def backward(ctx, dy):
        return 2 * batch_norm_backward(dy, ctx.cache)[0]


def test_an_operation_that_cannot_be_checked_alone_is_named_where_the_others_are_right():
    def f(x):
        return np.exp(Normalised.apply(x, mean=x.data.mean(0), var=x.data.var(0)))

    report = gradcheck(f, draw_array(0, (4, 3), -1, 1))
    assert report.mistakes == {"unknown"}
    assert "the fault may lie in normalised, called at" in str(report)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("x", "a str"),
        ({}, "a dict"),
        (len, "a builtin_function_or_method"),
        (1j * np.ones(3), "complex numbers"),
        (np.array(["a", "b", "c"]), "a ndarray"),
    ],
)
def test_a_backward_that_returns_no_real_numbers(answer, said):
    report = gradcheck((lambda x: (x, None), lambda dy, cache: answer), np.ones(3))
    assert report.mistakes == {"raised"}
    assert f"f: backward returned {said} for input 0. A gradient is an array" in str(report)


def test_an_output_whose_shape_follows_the_inputs_is_refused():
    with pytest.raises(GraphError, match=r"shape of output 0 of f follows the numbers in its"):
        gradcheck((lambda x: (x[x > 0], x), lambda dy, x: dy), np.array([1e-9, 1.0]))
    with pytest.raises(GraphError, match=r"\(2,\), and \(1,\) a small step away"):
        gradcheck(lambda x: x[x.data > 0] * 2, np.array([1e-9, 1.0]))


def test_a_list_of_numbers_is_said_to_be_several_inputs():
    with pytest.raises(GraphError, match="f does not take 2 inputs: .*A list means several inputs"):
        gradcheck(lambda x: x * x, [1.0, 2.0])
    assert gradcheck(lambda *xs: xs[0] * xs[1], [1.0, 2.0])
    assert gradcheck(np.multiply, [1.0, 2.0])


@pytest.mark.parametrize(
    "forward",
    [
        lambda x: np.tanh(x.astype("f")),
        lambda x: np.tanh(x.astype("f")).astype(float) + 1.25,
        lambda x: np.sum(np.tanh(x.astype("f"))),
    ],
)
def test_a_forward_in_float32_is_not_called_wrong(forward):
    pair = (lambda x: (forward(x), x), lambda dy, x: dy * (1 - np.tanh(x) ** 2))
    report = gradcheck(pair, draw_array(0, (3, 4)))
    assert not report
    assert report.mistakes == {"float32"}
    assert "forward computes in float32, though its inputs are float64" in str(report)
    assert "wrong" not in str(report)


def test_an_operation_in_float32_inside_of_f():
    class Tanh(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.y = np.tanh(x.astype("f")).astype(float)
            return ctx.y

        @staticmethod
        def backward(ctx, dy):
            return dy * (1 - ctx.y**2)

    report = gradcheck(lambda x: Tanh.apply(x) + np.exp(x), draw_array(0, (3, 4)))
    assert report.mistakes == {"float32"}
    assert "the fault lies in tanh" in str(report)


def test_steps_are_no_float32():
    assert gradcheck((lambda x: (np.round(x, 4), x), lambda dy, x: 0 * dy), draw_array(0, (3, 4)))


def test_where_nothing_can_be_checked_the_report_is_not_true():
    report = gradcheck((lambda x: (np.sin(x) + 1e15, x), lambda dy, x: dy * np.cos(x)), np.ones(3))
    assert not report
    assert report.unknown
    assert "could not tell: no entry could be checked" in str(report)
    assert "the outputs are so large that rounding hides the slope" in str(report)


def test_gradients_of_small_numbers():
    x = np.random.default_rng(0).standard_normal((1500, 1500))
    nothing = gradcheck((lambda x: (x.mean(), x), lambda dy, x: np.zeros_like(x)), x)
    assert nothing.mistakes == {"path"}
    assert gradcheck(np.mean, x)
    assert gradcheck(lambda x: x * 1e-9, x[:3, :4])
    assert not gradcheck(lambda x: x.detach() * 1e-9, x[:3, :4])


def test_slopes_that_are_rounding_alone():
    x = draw_array(0, (5, 4))
    assert gradcheck(lambda x: F.softmax(x, 1).sum(), x)
    assert gradcheck(lambda x: np.sum(x - np.mean(x)) * 1e3, x)


def test_a_sum_over_a_million_is_named_as_a_smaller_one():
    x = np.random.default_rng(0).standard_normal(1_000_000)
    report = gradcheck((lambda x: ((x * x).sum(), x), lambda dy, x: dy * x), x)
    assert report.mistakes == {"factor"}


def test_a_backward_that_fails_is_quoted_with_its_line():
    def backward(dy, cache):
        return dy @ np.ones(4)

    report = gradcheck((lambda x: (x, None), backward), np.ones(3))
    assert report.mistakes == {"raised"}
    assert "in backward, line" in str(report)
    assert "return dy @ np.ones(4)" in str(report)


def test_a_rule_that_is_still_to_be_written_is_not_called_wrong():
    def backward(dy, cache):
        raise NotImplementedError("exercise 3")

    with pytest.raises(NotImplementedError, match="exercise 3"):
        gradcheck((lambda x: (x, None), backward), np.ones(3))


def test_a_module_class_is_told_from_a_module():
    with pytest.raises(
        UnsupportedError, match=r"ReLU is a class. Give it one that is made: ReLU\("
    ):
        gradcheck(ReLU, np.ones(3))


@pytest.mark.parametrize("f", [np.exp, (lambda x: (np.exp(x), np.exp(x)), lambda dy, y: dy * y)])
def test_an_overflow_in_forward_is_no_kink_and_no_fault_of_backward(f):
    report = gradcheck(f, np.array([1.0, 800.0, 2.0]))
    assert report.mistakes == {"infinite"}
    assert "f is infinite in output 0[1], with input 0[1] = 800:" in str(report)
    assert "kink" not in str(report)
    assert "the fault" not in str(report)


def test_outputs_that_are_infinite_whatever_the_inputs_are_no_mistake():
    mask = np.array([True, False, True])
    report = gradcheck(lambda x: np.where(mask, x, -np.inf), np.ones((2, 3)))
    assert report, report
    assert "kink" not in str(report)


def test_an_input_that_f_does_not_depend_on_passes_with_a_word():
    report = gradcheck(lambda a, b: a * 2 + 0 * b, [np.ones(3), np.ones(3)])
    assert report
    assert "f does not depend on input 1 here: all slopes are 0" in str(report)
    assert "depend" not in str(gradcheck(lambda a, b: a * b, [np.ones(3), np.ones(3)]))
    assert "but nothing was checked" in str(gradcheck(np.exp, np.ones((0, 3))))


def _doubles_input_1(dy, cache):
    x, w = cache
    dx, dw = dy * w, dy * x
    w *= 2
    return dx, dw


@pytest.mark.parametrize(
    ("backward", "said"),
    [
        (_doubles_input_1, "backward changes input 1 in place"),
        (
            lambda dy, c: (np.multiply(dy, c[1], out=dy), c[0] * dy),
            "changes the upstream gradient in",
        ),
    ],
)
def test_what_backward_changes_is_named_and_nothing_else(backward, said):
    x = draw_array(0, (3,), 0.5, 2)
    report = gradcheck((lambda x, w: (x * w, (x, w)), backward), [x, x + 1])
    assert report.mistakes == {"modified"}
    assert said in str(report)
    assert "diagnosis" not in str(report)


def test_the_operation_that_changes_its_operand_is_named():
    class Eater(Square):
        @classmethod
        def backward(cls, ctx, dy):
            dx = 2 * ctx.x * dy
            ctx.x *= 1.1
            return dx

    report = gradcheck(lambda x: np.exp(Eater.apply(x * 2)), draw_array(0, (3,), 0.5, 1))
    assert report.mistakes == {"modified"}
    assert "backward changes operand 0 in place" in str(report)
    assert "the fault lies in eater, called at" in str(report)


@pytest.mark.parametrize("answer", [lambda dx: [dx.tolist()], np.ndarray.tolist, minigrad.tensor])
def test_what_the_tape_would_refuse_is_refused_in_its_words(answer):
    class Wrong(Square):
        @classmethod
        def backward(cls, ctx, dy):
            return answer(2 * ctx.x * dy)

    x = minigrad.tensor(draw_array(0, (3,)), requires_grad=True)
    with pytest.raises(GradientError) as refused:
        Wrong.apply(x).backward(np.ones(3))
    what = str(refused.value).partition(" for operand 0")[0]
    for f in (Wrong, lambda x: np.exp(Wrong.apply(x))):
        report = gradcheck(f, x)
        assert report.mistakes == {"raised"}
        assert what in str(report)


def _square_kept_in(store):
    def forward(x):
        store["x"] = x.copy()
        return x * x, None

    return forward, lambda dy, _: 2 * store["x"] * dy


class Stateful(Square):
    @staticmethod
    def forward(ctx, x):
        Stateful.x = x.copy()
        return x * x

    @classmethod
    def backward(cls, ctx, dy):
        return 2 * Stateful.x * dy


@pytest.mark.parametrize(
    "f",
    [
        _square_kept_in({}),
        Stateful,
        lambda x: np.exp(Stateful.apply(x)),
        lambda x: Stateful.apply(Stateful.apply(x)),
    ],
)
def test_state_outside_of_ctx_is_seen_by_a_second_forward(f):
    report = gradcheck(f, draw_array(0, (3,)))
    assert report.mistakes == {"state"}
    assert "keeps state outside of ctx" in str(report)
    assert "left the graph" not in str(report)


def test_a_value_is_said_to_have_left_the_graph_where_it_did():
    x = draw_array(0, (3,))
    report = gradcheck(lambda x: np.exp(x) * x.data, x)
    assert "is operand 1 of multiply, called at" in str(report)
    with_no_grad = gradcheck(lambda x: x.detach() * 2, x)
    assert "though it follows the inputs, is output 0" in str(with_no_grad)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (
            {"eps": 1e-20},
            ValueError,
            "no less than 1e-14, below which float64 cannot resolve a step",
        ),
        ({"eps": "a"}, ValueError, "eps must be positive, .* got eps='a'"),
        ({"eps": np.inf}, ValueError, "eps must be positive, finite"),
        ({"atol": -1}, ValueError, "atol must be a number, 0 or above; got -1"),
        ({"rtol": np.nan}, ValueError, "rtol must be a number, 0 or above; got nan"),
        ({"samples": 2.5}, ValueError, "samples must be a whole number.* got 2.5"),
        ({"seed": "a"}, ValueError, "seed must be a whole number, 0 or above; got 'a'"),
        ({"seed": -1}, ValueError, "seed must be a whole number, 0 or above; got -1"),
        ({"kinks": {"relu": "zero"}}, UnsupportedError, "kinks must give a slope, .*'zero'"),
        ({"kinks": ["relu"]}, UnsupportedError, "as {'relu': 0}; got \\['relu'\\]"),
        ({"params": {"w": 1}}, UnsupportedError, r"params=list\(params.values\(\)\)"),
        ({"params": [1.0]}, UnsupportedError, r"params\[0\] is a float; each must be a Tensor"),
        ({"params": minigrad.tensor([1.0])}, UnsupportedError, "params is a Tensor; .* a list"),
    ],
)
def test_what_gradcheck_is_told_is_refused_where_it_means_nothing(given, error, said):
    with pytest.raises(error, match=said):
        gradcheck(F.relu, np.ones(3), **given)


class WithoutBackward(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2


class Misspelt(WithoutBackward):
    @staticmethod
    def bakward(ctx, dy):
        return dy * 2


class WithoutForward(Function):
    @staticmethod
    def backward(ctx, dy):
        return dy


@pytest.mark.parametrize("around", [lambda f: f, lambda f: lambda x: np.exp(f.apply(x))])
def test_a_missing_backward_is_named(around):
    with pytest.raises(NotImplementedError, match="WithoutBackward has no backward. Write it"):
        gradcheck(around(WithoutBackward), np.ones(3))
    with pytest.raises(NotImplementedError, match="no backward.*is its 'bakward' meant?"):
        gradcheck(around(Misspelt), np.ones(3))


def test_a_missing_forward_is_named():
    with pytest.raises(NotImplementedError, match="WithoutForward has no forward"):
        gradcheck(WithoutForward, np.ones(3))


@pytest.mark.parametrize("f", [np.log, np.reciprocal, lambda x: 1 / x])
def test_an_infinite_output_at_the_input_given_is_told(f):
    report = gradcheck(f, np.array([1.0, 0.0]))
    assert report
    assert "1 entry sat where f is infinite and has no slope (or on a kink)" in str(report)
    assert "infinite" not in str(gradcheck(np.sqrt, np.array([1.0, 0.0])))


def test_what_there_is_no_room_for_is_counted():
    wrong = (
        lambda dy, a: a * dy,
        lambda dy, a: -2 * a * dy,
        lambda dy, a: 2 * a * dy.mean(),
        lambda dy, a: 2 * a * abs(dy),
    )

    def backward(dy, xs):
        return tuple(wrong[n % 4](dy, a) for n, a in enumerate(xs))

    xs = [draw_array(n, (3,), 1, 2) for n in range(20)]
    report = gradcheck((lambda *xs: (sum(a * a for a in xs), xs), backward), xs)
    assert {"factor", "sign", "upstream averaged", "not linear"} <= report.mistakes
    left = len(report.diagnosis) - 3
    assert f"And {left} more, in report.diagnosis." in str(report)
    assert len(str(report).splitlines()) <= 12


def test_a_dropout_is_told_how_to_stand_still():
    said = str(gradcheck(Dropout(0.5), draw_array(0, (3, 4))))
    assert "minigrad.manual_seed" in said
    assert ".eval()" in said
