"""What gradcheck says: pairs of functions, kinks by operation, the operation at fault, bad input."""

import numpy as np
import pytest

import layers.functional as F
import minigrad
from layers import Linear, ReLU, Sequential
from layers import sampler_formula as formula
from minigrad import Function, gradcheck
from minigrad.errors import DtypeError, GraphError, UnsupportedError
from tests.strategies import draw_array


class Relu(Function):
    """y = max(x, 0), with a slope of `at_zero` at 0."""

    at_zero = 0.0

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return np.maximum(x, 0)

    @classmethod
    def backward(cls, ctx, dy):
        return dy * np.where(ctx.x == 0, cls.at_zero, ctx.x > 0)


class Steep(Relu):
    name = "relu"
    at_zero = 1.5


class Double(Function):
    """y = 2 x, with a wrong rule."""

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, dy):
        return dy


def test_a_pair_of_array_functions():
    def product(x, w):
        return x @ w, (x, w)

    def backward(dy, cache):
        x, w = cache
        return dy @ w.T, x.T @ dy

    xs = [draw_array(0, (3, 4)).astype(np.float32), draw_array(1, (4, 2))]
    report = gradcheck((product, backward), xs)
    assert report
    assert "Promoted to float64: input 0." in str(report)
    assert gradcheck((product, lambda dy, c: list(backward(dy, c))), xs)
    report = gradcheck((product, lambda dy, c: backward(dy, c)[::-1]), xs)
    assert "shape" in report.mistakes
    assert "product: the gradient of input 0 has shape (4, 2)" in str(report)


def test_a_pair_with_several_outputs():
    def both(x):
        return (np.sin(x), x * x), x

    def backward(dys, x):
        return dys[0] * np.cos(x) + 2 * x * dys[1]

    x = draw_array(0, (3,))
    assert gradcheck((both, backward), x)
    assert "path" in gradcheck((both, lambda dys, x: dys[0] * np.cos(x)), x).mistakes


def test_an_upstream_gradient_that_equals_the_input_hides_nothing():
    x = np.random.default_rng(0).standard_normal((3, 3))
    report = gradcheck((lambda x, w: (x @ w, (x, w)), lambda dy, c: (dy @ c[1].T, dy.T @ c[0])), [x, x.copy()])  # fmt: skip
    assert "transposed" in report.mistakes


def test_the_fault_is_found_in_a_composition():
    x = draw_array(0, (3, 4), 0.5, 2)
    report = gradcheck(lambda x: np.tanh(F.softmax(Double.apply(np.exp(x)), 1)), x)
    assert "the fault lies in double, called at" in report.fault
    assert "test_gradcheck_diagnosis.py" in report.fault
    assert "factor" in report.mistakes
    assert "yours is 1/2 times the right gradient" in str(report)


def test_a_right_batch_norm_is_not_blamed_for_what_comes_after_it():
    x = draw_array(0, (4, 2), 0.5, 2)
    report = gradcheck(lambda x: Double.apply(F.batch_norm(x, None, None, training=True)), x)
    assert "the fault lies in double" in report.fault


def test_a_value_that_left_the_graph_is_no_operations_fault():
    report = gradcheck(lambda x: x * x.detach(), draw_array(0, (3,)))
    assert report.mistakes == {"path"}
    assert "left the graph" in str(report)


# -- kinks ------------------------------------------------------------------------------------------


def test_a_slope_between_those_of_the_sides_passes_with_a_note():
    report = gradcheck(Relu, np.zeros(3))
    assert report
    assert "relu at a kink (3 entries): slopes 0 and 1, yours 0; PyTorch's is 0." in str(report)


def test_a_slope_outside_fails_in_a_composition_too():
    report = gradcheck(lambda x: 3 * Steep.apply(x * 2), np.zeros(3))
    assert report.wrong == 0
    assert report.mistakes == {"kink"}
    assert "slopes 0 and 1, yours 1.5, which is not between them" in str(report)


