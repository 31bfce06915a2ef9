"""Digits put out of place, in the ways of the paper.

    R    rotation by U(-90, 90) degrees                                                  28x28
    RTS  rotation by U(-45, 45) degrees, scale U(0.7, 1.2), anywhere                     42x42
    P    scale U(0.75, 1), then each corner moved by N(0, 5 px)                          28x28
    E    scale U(0.75, 1), then 16 points of a thin plate spline moved by N(0, 1.5 px)   28x28
    TC   anywhere, and six 6x6 patches of other digits                                   60x60

The first four are warps: bilinear samples at a grid (see `grids`), 0 outside the digit. A digit that
is shrunk is not blurred first: at a factor of 0.7, the least in use, there is next to no aliasing.

Source: M. Jaderberg et al., Spatial Transformer Networks, 2015, section 4.1 and appendix A.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from layers.thin_plate_spline import CONTROL_POINTS
from minigrad.kernels.sampling import grid_sample_forward
from tasks.spatial_transformer.grids import (
    CORNERS,
    REACH,
    SIDE,
    Pose,
    projective_grid,
    similarity_grid,
    slant,
    spline_grid,
)

_PATCH = 6  # side of a patch of clutter, in pixels


class Distortion(Protocol):
    """A way to put digits out of place on a square canvas."""

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        ...

    @property
    def canvas(self) -> int:
        """The side of the canvas, in pixels."""
        ...

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Distort each of `images` (N, 28, 28) uint8: (N, 1, canvas, canvas) float32 in [0, 1]."""
        ...


@dataclass(frozen=True)
class Similarity:
    """Rotation, scale and place: R and RTS.

    The place is uniform where the digit's 28x28 square, scaled and not rotated, stays inside the
    canvas: |shift| <= (canvas - 28 scale) / 2. The ink lies in the middle 20x20 of that square, so it
    stays inside under any rotation but for the tip of a rare digit.
    """

    name: str
    canvas: int
    angle: float  # the greatest, in degrees
    scale: tuple[float, float] = (1.0, 1.0)

    def draw(self, n: int, rng: np.random.Generator) -> Pose:
        """The poses of `n` digits."""
        angle = rng.uniform(-self.angle, self.angle, n)
        scale = rng.uniform(*self.scale, n)
        room = (self.canvas - SIDE * scale) / 2
        return Pose(angle, scale, rng.uniform(-1, 1, (n, 2)) * room[:, None])

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Distort digits; see `Distortion`."""
        return sample(images, similarity_grid(self.draw(len(images), rng), self.canvas))


@dataclass(frozen=True)
class Projective:
    """The digit seen as a plane at a slant: P. Its four corners are moved."""

    name: str
    canvas: int
    scale: tuple[float, float]
    corner_noise: float  # standard deviation in pixels
    greatest_slant: float = 0.8  # see `grids.slant`

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Where the corners of `n` digits come to lie: (N, 4, 2), (x, y) from the canvas's centre.

        Where they span no convex quadrilateral (1 in 70) there is no such view; where the digit
        leans farther than `greatest_slant` (3 in 100) it is squeezed beyond reading. Those are drawn again.
        The paper does not say what it did; its best net misreads 0.8 % of P, so it had few of them.
        """
        scale = rng.uniform(*self.scale, (n, 1, 1))
        noise = rng.normal(0, self.corner_noise, (n, 4, 2))
        corners = CORNERS * REACH * scale + noise
        bad = slant(corners) > self.greatest_slant
        if bad.any():
            corners[bad] = self.draw(int(bad.sum()), rng)
        return corners

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Distort digits; see `Distortion`."""
        return sample(images, projective_grid(self.draw(len(images), rng), self.canvas))


@dataclass(frozen=True)
class Elastic:
    """The digit on a sheet of rubber, held at 4x4 points: E."""

    name: str
    canvas: int
    scale: tuple[float, float]
    point_noise: float  # standard deviation in pixels of the digit

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """What the 16 regular points of the canvas show: (N, 16, 2), (x, y) in the digit's coordinates."""
        scale = rng.uniform(*self.scale, (n, 1, 1))
        return CONTROL_POINTS / scale + rng.normal(0, self.point_noise / REACH, (n, 16, 2))

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Distort digits; see `Distortion`."""
        return sample(images, spline_grid(self.draw(len(images), rng), self.canvas))


@dataclass(frozen=True)
class Clutter:
    """The digit anywhere (on whole pixels), among patches of other digits of the batch: TC."""

    name: str
    canvas: int
    patches: int

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Distort digits; see `Distortion`. (A digit alone in its batch lends its own patches.)"""
        n = len(images)
        pictures, _ = place(images, self.canvas, rng)
        others = np.arange(n)[:, None] + rng.integers(1, max(n, 2), (n, self.patches))
        add_clutter(pictures, images, others % n, rng)
        return to_float(pictures)


DISTORTIONS: dict[str, Distortion] = {
    distortion.name: distortion
    for distortion in (
        Similarity("R", canvas=28, angle=90),
        Similarity("RTS", canvas=42, angle=45, scale=(0.7, 1.2)),
        Projective("P", canvas=28, scale=(0.75, 1.0), corner_noise=5.0),
        Elastic("E", canvas=28, scale=(0.75, 1.0), point_noise=1.5),
        Clutter("TC", canvas=60, patches=6),
    )
}


def to_float(images: np.ndarray) -> np.ndarray:
    """Images (N, H, W) of uint8 as (N, 1, H, W) float32 in [0, 1]."""
    return np.multiply(images, np.float32(1 / 255), dtype=np.float32)[:, None]


def sample(images: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Digits (N, 28, 28) uint8 as their grids show them: (N, 1, canvas, canvas) float32."""
    return grid_sample_forward(to_float(images), grid, "bilinear", "zeros", False)


def place(
    images: np.ndarray, canvas: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Put each digit somewhere wholly inside an empty canvas, on whole pixels, uniformly.

    Returns the pictures (N, canvas, canvas) uint8 and the digits' upper left corners (N, 2), (x, y).
    """
    n = len(images)
    pictures = np.zeros((n, canvas, canvas), np.uint8)
    x, y = corners = rng.integers(0, canvas - SIDE + 1, (2, n))
    _windows(pictures, SIDE)[np.arange(n), y, x] = images
    return pictures, corners.T


def add_clutter(
    pictures: np.ndarray, pool: np.ndarray, donors: np.ndarray, rng: np.random.Generator
) -> None:
    """Lay 6x6 patches of other digits over the pictures, in place; the brighter pixel is seen.

    Picture n gets one from each digit pool[donors[n, k]]. Where it is cut out and where it goes are
    uniform, so some of the patches are empty.
    """
    n, count = donors.shape
    side, target = pool.shape[-1], pictures.shape[-1]
    cut = rng.integers(0, side - _PATCH + 1, (2, n, count))
    paste = rng.integers(0, target - _PATCH + 1, (2, n, count))
    patches = _windows(pool, _PATCH)[donors, cut[0], cut[1]]
    windows = _windows(pictures, _PATCH)
    for k in range(count):  # one at a time, as they may overlap
        where = np.arange(n), paste[0, :, k], paste[1, :, k]
        windows[where] = np.maximum(windows[where], patches[:, k])


def _windows(images: np.ndarray, side: int) -> np.ndarray:
    """A view whose [n, y, x] is the side x side square of image n with that upper left corner."""
    return sliding_window_view(images, (side, side), axis=(1, 2), writeable=images.flags.writeable)
