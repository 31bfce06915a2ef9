"""Gradients of gradients: right, or refused with a reason; never a silent zero."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given

from minigrad import Function, grad, tensor
from minigrad.errors import GraphError, MutationError
from tests.strategies import draw_array, seeds


def _leaf(data):
    return tensor(data, requires_grad=True, dtype=np.float64)


def _derivatives(f, x, order):
    """f, f', f'' … at each entry of x."""
    t = _leaf(x)
    y = f(t)
    found = [y.data]
    for _ in range(order):
        y = grad(np.sum(y), t, create_graph=True)
        found.append(y.data)
    return found


@pytest.mark.parametrize(
    ("f", "derivatives"),
    [
        (lambda x: x * x * x * x, [lambda x: 4 * x**3, lambda x: 12 * x**2, lambda x: 24 * x]),
        (lambda x: x**3, [lambda x: 3 * x**2, lambda x: 6 * x, lambda x: 6 + 0 * x]),
        (np.exp, [np.exp] * 3),
        (np.sin, [np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)]),
        (lambda x: 1 / x, [lambda x: -(x**-2), lambda x: 2 * x**-3, lambda x: -6 * x**-4]),
        (
            lambda x: np.exp(2 * x) * x,
            [
                lambda x: (2 * x + 1) * np.exp(2 * x),
                lambda x: (4 * x + 4) * np.exp(2 * x),
                lambda x: (8 * x + 12) * np.exp(2 * x),
            ],
        ),
        (np.sqrt, [lambda x: x**-0.5 / 2, lambda x: -(x**-1.5) / 4, lambda x: 3 * x**-2.5 / 8]),
    ],
)
def test_first_to_third_derivatives(f, derivatives):
    x = draw_array(0, (5,), 0.5, 2)
    for found, expected in zip(_derivatives(f, x, 3)[1:], derivatives, strict=True):
        np.testing.assert_allclose(found, expected(x), rtol=1e-10)


@given(seeds)
def test_a_hessian(seed):
    """Of xᵀ A x / 2 + (b·x)³: (A + Aᵀ) / 2 + 6 (b·x) b bᵀ, row by row."""
    a, b, point = draw_array(seed, (3, 3)), draw_array(seed + 1, (3,)), draw_array(seed + 2, (3,))
    x = _leaf(point)
    y = x @ a @ x / 2 + (b @ x) ** 3
    gradient = grad(y, x, create_graph=True)
    rows = []
    for i in range(3):
        x.grad = None
        gradient[i].backward(retain_graph=True)
        rows.append(x.grad)
    expected = (a + a.T) / 2 + 6 * (b @ point) * np.outer(b, b)
    np.testing.assert_allclose(rows, expected, rtol=1e-9, atol=1e-9)


def test_mixed_derivatives_and_several_inputs():
    x, w = _leaf([1.0, 2.0]), _leaf([3.0, 4.0])
    dx, dw = grad(np.sum(x * x * w), [x, w], create_graph=True)
    np.testing.assert_allclose(dx.data, 2 * x.data * w.data)
    np.testing.assert_allclose(dw.data, x.data**2)
    np.testing.assert_allclose(grad(np.sum(dx), w), 2 * x.data)


def test_with_respect_to_the_upstream_gradient():
    x, u = _leaf([1.0, 2.0]), _leaf([3.0, 5.0])
    dx = grad(x * x, x, grad_outputs=u, create_graph=True)
    np.testing.assert_allclose(dx.data, 2 * x.data * u.data)
    dx.backward(np.ones(2))
    np.testing.assert_allclose(u.grad, 2 * x.data)
    np.testing.assert_allclose(x.grad, 2 * u.data)


def test_a_gradient_penalty():
    """d/dw of (∂(w x²)/∂x)² = d/dw 4 w² x² = 8 w x²."""
    x, w = _leaf(3.0), _leaf(0.5)
    slope = grad(w * x * x, x, create_graph=True)
    (slope * slope).backward()
    np.testing.assert_allclose(w.grad, 8 * 0.5 * 9)
    np.testing.assert_allclose(x.grad, 8 * 0.25 * 3)


