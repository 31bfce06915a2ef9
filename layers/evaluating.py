"""evaluating: run a module to look at it, and leave its switches as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from minigrad import no_grad

if TYPE_CHECKING:
    from layers.module import Module


@contextmanager
def evaluating(module: Module) -> Iterator[None]:
    """Inside, `module` behaves as after `eval()` and nothing is recorded."""
    modes = [(inner, inner.training) for inner in module.modules()]
    module.eval()
    try:
        with no_grad():
            yield
    finally:
        for inner, mode in modes:
            inner.training = mode
