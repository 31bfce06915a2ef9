"""gradcheck where numbers cancel inside of f: what is right passes, or cannot be known, and is not float32."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import minigrad
from minigrad import gradcheck
from tests.strategies import draw_array, seeds


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


#: As a function of Tensors, as the two of a pair, and where.
CANCELLING = {
    "log of a sigmoid": (
        lambda x: np.log(minigrad.sigmoid(x)),
        lambda x: np.log(_sigmoid(x)),
        lambda dy, x: dy * _sigmoid(-x),
        lambda seed: draw_array(seed, (3,), 12, 20),
    ),
    "log of one less a sigmoid": (
        lambda x: -np.log(1 - minigrad.sigmoid(x)),
        lambda x: -np.log(1 - _sigmoid(x)),
        lambda dy, x: dy * _sigmoid(x),
        lambda seed: draw_array(seed, (3,), 18, 22),
    ),
    "cosine less one": (
        lambda x: np.cos(x) - 1,
        lambda x: np.cos(x) - 1,
        lambda dy, x: -dy * np.sin(x),
        lambda seed: draw_array(seed, (2,), 5e-4, 2e-3),
    ),
    "log of one and a little": (
        lambda x: np.log(1 + x),
        lambda x: np.log(1 + x),
        lambda dy, x: dy / (1 + x),
        lambda seed: draw_array(seed, (4,), 1e-10, 3e-9),
    ),
    "variance by squares": (
        lambda x: np.mean(x * x) - np.mean(x) ** 2,
        lambda x: np.mean(x * x) - np.mean(x) ** 2,
        lambda dy, x: dy * 2 * (x - x.mean()) / x.size,
        lambda seed: 1e4 + draw_array(seed, (6,)),
    ),
    "there and back": (
        lambda x: (x + 1e4) - 1e4,
        lambda x: (x + 1e4) - 1e4,
        lambda dy, x: dy,
        lambda seed: draw_array(seed, (3,)),
    ),
}


@pytest.mark.parametrize("name", CANCELLING)
@pytest.mark.parametrize("seed", range(10))
def test_what_is_right_passes_where_numbers_cancel(name, seed):
    f, forward, backward, draw = CANCELLING[name]
    for checked in (f, (lambda x: (forward(x), x), backward)):
        report = gradcheck(checked, draw(seed), seed=seed)
        assert report, report


@pytest.mark.parametrize("name", CANCELLING)
@pytest.mark.parametrize("seed", range(3))
def test_what_is_wrong_fails_where_numbers_cancel(name, seed):
    _, forward, backward, draw = CANCELLING[name]
    pair = (lambda x: (forward(x), x), lambda dy, x: 1.05 * backward(dy, x))
    report = gradcheck(pair, draw(seed), seed=seed)
    assert report.wrong, report
    assert "float32" not in report.mistakes


@given(st.floats(23, 33), seeds)
@example(32.96875, 524287)  # an output that leaps once over the longest reach, to one side alone
def test_what_cancels_more_is_right_or_cannot_be_known(at, seed):
    report = gradcheck(lambda x: -np.log(1 - minigrad.sigmoid(x)), at + draw_array(seed, (3,)))
    assert not report.problems
    assert report.wrong == 0
    assert not report.unknown or "numbers inside of f cancel in float64" in str(report)


@given(st.floats(0.1, 10), st.integers(1, 30), seeds)
def test_float32_is_named_whatever_follows_it(scale, size, seed):
    pair = (
        lambda x: (scale * np.exp(x.astype("f")).astype(float) + 1, x),
        lambda dy, x: scale * dy * np.exp(x),
    )
    assert gradcheck(pair, draw_array(seed, (size,), 0.5, 2)).mistakes == {"float32"}


def test_a_longer_step_is_said_with_its_reason():
    report = gradcheck(lambda x: -np.log(1 - minigrad.sigmoid(x)), np.full(3, 21.0))
    assert "Numbers inside of f cancel in float64" in str(report)
    assert "3 entries took a longer step" in str(report)


def test_what_passes_is_not_said_to_be_too_much():
    report = gradcheck(lambda x: np.log(minigrad.sigmoid(x)), np.array([20.0]))
    assert report, report
    assert report.worst.relative_error > 1e-4
    assert "too much" not in str(report)


def _norm(cast):
    """Each row less its mean, over its deviation, both cast; and its backward."""

    def forward(x):
        deviation = cast(np.sqrt(x.var(-1, keepdims=True) + 1e-5))
        h = (x - cast(x.mean(-1, keepdims=True))) / deviation
        return h, (h, deviation)

    def backward(dy, cache):
        h, deviation = cache
        mean = (dy * h).mean(-1, keepdims=True)
        return (dy - dy.mean(-1, keepdims=True) - h * mean) / deviation

    return forward, backward


#: Pairs that cast a part of forward.
PARTS = {
    "result": lambda cast: (
        lambda x: (x + cast(np.tanh(x)), x),
        lambda dy, x: dy * (2 - np.tanh(x) ** 2),
    ),
    "input": lambda cast: (
        lambda x: (x + np.tanh(cast(x)), x),
        lambda dy, x: dy * (2 - np.tanh(x) ** 2),
    ),
    "gate": lambda cast: (
        lambda x: (x * cast(_sigmoid(x)), x),
        lambda dy, x: dy * _sigmoid(x) * (1 + x * _sigmoid(-x)),
    ),
    "norm": _norm,
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("seed", range(5))
def test_a_part_in_float32_is_named_and_not_called_wrong(part, seed):
    report = gradcheck(PARTS[part](lambda a: a.astype("f")), draw_array(seed, (4, 3)), seed=seed)
    assert not report
    assert report.mistakes == {"float32"}
    assert "a part of forward computes in float32" in str(report)
    assert "could not tell" in str(report)
    assert "wrong" not in str(report)
    assert "kink" not in str(report)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("seed", range(5))
def test_a_cast_that_is_not_seen_takes_a_longer_step(part, seed):
    forward, backward = PARTS[part](lambda a: np.asarray(a, np.float32))
    x = draw_array(seed, (4, 3))
    report = gradcheck((forward, backward), x, seed=seed)
    assert report, report
    assert "rounded (to float32?)" in str(report)
    assert gradcheck((forward, lambda dy, cache: 1.05 * backward(dy, cache)), x, seed=seed).wrong


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * minigrad.tensor(_sigmoid(x.data)),
        lambda x: x / minigrad.tensor(np.sqrt((x.data**2).sum())),
    ],
)
@pytest.mark.parametrize("shape", [(4, 3), (30, 50)])
@pytest.mark.parametrize("seed", range(3))
def test_a_constant_in_float32_that_follows_the_inputs_does_not_pass(f, shape, seed):
    report = gradcheck(f, draw_array(seed, shape), samples=20, seed=seed)
    assert report.mistakes == {"float32"}
    assert "operand 1 of" in str(report)
    assert "minigrad.tensor(array, dtype=np.float64)" in str(report)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * minigrad.tensor(1.0 * (x.data > 0)),
        lambda x: x * minigrad.tensor(np.linspace(0, 1, 3)),
        (lambda x: (x * (x.astype("f") > 0), x), lambda dy, x: dy * (x > 0)),
        (lambda x: (x + np.round(x, 4), x), lambda dy, x: dy),
        lambda x: x - np.log(1 - minigrad.sigmoid(x + 20)),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_masks_steps_and_what_cancels_are_no_float32(f, seed):
    report = gradcheck(f, draw_array(seed, (4, 3), -1, 1), seed=seed)
    assert report, report
