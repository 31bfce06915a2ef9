"""Local derivatives: entry by entry where that is so, a Jacobian where it is small, else a name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad
from minigrad import Function


def leaf(*shape, seed=0, dtype=np.float64):
    numbers = np.random.default_rng(seed).standard_normal(shape)
    return minigrad.tensor(numbers, requires_grad=True, dtype=dtype)


def locals_of(y):
    """The local derivatives of the last operation."""
    step = minigrad.step(y, np.random.default_rng(1).standard_normal(y.shape)).next()
    return [operand.local for operand in step.operands]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (2, 5), (40, 30)])
def test_entry_by_entry(dtype, shape):
    a, b = leaf(*shape, dtype=dtype), leaf(*shape, seed=1, dtype=dtype)
    first, second = locals_of(a * b)
    assert first.kind == second.kind == "entrywise"
    np.testing.assert_array_equal(first.array, b.data)
    np.testing.assert_array_equal(second.array, a.data)
    (tanh,) = locals_of(np.tanh(a))
    np.testing.assert_allclose(tanh.array, 1 - np.tanh(a.data) ** 2, rtol=1e-6)


def test_entry_by_entry_of_a_repeated_operand_has_the_output_s_shape():
    a, b = leaf(3, 4), leaf(4)
    first, second = locals_of(a * b)
    np.testing.assert_array_equal(first.array, np.broadcast_to(b.data, (3, 4)))
    np.testing.assert_array_equal(second.array, a.data)


@given(st.integers(1, 8), st.integers(2, 8), st.integers(0, 100))
def test_a_small_jacobian_is_that_of_differences(rows, columns, seed):
    w, x = leaf(rows, columns, seed=seed), leaf(columns, seed=seed + 1)
    by_w, by_x = locals_of(w @ x)
    assert by_x.array.shape == (rows, columns)
    np.testing.assert_allclose(by_x.array, w.data)
    assert by_w.array.shape == (rows, rows * columns)
    np.testing.assert_allclose(by_w.array, np.kron(np.eye(rows), x.data))


def test_a_map_of_equal_shapes_that_is_not_entry_by_entry_gets_a_jacobian():
    x = leaf(4)
    (local,) = locals_of(np.cumsum(x))
    assert local.kind == "jacobian"
    np.testing.assert_array_equal(local.array, np.tril(np.ones((4, 4))))


def test_up_to_64_by_64_and_no_more():
    (fits,) = locals_of(np.sort(leaf(64)))
    assert fits.array.shape == (64, 64)
    np.testing.assert_array_equal(fits.array.sum(axis=0), 1)
    (beyond,) = locals_of(np.sort(leaf(65)))
    assert beyond.kind == "named"
    assert beyond.array is None
    assert "65 x 65" in beyond.words


def test_several_outputs_count_one_behind_the_other():
    first, second = np.split(leaf(4), 2)
    step = minigrad.step(np.sum(first * second)).until("split")
    np.testing.assert_array_equal(step.operands[0].local.array, np.eye(4))


def test_nan_and_infinity_are_shown_not_raised():
    x = minigrad.tensor([0.0, 1.0], requires_grad=True)
    with np.errstate(all="ignore"):
        y = np.log(x)
        step = minigrad.step(np.sum(y)).until("log")
    np.testing.assert_array_equal(step.operands[0].local.array, [np.inf, 1])


def test_a_rule_that_looks_at_its_gradient_alone_is_not_called_entry_by_entry():
    class Averaged(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, dy):
            return np.full_like(dy, dy.mean())

    (local,) = locals_of(Averaged.apply(leaf(3)))
    assert local.kind == "jacobian"
    np.testing.assert_allclose(local.array, np.full((3, 3), 1 / 3))


def test_an_empty_array_has_nothing_to_show():
    x = leaf(0, 3)
    stepper = minigrad.step(np.sum(x * 2.0))
    for step in stepper:
        assert "empty" in str(step)