def test_the_samplers_slope_as_printed_in_the_paper_is_none_on_a_pixel():
    u = np.random.default_rng(0).integers(1, 4, (1, 3, 3)).astype(float)
    arrays = [draw_array(0, (1, 1, 5, 5)), u, draw_array(1, (1, 3, 3), 0.5, 3.5)]

    def check(slope):
        forward = lambda *xs: (formula.sample(*xs, formula.bilinear_kernel), xs)  # noqa: E731
        return gradcheck(
            (
                forward,
                lambda dy, xs: formula.sample_backward(dy, *xs, formula.bilinear_kernel, slope),
            ),
            arrays,
        )

    assert check(formula.bilinear_slope)
    assert check(formula.bilinear_slope_of_the_paper).mistakes == {"kink"}


def test_a_convention_can_be_asked_for():
    x = np.array([-1.0, 0, 1e-7, 2])
    assert gradcheck(Relu, x, kinks={"relu": 0})
    report = gradcheck(Relu, x, kinks={"relu": 1})
    assert report.mistakes == {"kink"}
    assert "input 0[1]: slopes 0 and 1, yours 0; 1 is asked for" in str(report)
    with pytest.raises(GraphError, match="kinks names 'elu'.*Its operations are relu"):
        gradcheck(Relu, x, kinks={"elu": 0})


@pytest.mark.parametrize("distance", [0, 1e-9, 1e-7, 1 / 3 * 1e-6, 2 / 3 * 1e-6, 1e-6, 2e-6])
def test_right_rules_pass_at_any_distance_from_a_kink(distance):
    x = np.array([distance, -distance, 1.0 + distance])
    for f in (Relu, abs, np.sign, lambda x: np.maximum(x, 1 - x), lambda x: np.clip(x, 0, 1)):
        assert gradcheck(f, x), f


def test_ties_of_many_that_single_entries_do_not_show():
    for values in (np.ones((3, 4)), np.repeat([0.0, 1], 6)):
        assert gradcheck(np.median, values)


# -- the report -------------------------------------------------------------------------------------


def test_a_report_is_aligned_and_short():
    minigrad.manual_seed(0)
    net = Sequential(*[m for _ in range(6) for m in (Linear(3, 3), ReLU())])
    lines = str(gradcheck(net, draw_array(0, (2, 3)))).splitlines()
    assert len(lines) <= 12
    assert any("more, none of them worse" in line for line in lines)
    rows = [line for line in lines if "[" in line and "below" in line]
    assert len({line.index("below") for line in rows}) == 1


def test_none_of_the_known_mistakes_is_said():
    report = gradcheck((lambda x: (np.tanh(x), x), lambda dy, x: dy * np.cos(x)), draw_array(0, (3, 4)))  # fmt: skip
    assert "none of the known mistakes fits" in str(report)


def test_two_that_fit_are_both_named():
    report = gradcheck((lambda x: (x[::-1].copy(), None), lambda dy, _: dy), draw_array(0, (3, 4)))
    assert {"permutation", "flipped"} <= report.mistakes


def test_a_complex_step_settles_what_differences_are_too_coarse_for():
    """cos of a large number: differences of 1e-6 in proportion are far too wide."""
    x = np.array([300.0, 1000.0])
    report = gradcheck((lambda x: (np.cos(30 * x), x), lambda dy, x: -30 * np.sin(30 * x) * dy), x)
    assert report, report
    assert "by a complex step, which is exact" in str(report)


# -- samples and bad input --------------------------------------------------------------------------


def test_large_inputs_are_sampled_with_a_word():
    x = draw_array(0, (100, 80))
    report = gradcheck(np.tanh, x)
    assert report
    assert "A sample: 256 of 8,000 entries were checked." in str(report)
    assert gradcheck(np.tanh, x[0], samples=7).checked[0].sum() == 7
    wrong = gradcheck((lambda x: (np.tanh(x), x), lambda dy, x: -dy / np.cosh(x) ** 2), x)
    assert "sign" in wrong.mistakes


