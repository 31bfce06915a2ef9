"""The loops themselves, uncompiled, on arrays that refuse every index outside them.

Compiled, a loop reads and writes beyond its arrays in silence; run as Python, NumPy refuses what is
too large but takes -1 for the last. `Guarded` refuses that as well.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import convolution, correlation, layouts, planes, pooling, sampling
from minigrad.kernels.windows import output_size


class Guarded(np.ndarray):
    def _check(self, index):
        for i, n in zip(index if isinstance(index, tuple) else (index,), self.shape):
            ends = (i.start or 0, i.stop or 0) if isinstance(i, slice) else (i, i + 1)
            if min(ends) < 0 or max(ends) > n:
                raise IndexError(f"{index} is outside an array of shape {self.shape}")

    def __getitem__(self, index):
        self._check(index)
        return super().__getitem__(index)

    def __setitem__(self, index, value):
        self._check(index)
        super().__setitem__(index, value)


def guarded(array):
    return np.array(array, copy=True, order="C").view(Guarded)


@pytest.fixture(autouse=True, scope="module")
def uncompiled():
    """The functions that the loops call, as Python too."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (convolution, correlation, planes, pooling, sampling):
            for name, value in vars(module).copy().items():
                if hasattr(value, "py_func") and not hasattr(value, "twin"):
                    patch.setattr(module, name, value.py_func)
        yield


def hold(kernel, inputs, outputs, *options):
    """Run the loop on guarded arrays and its twin on plain ones; their outputs must agree."""
    ours, theirs = [guarded(a) for a in outputs], [a.copy() for a in outputs]
    kernel.py_func(*(guarded(a) for a in inputs), *ours, *options)
    kernel.twin(*(np.array(a) for a in inputs), *theirs, *options)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(one), other, rtol=1e-10, atol=1e-10)


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def windows(draw):
    """(size of x, size of y, kernel, stride, padding, dilation), padding beyond a kernel included."""
    kernel, stride = draw(pairs(1, 3)), draw(pairs(1, 3))
    padding, dilation = draw(pairs(0, 4)), draw(pairs(1, 3))
    size = tuple(
        max(1, d * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 3))
        for k, p, d in zip(kernel, padding, dilation)
    )
    out = output_size(size, kernel, stride, padding, dilation)
    return size, out, kernel, stride, padding, dilation


@given(windows())
@settings(max_examples=50, deadline=None)
def test_pooling(window):
    size, out, kernel, stride, padding, dilation = window
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((1, 2, *size)), rng.standard_normal((1, 2, *out))
    argmax = np.zeros(y.shape, int)
    hold(pooling.max_pool, [x], [y, argmax], kernel, stride, padding, dilation)
    pooling.max_pool.twin(x, y.copy(), argmax, kernel, stride, padding, dilation)
    hold(pooling.unpool, [y, argmax], [x])
    out = output_size(size, kernel, stride, padding, (1, 1))
    y = rng.standard_normal((1, 2, *out))
    hold(pooling.mean_pool, [x], [y], kernel, stride, padding)
    hold(pooling.spread_mean, [y], [x], kernel, stride, padding)


@given(windows(), st.sampled_from([(1, True), (1, False), (4, False)]))
@settings(max_examples=15, deadline=None)
def test_convolution(window, chosen):
    size, out, kernel, stride, padding, dilation = window
    rng = np.random.default_rng(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layouts, "cycles", lambda layout, *_: layout[-2:] != chosen)
        layouts.plan.cache_clear()
        layout, offsets = layouts.plan((2, *kernel), out, stride, padding, dilation, 4)
    layouts.plan.cache_clear()
    x, dy = rng.standard_normal((5, 3, *size)), rng.standard_normal((5, 4, *out))
    w, bias = rng.standard_normal((3, offsets.size)), rng.standard_normal(3)
    ours, theirs = dy.copy(), dy.copy()
    convolution.forward.py_func(guarded(x), 1, w, offsets, bias, ours, 1, layout, (0, 5))
    convolution.forward.twin(x, 1, w, offsets, bias, theirs, 1, layout, (0, 5))
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)
    ours, theirs = x.copy(), x.copy()
    convolution.input_grad.py_func(guarded(dy), 1, w, offsets, ours, 1, layout, (0, 5))
    convolution.input_grad.twin(dy, 1, w, offsets, theirs, 1, layout, (0, 5))
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)
    ours, theirs = np.zeros((3, offsets.size + 1)), np.zeros((3, offsets.size + 1))
    convolution.weight_grad.py_func(guarded(dy), 1, x, 1, offsets, ours, layout, (0, 5))
    convolution.weight_grad.twin(dy, 1, x, 1, offsets, theirs, layout, (0, 5))
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


COORDINATES = st.lists(
    st.sampled_from([-3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.3, 0.5, 1.0, 1.5, 2.5, 9.0, np.nan]),
    min_size=8,
    max_size=8,
)


@pytest.mark.parametrize("border", [True, False])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 2)])
@given(points=COORDINATES, align_corners=st.booleans())
@settings(max_examples=30, deadline=None)
def test_sampling(size, border, points, align_corners):
    rng = np.random.default_rng(0)
    grid = np.reshape(points, (1, 2, 2, 2))
    x, y = rng.standard_normal((1, 2, *size)), rng.standard_normal((1, 2, 2, 2))
    hold(sampling.bilinear, [x, grid], [y], border, align_corners)
    hold(sampling.bilinear_dx, [y, grid], [x], border, align_corners)
    hold(sampling.bilinear_dgrid, [y, x, grid], [grid], border, align_corners)
    u, v = grid[..., 0], grid[..., 1]
    hold(sampling.nearest, [x, u, v], [y])
    hold(sampling.nearest_dx, [y, u, v], [x])


def test_the_guard_guards():
    array = guarded(np.zeros((2, 3)))
    for outside in (-1, 2, (0, -1), (0, 3), (slice(0, 3),), (0, slice(-1, 2))):
        with pytest.raises(IndexError):
            array[outside]
        with pytest.raises(IndexError):
            array[outside] = 0
