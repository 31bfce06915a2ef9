"""gradcheck and the bank of planted mistakes: each is caught, nearly all are named right."""

import numpy as np
import pytest

from minigrad import gradcheck
from tests.gradcheck_bank.everything import LARGE, MISTAKES, OPERATIONS, SMALL
from tests.gradcheck_bank.public_checkers import CHECKERS


def _check(mistake, size, seed):
    draw = mistake.draw(np.random.default_rng([seed, 0]), size)
    return gradcheck((mistake.forward, mistake.backward), draw, seed=seed)


def _caught_and_named(mistakes, size, seeds):
    """All must be caught; the share that is named right."""
    named = []
    for mistake in mistakes:
        for seed in range(seeds):
            report = _check(mistake, size, seed)
            assert not report, f"{mistake}, seed {seed}: not caught"
            assert len(str(report).splitlines()) <= 12
            named.append(bool(report.mistakes & set(mistake.kinds)))
    return np.mean(named)


def test_the_bank_is_large_enough():
    assert len(MISTAKES) >= 40
    assert len({mistake.operation for mistake in MISTAKES}) >= 12
    assert len({str(mistake) for mistake in MISTAKES}) == len(MISTAKES)


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_mistakes_are_caught_and_named(mistake):
    assert _caught_and_named([mistake], SMALL, 4) >= 0.5


def test_mistakes_in_larger_inputs_are_caught_and_named():
    assert _caught_and_named(MISTAKES[5::20], LARGE, 1) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_the_whole_bank_with_twenty_seeds(size):
    assert _caught_and_named(MISTAKES, size, 20) >= 0.9


def _passes(operation, size, seed):
    draw = operation.draw(np.random.default_rng([seed, 1]), *size)
    if seed % 2:
        draw = [x.astype(np.float32) for x in draw]
    report = gradcheck((operation.forward, operation.backward), draw, seed=seed)
    assert report, f"seed {seed}: {report}"


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_right_operations_pass(operation):
    for seed in range(8):
        _passes(operation, SMALL, seed)


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_right_operations_pass_every_time(operation):
    for seed in range(200):
        _passes(operation, SMALL, seed)
    for seed in range(3):
        _passes(operation, LARGE, seed)


@pytest.mark.parametrize("name", CHECKERS)
def test_public_checkers_pass_what_is_right_and_fail_a_flipped_sign(name):
    square = OPERATIONS["square"]
    rng = np.random.default_rng(0)
    xs = [rng.uniform(1, 2, (3, 4))]
    assert CHECKERS[name](square.forward, square.backward, xs, rng)
    assert not CHECKERS[name](square.forward, lambda dy, x: -2 * x * dy, xs, rng)