def test_through_indexing_broadcasting_and_shapes():
    x = draw_array(0, (3, 4))
    t = _leaf(x)
    y = np.sum((t[:, [0, 0, 1]].reshape(9) ** 2) * np.arange(9.0)) + np.sum(t.T * t[0][:, None])
    first = grad(y, t, create_graph=True)
    v = draw_array(1, (3, 4))
    second = grad(np.sum(first * v), t)
    h = 1e-6

    def gradient(x):
        t = _leaf(x)
        y = np.sum((t[:, [0, 0, 1]].reshape(9) ** 2) * np.arange(9.0)) + np.sum(t.T * t[0][:, None])
        return grad(y, t)

    numeric = (gradient(x + h * v) - gradient(x - h * v)) / (2 * h)
    np.testing.assert_allclose(second, numeric, rtol=1e-6, atol=1e-7)


def test_create_graph_keeps_the_graph_and_leaves_grad_alone():
    x = _leaf([1.0, 2.0])
    y = np.sum(x * x * x)
    first = grad(y, x, create_graph=True)
    again = grad(y, x, create_graph=True)
    np.testing.assert_array_equal(first.data, again.data)
    assert x.grad is None
    y.backward()
    np.testing.assert_allclose(x.grad, 3 * x.data**2)


def test_a_slope_that_is_constant_has_no_graph():
    x = _leaf([1.0, 2.0])
    first = grad(np.sum(3 * x), x, create_graph=True)
    np.testing.assert_array_equal(first.data, 3)
    assert not first.requires_grad
    with pytest.raises(GraphError, match="no graph"):
        grad(np.sum(first), x)


# -- never a silent zero ----------------------------------------------------------------------------


class Sneaky(Function):
    """y = x³, keeping x² computed on the way"""

    @staticmethod
    def forward(ctx, x):
        ctx.square = x * x
        return ctx.square * x

    @staticmethod
    def backward(ctx, dy):
        return 3 * ctx.square * dy


class InATuple(Sneaky):
    @staticmethod
    def forward(ctx, x):
        ctx.kept = [1, (x, x * x)]
        return x**3

    @staticmethod
    def backward(ctx, dy):
        return 3 * ctx.kept[1][1] * dy


class AsAScalar(Sneaky):
    @staticmethod
    def forward(ctx, x):
        ctx.square = x[0] * x[0]
        return x**3

    @staticmethod
    def backward(ctx, dy):
        return 3 * np.full(1, 1.0) * ctx.square * dy


class InADict(Sneaky):
    @staticmethod
    def forward(ctx, x):
        ctx.kept = {"square": x * x}
        return x**3

    @staticmethod
    def backward(ctx, dy):
        return 3 * ctx.kept["square"] * dy


@pytest.mark.parametrize("rule", [Sneaky, InATuple, InADict, AsAScalar])
def test_a_float_array_computed_on_the_way_and_kept_is_refused(rule):
    x = _leaf([2.0])
    np.testing.assert_allclose(grad(rule.apply(x), x), [12])
    y = rule.apply(x)  # the forward line
    with pytest.raises(
        GraphError, match="computed on the way.*Keep operands and outputs.*# the forward line"
    ):
        grad(y, x, create_graph=True)


def test_masks_integers_options_and_untracked_operands_may_be_kept():
    class Fine(Function):
        @staticmethod
        def forward(ctx, x, w, *, scale):
            ctx.x, ctx.w, ctx.scale = x, w, scale
            ctx.mask, ctx.places, ctx.power = x > 1, np.array([0, 1]), 3.0
            return np.where(ctx.mask, x**3 * w * scale, 0)

        @staticmethod
        def backward(ctx, dy):
            assert ctx.places.sum() == 1
            return np.where(ctx.mask, ctx.power * ctx.x**2 * ctx.w * ctx.scale, 0) * dy, None

    x = _leaf([2.0, 0.5])
    first = grad(
        np.sum(Fine.apply(x, np.array([1.0, 2.0]), scale=np.array([10.0, 1]))), x, create_graph=True
    )
    np.testing.assert_allclose(first.data, [120, 0])
    np.testing.assert_allclose(grad(np.sum(first), x), [120, 0])


