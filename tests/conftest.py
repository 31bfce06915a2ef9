"""What holds for every test: seeded, and nothing leaked into the next one."""

import os
import signal

import pytest
from hypothesis import settings

import minigrad
from tests.global_state import changed, snapshot

settings.register_profile("minigrad", deadline=None, max_examples=30)
settings.register_profile("ci", settings.get_profile("minigrad"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "minigrad")

# In a shell's background, or by nohup, these are ignored, and would be by every process that a test starts.
for number, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    if hasattr(signal, number) and signal.getsignal(getattr(signal, number)) is signal.SIG_IGN:
        signal.signal(getattr(signal, number), handler)


@pytest.fixture(autouse=True)
def _seeded():
    minigrad.manual_seed(0)


@pytest.fixture(autouse=True)
def _leaves_no_trace():
    before = snapshot()
    yield
    leaked = changed(before, snapshot())
    assert not leaked, f"this test changed {', '.join(leaked)} and did not put it back"
