"""What only a new process can tell: a program is run there, and the number it prints is read."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(program: str, **environment: str) -> float:
    """The number that the Python `program` prints last.

    Raises
    ------
    RuntimeError
        The program failed; with what it wrote.
    """
    # A process starts with the memory peak of the one that it was started from. In between stands
    # one that is small.
    start = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"
    # An empty value counts as none: as for most users, what is imported is translated once and kept.
    kept = {"PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run(
        [sys.executable, "-S", "-c", start, sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **kept, **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"A process of the benchmark failed:\n{program}\n{done.stderr}")
    return float(done.stdout.split()[-1])
