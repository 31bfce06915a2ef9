"""gradcheck: passes what is right, also on kinks; fails what is wrong, and says where and how far."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad
from minigrad import Function, gradcheck
from minigrad.errors import DtypeError, GraphError
from tests.strategies import draw_array, seeds, shapes


class Relu(Function):
    """y = max(x, 0);   dx = dy where x > 0"""

    @staticmethod
    def forward(ctx, x):
        ctx.on = x > 0
        return np.where(ctx.on, x, 0)

    @staticmethod
    def backward(ctx, dy):
        return np.where(ctx.on, dy, 0)


def _off_by(change):
    """Square with a backward rule that `change` makes wrong."""

    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.x = x
            return x * x

        @staticmethod
        def backward(ctx, dy):
            return change(2 * ctx.x * dy, ctx.x)

    return Square


def _last_entry_zero(g, x):
    g = g.copy()
    g.ravel()[-1:] = 0
    return g


@given(seeds, shapes())
def test_passes_right_rules(seed, shape):
    x, y = draw_array(seed, shape, 0.5, 2), draw_array(seed + 1, shape, 0.5, 2)
    report = gradcheck(lambda a, b: np.exp(a) * b / (a + b) - a**b, [x, y], seed=seed)
    assert report, report
    assert report.moved == 0
    assert report.worst.relative_error < 1e-5


@pytest.mark.parametrize(
    "change",
    [
        lambda g, x: -g,
        lambda g, x: g * 1.0001,
        lambda g, x: g + 1e-4,
        lambda g, x: g[::-1].copy(),
        lambda g, x: g.T.copy(),
        lambda g, x: np.zeros_like(g),
        lambda g, x: np.full_like(g, np.nan),
        lambda g, x: np.full_like(g, np.inf),
        _last_entry_zero,
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_fails_wrong_rules(change, seed):
    x = draw_array(seed, (3, 3), 0.5, 2)
    report = gradcheck(_off_by(change), x, seed=seed)
    assert not report
    assert "failed" in str(report)


def test_names_the_one_wrong_entry():
    a, b = draw_array(0, (2, 3), 1, 2), draw_array(1, (2, 3), 1, 2)
    wrong = _off_by(_last_entry_zero).apply
    report = gradcheck(lambda a, b: np.exp(a) + wrong(b), [a, b])
    worst = report.worst
    assert (worst.name, worst.position, worst.analytic) == ("input 1", (1, 2), 0)
    assert worst.numeric == pytest.approx(report.numeric[1][1, 2])
    assert worst.relative_error == 1
    assert report.wrong == 1
    assert "1 of 12 entries" in str(report)
    assert "the fault lies in square, called at" in str(report)
    assert "input 1: wrong in [1, 2] alone" in str(report)
    assert "the rule is wrong" in str(report)


@pytest.mark.parametrize(
    ("factor", "words"),
    [(1.5, "above 1e-2"), (1.001, "above 1e-4"), (1.00003, "above 1e-7"), (1, "below 1e-7")],
)
def test_says_what_the_size_of_the_error_means(factor, words):
    report = gradcheck(_off_by(lambda g, x: g * factor), draw_array(0, (4,), 1, 2))
    assert words in str(report)
    assert bool(report) == (factor == 1)


# -- kinks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_right_rules_pass_on_their_kinks(seed):
    zeros = np.zeros((3, 4))
    for f in (Relu, abs, lambda x: np.maximum(x, 1.0 + x * x * x), lambda x: 3 * Relu.apply(x) - x):
        assert gradcheck(f, zeros, seed=seed), f
    report = gradcheck(Relu, zeros, seed=seed)
    assert report.moved == 12
    assert "12 entries sat on a kink" in str(report)


@pytest.mark.parametrize("slope", [2e-5, 1e-3, 1.0, 1e4])
def test_kinks_of_any_size_are_told_from_curvature(slope):
    assert gradcheck(lambda x: slope * Relu.apply(x) + np.exp(x), np.zeros(4))
    report = gradcheck(lambda x: slope * np.exp(x) * np.exp(x), np.zeros(4))
    assert report
    assert report.moved == 0


def test_ties_between_inputs():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (4, 4)).astype(float)
    assert gradcheck(lambda a, b: np.maximum(a, b) * a, [x, x.copy()])


def test_jumps_and_edges_of_the_domain():
    class Round(Function):
        """y = round(x);   dx = 0"""

        @staticmethod
        def forward(ctx, x):
            return np.round(x)

        @staticmethod
        def backward(ctx, dy):
            return np.zeros_like(dy)

    assert gradcheck(Round, np.arange(5) + 0.5).moved == 5
    with np.errstate(divide="ignore"):
        assert gradcheck(np.sqrt, np.zeros(20)).moved == 20
        assert gradcheck(np.arcsin, np.array([-1.0, 1, 0, 1, -1])).moved == 4


@pytest.mark.parametrize("seed", range(5))
def test_wrong_rules_fail_on_their_kinks(seed):
    class Wrong(Relu):
        @staticmethod
        def backward(ctx, dy):
            return np.where(ctx.on, 1.001 * dy, 0)

    assert not gradcheck(Wrong, np.zeros((3, 4)), seed=seed)


def test_a_wrong_rule_without_kinks_moves_nothing():
    square = _off_by(lambda g, x: 2 * g).apply
    for scale, x in [(1, draw_array(0, (9,), -1e3, 1e3)), (1e3, draw_array(0, (9,), -0.01, 0.01))]:
        report = gradcheck(lambda x: scale * square(x), x)
        assert report.wrong == 9
        assert report.moved == 0


def test_a_rule_wrong_only_on_one_point_is_caught_where_f_is_smooth():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.x = x
            return x * x * x + x

        @staticmethod
        def backward(ctx, dy):
            return np.where(ctx.x == 0, 0, 3 * ctx.x * ctx.x + 1) * dy

    assert gradcheck(Square, np.ones(3))
    assert not gradcheck(Square, np.array([1.0, 0.0]))


# -- what else is checked ---------------------------------------------------------------------------


def test_a_rule_that_changes_what_it_kept():
    class Fickle(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.slope = np.full(x.shape, 3.0)
            return 3 * x

        @staticmethod
        def backward(ctx, dy):
            dx = ctx.slope * dy
            ctx.slope *= 2
            return dx

    report = gradcheck(Fickle, np.ones(3))
    assert not report
    assert report.wrong == 0
    assert "second backward pass" in str(report)


def test_a_rule_that_changes_the_upstream_gradient():
    class Greedy(Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, dy):
            dy *= 2
            return dy

    report = gradcheck(Greedy, np.ones(3))
    assert report.wrong == 0
    assert not report
    assert "backward changes the upstream gradient in place" in str(report)


def test_a_rule_with_a_gradient_out_of_nothing():
    class Constant(Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, dy):
            return 2 * dy + 1e-9

    report = gradcheck(Constant, np.ones(3))
    assert report.wrong == 0
    assert not report
    assert "upstream gradient of 0" in str(report)


def test_a_function_that_changes_its_inputs():
    class Eater(Function):
        @staticmethod
        def forward(ctx, x):
            x += 1
            return 2 * x

        @staticmethod
        def backward(ctx, dy):
            return 2 * dy

    report = gradcheck(Eater, np.ones(3))
    assert not report
    assert "inputs in place" in str(report)


def test_a_function_that_draws_random_numbers():
    rng = np.random.default_rng(0)
    report = gradcheck(lambda x: x * rng.random(), np.ones(3))
    assert not report
    assert "random" in str(report)


# -- inputs and outputs -----------------------------------------------------------------------------


def test_inputs_are_promoted_and_left_alone():
    array = draw_array(0, (2, 3)).astype(np.float32)
    leaf = minigrad.tensor(array, requires_grad=True)
    seen = []

    def f(a, b):
        seen.append((a.dtype, b.dtype))
        return Relu.apply(a * b) * 1.0

    assert gradcheck(f, [array, leaf])
    assert set(seen) == {(np.dtype(np.float64),) * 2}
    assert leaf.grad is None
    assert leaf.dtype == np.float32
    zeros = np.zeros(3)
    assert gradcheck(Relu, zeros).moved == 3
    np.testing.assert_array_equal(zeros, 0)


@pytest.mark.parametrize("bad", [np.arange(3), 3, np.ones(2, bool), 1j, minigrad.tensor([1, 2])])
def test_inputs_without_a_slope_are_refused(bad):
    with pytest.raises(DtypeError, match=r"input 1 is .*lambda x: f\(x, labels\)"):
        gradcheck(lambda a, b: a, [np.ones(3), bad])


def test_nothing_to_check_is_refused():
    with pytest.raises(GraphError, match="nothing to check"):
        gradcheck(lambda: minigrad.tensor(1.0), [])


def test_outputs_that_are_no_float_tensors_are_refused():
    with pytest.raises(GraphError, match="output 0 of f is a ndarray"):
        gradcheck(lambda x: x.detach().numpy(), np.ones(3))
    with pytest.raises(DtypeError, match="output 1 of f is int64"):
        gradcheck(lambda x: (x, minigrad.tensor([1, 2])), np.ones(3))


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1, 1)])
def test_scalars_and_empty_arrays(shape):
    report = gradcheck(lambda x: np.exp(x) * x, np.full(shape, 0.5))
    assert report
    assert (report.worst is None) == (0 in shape)
    assert "passed" in str(report)
    assert gradcheck(np.exp, 0.5)


def test_several_outputs_one_of_them_constant():
    def f(x, y):
        return np.exp(x), (x @ y, [minigrad.tensor(1.0)])

    report = gradcheck(f, (draw_array(0, (2, 3)), draw_array(1, (3, 2))))
    assert report, report


def test_history_lost_on_the_way_is_found():
    assert not gradcheck(lambda x: x * x.detach(), draw_array(0, (3,)))
    assert not gradcheck(lambda x: x.detach() * 2, draw_array(0, (3,)))


class Net:
    """What gradcheck asks of a Module, and no more."""

    def __init__(self):
        self.weight = minigrad.tensor(draw_array(0, (3, 2)), requires_grad=True)
        self.frozen = minigrad.tensor(draw_array(1, (2,)))

    def __call__(self, x):
        return np.exp(x @ self.weight) * self.frozen

    def named_parameters(self):
        return iter([("weight", self.weight), ("frozen", self.frozen)])


def test_parameters_of_a_module_are_checked_and_restored():
    net = Net()
    array, copy = net.weight.data, net.weight.data.copy()
    report = gradcheck(net, draw_array(2, (4, 3)))
    assert report
    assert report.names == ["input 0", "parameter weight"]
    assert net.weight.data is array
    np.testing.assert_array_equal(array, copy)
    assert net.weight.grad is None


def test_parameters_are_restored_after_an_error():
    net = Net()
    array = net.weight.data
    with pytest.raises(minigrad.errors.ShapeError):
        gradcheck(net, np.ones((4, 5)))
    assert net.weight.data is array


def test_parameters_may_be_named_by_hand():
    w = minigrad.tensor([1.0, 2.0], requires_grad=True)
    wrong = _off_by(lambda g, x: 2 * g).apply
    assert gradcheck(lambda x: x * w, np.ones(2), params=[w])
    report = gradcheck(lambda x: x * wrong(w), np.ones(2), params=[w])
    assert report.worst.name == "parameter 0"


def test_the_same_seed_gives_the_same_report():
    x = np.zeros((3, 3))
    one, two, three = (gradcheck(Relu, x, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.numeric, two.numeric)
    assert np.any(one.numeric[0] != three.numeric[0])
    assert str(one) == str(two)


@given(st.floats(1e-6, 1e6), seeds)
def test_entries_of_any_size(scale, seed):
    assert gradcheck(lambda x: x * x / scale, scale * draw_array(seed, (3,), 0.5, 2))
