"""An exercise's file in parts, and as a student is given it."""

import re


def cells(text):
    """(marker, text) of each cell of a percent script."""
    parts = re.split(r"^(# %%.*)$", text, flags=re.MULTILINE)
    assert parts[0] == "", "a script begins with its first cell"
    return list(zip(parts[1::2], parts[2::2]))


def with_solution(text, lines):
    """The file with other lines in the place of its solutions."""
    return re.sub(
        r"^( *)# BEGIN SOLUTION\n.*?# END SOLUTION\n",
        lambda found: "".join(f"{found[1]}{line}\n" for line in lines.splitlines()),
        text,
        flags=re.MULTILINE | re.DOTALL,
    )


def blank(text):
    """The file without its solutions."""
    return with_solution(text, "# YOUR CODE HERE\nraise NotImplementedError()")


def without_hidden(text):
    """The file without its hidden checks."""
    return re.sub(r"# BEGIN HIDDEN TESTS\n.*?# END HIDDEN TESTS\n", "", text, flags=re.DOTALL)
