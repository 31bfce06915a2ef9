"""The spatial transformer as a whole: identity at the start, gradients all the way, and learning."""

import numpy as np
import pytest

import layers.functional as F
import minigrad
from layers import (
    Conv2d,
    Flatten,
    Linear,
    ParallelSpatialTransformers,
    ReLU,
    Sequential,
    SpatialTransformer,
)
from layers.errors import OptionError
from layers.spatial_transformer import identity_
from layers.transforms import TRANSFORMS
from minigrad.errors import DtypeError, ShapeError
from tests.helpers import check_gradient
from tests.strategies import draw_array

NAMES = pytest.mark.parametrize("name", list(TRANSFORMS))


def make(name="affine", channels=1, side=5, features=4, **options):
    """A transformer with a small localisation net, float64, whose regression is no longer zero."""
    rng = np.random.default_rng(0)
    localisation = Sequential(Flatten(), Linear(channels * side**2, features, rng=rng))
    transformer = SpatialTransformer(localisation, features, name, **options).double()
    weight = transformer.regression.weight
    weight.data = rng.uniform(-0.1, 0.1, weight.shape)
    return transformer


@NAMES
@pytest.mark.parametrize("align", [True, False])
def test_it_starts_as_the_identity(name, align):
    u = draw_array(0, (3, 2, 6, 7)).astype(np.float32)
    localisation = Sequential(Flatten(), Linear(84, 5), ReLU())
    transformer = SpatialTransformer(localisation, 5, name, align_corners=align)
    np.testing.assert_allclose(transformer(u).data, u, atol=2e-5)
    assert transformer(u).dtype == np.float32
    np.testing.assert_array_equal(
        transformer.theta, np.tile(np.float32(transformer.transform.identity), (3, 1))
    )


def test_transforms_know_their_parameters():
    assert {name: t.parameters for name, t in TRANSFORMS.items()} == {
        "attention": 3,
        "affine": 6,
        "projective": 8,
        "tps": 32,
    }


@NAMES
def test_gradients_reach_the_input_and_every_parameter(name):
    """Held to differences: through the sampler and around it, through the localisation net."""
    transformer = make(name, size=(3, 4))
    parameters = dict(transformer.named_parameters())
    assert list(parameters) == [
        "localisation.1.weight",
        "localisation.1.bias",
        "regression.weight",
        "regression.bias",
    ]
    u = draw_array(1, (2, 1, 5, 5))

    def call(u, *values):
        # Tensors in the place of parameters, so that differences can be taken of each.
        features = F.linear(u.reshape(2, -1), values[0], values[1])
        theta = F.linear(features, values[2], values[3])
        size = (2, 1, 3, 4)
        grid = transformer.transform.grid(theta, size, False)
        return F.grid_sample(u, grid)

    values = [p.data.copy() for p in parameters.values()]
    x = minigrad.tensor(u, requires_grad=True, dtype=np.float64)
    v = transformer(x)
    upstream = draw_array(2, v.shape)
    v.backward(upstream)
    twins = [minigrad.tensor(a, requires_grad=True, dtype=np.float64) for a in (u, *values)]
    gradients = minigrad.grad(call(*twins), twins, upstream)
    for mine, other in zip((x, *parameters.values()), gradients, strict=True):
        np.testing.assert_allclose(mine.grad, other, rtol=1e-10, atol=1e-12)
        assert np.any(mine.grad != 0)
    check_gradient(call, u, *values, second=False, kinks=True, rtol=1e-4)


def test_the_last_call_can_be_looked_at():
    transformer = make(size=3)
    assert transformer.theta is transformer.grid is transformer.output is None
    u = draw_array(0, (2, 1, 5, 5))
    v = transformer(u)
    assert transformer.theta.shape == (2, 6)
    assert transformer.grid.shape == (2, 3, 3, 2)
    np.testing.assert_array_equal(transformer.output, v.data)
    for kept in (transformer.theta, transformer.grid, transformer.output):
        assert isinstance(kept, np.ndarray)
    theta = transformer.theta.reshape(2, 2, 3)
    np.testing.assert_allclose(F.affine_grid(theta, (2, 1, 3, 3)).data, transformer.grid)
    assert set(transformer.state_dict()) == {name for name, _ in transformer.named_parameters()}


def test_in_the_middle_of_a_net_it_reads_all_feature_maps_at_the_same_places():
    rng = np.random.default_rng(0)
    transformer = make(channels=3, side=5, size=(4, 4))
    net = Sequential(Conv2d(2, 3, 3, padding=1, rng=rng).double(), transformer)
    net.append(Conv2d(3, 1, 3, rng=rng).double())
    u = minigrad.tensor(draw_array(0, (2, 2, 5, 5)), requires_grad=True, dtype=np.float64)
    y = net(u)
    assert y.shape == (2, 1, 2, 2)
    y.backward(draw_array(1, y.shape))
    assert all(np.any(p.grad != 0) for p in net.parameters())
    maps = net[0](u).data
    for c in range(3):
        alone = F.grid_sample(maps[:, c : c + 1], transformer.grid)
        np.testing.assert_allclose(alone.data[:, 0], transformer.output[:, c])


def test_parallel_transformers_each_read_and_move_all_channels():
    first, second = make(channels=2, size=3), make("attention", channels=2, size=3)
    both = ParallelSpatialTransformers([first, second])
    u = minigrad.tensor(draw_array(0, (2, 2, 5, 5)), requires_grad=True, dtype=np.float64)
    y = both(u)
    assert y.shape == (2, 4, 3, 3)
    np.testing.assert_array_equal(y.data, np.concatenate([first(u).data, second(u).data], axis=1))
    upstream = draw_array(1, y.shape)
    y.backward(upstream)
    got, u.grad = u.grad, None
    first(u).backward(upstream[:, :2])
    second(u).backward(upstream[:, 2:])
    np.testing.assert_allclose(got, u.grad, rtol=1e-12)
    assert "transformers.1.regression.bias" in both.state_dict()