@pytest.mark.slow
def test_ten_million_entries():
    report = gradcheck(np.tanh, np.ones(10_000_000, np.float32))
    assert report
    assert "A sample" in str(report)


class OneTooFew(Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.w = w
        return x * w

    @staticmethod
    def backward(ctx, dy):
        return dy * ctx.w


class Turned(Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x.T

    @staticmethod
    def backward(ctx, dy):
        return 2 * dy


@pytest.mark.parametrize("around", [lambda y: y, np.exp])
def test_a_function_with_the_wrong_number_or_shape_of_gradients(around):
    x = draw_array(0, (3, 4))
    report = gradcheck(lambda x: around(OneTooFew.apply(x, x)), x)
    assert "one_too_few: backward returned 1 gradients for the 2 operands" in str(report)
    report = gradcheck(lambda x: around(Turned.apply(x)), x)
    assert "shape (4, 3)" in str(report)
    assert "transposed" in report.mistakes


def test_a_rule_that_raises():
    report = gradcheck((lambda x: (x, None), lambda dy, _: dy @ None), np.ones(3))
    assert report.mistakes == {"raised"}
    assert "its backward failed with" in str(report)


def test_chance_in_backward():
    rng = np.random.default_rng(0)
    report = gradcheck((lambda x: (x, None), lambda dy, _: dy * rng.uniform(1, 1.001)), np.ones(3))
    assert "not deterministic" in report.mistakes


def test_bad_arguments_are_explained():
    x = np.ones(3)
    with pytest.raises(UnsupportedError, match="f is a int; it must be"):
        gradcheck(3, x)
    with pytest.raises(GraphError, match="return y, cache"):
        gradcheck((lambda x: x, lambda dy, c: dy), x)
    with pytest.raises(DtypeError, match="float32, though all inputs are float64"):
        gradcheck(lambda x: minigrad.tensor(2 * x.detach().numpy()), x)
    with pytest.raises(ValueError, match="eps must be positive"):
        gradcheck(np.exp, x, eps=0)
    with pytest.raises(ValueError, match="samples must be a whole number, at least 1"):
        gradcheck(np.exp, x, samples=0)


def test_no_entry_is_passed_for_want_of_a_number():
    report = gradcheck(lambda x: np.exp(1e4 * x), np.ones(3))  # inf, and so are its neighbours
    assert report.mistakes == {"infinite"}


def test_empty_pairs():
    assert gradcheck((lambda x: (x, None), lambda dy, _: dy), np.zeros((0, 3)))


@pytest.mark.parametrize(
    ("mean", "variance", "said"),
    [
        (True, False, "a path through the variance lost"),
        (False, True, "a path through the mean (or sum) lost"),
        (False, False, "paths through mean and variance lost"),
    ],
)
def test_no_more_paths_are_named_than_are_lost(mean, variance, said):
    def standardise(x):
        spread = x.std(axis=1, keepdims=True)
        y = (x - x.mean(axis=1, keepdims=True)) / spread
        return y, (y, spread)

    def backward(dy, cache):
        y, spread = cache
        back = dy - mean * dy.mean(axis=1, keepdims=True)
        return (back - variance * y * (dy * y).mean(axis=1, keepdims=True)) / spread

    (finding,) = gradcheck((standardise, backward), draw_array(0, (3, 5))).diagnosis
    assert said in finding.text


def test_gradients_in_the_wrong_order_are_told_by_their_shapes():
    def backward(dy, cache):
        x, w = cache
        return x.T @ dy, dy @ w.T

    xs = [draw_array(0, (4, 3)), draw_array(1, (3, 2))]
    report = gradcheck((lambda x, w: (x @ w, (x, w)), backward), xs)
    assert "exchanged" in report.mistakes
    assert "input 0: gradients exchanged: yours is that of input 1" in str(report)


def test_a_mistake_that_would_have_spoiled_right_entries_too_is_not_named():
    rows = np.array([0, 2, 2, 1])

    def backward(dy, x):
        dx = np.zeros_like(x)
        dx[rows] += dy  # one share of row 2 is lost
        return dx

    report = gradcheck((lambda x: (x[rows], x), backward), draw_array(0, (4, 3)))
    assert report.mistakes == {"overwritten", "place"}


@pytest.mark.parametrize("root", [np.sqrt, np.cbrt])
def test_a_nan_at_the_edge_of_a_domain_is_seen(root):
    """Beside the edge all agrees, and at it no difference can be taken."""

    def backward(dy, x):
        with np.errstate(all="ignore"):
            slope = 1 / (2 * np.sqrt(x) if root is np.sqrt else 3 * np.cbrt(x) ** 2)
        return dy * np.where(x == 0, np.nan, slope)

    report = gradcheck((lambda x: (root(x), x), backward), np.array([4.0, 0.0]))
    assert not report
    assert "input 0[1]: backward gives nan, where forward is finite." in str(report)


def test_a_kink_within_a_step_is_not_said_to_be_at_the_entry():
    report = gradcheck(F.relu, np.array([1e-7, -1e-9, 1.0, 0.0]))
    assert report
    assert report.moved == 1  # a shorter step does not reach the kink beside the others
    assert "relu at a kink (1 entry): slopes 0 and 1, yours 0" in str(report)
    assert "so near a kink" not in str(report)


def test_a_kink_within_a_step_that_rounding_hides_from_shorter_ones():
    report = gradcheck(lambda x: F.relu(x) + 1e9, np.array([1e-5, 1.0]), eps=1e-4)
    assert report, report


@pytest.mark.parametrize(("at_zero", "right"), [(np.inf, True), (-3.0, False), (0.0, False)])
def test_a_slope_that_grows_without_bound_is_no_finite_number(at_zero, right):
    def backward(dy, x):
        with np.errstate(all="ignore"):
            return dy * np.where(x == 0, at_zero, 1 / (2 * np.sqrt(x)))

    report = gradcheck((lambda x: (np.sqrt(x), x), backward), np.array([4.0, 0.0]))
    assert bool(report) == right
    assert ("input 0[1]: towards it the slope grows without bound" in str(report)) != right
    assert gradcheck(np.sqrt, np.array([4.0, 0.0]))
    assert gradcheck(np.arcsin, np.array([0.5, 1.0]))
    assert gradcheck(np.sign, np.array([0.5, 0.0]))  # a jump


# -- no false leads ---------------------------------------------------------------------------------


def test_chance_is_all_that_is_said_of_chance():
    rng = np.random.default_rng(0)
    report = gradcheck((lambda x: (x, None), lambda dy, _: dy * rng.uniform(1, 1.001)), np.ones(3))
    assert report.mistakes == {"not deterministic"}


def test_a_factor_below_zero_counts_nothing():
    report = gradcheck((lambda x: (x**3, x), lambda dy, x: -(x**2) * dy), draw_array(0, (3, 4), 1, 2))  # fmt: skip
    assert report.mistakes == {"factor"}
    assert "yours is -1/3 times the right gradient" in str(report)


def test_a_factor_holds_for_another_upstream_gradient():
    report = gradcheck((lambda x: (np.sum(x * x), x), lambda dy, x: 2 * x), draw_array(0, (3,), 1, 2))  # fmt: skip
    assert report.mistakes == {"upstream ignored", "from nothing"}


def test_a_term_without_dy_is_tested_before_all_else():
    report = gradcheck((lambda x: (x * x, x), lambda dy, x: 2 * x * dy + x), draw_array(0, (3, 4), 1, 2))  # fmt: skip
    assert report.mistakes == {"from nothing"}
    assert "a term is not multiplied by dy: without it yours matches" in str(report)


def test_a_wrong_shape_is_not_said_to_fit_nothing():
    report = gradcheck((lambda x: (x.sum(1), x), lambda dy, x: np.outer(dy, dy)), draw_array(0, (3, 4)))  # fmt: skip
    assert report.mistakes == {"shape"}


# -- longer functions -------------------------------------------------------------------------------


def test_what_is_said_of_several_inputs_is_said_once():
    def backward(dy, cache):
        x, w, u, y = cache
        dz = dy * (1 - y * y)
        return dz @ w @ u.T, x.T @ (dz @ w), (x @ u).T @ dz

    def forward(x, u, w):
        y = np.tanh(x @ u @ w)
        return y, (x, w, u, y)

    xs = [draw_array(0, (3, 4)), draw_array(1, (4, 4)), draw_array(2, (4, 4))]
    report = gradcheck((forward, backward), xs)
    assert report.mistakes == {"transposed"}
    assert (
        "input 0 and input 1: transposed: with input 2 transposed in backward alone, yours matches"
        in str(report)
    )


def test_a_block_of_a_vector_is_told_by_its_ends():
    def backward(dy, b):
        slope = 1 - np.tanh(b) ** 2
        return dy * np.where((np.arange(16) >= 4) & (np.arange(16) < 12), slope**2, slope)

    report = gradcheck((lambda b: (np.tanh(b), b), backward), draw_array(0, (16,)))
    assert "input 0: wrong only where axis 0 is 4 to 11, right elsewhere." in str(report)


def test_a_rule_that_is_not_in_proportion_to_dy():
    report = gradcheck((lambda x: (x * x, x), lambda dy, x: dy * dy * x), draw_array(0, (3, 4)))
    assert report.mistakes == {"not linear"}


def test_self_attention_from_its_input_and_weights():
    def forward(x, wq, wk, wv):
        q, k, v = x @ wq, x @ wk, x @ wv
        p = np.exp(q @ k.swapaxes(1, 2) / np.sqrt(3))
        p /= p.sum(2, keepdims=True)
        return p @ v, (x, wq, wk, wv, q, k, v, p)

    def backward(dy, cache):
        x, wq, wk, wv, q, k, v, p = cache
        ds = p * (1 - p) * (dy @ v.swapaxes(1, 2)) / np.sqrt(3)
        parts = ds @ k, ds.swapaxes(1, 2) @ q, p.swapaxes(1, 2) @ dy
        dx = sum(part @ w.T for part, w in zip(parts, (wq, wk, wv)))
        return dx, *(np.einsum("ntd,nte->de", x, part) for part in parts)

    xs = [draw_array(0, (2, 5, 4)), *(draw_array(n, (4, 3)) for n in (1, 2, 3))]
    report = gradcheck((forward, backward), xs)
    assert report.mistakes == {"diagonal"}
    assert "input 0, input 1 and input 2: only the diagonal of the softmax's Jacobian" in str(
        report
    )


@pytest.mark.parametrize("step", ["first", "last"])
def test_a_wrong_slope_before_or_after_a_product(step):
    def forward(x, w):
        t = np.tanh(x) if step == "first" else x
        y = t @ w if step == "first" else np.tanh(t @ w)
        return y, (t, w, y)

    def backward(dy, cache):
        t, w, y = cache
        if step == "first":
            return (dy @ w.T) * (1 - t), t.T @ dy
        dz = dy * (1 - y)
        return dz @ w.T, t.T @ dz

    report = gradcheck((forward, backward), [draw_array(0, (3, 4)), draw_array(1, (4, 2))])
    assert report.mistakes == {"slope"}
    assert f"as a wrong slope in the {step} step puts there" in str(report)


# -- a part is not told as the whole ----------------------------------------------------------------


@pytest.mark.parametrize(("slope", "side"), [(1, "<"), (-1, ">")])
def test_a_mistake_that_holds_for_one_sign_alone(slope, side):
    report = gradcheck((lambda x: (np.abs(x), x), lambda dy, x: slope * dy), draw_array(0, (3, 4), -2, 2))  # fmt: skip
    assert report.mistakes == {"sign", "place"}
    assert f"wrong where input 0 {side} 0, right elsewhere" in str(report)


def test_a_mistake_that_holds_for_some_entries():
    some = np.random.default_rng(0).random((6, 6)) < 0.4
    report = gradcheck((lambda x: (x**3, x), lambda dy, x: 3 * x * x * dy * np.where(some, 2, 1)), draw_array(0, (6, 6), 1, 2))  # fmt: skip
    assert f"wrong in {some.sum()} of 36 entries, right elsewhere" in str(report)


def test_of_a_region_that_is_named_most_is_wrong():
    """One wrong entry in each of two rows of eight, on the border too, makes neither the rows nor the border wrong."""

    def backward(dy, x):
        dx = 2 * x * dy
        dx[0, 3], dx[0, 5], dx[7, 2] = 3, 4, 5
        return dx

    report = gradcheck((lambda x: (x * x, x), backward), draw_array(0, (8, 8), 1, 2))
    assert not report
    assert "wrong only" not in str(report)


def test_a_penalty_and_a_one_hot_that_are_lost():
    x = draw_array(0, (4, 5))
    squares = (lambda x: (np.sin(x).sum() + 0.05 * (x * x).sum(), x), lambda dy, x: dy * np.cos(x))
    assert "what is missing is 0.1 times input 0" in str(gradcheck(squares, x))

    def losses(x):
        p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
        return -np.log(p[np.arange(4), [1, 0, 3, 2]]), p

    report = gradcheck((losses, lambda dy, p: p * dy[:, None]), x)
    assert "what is missing is -1 dy in one entry of each row, as in p - onehot(label)" in str(report)  # fmt: skip


# -- of several that fit, the one that says most ----------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("forward", "slope"), [(np.square, lambda x: x), (np.cos, np.sin), (np.tanh, np.tanh)]
)
def test_dy_that_is_not_used_is_all_that_is_said(forward, slope, seed):
    report = gradcheck((lambda x: (forward(x), x), lambda dy, x: slope(x)), draw_array(seed, (3, 4)))  # fmt: skip
    assert report.mistakes == {"from nothing", "upstream ignored"}
    assert "dy is ignored: yours is the same whatever dy is; nor is it what dy = 1" in str(report)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("forward", "backward", "shape", "c"),
    [
        (np.square, lambda dy, x: x * dy, (2, 4), "1/2"),
        (np.sqrt, lambda dy, x: dy / np.sqrt(x), (2, 4), "2"),
        (lambda x: x**3, lambda dy, x: x * x * dy, (3, 4), "1/3"),
        (lambda x: np.sum(x**2), lambda dy, x: dy * x, (2, 4), "1/2"),
        (lambda x: np.sum(x**2), lambda dy, x: dy * x, (3, 4), "1/2"),
        (np.linalg.norm, lambda dy, x: dy * 2 * x / np.linalg.norm(x), (5,), "2"),
    ],
)
def test_a_factor_is_no_count_of_entries_that_nothing_adds_up(forward, backward, shape, c, seed):
    report = gradcheck((lambda x: (forward(x), x), backward), draw_array(seed, shape, 1, 2))
    assert report.mistakes == {"factor"}
    assert f"yours is {c} times the right gradient" in str(report)


