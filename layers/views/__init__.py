"""The insides of layers, for the stepper: hand-derived steps, pixel by pixel, window by window."""

from layers.views import convolution, grid, lstm, sampler

__all__ = ["convolution", "grid", "lstm", "sampler"]
