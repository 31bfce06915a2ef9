"""What usually helps against a NaN or an infinity, by the operation that made it.

Forward a NaN and an infinity have different causes: beyond the numbers that a function takes there is
no value, at the rim of them the value is infinite, and elsewhere a number has become too large. What
helps at the rim does not help beyond it.
"""

import numpy as np

_MENDED = "mend what makes it so, or clip it"

#: Where the operand is none that the function takes.
NO_VALUE = {
    "sqrt": f"A negative number has no root: {_MENDED}, as in np.sqrt(np.maximum(x, 0) + 1e-12).",
    **dict.fromkeys(
        ("log", "log2", "log10"),
        f"A negative number has no logarithm: {_MENDED}, as in np.log(np.maximum(x, 1e-12)).",
    ),
    "log1p": f"log(1 + x) has no value below -1: {_MENDED}, as in np.maximum(x, -1 + 1e-6).",
    **dict.fromkeys(
        ("arcsin", "arccos", "arctanh"),
        f"It has a value from -1 to 1 alone: {_MENDED}, as in np.clip(x, -1 + 1e-6, 1 - 1e-6).",
    ),
    "arccosh": f"It has no value below 1: {_MENDED}, as in np.maximum(x, 1 + 1e-6).",
    "power": f"A negative number has whole powers alone: {_MENDED}, as in np.maximum(x, 1e-12) ** p.",
    "divide": "0 / 0 has no value: keep the divisor away from 0, as in a / np.maximum(b, 1e-8) for b >= 0.",
}

#: Where the value is infinite, or larger than any number.
INFINITE = {
    **dict.fromkeys(
        ("log", "log2", "log10"),
        "Keep its operand above 0, as in np.log(np.maximum(x, 1e-12)), or use log_softmax.",
    ),
    "log1p": "Keep its operand above -1, as in np.log1p(np.maximum(x, -1 + 1e-6)).",
    "arctanh": "Keep its operand inside of -1 and 1, as in np.clip(x, -1 + 1e-6, 1 - 1e-6).",
    "divide": "Keep the divisor away from 0, as in a / np.maximum(b, 1e-8) for b >= 0.",
    "reciprocal": "Keep its operand away from 0, as in 1 / np.maximum(b, 1e-8) for b >= 0.",
    **dict.fromkeys(
        ("exp", "exp2", "expm1"),
        "Subtract the largest entry first, as np.logaddexp, minigrad.logsumexp and log_softmax do.",
    ),
    "power": "0 has no negative power, and large powers overflow: keep its operand away from both.",
}

#: Where the slope is infinite, though the value is none.
NO_SLOPE = {
    "sqrt": "Its slope at 0 is infinity; write np.sqrt(x + 1e-12).",
    "cbrt": "Its slope at 0 is infinity; keep its operand away from 0.",
    "power": "A root has slope infinity at 0; keep its operand above 0, as in (x + 1e-12) ** p.",
    "norm": "A norm has no slope at 0; write np.sqrt(np.sum(x * x) + 1e-12).",
    "std": "It has no slope where all entries are equal; write np.sqrt(np.var(x) + 1e-12).",
    **dict.fromkeys(
        ("arcsin", "arccos"),
        "Its slope at -1 and 1 is infinity; write np.clip(x, -1 + 1e-6, 1 - 1e-6) for x.",
    ),
    "arccosh": "Its slope at 1 is infinity; write np.maximum(x, 1 + 1e-6) for x.",
    **dict.fromkeys(
        ("divide", "reciprocal"),
        "The slope by a divisor b is -a / (b * b), too large for a small b; keep b away from 0.",
    ),
}


def forward_remedy(name: str, y: np.ndarray, is_nan: bool) -> str:
    """What helps where the operation `name` made a NaN or an infinity, in its result `y`, of finite operands."""
    if is_nan:
        return NO_VALUE.get(name, "Look at these operands.")
    largest = f"{np.finfo(y.dtype).max:.2g}, the largest {y.dtype}"
    return INFINITE.get(name, f"It is beyond {largest}: scale these operands down.")


def backward_remedy(name: str) -> str:
    """What helps where its backward made one of a finite gradient."""
    return NO_SLOPE.get(name, "Look at the operands of that call.")
