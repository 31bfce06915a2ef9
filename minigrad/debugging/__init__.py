"""Debugging aids, by the tape's seam: the first NaN, and where time and memory go."""
