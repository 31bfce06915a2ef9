"""The sampler: reading an image at the points of a grid.

A grid point (x, y), normalised, is first a place in pixels, column u and row v (`to_pixels`)::

    u = (x + 1) (W - 1)/2          du/dx = (W - 1)/2       align_corners: ±1 are outermost centres
    u = ((x + 1) W - 1)/2          du/dx = W/2             else: ±1 are the outer edges

and v alike, with y and H. The value there is bilinear: with u0 = floor(u), a = u - u0 and
v0 = floor(v), b = v - v0, the pixel to the left weighs 1-a and the one to the right a, the one above
1-b and the one below b::

    V = (1-b) (1-a) U[v0, u0]  +  (1-b) a U[v0, u0+1]  +  b (1-a) U[v0+1, u0]  +  b a U[v0+1, u0+1]

That is the sum over all pixels of U[n,m] k(u - m) k(v - n) with k(d) = max(0, 1 - |d|): only four
pixels are near enough to count, and those outside the image are 0 (`sampler_formula` is that sum).

By the image. V is linear in it; each of the four pixels gets the upstream gradient times its weight::

    dU[n,m] += dV k(u - m) k(v - n)

By the place. k has the slope, as u moves, case by case::

                -1   for m = floor(u)           the left pixel loses weight
    dk/du   =   +1   for m = floor(u) + 1       the right pixel gains it
                 0   for every other m

    dV/du   =  (1-b) (U[v0, u0+1] - U[v0, u0])  +  b (U[v0+1, u0+1] - U[v0+1, u0])
    dV/dv   =  (1-a) (U[v0+1, u0] - U[v0, u0])  +  a (U[v0+1, u0+1] - U[v0, u0+1])

summed over the channels, as one grid serves them all, and times du/dx or dv/dy.

On a pixel exactly, u whole, k has a kink under each pixel and V has one slope to the left, another to
the right; any between them is a subgradient. floor takes the right one, as PyTorch does. The paper
states its cases by m >= u (+1), m < u (-1) and |m - u| >= 1 (0): the same off the pixels, but at
u = m only pixel m is left, with +1 and no partner, and dV/du is U[v, m] itself: no slope of V at all,
for a constant image would get one. That matters, since a transformer starts as the identity, with
most of its samples on pixels. (The slides print |m| >= u and |m| < u, with the signs exchanged too.)

Outside. Where all four pixels are outside, V is 0 with slope 0. Between the image and one pixel
beyond its border V falls to 0 on a slope. On the last column exactly (u = W-1) V is its pixel and the
right-hand slope falls towards the zeros outside; on the first (u = 0) it leads into the image.
padding_mode='border' repeats the border outwards without end: places outside are moved to the
nearest inside, and at u <= 0 and u >= W-1 the slope by u is 0, as in PyTorch.

mode='nearest' takes the one nearest pixel, the even one half-way between two, as PyTorch (the paper
takes floor(u + 1/2), the upper one). It does not change under a small move: dV/du = 0.

The loops stand in minigrad.kernels.sampling.

Source: M. Jaderberg et al., Spatial Transformer Networks, 2015, equations 3 to 7.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from layers.checks import as_float
from layers.image_checks import as_image, check_choice
from minigrad import Function, Tensor
from minigrad.errors import ShapeError
from minigrad.kernels import sampling as kernels


def grid_sample_forward(
    image: np.ndarray,
    grid: np.ndarray,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Read `image` (N, C, H, W) at `grid` (N, H', W', 2); return (N, C, H', W'), cache."""
    options = (mode, padding_mode, align_corners)
    return kernels.grid_sample_forward(image, grid, *options), (image, grid, options)


def grid_sample_backward(
    dy: np.ndarray, cache: tuple[Any, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return dimage (N, C, H, W), dgrid (N, H', W', 2), None for what `needs` does not ask for."""
    image, grid, options = cache
    return kernels.grid_sample_backward(dy, image, grid, *options, *needs)


class GridSample(Function):
    """V = Σ U k(u-m) k(v-n);   dU = dV k k,   du = dV Σ U k'(u-m) k(v-n),   dv = dV Σ U k k'(v-n)"""

    differentiable_once = True

    @staticmethod
    def forward(ctx, image, grid, *, mode, padding_mode, align_corners):
        y, ctx.cache = grid_sample_forward(image, grid, mode, padding_mode, align_corners)
        return y

    @staticmethod
    def backward(ctx, dy):
        return grid_sample_backward(dy, ctx.cache, ctx.needs_input_grad)


def grid_sample(
    input: Any,
    grid: Any,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
) -> Tensor:
    """Read images at the points of a grid; PyTorch's `torch.nn.functional.grid_sample`.

    Parameters
    ----------
    input : (N, C, H, W) Tensor or array
    grid : (N, H', W', 2) Tensor or array
        Where each pixel of the output is read: (x, y), -1 and 1 at the edges of the image.
    mode : 'bilinear' or 'nearest'
    padding_mode : 'zeros' or 'border'
        What lies outside: zeros, or the border's pixels repeated.
    align_corners : bool
        Whether -1 and 1 are the centres of the outermost pixels, or their outer edges. The same as
        for the grid's generator.

    Returns
    -------
    (N, C, H', W') Tensor. A place that is NaN reads NaN.

    Raises
    ------
    ShapeError, DtypeError, OptionError
    """
    image, grid = as_image("grid_sample", input), as_float("grid_sample", grid, "grid")
    check_choice("grid_sample", "mode", mode, ("bilinear", "nearest"))
    check_choice("grid_sample", "padding_mode", padding_mode, ("zeros", "border"))
    if grid.ndim != 4 or grid.shape[3] != 2 or 0 in grid.shape[1:]:
        raise ShapeError(
            f"grid_sample: the grid has shape {grid.shape}; it must be (N, H', W', 2), the place "
            "(x, y) for each pixel of the output. affine_grid makes one."
        )
    if len(grid) != len(image):
        raise ShapeError(
            f"grid_sample: {len(image)} images (input {image.shape}) and {len(grid)} grids (grid "
            f"{grid.shape}); there must be one grid for each image. np.repeat(grid, n, axis=0) "
            "gives one grid to n images."
        )
    return GridSample.apply(
        image, grid, mode=mode, padding_mode=padding_mode, align_corners=bool(align_corners)
    )


def to_pixels(grid: np.ndarray, size: Sequence[int], align_corners: bool = False) -> np.ndarray:
    """Grid points (..., 2) as (column u, row v) in an image of `size` (H, W); for drawing."""
    sides = np.array([size[1], size[0]])
    return (grid + 1) * ((sides - 1) / 2) if align_corners else ((grid + 1) * sides - 1) / 2
