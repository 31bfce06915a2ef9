"""Errors of layers that a caller can act on; shapes and dtypes have theirs in minigrad.errors."""

from minigrad.errors import MinigradError


class OptionError(MinigradError, ValueError):
    """A layer's option outside its range: a stride of 0, a dropout rate above 1, ..."""


class LabelError(MinigradError, ValueError):
    """Class labels, or probabilities, that do not fit the logits."""


class ParameterError(MinigradError, TypeError):
    """A parameter about to be put where, or replaced by what, no optimizer would find."""


class StateDictError(MinigradError, RuntimeError):
    """A state that does not fit a module: names or shapes differ."""
