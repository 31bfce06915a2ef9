"""The insides of layers, for the stepper: hand-derived steps, pixel by pixel, window by window."""

from layers.views import convolution, lstm, sampler

__all__ = ["convolution", "lstm", "sampler"]
