"""The one error of the data sets."""

from minigrad.errors import MinigradError


class DataError(MinigradError, OSError):
    """A data set that is missing, damaged, out of reach or of the wrong form; says what to do."""
