"""Convolution against plain loops, against its twins, and against itself as a linear map."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import JIT, convolution, layouts, simd
from minigrad.kernels.convolution import (
    conv2d_forward,
    conv2d_input_grad,
    conv2d_weight_grad,
)

KERNELS = (convolution.forward, convolution.input_grad, convolution.weight_grad)


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def problems(draw):
    """x, w, b and the settings of a convolution that has at least one place in its image."""
    kernel, stride = draw(pairs(1, 3)), draw(pairs(1, 3))
    padding, dilation = draw(pairs(0, 3)), draw(pairs(1, 3))
    size = tuple(
        max(1, d * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 5))
        for k, p, d in zip(kernel, padding, dilation)
    )
    groups, inputs, outputs = (
        draw(st.integers(1, 3)),
        draw(st.integers(1, 3)),
        draw(st.integers(1, 3)),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    x = rng.standard_normal((draw(st.integers(0, 4)), groups * inputs, *size)).astype(dtype)
    w = rng.standard_normal((groups * outputs, inputs, *kernel)).astype(dtype)
    b = rng.standard_normal(groups * outputs).astype(dtype)
    return x, w, b, (stride, padding, dilation, groups)


def convolve_by_loops(x, w, b, stride, padding, dilation, groups):
    (top, left), (sh, sw), (dh, dw), (kh, kw) = padding, stride, dilation, w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (top, top), (left, left))).astype(np.float64)
    high, wide = dh * (kh - 1) + 1, dw * (kw - 1) + 1
    rows = range(0, padded.shape[2] - high + 1, sh)
    cols = range(0, padded.shape[3] - wide + 1, sw)
    y = np.empty((len(x), len(w), len(rows), len(cols)))
    for n, o, p, q in np.ndindex(y.shape):
        group = o // (len(w) // groups) * w.shape[1]
        window = padded[
            n,
            group : group + w.shape[1],
            rows[p] : rows[p] + high : dh,
            cols[q] : cols[q] + wide : dw,
        ]
        y[n, o, p, q] = np.sum(window * w[o]) + b[o]
    return y


def tolerance(array):
    return 200 * np.finfo(array.dtype).eps


@given(problems())
@settings(max_examples=60, deadline=None)
def test_forward_is_the_plain_loops(problem):
    x, w, b, how = problem
    y = conv2d_forward(x, w, b, *how)
    assert y.dtype == x.dtype
    np.testing.assert_allclose(y, convolve_by_loops(x, w, b, *how), atol=tolerance(x), rtol=0)


@given(problems(), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_gradients_are_the_adjoints(problem, seed):
    """<conv(x, w), dy> = <x, dx> = <w, dw> for any x, w, dy: the product is linear in each."""
    x, w, _, how = (a.astype(np.float64) if isinstance(a, np.ndarray) else a for a in problem)
    y = conv2d_forward(x, w, None, *how)
    dy = np.random.default_rng(seed).standard_normal(y.shape)
    dx = conv2d_input_grad(dy, w, x.shape, *how)
    dw, db = conv2d_weight_grad(dy, x, w.shape, *how)
    assert (dx.shape, dw.shape) == (x.shape, w.shape)
    np.testing.assert_allclose(db, dy.sum(axis=(0, 2, 3)), atol=1e-10)
    np.testing.assert_allclose(np.vdot(x, dx), np.vdot(y, dy), atol=1e-10)
    np.testing.assert_allclose(np.vdot(w, dw), np.vdot(y, dy), atol=1e-10)


def on_twins():
    """Every kernel replaced by its twin, for the time of a `with`."""
    patch = pytest.MonkeyPatch.context()
    with patch as p:
        for kernel in KERNELS:
            p.setattr(
                convolution, kernel.twin.__name__.strip("_").removesuffix("_numpy"), kernel.twin
            )
        yield


def all_three(x, w, b, how):
    y = conv2d_forward(x, w, b, *how)
    dy = np.random.default_rng(len(x)).standard_normal(y.shape).astype(y.dtype)
    return y, conv2d_input_grad(dy, w, x.shape, *how), *conv2d_weight_grad(dy, x, w.shape, *how)


def close(got, expected, summed):
    """Equal up to rounding: float32 sums of that many products of numbers of order 1."""
    for one, other in zip(got, expected, strict=True):
        bound = (
            4 * np.finfo(other.dtype).eps * np.sqrt(summed) * max(1, np.abs(other).max(initial=0))
        )
        np.testing.assert_allclose(one, other, atol=bound, rtol=0)


@given(problems())
@settings(max_examples=60, deadline=None)
def test_kernels_are_their_twins(problem):
    x, w, b, how = problem
    got = all_three(x, w, b, how)
    with contextlib.contextmanager(on_twins)():
        close(got, all_three(x, w, b, how), 500)


SIZES = [  # what the layout depends on: images, channels, side, filters, kernel, stride, padding, dilation
    (1, 3, 40, 5, 3, 1, 1, 1),
    (1, 2, 9, 70, 3, 2, 0, 1),
    (2 * simd.LANES + 3, 5, 11, 6, 3, 1, 0, 1),
    (70, 2, 10, 9, 7, 1, 0, 1),
    (17, 3, 36, 8, 8, 4, 0, 1),
    (5, 1, 70, 3, 5, 1, 2, 1),
    (3, 2, 50, 4, 3, 1, 4, 4),
    (6, 16, 12, 16, 1, 1, 0, 1),
    (4, 3, 13, 7, 2, 3, 1, 2),
    (33, 2, 40, 5, 2, 3, 0, 1),  # the last column is beyond every window
    (18, 2, 39, 3, 3, 2, 1, 1),
]


@pytest.mark.parametrize("joined", [True, False])
@pytest.mark.parametrize("lanes", [None, 1, 4, 8, 16])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_real_sizes_in_any_layout_are_the_twins(
    size, dtype, lanes, joined, monkeypatch, thread_count
):
    images, channels, side, filters, kernel, *how = size
    how = (*((h, h) for h in how), 1)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((images, channels, side, side)).astype(dtype)
    w = rng.standard_normal((filters, channels, kernel, kernel)).astype(dtype)
    b = rng.standard_normal(filters).astype(dtype)
    with contextlib.contextmanager(on_twins)():
        expected = all_three(x, w, b, how)
    if lanes is not None:
        monkeypatch.setattr(
            layouts,
            "cycles",
            lambda layout, *_: 2 * abs(layout.lanes - lanes) + (layout.joined != joined),
        )
    thread_count(1)
    layouts.plan.cache_clear()
    close(all_three(x, w, b, how), expected, images * side**2)
    thread_count(3)
    layouts.plan.cache_clear()
    close(all_three(x, w, b, how), expected, images * side**2)
    layouts.plan.cache_clear()


def test_a_nan_stays_with_the_outputs_that_see_it():
    """The runs go over the ends of rows; what they read there must not get into an output."""
    x, w = np.ones((2, 1, 9, 9), np.float32), np.ones((1, 1, 3, 3), np.float32)
    x[0, 0, 4, 8] = np.nan
    y = conv2d_forward(x, w, None, (1, 1), (0, 0), (1, 1), 1)
    seen = np.zeros(y.shape, bool)
    seen[0, 0, 2:5, 6] = True
    np.testing.assert_array_equal(np.isnan(y), seen)


@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("where", ["x", "w", "dy"])
@pytest.mark.parametrize(
    ("x_shape", "w_shape"), [((2, 3, 9, 9), (4, 3, 3, 3)), ((17, 8, 20, 20), (4, 4, 3, 2))]
)
def test_inf_and_nan_reach_what_saw_them_and_nothing_else(value, where, x_shape, w_shape):
    how = (1, 1), (0, 0), (1, 1), x_shape[1] // w_shape[1]
    rng = np.random.default_rng(0)
    x = rng.standard_normal(x_shape).astype(np.float32)
    w = rng.standard_normal(w_shape).astype(np.float32)
    dy = np.ones_like(conv2d_forward(x, w, None, *how))
    {"x": x, "w": w, "dy": dy}[where][0, 1, 0, -1] = value

    def results():
        return (
            conv2d_forward(x, w, None, *how),
            conv2d_input_grad(dy, w, x.shape, *how),
            *conv2d_weight_grad(dy, x, w.shape, *how),
        )

    with np.errstate(all="ignore"):  # where the twins serve, they say what they meet
        got = results()
    assert not np.isfinite(np.concatenate([result.ravel() for result in got])).all()
    with contextlib.contextmanager(on_twins)(), np.errstate(all="ignore"):
        for one, other in zip(got, results(), strict=True):
            np.testing.assert_array_equal(np.isfinite(one), np.isfinite(other))


def test_an_input_gradient_for_an_image_larger_than_was_seen():
    """A transposed convolution with output padding: the last rows are beyond every window."""
    rng = np.random.default_rng(0)
    dy, w = rng.standard_normal((2, 3, 4, 4)), rng.standard_normal((3, 2, 2, 2))
    how = ((3, 3), (0, 0), (1, 1), 1)
    seen = conv2d_input_grad(dy, w, (2, 2, 11, 11), *how)
    larger = conv2d_input_grad(dy, w, (2, 2, 13, 12), *how)
    np.testing.assert_array_equal(larger[:, :, :11, :11], seen)
    assert not larger[:, :, 11:].any()
    assert not larger[:, :, :, 11:].any()


def test_an_empty_batch_has_a_zero_weight_gradient():
    how = ((1, 1), (0, 0), (1, 1), 1)
    dw, db = conv2d_weight_grad(np.empty((0, 3, 2, 2)), np.empty((0, 2, 4, 4)), (3, 2, 3, 3), *how)
    np.testing.assert_array_equal(dw, np.zeros((3, 2, 3, 3)))
    np.testing.assert_array_equal(db, np.zeros(3))


def awkward(array, how):
    if how == "read-only":
        array = array.copy()
        array.flags.writeable = False
    elif how == "transposed":
        array = np.ascontiguousarray(array.T).T
    elif how == "strided":
        array = np.repeat(array, 2, axis=-1)[..., ::2]
    elif how == "unaligned":
        raw = np.zeros(array.nbytes + 1, np.uint8)[1:]
        raw[:] = np.frombuffer(array.tobytes(), np.uint8)
        array = raw.view(array.dtype).reshape(array.shape)
    elif how == "byte-swapped":
        array = array.astype(array.dtype.newbyteorder())
    return array


@pytest.mark.parametrize("how", ["read-only", "transposed", "strided", "unaligned", "byte-swapped"])
def test_awkward_arrays_are_taken_without_another_compilation(how):
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((2, 3, 6, 5)), rng.standard_normal((4, 3, 3, 2))
    settings_ = ((1, 1), (1, 1), (1, 1), 1)

    def with_awkward_dy(x, w):
        y = conv2d_forward(x, w, None, *settings_)
        dy = awkward(y, how)
        return (
            y,
            conv2d_input_grad(dy, w, x.shape, *settings_),
            *conv2d_weight_grad(dy, x, w.shape, *settings_),
        )

    expected = with_awkward_dy(x, w)
    compiled = [len(kernel.signatures) for kernel in KERNELS] if JIT else None
    for got, wanted in zip(with_awkward_dy(awkward(x, how), awkward(w, how)), expected):
        np.testing.assert_array_equal(got, wanted)
    if JIT:
        assert [len(kernel.signatures) for kernel in KERNELS] == compiled


@pytest.mark.parametrize(
    ("x_dtype", "w_dtype", "result"),
    [
        (np.float32, np.float32, np.float32),
        (np.float16, np.float32, np.float32),
        (np.uint8, np.float32, np.float32),
        (np.float32, np.float64, np.float64),
        (np.int64, np.float64, np.float64),
    ],
)
def test_dtypes_meet_in_one_float(x_dtype, w_dtype, result):
    x = np.arange(32).reshape(2, 1, 4, 4).astype(x_dtype)
    w = np.arange(4).reshape(1, 1, 2, 2).astype(w_dtype)
    how = ((1, 1), (0, 0), (1, 1), 1)
    y = conv2d_forward(x, w, None, *how)
    assert y.dtype == result
    np.testing.assert_array_equal(y, convolve_by_loops(x, w, [0], *how))
