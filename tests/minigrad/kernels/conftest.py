import pytest

from minigrad.kernels import convolution, sampling, threads


@pytest.fixture
def thread_count(monkeypatch):
    """Set the number of threads in a test, small work shared too; afterwards it is what it was."""
    before = threads.get_num_threads()
    monkeypatch.setattr(convolution, "WORTH_SHARING", 0)
    monkeypatch.setattr(threads, "LARGE", 0)
    monkeypatch.setattr(sampling, "LARGE", 0)
    yield threads.set_num_threads
    threads.set_num_threads(before)
