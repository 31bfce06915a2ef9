"""Runnable lessons: percent-format scripts that open as notebooks, each ending in a picture."""
