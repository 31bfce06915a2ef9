"""Errors that a caller can act on. Each message says what was wrong, where, and what to do."""

from numpy.linalg import LinAlgError


class MinigradError(Exception):
    """Base of every error that minigrad raises on purpose."""


class ShapeError(MinigradError, ValueError, IndexError):
    """Operands whose shapes, axes, ranks or positions do not fit an operation."""


class SingularMatrixError(MinigradError, LinAlgError):
    """A matrix without an inverse, where one is needed."""


class NotPositiveDefiniteError(MinigradError, LinAlgError):
    """A matrix that has no Cholesky factor, where one is needed."""


class DtypeError(MinigradError, TypeError):
    """A kind of data that an operation cannot take (complex numbers, text, an integer leaf …)."""


class UnsupportedError(MinigradError, TypeError):
    """A NumPy function or argument that has no differentiable counterpart here."""


class GraphError(MinigradError, RuntimeError):
    """The graph cannot serve the request: there is none, it was freed, or a value would leave it."""


class GraphWarning(UserWarning):
    """A value has left the graph where it may have been meant to stay."""


class MutationError(GraphError):
    """Data that a backward pass still needs was about to be changed, or was changed, in place."""


class GradientError(MinigradError, RuntimeError):
    """A backward rule failed or answered with the wrong number, shape or kind of gradients."""


class NotFiniteError(MinigradError, FloatingPointError):
    """A NaN or an infinity that was looked for, and found (see `minigrad.anomaly`)."""


class CheckpointError(MinigradError, OSError):
    """A saved file that is missing, damaged or cannot be written."""


class PageError(MinigradError, OSError):
    """A page to look at that cannot be written."""


class OptimizerError(MinigradError, ValueError):
    """A parameter, an option or a saved state that does not fit an optimizer or a schedule."""
