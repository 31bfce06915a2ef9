"""The insides of layers, for the stepper: hand-derived steps, pixel by pixel, window by window."""

from layers.views import convolution, grid, lstm, pooling, sampler, transposed

__all__ = ["convolution", "grid", "lstm", "pooling", "sampler", "transposed"]
