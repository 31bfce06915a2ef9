"""Whether operations are recorded; each thread has its own switch."""

import contextlib
import threading
from collections.abc import Iterator


class _Mode(threading.local):
    enabled = True


mode = _Mode()


@contextlib.contextmanager
def _recording(enabled: bool) -> Iterator[None]:
    before = mode.enabled
    mode.enabled = enabled
    try:
        yield
    finally:
        mode.enabled = before


def no_grad() -> contextlib.AbstractContextManager[None]:
    """Record nothing inside: ``with no_grad(): …`` or as the decorator ``@no_grad()``."""
    return _recording(False)


def enable_grad() -> contextlib.AbstractContextManager[None]:
    """Record inside, also within a `no_grad` block."""
    return _recording(True)


def is_grad_enabled() -> bool:
    """Whether operations of this thread are being recorded."""
    return mode.enabled
