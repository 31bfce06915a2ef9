"""The transformations of a spatial transformer: for each its parameters and its grid generator."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from layers.affine_grid import affine_grid, attention_grid
from layers.projective_grid import projective_grid
from layers.thin_plate_spline import CONTROL_POINTS, thin_plate_spline_grid
from minigrad import Tensor


@dataclass(frozen=True)
class Transform:
    """A family of maps from the output's coordinates to the input's.

    Attributes
    ----------
    name : str
    identity : tuple of float
        The parameters that change nothing.
    grid : callable
        ``grid(theta, size, align_corners)``, from (N, parameters) and the size (N, C, H', W') of the
        output to the grid (N, H', W', 2).
    """

    name: str
    identity: tuple[float, ...]
    grid: Callable[[Any, Any, bool], Tensor]

    @property
    def parameters(self) -> int:
        """How many numbers describe one map."""
        return len(self.identity)


def _affine(theta: Any, size: Any, align_corners: bool) -> Tensor:
    return affine_grid(theta.reshape(-1, 2, 3), size, align_corners)


def _spline(theta: Any, size: Any, align_corners: bool) -> Tensor:
    return thin_plate_spline_grid(theta.reshape(-1, 16, 2), size, align_corners)


#: By name: crop, shift and zoom; any affine map; a plane seen at a slant; a sheet of rubber.
TRANSFORMS = {
    transform.name: transform
    for transform in (
        Transform("attention", (1.0, 0.0, 0.0), attention_grid),
        Transform("affine", (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), _affine),
        Transform("projective", (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0), projective_grid),
        Transform("tps", tuple(CONTROL_POINTS.ravel().tolist()), _spline),
    )
}
