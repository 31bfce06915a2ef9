"""How near two gradients must be."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Tolerance:
    """Near enough is |analytic - numeric| <= atol + rtol |numeric|."""

    atol: float
    rtol: float

    def excess(self, analytic: Any, numeric: Any) -> Any:
        """The difference as a multiple of what is allowed; infinite where it is no number."""
        with np.errstate(invalid="ignore"):
            excess = np.abs(analytic - numeric) / (self.atol + self.rtol * np.abs(numeric))
        return np.where(np.isnan(excess), np.inf, excess)

    def agree(self, analytic: Any, numeric: Any) -> Any:
        """Whether gradients are near enough; never where one is not finite."""
        return self.excess(analytic, numeric) <= 1