@pytest.mark.parametrize("seed", range(5))
def test_a_factor_that_follows_the_inputs_is_not_called_constant(seed):
    report = gradcheck((lambda x: (np.linalg.norm(x), x), lambda dy, x: dy * x), draw_array(seed, (3, 4)))  # fmt: skip
    assert report.mistakes == {"slope"}
    assert "a factor that follows the inputs" in str(report)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("pool", "shape"), [(np.sum, (3, 5)), (np.mean, (3, 5)), (np.sum, (6,))])
def test_a_norm_has_no_mean(pool, shape, seed):
    def forward(x):
        size = np.sqrt(pool(x * x, axis=-1, keepdims=True))
        return x / size, size

    report = gradcheck((forward, lambda dy, size: dy / size), draw_array(seed, shape))
    assert report.mistakes == {"path"}
    assert "a path through the norm that divides lost" in str(report)
    assert "mean" not in str(report)


@pytest.mark.parametrize("seed", range(5))
def test_a_sum_over_the_wrong_axis_of_a_square(seed):
    xs = [draw_array(seed, (4, 4)), draw_array(seed + 1, (4,))]
    report = gradcheck((lambda x, b: (x + b, None), lambda dy, _: (dy, dy.sum(1))), xs)
    assert report.mistakes == {"axis"}
    assert "input 1: axis wrong: yours, of shape (4,), is summed over axis 1 of y" in str(report)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        (lambda x: np.maximum(x, 0), lambda dy, x: np.maximum(dy, 0) * (x > 0)),
        (np.tanh, lambda dy, x: abs(dy) * (1 - np.tanh(x) ** 2)),
        (np.tanh, lambda dy, x: np.clip(dy, -0.1, 0.1) * (1 - np.tanh(x) ** 2)),
    ],
)
def test_what_is_not_linear_in_dy_for_another_sign_or_size(forward, backward, seed):
    report = gradcheck((lambda x: (forward(x), x), backward), draw_array(seed, (5, 6)))
    assert report.mistakes <= {"not linear", "place"}
    assert "not linear in dy" in str(report)


