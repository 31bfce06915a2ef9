"""The exercises, one a file: statement, hints, the reference solution between its markers, checks."""
