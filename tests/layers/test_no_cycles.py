"""A training step leaves no cycle of references: its arrays are free at once, not at the next collection.

Python looks for cycles in old objects only rarely. Until then a cycle keeps every array that it reaches,
and a long run grows by gigabytes.
"""

import gc
import types

import numpy as np
import pytest

import minigrad
from minigrad import optim
from tests.gradcheck_bank.library import LAYERS, OPERATIONS, modules

EVERYTHING = {**OPERATIONS, **LAYERS}


@pytest.fixture(scope="module", autouse=True)
def what_was_there_is_not_looked_at():
    """A collection looks at all objects of the process otherwise, and there are two a test."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def _left_behind(step):
    """The names of what only the collector frees after a step, the first of which is not counted."""
    step()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        step()
        gc.collect()
        return sorted(
            found.__qualname__ if isinstance(found, types.FunctionType) else type(found).__name__
            for found in gc.garbage
        )
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def _backward(y):
    y = np.concatenate(y) if isinstance(y, list) else y[0] if isinstance(y, tuple) else y
    np.sum(y * y).backward()


def test_a_cycle_is_seen():
    def step():
        x = minigrad.tensor(np.ones(3), requires_grad=True)
        kept = [np.sum(x)]
        kept.append(kept)

    assert "Tensor" in _left_behind(step)


@pytest.mark.parametrize("name", EVERYTHING)
def test_functions(name):
    entry = EVERYTHING[name]
    inputs = entry.draw(np.random.default_rng(0), False, np.float32)
    leaves = [minigrad.tensor(x, requires_grad=True) for x in inputs]
    assert not _left_behind(lambda: _backward(entry.f(*leaves)))


@pytest.mark.parametrize("name", modules())
def test_modules_and_optimisers(name):
    module, shape = modules()[name]
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    parameters = list(module.parameters()) or [minigrad.tensor(x, requires_grad=True)]
    steps = [kind(parameters, lr=1e-3) for kind in (optim.SGD, optim.Adam, optim.RMSprop)]

    def step():
        _backward(module(x if list(module.parameters()) else parameters[0]))
        for each in steps:
            each.step()

    assert not _left_behind(step)
