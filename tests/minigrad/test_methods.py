"""Methods of a Tensor do what those of an array do, and keep the graph."""

import inspect

import numpy as np
import pytest

from minigrad import tensor
from minigrad.methods import NumPyMethods
from tests.helpers import check_gradient

CALLS = {
    "T": [()],
    "mT": [()],
    "all": [(), (0,), (1,)],
    "any": [(), (0,)],
    "argmax": [(), (1,)],
    "argmin": [(), (-1,)],
    "argsort": [(), (0,)],
    "clip": [(0.2, 0.6), (None, 0.5), (0.5,)],
    "copy": [()],
    "cumprod": [(), (0,)],
    "cumsum": [(), (-1,)],
    "diagonal": [(), (1,)],
    "dot": [(np.arange(4.0),), (np.ones((4, 2)),)],
    "imag": [()],
    "flatten": [(), ("F",)],
    "max": [(), (0,), ((0, 1),)],
    "mean": [(), (1,)],
    "min": [(), (-1,)],
    "prod": [(), (0,)],
    "nonzero": [()],
    "ravel": [(), ("F",)],
    "real": [()],
    "repeat": [(2,), (3, 1)],
    "reshape": [(2, 6), ((4, -1),)],
    "round": [(), (1,)],
    "squeeze": [()],
    "std": [(), (0,)],
    "sum": [(), ((0, 1),)],
    "swapaxes": [(0, 1)],
    "take": [([0, 5, 5],), ([2, 0], 0)],
    "trace": [(), (1,)],
    "transpose": [(), (1, 0), ((-1, 0),)],
    "var": [(), (0,)],
}


def test_every_method_is_tried():
    assert {n for n, _ in inspect.getmembers(NumPyMethods) if n[0] != "_"} == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_methods_are_those_of_arrays(name):
    x = np.random.default_rng(0).uniform(0.1, 0.9, (3, 4))
    for arguments in CALLS[name]:

        def call(a, arguments=arguments):
            attribute = getattr(a, name)
            return attribute(*arguments) if callable(attribute) else attribute

        y = call(tensor(x, requires_grad=True, dtype=np.float64))
        if name[:3] in ("all", "any", "arg", "non"):
            np.testing.assert_array_equal(y, call(x))
            continue
        np.testing.assert_allclose(y.detach().numpy(), call(x), rtol=1e-14)
        check_gradient(call, x)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: t.sum(dtype=float), r"np.sum with dtype=.*t.astype\(dtype\)"),
        (lambda t: t.std(correction=1), "np.std with correction=.*ddof= says the same"),
        (lambda t: t.max(initial=3), r"np.max with initial=.*np.maximum\(np.max\(t\), initial\)"),
        (lambda t: t.mean(where=[True, False]), r"np.mean with where=.*np.where"),
        (lambda t: t.cumsum(dtype=float), "np.cumsum with dtype="),
        (lambda t: t.prod(bogus=1), "unexpected keyword argument 'bogus'"),
    ],
)
def test_options_that_a_method_lacks_are_refused_as_by_the_function(call, words):
    with pytest.raises(TypeError, match=words):
        call(tensor([1.0, 2.0], requires_grad=True))


def test_rounding_by_pythons_own_round():
    t = tensor([1.26, 2.5], requires_grad=True)
    assert round(t).tolist() == [1, 2]
    np.testing.assert_allclose(round(t, 1).tolist(), [1.3, 2.5], rtol=1e-6)
