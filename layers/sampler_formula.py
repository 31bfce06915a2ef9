"""The sampler as the paper writes it: a sum over all pixels, for any kernel k.

    V_i = Σ_n Σ_m U[n,m] k(u_i - m) k(v_i - n)                                          (equation 3)
    dV_i/dU[n,m] = k(u_i - m) k(v_i - n)
    dV_i/du_i    = Σ_n Σ_m U[n,m] k'(u_i - m) k(v_i - n)          and dV_i/dv_i alike

Slow, and plain enough to be compared with the page: it is what the fast sampler (grid_sample.py),
which visits four pixels in place of all, is held to. Places are in pixels (`grid_sample.to_pixels`):
u counts columns, v rows.

The slope k' of the bilinear kernel stands here twice. `bilinear_slope` is the right-hand slope;
`bilinear_slope_of_the_paper` has the cases as printed. They differ where u is a whole number, and
there alone; what is wrong with the latter is said in grid_sample.py.

Source: M. Jaderberg et al., Spatial Transformer Networks, 2015, equations 3 to 7.
"""

from collections.abc import Callable

import numpy as np

Kernel = Callable[[np.ndarray], np.ndarray]


def bilinear_kernel(d: np.ndarray) -> np.ndarray:
    """k(d) = max(0, 1 - |d|): 1 on the pixel, falling to 0 at its neighbours (equation 5)."""
    return np.maximum(0, 1 - np.abs(d))


def nearest_kernel(d: np.ndarray) -> np.ndarray:
    """k(d) = 1 where floor(d + 1/2) = 0, the Kronecker delta of equation 4."""
    return (np.floor(d + 0.5) == 0).astype(float)


def bilinear_slope(d: np.ndarray) -> np.ndarray:
    """The slope of `bilinear_kernel` to the right of d = u - m.

    -1 where m = floor(u), that is 0 <= d < 1; +1 where m = floor(u) + 1, -1 <= d < 0; else 0.
    """
    return np.where((d >= 0) & (d < 1), -1.0, np.where((d >= -1) & (d < 0), 1.0, 0.0))


def bilinear_slope_of_the_paper(d: np.ndarray) -> np.ndarray:
    """The cases of equation 7: 0 where |m - u| >= 1, +1 where m >= u, -1 where m < u (d = u - m)."""
    return np.where(np.abs(d) >= 1, 0.0, np.where(d <= 0, 1.0, -1.0))


def sample(image: np.ndarray, u: np.ndarray, v: np.ndarray, kernel: Kernel) -> np.ndarray:
    """V: `image` (N, C, H, W) read at columns `u` and rows `v` (N, H', W'); (N, C, H', W')."""
    by_column, by_row = _distances(image, u, v)
    return np.einsum("ncab,nijb,nija->ncij", image, kernel(by_column), kernel(by_row))


def sample_backward(
    dsample: np.ndarray,
    image: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    kernel: Kernel,
    slope: Kernel,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From the upstream gradient (N, C, H', W'): dimage, du, dv, with `slope` for k'."""
    by_column, by_row = _distances(image, u, v)
    k_u, k_v = kernel(by_column), kernel(by_row)
    dimage = np.einsum("ncij,nijb,nija->ncab", dsample, k_u, k_v)
    du = np.einsum("ncij,ncab,nijb,nija->nij", dsample, image, slope(by_column), k_v)
    dv = np.einsum("ncij,ncab,nijb,nija->nij", dsample, image, k_u, slope(by_row))
    return dimage, du, dv


def _distances(image: np.ndarray, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """u - m (N, H', W', W) for all columns m, and v - n (N, H', W', H) for all rows n."""
    height, width = image.shape[2:]
    return u[..., None] - np.arange(width), v[..., None] - np.arange(height)
