"""Parity with PyTorch: values, gradients, and the subgradients chosen at kinks and ties."""

import numpy as np
import pytest

import minigrad
from tests.helpers import compare_with_torch
from tests.strategies import draw_array

torch = pytest.importorskip("torch")

UNARY = {
    "exp": (-2, 2), "expm1": (-2, 2), "exp2": (-2, 2), "log": (0.3, 3), "log1p": (-0.6, 3),
    "log2": (0.3, 3), "log10": (0.3, 3), "sqrt": (0.3, 3), "square": (-2, 2),
    "reciprocal": (0.4, 2), "sin": (-4, 4), "cos": (-4, 4), "tan": (-1.3, 1.3),
    "arcsin": (-0.9, 0.9), "arccos": (-0.9, 0.9), "arctan": (-3, 3), "sinh": (-2, 2),
    "cosh": (-2, 2), "tanh": (-2, 2), "arcsinh": (-3, 3), "arccosh": (1.2, 3),
    "arctanh": (-0.9, 0.9), "sinc": (-2, 2), "deg2rad": (-2, 2), "rad2deg": (-2, 2),
    "abs": (-2, 2), "sign": (-2, 2), "floor": (-2, 2), "ceil": (-2, 2), "trunc": (-2, 2),
    "round": (-2, 2), "nan_to_num": (-2, 2), "sum": (-2, 2), "mean": (-2, 2), "prod": (-2, 2),
}  # fmt: skip
BINARY = {
    "add": (-2, 2), "subtract": (-2, 2), "multiply": (-2, 2), "divide": (0.4, 2),
    "logaddexp": (-2, 2), "logaddexp2": (-2, 2), "arctan2": (-2, 2), "hypot": (0.3, 2),
    "maximum": (-2, 2), "minimum": (-2, 2), "fmax": (-2, 2), "fmin": (-2, 2),
    "remainder": (0.4, 2), "fmod": (0.4, 2),
}  # fmt: skip
ROWS = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [0.0, -1.0, 0.0]])
KINKS = np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_operand(name):
    x = draw_array(0, (3, 4), *UNARY[name])
    compare_with_torch(getattr(np, name), getattr(torch, name), x)


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_operands(name):
    a, b = draw_array(1, (3, 4), *BINARY[name]), draw_array(2, (4,), *BINARY[name])
    compare_with_torch(getattr(np, name), getattr(torch, name), a, b)


@pytest.mark.parametrize("name", ["abs", "sign", "floor", "ceil", "trunc", "round"])
def test_kinks_and_jumps(name):
    compare_with_torch(getattr(np, name), getattr(torch, name), KINKS)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_ties_of_two(name):
    compare_with_torch(getattr(np, name), getattr(torch, name), ROWS, ROWS[:, ::-1])


@pytest.mark.parametrize(("ours", "theirs"), [(np.max, torch.amax), (np.min, torch.amin)])
@pytest.mark.parametrize("axis", [0, 1, (0, 1), -1])
def test_ties_of_many(ours, theirs, axis):
    compare_with_torch(lambda t: ours(t, axis=axis), lambda t: theirs(t, dim=axis), ROWS)


def test_clip_at_its_bounds():
    compare_with_torch(lambda t: np.clip(t, -1, 1), lambda t: torch.clamp(t, -1, 1), KINKS)
    compare_with_torch(lambda t: np.clip(t, None, 0.5), lambda t: torch.clamp(t, max=0.5), KINKS)
    bounds = np.full(7, -1.0), np.full(7, 1.0)
    compare_with_torch(np.clip, torch.clamp, KINKS, *bounds)
    compare_with_torch(np.clip, torch.clamp, KINKS, *bounds[::-1])


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 2.0, 3.0, -1, 0.0])
def test_powers_of_any_sign(exponent):
    x = np.array([-2.0, -0.5, 0.5, 3.0, *([0.0] if exponent >= 0 else [])])
    compare_with_torch(lambda t: t**exponent, lambda t: t**exponent, x)
    compare_with_torch(lambda t, u: t**u, lambda t, u: t**u, np.abs(x), np.full(x.shape, exponent))


def test_numbers_to_a_tensor():
    for base in (0.0, 1.0, 2.5):
        compare_with_torch(lambda t: base**t, lambda t: base**t, np.array([0.0, 1.0, 2.5]))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("zeros", [(), ((0, 1),), ((0, 1), (0, 2), (1, 0))])
def test_products_with_zeros(axis, zeros):
    x = draw_array(3, (3, 4))
    for position in zeros:
        x[position] = 0
    for name in ("prod", "cumprod", "cumsum"):
        compare_with_torch(
            lambda t: getattr(np, name)(t, axis=axis),
            lambda t: getattr(torch, name)(t, dim=axis),
            x,
        )


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("name", ["var", "std"])
def test_the_spread(name, ddof):
    for x in (draw_array(4, (3, 4)), np.full((3, 4), 0.5)):
        compare_with_torch(
            lambda t: getattr(np, name)(t, axis=1, ddof=ddof),
            lambda t: getattr(torch, name)(t, dim=1, correction=ddof),
            x,
        )


def test_where():
    mask = draw_array(5, (3, 4)) > 0
    compare_with_torch(
        lambda a, b: np.where(mask, a, b),
        lambda a, b: torch.where(torch.tensor(mask), a, b),
        draw_array(6, (3, 4)),
        draw_array(7, (4,)),
    )


def test_what_numpy_has_no_name_for():
    x = np.array([[-800.0, -30.0, -1.0], [0.0, 2.0, 40.0]])
    compare_with_torch(minigrad.sigmoid, torch.sigmoid, x)
    compare_with_torch(minigrad.softplus, torch.nn.functional.softplus, x, rtol=1e-8)
    compare_with_torch(minigrad.log_sigmoid, torch.nn.functional.logsigmoid, x)
    compare_with_torch(
        lambda t: minigrad.logsumexp(t, axis=1, keepdims=True),
        lambda t: torch.logsumexp(t, dim=1, keepdim=True),
        x,
    )


def test_infinite_slopes_at_zero():
    with np.errstate(divide="ignore"):
        compare_with_torch(np.sqrt, torch.sqrt, np.array([0.0, 4.0]))