@pytest.mark.parametrize("constant", [lambda x: x.detach(), lambda x: x.data, lambda x: x.data[:]])
@pytest.mark.parametrize("swapped", [False, True])
def test_a_constant_that_shares_the_memory_of_an_operand(constant, swapped):
    x = _leaf([2.0, 3.0])
    y = constant(x) * x if swapped else x * constant(x)
    first = grad(np.sum(y), x, create_graph=True)
    np.testing.assert_array_equal(first.data, x.data)
    assert not first.requires_grad
    middle = x * 1
    y = middle * middle.detach() * middle
    first = grad(np.sum(y), x, create_graph=True)
    np.testing.assert_array_equal(first.data, 2 * x.data**2)
    np.testing.assert_array_equal(grad(np.sum(first), x), 2 * x.data)


def test_a_leaf_whose_data_were_replaced():
    x = _leaf([2.0, 3.0])
    y = np.sum(x * x)
    x.data = [5.0, 6.0]
    with pytest.raises(MutationError, match="operand . were replaced after"):
        grad(y, x, create_graph=True)


def test_operands_kept_in_containers():
    class Pair(NamedTuple):
        left: Any
        right: Any

    class Cube(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.kept = {"x": x, "more": [x, (x, 3)]}
            ctx.pair = Pair(x, 2)
            return x**3

        @staticmethod
        def backward(ctx, dy):
            x, (y, three) = ctx.kept["more"]
            return three * ctx.pair.left * ctx.kept["x"] * dy + 0 * (x + y)

    x = draw_array(0, (3,))
    np.testing.assert_allclose(_derivatives(Cube.apply, x, 3)[2], 6 * x)
    np.testing.assert_allclose(_derivatives(Cube.apply, x, 3)[3], 6)


def test_a_rule_that_kept_its_output():
    class Exp(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.y = np.exp(x)
            return ctx.y

        @staticmethod
        def backward(ctx, dy):
            return dy * ctx.y

    x = draw_array(0, (3,))
    for found in _derivatives(Exp.apply, x, 3):
        np.testing.assert_allclose(found, np.exp(x), rtol=1e-12)
    for found in _derivatives(Exp.apply, np.float64(0.5), 3):
        np.testing.assert_allclose(found, np.exp(0.5), rtol=1e-12)


def test_differentiable_once():
    class Kernel(Function):
        differentiable_once = True

        @staticmethod
        def forward(ctx, x):
            ctx.x = x
            return x * x

        @staticmethod
        def backward(ctx, dy):
            return 2 * ctx.x * dy

    x = _leaf([1.0, 2.0])
    np.testing.assert_allclose(grad(np.sum(Kernel.apply(x)), x), 2 * x.data)
    y = np.sum(Kernel.apply(x))  # the forward line
    with pytest.raises(GraphError, match="kernel: .*differentiable once.*# the forward line"):
        grad(y, x, create_graph=True)


def test_a_rule_that_leaves_numpy_is_refused():
    class Leaves(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.x = x
            return x * x

        @staticmethod
        def backward(ctx, dy):
            return 2 * np.asarray(ctx.x) * dy

    x = _leaf([1.0, 2.0])
    np.testing.assert_allclose(grad(np.sum(Leaves.apply(x)), x), 2 * x.data)
    with pytest.raises(GraphError, match="cannot become a plain array"):
        grad(np.sum(Leaves.apply(x)), x, create_graph=True)


def test_kept_operands_that_met_another_dtype():
    """A cast operand is not the leaf's own array; its gradient still reaches the leaf."""
    x = tensor([2.0], requires_grad=True)  # float32
    w = _leaf([3.0])
    first = grad(np.sum(x * x * w), x, create_graph=True)
    np.testing.assert_allclose(first.data, [12])
    assert grad(first, w)[0] == 4
    first = grad(np.sum(x * x * w), x, create_graph=True)
    assert grad(first, x)[0] == 6