@pytest.mark.parametrize("forward", [np.round, np.sign, lambda x: np.round(x * 256) / 256])
def test_a_gradient_where_f_is_flat(forward):
    report = gradcheck((lambda x: (forward(x), x), lambda dy, x: dy), draw_array(0, (3, 4)))
    assert report.mistakes == {"flat"}
    assert "f is flat here" in str(report)


def test_entries_left_out_at_a_border_are_no_slope():
    def forward(x, w):
        return np.convolve(x, w, "valid"), (x, w)

    def backward(dy, cache):
        x, w = cache
        dx = np.convolve(dy, w[::-1])
        dx[0] = dx[-1] = 0
        return dx, np.convolve(x[::-1], dy, "valid")

    report = gradcheck((forward, backward), [draw_array(0, (8,)), draw_array(1, (3,))])
    assert report.mistakes == {"place"}


@pytest.mark.parametrize("seed", range(5))
def test_the_wrong_entry_marked_is_no_inverted_mask(seed):
    def backward(dy, x):
        dx = np.zeros_like(x)
        np.put_along_axis(dx, x.argmin(1)[:, None], dy[:, None], 1)
        return dx

    report = gradcheck((lambda x: (x.max(1), x), backward), draw_array(seed, (3, 4)))
    assert "the wrong entries are marked" in str(report)
    assert "inverted" not in str(report)


