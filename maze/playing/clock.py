"""The speed of the game: how long to wait until the next picture is due."""

import time

__all__ = ["Clock"]


class Clock:
    """A picture is due every `pause` seconds; what came late is not caught up with."""

    def __init__(self, pause: float):
        self.pause = pause
        self.due = time.monotonic()

    def wait(self) -> float:
        """Seconds from now on."""
        now = time.monotonic()
        self.due = max(self.due + self.pause, now)
        return self.due - now