def test_identity_sets_any_linear_layer():
    layer = identity_(Linear(3, 8), "projective")
    theta = layer(draw_array(0, (2, 3)).astype(np.float32))
    np.testing.assert_array_equal(theta.data, np.tile([1, 0, 0, 0, 1, 0, 0, 0], (2, 1)))
    with pytest.raises(OptionError, match="no bias"):
        identity_(Linear(3, 8, bias=False), "projective")


def test_making_one_leaves_the_shared_generator_alone():
    minigrad.manual_seed(0)
    localisation = Linear(4, 2)
    want = minigrad.random.default_rng().random()
    minigrad.manual_seed(0)
    SpatialTransformer(Linear(4, 2), 2)
    assert minigrad.random.default_rng().random() == want
    assert localisation.weight.shape == (2, 4)


def blobs(centres, side=16, width=2.5):
    """Round blobs at (x, y) pixels from the middle: (N, 1, side, side)."""
    p = np.arange(side) - (side - 1) / 2
    dx, dy = (p - centres[:, axis, None] for axis in (0, 1))
    return np.exp(-(dx[:, None, None, :] ** 2 + dy[:, None, :, None] ** 2) / (2 * width**2))


def test_descent_recovers_a_known_shift():
    """A bias that learns by plain gradient steps where the blob is: no one tells it but the loss."""
    u, target = blobs(np.array([[3.0, -2.0]])), blobs(np.zeros((1, 2)))
    transformer = SpatialTransformer(Sequential(Flatten(), Linear(256, 1)), 1, "attention").double()
    bias = transformer.regression.bias
    losses = []
    for _ in range(60):
        loss = np.sum((transformer(u) - target) ** 2)
        transformer.zero_grad()
        loss.backward()
        bias.data = bias.data - 0.004 * bias.grad
        losses.append(loss.item())
    # 16 pixels are 2 units wide: a pixel is 1/8.
    np.testing.assert_allclose(bias.data, [1, 3 / 8, -2 / 8], atol=1e-3)
    assert losses[-1] < 0.01 * losses[0]


def test_a_regression_learns_to_find_blobs_it_has_not_seen():
    """Features are the pixels; the shift is linear in them, and only the crop's error teaches it."""
    rng = np.random.default_rng(0)
    target = blobs(np.zeros((1, 2)))
    transformer = SpatialTransformer(Flatten(), 256, "attention").double()
    weight = transformer.regression.weight
    for _ in range(80):
        u = blobs(rng.uniform(-3, 3, (32, 2)))
        loss = np.sum((transformer(u) - target) ** 2) / 32
        transformer.zero_grad()
        loss.backward()
        weight.data = weight.data - 3e-4 * weight.grad
    centres = rng.uniform(-3, 3, (50, 2))
    transformer(blobs(centres))
    errors = np.abs(transformer.theta[:, 1:] * 8 - centres)
    assert errors.mean() < 0.3  # pixels; untrained: 1.5


@pytest.mark.parametrize(
    ("arguments", "options", "error", "says"),
    [
        ((Flatten(), 4, "afine"), {}, OptionError, "transform.*Did you mean 'affine'"),
        ((3, 75), {}, OptionError, "localisation must be a module, not 3"),
        ((Flatten(), 0), {}, OptionError, "features"),
        ((Flatten(), 4), {"size": 0}, OptionError, "size"),
        ((Flatten(), 4), {"mode": "linear"}, OptionError, "Did you mean 'bilinear'"),
        ((Flatten(), 4), {"padding_mode": "reflection"}, OptionError, "padding_mode"),
    ],
)
def test_what_the_module_refuses(arguments, options, error, says):
    with pytest.raises(error, match=f"SpatialTransformer: .*{says}"):
        SpatialTransformer(*arguments, **options)


def test_transformers_side_by_side_are_one_or_more():
    with pytest.raises(OptionError, match="one transformer or more"):
        ParallelSpatialTransformers([])


def test_what_a_call_refuses():
    transformer = SpatialTransformer(Flatten(), 4)
    with pytest.raises(ShapeError, match=r"made \(2, 9\) of an input .*features=4 it must"):
        transformer(np.zeros((2, 1, 3, 3)))
    with pytest.raises(ShapeError, match="SpatialTransformer: .*four axes"):
        transformer(np.zeros((1, 2, 2)))
    with pytest.raises(DtypeError, match="SpatialTransformer: .*uint8"):
        transformer(np.zeros((1, 1, 2, 2), np.uint8))


@NAMES
def test_an_empty_batch_passes_through_and_back(name):
    transformer = make(name, size=3)
    u = minigrad.tensor(np.empty((0, 1, 5, 5)), requires_grad=True, dtype=np.float64)
    v = transformer(u)
    assert v.shape == (0, 1, 3, 3)
    v.sum().backward()
    assert u.grad.shape == u.shape
    assert all(not p.grad.any() for p in transformer.parameters())


def test_nan_passes_through():
    transformer = make(size=3)
    u = draw_array(0, (2, 1, 5, 5))
    u[0, 0, 2, 2] = np.nan
    v = transformer(u).data
    assert np.isnan(v[0]).all()  # its parameters are NaN
    assert np.isfinite(v[1]).all()