def test_not_linear_though_right_for_the_dy_that_was_drawn():
    x = np.array([-1.0, 2, -3])  # of three numbers one only lets dy through

    def backward(dy, x):
        return np.maximum(dy, 0) * (x > 0)

    reports = [gradcheck((lambda x: (np.maximum(x, 0), x), backward), x, seed=s) for s in range(20)]
    assert not any(reports)
    assert any("for -dy the gradient of input 0" in str(report) for report in reports)


def _masked(mask):
    return lambda x: (x * mask / 0.8, None)


@pytest.mark.parametrize("seed", range(5))
def test_a_mask_forgotten_in_backward_though_its_scale_is_not(seed):
    mask = np.random.default_rng(seed).random((4, 6)) < 0.8
    report = gradcheck((_masked(mask), lambda dy, _: dy / 0.8), draw_array(seed, (4, 6)))
    assert "the mask is missing: yours lets 1.25 dy through" in str(report)
    assert "axis" not in str(report)


@pytest.mark.parametrize("seed", range(5))
def test_another_mask_in_backward(seed):
    one, other = (np.random.default_rng([seed, k]).random((4, 6)) < 0.8 for k in range(2))
    report = gradcheck((_masked(one), lambda dy, _: dy * other / 0.8), draw_array(seed, (4, 6)))
    lost, extra = (one & ~other).sum(), (other & ~one).sum()
    assert f"another mask in backward: yours is 0 in {lost} entries" in str(report)
    assert f"not 0 in {extra}" in str(report)


