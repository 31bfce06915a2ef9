"""Every operation and layer of the library passes gradcheck, on kinks and from float32 too."""

import numpy as np
import pytest

import minigrad
from minigrad import gradcheck
from tests.gradcheck_bank.library import LAYERS, OPERATIONS, modules

EVERYTHING = {**OPERATIONS, **LAYERS}


def _check_function(name, seed):
    entry = EVERYTHING[name]
    dtype = (np.float64, np.float32)[seed // 2 % 2]
    inputs = entry.draw(np.random.default_rng(seed), seed % 2 == 1, dtype)
    report = gradcheck(entry.f, inputs, seed=seed)
    assert report, f"{name}, seed {seed}: {report}"


def _check_module(name, seed):
    minigrad.manual_seed(seed)
    module, shape = modules()[name]
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, shape) if seed % 2 else rng.standard_normal(shape)
    report = gradcheck(module, x.astype(np.float32), seed=seed, samples=None if seed % 4 else 20)
    assert report, f"{name}, seed {seed}: {report}"


@pytest.mark.parametrize("name", EVERYTHING)
def test_functions_pass(name):
    for seed in range(4):
        _check_function(name, seed)


@pytest.mark.parametrize("name", modules())
def test_modules_pass(name):
    for seed in range(2):
        _check_module(name, seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERYTHING)
def test_functions_pass_every_time(name):
    for seed in range(200):
        _check_function(name, seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", modules())
def test_modules_pass_every_time(name):
    for seed in range(200):
        _check_module(name, seed)
