"""A race that a package with threads of its own has to stand: its team is replaced while work comes in."""

import sys
import threading
import time
from collections.abc import Callable


def call_while_replaced(call: Callable[[], None], replace: Callable[[], None]) -> None:
    """Call 4,000 times from two threads while `replace` stops the team and makes another, again and again."""
    before, deadline = sys.getswitchinterval(), time.monotonic() + 60

    def call_often() -> None:
        for _ in range(2000):
            call()

    sys.setswitchinterval(1e-5)
    try:
        callers = [threading.Thread(target=call_often, daemon=True) for _ in range(2)]
        for caller in callers:
            caller.start()
        while any(caller.is_alive() for caller in callers):
            replace()
            assert time.monotonic() < deadline, "a caller waits for ever"
    finally:
        sys.setswitchinterval(before)
