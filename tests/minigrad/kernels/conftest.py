import pytest

from minigrad.kernels import threads


@pytest.fixture
def thread_count():
    """Set the number of threads in a test; afterwards it is what it was."""
    before = threads.get_num_threads()
    yield threads.set_num_threads
    threads.set_num_threads(before)