def test_slopes_are_exchanged_only_where_each_is_the_other():
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
    report = gradcheck((lambda x: (np.tanh(x),) * 2, lambda dy, y: dy * (1 + y * y)), corners)
    assert not report
    assert "exchanged" not in str(report)

    def leaky(x):
        return np.where(x > 0, x, 0.1 * x), x

    report = gradcheck((leaky, lambda dy, x: dy * np.where(x > 0, 0.1, 1)), draw_array(0, (3, 4)))
    assert "the two slopes are exchanged" in str(report)


@pytest.mark.parametrize("seed", range(5))
def test_one_wrong_entry_of_one_row_is_no_label(seed):
    x = draw_array(seed, (5, 4))

    def loss(w):
        return ((x @ w) ** 2).mean() + 0.1 * (w[:-1] ** 2).sum(), w

    def bias_regularised_too(dy, w):
        return dy * (2 * x.T @ (x @ w) / 5 + 0.2 * w)

    report = gradcheck((loss, bias_regularised_too), draw_array([seed, 1], (4,)))
    assert "wrong in [3] alone" in str(report)
    assert "onehot" not in str(report)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("forward", "slope"),
    [(np.tanh, lambda x: 1 - x * x), (_sigmoid, lambda x: x * (1 - x)), (np.exp, lambda x: x)],
)
def test_a_slope_at_y_taken_at_x(forward, slope, seed):
    report = gradcheck((lambda x: (forward(x), x), lambda dy, x: dy * slope(x)), draw_array(seed, (3, 4)))  # fmt: skip
    assert report.mistakes == {"output for input"}
    assert "with y for input 0 in backward, yours matches" in str(report)


