import pytest

from layers import lstm
from minigrad.kernels import (
    adam,
    batchnorm,
    convolution,
    cross_entropy,
    products,
    rectifier,
    rmsprop,
    sampling,
    threads,
)


@pytest.fixture
def thread_count(monkeypatch):
    """Set the number of threads in a test, small work shared too; afterwards it is what it was."""
    before = threads.get_num_threads()
    for module in (convolution, lstm):
        monkeypatch.setattr(module, "WORTH_SHARING", 0)
    for module in (adam, batchnorm, cross_entropy, products, rectifier, rmsprop, sampling, threads):
        monkeypatch.setattr(module, "LARGE", 0)
    yield threads.set_num_threads
    threads.set_num_threads(before)
