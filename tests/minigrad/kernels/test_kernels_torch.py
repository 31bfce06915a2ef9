"""The kernels beside PyTorch's own, values and gradients."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import convolution, pooling, sampling

torch = pytest.importorskip("torch")
from torch.nn import functional  # noqa: E402


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


def as_torch(*arrays):
    return [torch.from_numpy(array.copy()).requires_grad_() for array in arrays]


def hold(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        tolerance = 300 * np.finfo(one.dtype).eps
        np.testing.assert_allclose(one, other.detach().numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(pairs(1, 3), pairs(1, 3), pairs(0, 3), pairs(1, 3), st.integers(1, 3), st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_convolution(dtype, kernel, stride, padding, dilation, groups, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, 2 * groups, 8, 7)).astype(dtype)
    w = rng.standard_normal((groups, 2, *kernel)).astype(dtype)
    b = rng.standard_normal(groups).astype(dtype)
    how = stride, padding, dilation, groups
    y = convolution.conv2d_forward(x, w, b, *how)
    dy = rng.standard_normal(y.shape).astype(dtype)
    tx, tw, tb = as_torch(x, w, b)
    ty = functional.conv2d(tx, tw, tb, *how)
    ours = (
        y,
        convolution.conv2d_input_grad(dy, w, x.shape, *how),
        *convolution.conv2d_weight_grad(dy, x, w.shape, *how),
    )
    hold(ours, (ty, *torch.autograd.grad(ty, (tx, tw, tb), torch.from_numpy(dy))))


@given(pairs(1, 3), pairs(1, 3), st.data())
@settings(max_examples=40, deadline=None)
def test_pooling(kernel, stride, data):
    padding = tuple(data.draw(st.integers(0, k // 2)) for k in kernel)
    dilation = data.draw(pairs(1, 2))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    x = rng.integers(0, 3, (2, 3, 8, 7)).astype(float)  # ties in plenty
    x[rng.random(x.shape) < data.draw(st.sampled_from([0, 0.1]))] = np.nan
    (tx,) = as_torch(x)

    y, argmax = pooling.max_pool2d_forward(x, kernel, stride, padding, dilation)
    ty, places = functional.max_pool2d(tx, kernel, stride, padding, dilation, return_indices=True)
    dy = rng.standard_normal(y.shape)
    np.testing.assert_array_equal(argmax, places.numpy())
    ours = y, pooling.max_pool2d_backward(dy, argmax, x.shape)
    hold(ours, (ty, *torch.autograd.grad(ty, tx, torch.from_numpy(dy))))

    y = pooling.avg_pool2d_forward(x, kernel, stride, padding)
    ty = functional.avg_pool2d(tx, kernel, stride, padding)
    dy = rng.standard_normal(y.shape)
    ours = y, pooling.avg_pool2d_backward(dy, x.shape, kernel, stride, padding)
    hold(ours, (ty, *torch.autograd.grad(ty, tx, torch.from_numpy(dy))))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("mode", "padding_mode", "align_corners"),
    list(itertools.product(["bilinear", "nearest"], ["zeros", "border"], [True, False])),
)
def test_sampling(mode, padding_mode, align_corners, dtype):
    """Coordinates in general position, on pixels, half-way, on and beyond the border, infinite."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 2, 5, 9)).astype(dtype)
    grid = rng.uniform(-1.8, 1.8, (3, 6, 10, 2))
    grid[0] = np.stack(np.meshgrid(np.arange(-1, 9) / 4 - 1, np.arange(-1, 5) / 2 - 1), -1)
    grid[1] = np.stack(np.meshgrid(np.arange(10) / 8 - 1, np.arange(6) / 4 - 1), -1)
    if padding_mode == "border":  # PyTorch gives NaN for infinity under zeros; here it is outside
        grid[2, 0, 0], grid[2, 0, 1] = (np.inf, 0), (0.3, -np.inf)
    grid[2, 0, 2:4] = (1e30, 0.2), (0.2, -1e30)
    grid = grid.astype(dtype)
    dy = rng.standard_normal((3, 2, 6, 10)).astype(dtype)
    how = mode, padding_mode, align_corners
    tx, tgrid = as_torch(x, grid)
    ty = functional.grid_sample(tx, tgrid, mode, padding_mode, align_corners)
    ours = (
        sampling.grid_sample_forward(x, grid, *how),
        *sampling.grid_sample_backward(dy, x, grid, *how),
    )
    hold(ours, (ty, *torch.autograd.grad(ty, (tx, tgrid), torch.from_numpy(dy))))


def test_a_nan_coordinate_gives_nan_as_in_pytorch():
    x, grid = np.ones((1, 1, 3, 3)), np.array([[[[np.nan, 0.0], [0.0, np.nan]]]])
    how = "bilinear", "zeros", True
    theirs = functional.grid_sample(*as_torch(x, grid), *how)
    assert torch.isnan(theirs).all()
    assert np.isnan(sampling.grid_sample_forward(x, grid, *how)).all()
