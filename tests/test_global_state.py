"""The fixture that catches leaks catches them."""

import os
import sys

import numpy as np
import pytest

from minigrad.grad_mode import mode
from minigrad.kernels import threads
from tests.global_state import changed, snapshot


def _figure():
    import matplotlib.pyplot as plt

    plt.figure()
    return lambda: plt.close("all")


def _grad_mode():
    mode.enabled = False

    def undo():
        mode.enabled = True

    return undo


def _errors():
    before = np.seterr(all="ignore")
    return lambda: np.seterr(**before)


def _random():
    state = np.random.get_state()
    np.random.random()
    return lambda: np.random.set_state(state)


def _environment():
    os.environ["MINIGRAD_A_TEST"] = "1"
    return lambda: os.environ.pop("MINIGRAD_A_TEST")


def _folder():
    before = os.getcwd()
    os.chdir("/")
    return lambda: os.chdir(before)


def _recursion():
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + 10)
    return lambda: sys.setrecursionlimit(before)


def _threads():
    before = threads.get_num_threads()
    threads.set_num_threads(before + 1)
    return lambda: threads.set_num_threads(before)


@pytest.mark.parametrize(
    "leak",
    [_figure, _grad_mode, _errors, _random, _environment, _folder, _recursion, _threads],
)
def test_a_leak_is_seen(leak):
    before = snapshot()
    assert changed(before, snapshot()) == []
    undo = leak()
    try:
        assert len(changed(before, snapshot())) == 1
    finally:
        undo()
