"""Where an error arose, for those who are told of it without a traceback."""

import os
import traceback

import numpy as np

_NUMPY = os.path.dirname(np.__file__) + os.sep


def where(error: BaseException) -> str:
    """The last line on the way to an error that is not NumPy's own: ``in f, line 7: return x @ y``."""
    frames = traceback.extract_tb(error.__traceback__)
    last = [frame for frame in frames if not frame.filename.startswith(_NUMPY)][-1]
    return f"in {last.name}, line {last.lineno}: {last.line}"
