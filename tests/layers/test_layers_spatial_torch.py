"""Layers on images and the spatial transformer held to PyTorch's: values, gradients, parameters."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import layers.functional as F
import minigrad
from layers import (
    AvgPool2d,
    Conv2d,
    ConvTranspose2d,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
    SpatialTransformer,
)
from tests.helpers import compare_with_torch
from tests.strategies import draw_array, seeds

torch = pytest.importorskip("torch")
P = torch.nn.functional

PAIRS = {
    name: st.tuples(st.integers(*ends), st.integers(*ends))
    for name, ends in {
        "kernel": (1, 3),
        "stride": (1, 3),
        "padding": (0, 2),
        "dilation": (1, 3),
        "size": (1, 7),
    }.items()
}
GROUPS, CHANNELS = st.integers(1, 3), st.integers(1, 2)


def fits(size, kernel, padding, dilation=(1, 1)):
    return all(d * (k - 1) < n + 2 * p for n, k, p, d in zip(size, kernel, padding, dilation))


@settings(max_examples=25, deadline=None)
@given(seeds, st.fixed_dictionaries(PAIRS), GROUPS, CHANNELS, CHANNELS, st.booleans())
def test_conv2d(seed, w, groups, inputs, outputs, bias):
    assume(fits(w["size"], w["kernel"], w["padding"], w["dilation"]))
    arrays = [
        draw_array(seed, (2, groups * inputs, *w["size"])),
        draw_array(seed + 1, (groups * outputs, inputs, *w["kernel"])),
    ]
    if bias:
        arrays.append(draw_array(seed + 2, (groups * outputs,)))
    options = {k: w[k] for k in ("stride", "padding", "dilation")} | {"groups": groups}
    compare_with_torch(
        lambda *a: F.conv2d(*a, **options), lambda *a: P.conv2d(*a, **options), *arrays
    )


@settings(max_examples=25, deadline=None)
@given(seeds, st.fixed_dictionaries(PAIRS), GROUPS, CHANNELS, CHANNELS, st.integers(0, 2))
def test_conv_transpose2d(seed, w, groups, inputs, outputs, more):
    more = tuple(min(more, max(s, d) - 1) for s, d in zip(w["stride"], w["dilation"]))
    size = [
        (n - 1) * s - 2 * p + d * (k - 1) + 1 + o
        for n, s, p, d, k, o in zip(
            w["size"], w["stride"], w["padding"], w["dilation"], w["kernel"], more
        )
    ]
    assume(min(size) > 0)
    arrays = [
        draw_array(seed, (2, groups * inputs, *w["size"])),
        draw_array(seed + 1, (groups * inputs, outputs, *w["kernel"])),
        draw_array(seed + 2, (groups * outputs,)),
    ]
    options = {k: w[k] for k in ("stride", "padding", "dilation")}
    options |= {"groups": groups, "output_padding": more}
    compare_with_torch(
        lambda *a: F.conv_transpose2d(*a, **options),
        lambda *a: P.conv_transpose2d(*a, **options),
        *arrays,
    )


def every_window_sees_a_pixel(size, kernel, stride, padding, dilation):
    """PyTorch writes past its memory where one does not (ours is -∞ there, and without gradient)."""
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation):
        starts = range(-p, n + p - d * (k - 1), s)
        if not all(any(0 <= start + d * i < n for i in range(k)) for start in starts):
            return False
    return True


@settings(max_examples=25, deadline=None)
@given(seeds, st.fixed_dictionaries(PAIRS), st.booleans())
def test_pools(seed, w, ties):
    kernel, stride, dilation = w["kernel"], w["stride"], w["dilation"]
    x = draw_array(seed, (2, 2, *w["size"]))
    x = np.round(x) if ties else x
    padding = tuple(min(p, k // 2) for p, k in zip(w["padding"], kernel))
    assume(fits(w["size"], kernel, padding))
    compare_with_torch(
        lambda x: F.avg_pool2d(x, kernel, stride, padding),
        lambda x: P.avg_pool2d(x, kernel, stride, padding),
        x,
    )
    assume(fits(w["size"], kernel, padding, dilation))
    assume(every_window_sees_a_pixel(w["size"], kernel, stride, padding, dilation))
    compare_with_torch(
        lambda x: F.max_pool2d(x, kernel, stride, padding, dilation),
        lambda x: P.max_pool2d(x, kernel, stride, padding, dilation),
        x,
    )


@pytest.mark.filterwarnings("ignore:Since version 1.3.0, affine_grid behavior:UserWarning")
@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.booleans())
def test_affine_grid(seed, n, height, width, align):
    compare_with_torch(
        lambda t: F.affine_grid(t, (n, 1, height, width), align),
        lambda t: P.affine_grid(t, (n, 1, height, width), align_corners=align),
        draw_array(seed, (n, 2, 3)),
    )


@settings(max_examples=60, deadline=None)
@given(
    seeds,
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from(["bilinear", "nearest"]),
    st.sampled_from(["zeros", "border"]),
    st.booleans(),
)
def test_grid_sample_anywhere(seed, height, width, mode, padding_mode, align):
    compare_with_torch(
        lambda i, g: F.grid_sample(i, g, mode, padding_mode, align),
        lambda i, g: P.grid_sample(i, g, mode, padding_mode, align),
        draw_array(seed, (2, 2, height, width)),
        draw_array(seed + 1, (2, 3, 4, 2), -2, 2),
    )


@pytest.mark.parametrize("align", [True, False])
@pytest.mark.parametrize("padding_mode", ["zeros", "border"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_grid_sample_at_every_kink(mode, padding_mode, align):
    """On pixels, half-way, on the border and one pixel outside, where both read the same place.

    With 5 (aligned) or 4 pixels a side, places at quarters are exact in binary.
    """
    side = 5 if align else 4
    u = np.arange(-2, side + 1.25, 0.25)
    x = u / 2 - 1 if align else (2 * u + 1) / 4 - 1
    grid = np.stack(np.meshgrid(x, x), axis=-1)[None]
    compare_with_torch(
        lambda i, g: F.grid_sample(i, g, mode, padding_mode, align),
        lambda i, g: P.grid_sample(i, g, mode, padding_mode, align),
        draw_array(0, (1, 2, side, side)),
        grid,
    )


@pytest.mark.parametrize("align", [True, False])
def test_an_identity_transformer_sends_pytorchs_gradient_to_theta(align):
    """Nearly all samples on kinks: which subgradient is taken decides how a training starts."""
    theta, size = np.eye(2, 3)[None], (1, 1, 5, 5)
    compare_with_torch(
        lambda t, i: F.grid_sample(i, F.affine_grid(t, size, align), align_corners=align),
        lambda t, i: P.grid_sample(
            i, P.affine_grid(t, size, align_corners=align), align_corners=align
        ),
        theta,
        draw_array(0, size),
    )


def test_default_parameters_have_pytorchs_shapes_and_bounds():
    for ours, theirs in (
        (Conv2d(6, 40, (3, 2), groups=2), torch.nn.Conv2d(6, 40, (3, 2), groups=2)),
        (ConvTranspose2d(40, 6, 3, groups=2), torch.nn.ConvTranspose2d(40, 6, 3, groups=2)),
        (Conv2d(2, 3, 1, bias=False), torch.nn.Conv2d(2, 3, 1, bias=False)),
    ):
        mine = {name: p.data for name, p in ours.named_parameters()}
        other = {name: p.detach().numpy() for name, p in theirs.named_parameters()}
        assert list(mine) == list(other)
        for name, p in mine.items():
            assert p.shape == other[name].shape
            if p.size > 300:
                np.testing.assert_allclose(
                    np.abs(p).max(), np.abs(other[name]).max(), rtol=0.05, err_msg=name
                )


def test_a_net_takes_pytorchs_state_and_gives_its_answers():
    ours = Sequential(
        Conv2d(2, 4, 3, stride=2, padding=1, groups=2),
        ReLU(),
        MaxPool2d(2, 1, 1),
        ConvTranspose2d(4, 3, 3, 2, 1, 1),
        AvgPool2d(2),
    )
    nn = torch.nn
    theirs = nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2),
        nn.ReLU(),
        nn.MaxPool2d(2, 1, 1),
        nn.ConvTranspose2d(4, 3, 3, 2, 1, 1),
        nn.AvgPool2d(2),
    )
    ours.load_state_dict(theirs.state_dict())
    x = draw_array(0, (2, 2, 8, 9)).astype(np.float32)
    np.testing.assert_allclose(
        ours(x).data, theirs(torch.tensor(x)).detach().numpy(), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("align", [True, False])
def test_a_spatial_transformer_is_pytorchs_composition(align):
    """The same net, written in PyTorch with the same names: state, output and every gradient."""
    nn = torch.nn

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.localisation = nn.Sequential(
                nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(18, 5)
            )
            self.regression = nn.Linear(5, 6)
            with torch.no_grad():
                self.regression.weight.mul_(0.2)
                self.regression.bias.copy_(torch.tensor([0.9, 0.1, 0.1, -0.2, 1.1, -0.1]))

        def forward(self, u):
            theta = self.regression(self.localisation(u)).view(-1, 2, 3)
            grid = P.affine_grid(theta, (len(u), 1, 6, 5), align_corners=align)
            return P.grid_sample(u, grid, align_corners=align)

    torch.manual_seed(0)
    theirs = Transformer().double()
    localisation = Sequential(Conv2d(1, 2, 3), MaxPool2d(2), ReLU(), Flatten(), Linear(18, 5))
    ours = SpatialTransformer(localisation, 5, size=(6, 5), align_corners=align).double()
    ours.load_state_dict(theirs.state_dict())
    u = draw_array(0, (3, 1, 9, 8))
    x, y = minigrad.tensor(u, True, np.float64), torch.tensor(u, requires_grad=True)
    v, w = ours(x), theirs(y)
    np.testing.assert_allclose(v.data, w.detach().numpy(), rtol=1e-9, atol=1e-12)
    upstream = draw_array(1, v.shape)
    v.backward(upstream)
    w.backward(torch.tensor(upstream))
    np.testing.assert_allclose(x.grad, y.grad.numpy(), rtol=1e-7, atol=1e-10)
    others = dict(theirs.named_parameters())
    for name, p in ours.named_parameters():
        np.testing.assert_allclose(
            p.grad, others[name].grad.numpy(), rtol=1e-7, atol=1e-10, err_msg=name
        )
    theirs.load_state_dict({k: torch.tensor(a) for k, a in ours.state_dict().items()})
