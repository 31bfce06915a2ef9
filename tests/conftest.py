"""What holds for every test: seeded, and nothing leaked into the next one."""

import os

import pytest
from hypothesis import settings

import minigrad
from tests.global_state import changed, snapshot

settings.register_profile("minigrad", deadline=None, max_examples=30)
settings.register_profile("ci", settings.get_profile("minigrad"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "minigrad")


@pytest.fixture(autouse=True)
def _seeded():
    minigrad.manual_seed(0)


@pytest.fixture(autouse=True)
def _leaves_no_trace():
    before = snapshot()
    yield
    leaked = changed(before, snapshot())
    assert not leaked, f"this test changed {', '.join(leaked)} and did not put it back"
