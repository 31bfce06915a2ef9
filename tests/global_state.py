"""What a test may not leave changed behind it."""

import os
import sys

import numpy as np


def snapshot() -> dict[str, object]:
    """The state that all tests share, by name."""
    import minigrad

    state: dict[str, object] = {
        "recording (no_grad)": minigrad.is_grad_enabled(),
        "np.geterr()": np.geterr(),
        "np.random": [np.array(part).tobytes() for part in np.random.get_state()[1:3]],
        "the environment": {
            # Set by pytest for each test, and by PyTorch when it is first used.
            k: v
            for k, v in os.environ.items()
            if k != "PYTEST_CURRENT_TEST" and not k.startswith("TORCH")
        },
        "the working folder": os.getcwd(),
        "the recursion limit": sys.getrecursionlimit(),
    }
    if threads := sys.modules.get("minigrad.kernels.threads"):
        state["the thread count"] = threads.get_num_threads()
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        state["open figures"] = pyplot.get_fignums()
    return state


def changed(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """The names of what differs; what was imported in between counts from its import on."""
    before = {"open figures": [], **before}
    return [name for name, value in after.items() if before.get(name, value) != value]
