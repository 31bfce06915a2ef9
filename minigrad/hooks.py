"""Hooks: functions of the user's that are called with a gradient, or with a module's input and output."""

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.errors import GradientError, UnsupportedError


class Handle:
    """A hook that is in place: ``handle.remove()`` takes it away, and so does the end of a with block."""

    def __init__(self, owner: Any, hook: Callable[..., Any], before: bool = False):
        if not callable(hook):
            raise UnsupportedError(
                f"A hook is a function, to be called later; this one is {hook!r}. Give the function itself, "
                "without calling it."
            )
        self.hook, self.before = hook, before
        self._owner = weakref.ref(owner)
        owner._hooks = (*owner._hooks, self)

    def remove(self) -> None:
        """Take the hook away; nothing happens if it is gone already."""
        owner = self._owner()
        if owner is not None:
            owner._hooks = tuple(handle for handle in owner._hooks if handle is not self)

    def __enter__(self) -> "Handle":
        return self

    def __exit__(self, *_: Any) -> None:
        self.remove()


def through(handles: tuple[Handle, ...], gradient: Any) -> Any:
    """A gradient after each hook in turn has seen, and perhaps replaced, it."""
    for handle in handles:
        answer = handle.hook(gradient)
        if answer is None:
            continue
        if np.shape(answer) != gradient.shape:
            name = getattr(handle.hook, "__qualname__", repr(handle.hook))
            raise GradientError(
                f"The hook {name} was given a gradient of shape {gradient.shape} and returned "
                f"{type(answer).__name__} of shape {np.shape(answer)}. Return a gradient of the same "
                "shape in its place, or None to leave it as it is."
            )
        # Under create_graph a Tensor carries the history of the gradient.
        is_recorded = isinstance(answer, Tensor) and answer.requires_grad
        gradient = answer if is_recorded else np.asarray(answer, gradient.dtype)
    return gradient


def call(module: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A module's forward, with the hooks before and after it."""
    for handle in module._hooks:
        if handle.before and (answer := handle.hook(module, inputs)) is not None:
            inputs = answer if isinstance(answer, tuple) else (answer,)
    output = module.forward(*inputs, **options)
    for handle in module._hooks:
        if not handle.before and (answer := handle.hook(module, inputs, output)) is not None:
            output = answer
    return output


from minigrad.tensor import Tensor  # noqa: E402  (tensor.py uses this module)