def test_a_share_that_forward_overwrites():
    rows = np.array([0, 2, 2, 1])

    def forward(x, a):
        y = x.copy()
        y[rows] += a
        return y, None

    xs = [draw_array(0, (3,)), draw_array(1, (4,))]
    report = gradcheck((forward, lambda dy, _: (dy, dy[rows])), xs)
    assert report.mistakes == {"flat", "place"}
    assert "y[i] += a keeps one of equal i" in str(report)
    assert "input 1: wrong in [1] alone" in str(report)


def test_several_of_one_name_are_told_apart_at_their_kinks():
    said = str(gradcheck(lambda x: F.relu(F.relu(x) * 2), np.array([-1.0, 0, 2, 0])))
    assert "relu (1 of 2) at a kink (2 entries)" in said
    assert "relu (2 of 2) at a kink (3 entries)" in said


@pytest.mark.parametrize("seed", range(3))
def test_a_factor_is_constant_although_f_has_edges(seed):
    """Some samples are beyond an edge where the inputs are others."""

    def forward(x):
        inside = np.abs(x) < 1
        return np.where(inside, x * x, 5.0).sum(), (x, inside)

    report = gradcheck((forward, lambda dy, c: 0.3 * dy * c[0] * c[1]), draw_array(seed, (200,), 0.5, 0.99))  # fmt: skip
    assert report.mistakes == {"factor"}
