"""The insides of layers tell what the layers do: their numbers are those of the step."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import layers
import minigrad
from layers.functional import (
    affine_grid,
    conv2d,
    conv_transpose2d,
    grid_sample,
    lstm,
    max_pool2d,
)
from layers.grid_sample import to_pixels
from layers.views.lstm import run
from layers.views.sampler import read
from layers.views.windows import window
from minigrad.stepping.page import page


def leaf(*shape, seed=0):
    numbers = np.random.default_rng(seed).standard_normal(shape)
    return minigrad.tensor(numbers, requires_grad=True, dtype=np.float64)


def step_of(make, name):
    with minigrad.recording():
        y = make()
    upstream = np.random.default_rng(9).standard_normal(y.shape)
    return minigrad.step(y, upstream).until(name)


def check_drawing(view):
    """The drawing and each overlay are well-formed, and every button has a frame."""
    for frame in view.frames:
        ElementTree.fromstring(f"<svg>{view.drawing}{frame.overlay}</svg>")
        assert frame.words.isascii()
    buttons = {int(n) for n in re.findall(r"data-frame='(\d+)'", view.drawing)}
    assert buttons == set(range(len(view.frames)))
    assert 0 <= view.start < len(view.frames)
    assert view.frames[0].words in str(view)


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("padding", ["zeros", "border"])
def test_a_reading_is_what_the_sampler_does(padding, aligned):
    image = leaf(1, 3, 5, 6)
    # Also on pixels exactly, on the borders, beside the image and far from it.
    places = np.random.default_rng(2).uniform(-1.6, 1.6, (1, 6, 5, 2))
    places[0, 0] = [[-1, -1], [1, 1], [0.2, -0.2], [0, 0], [-5, 0.3]]
    grid = minigrad.tensor(places, requires_grad=True, dtype=np.float64)
    options = {"padding_mode": padding, "align_corners": aligned}
    step = step_of(lambda: grid_sample(image, grid, **options), "grid_sample")
    upstream, value = step.outputs[0].gradient[0], step.outputs[0].value[0]
    dimage, dgrid = (operand.gradient[0] for operand in step.operands)
    pixels = to_pixels(places[0], (5, 6), aligned)
    sides = np.array([5, 4]) / 2 if aligned else np.array([6, 5]) / 2
    gathered = np.zeros((3, 7, 8))
    for at in np.ndindex(6, 5):
        reading = read(image.data[0], *pixels[at], padding == "border")
        np.testing.assert_allclose(reading.value, value[:, *at], atol=1e-12)
        slopes = [upstream[:, *at] @ slope for slope in reading.slope]
        np.testing.assert_allclose(slopes * sides, dgrid[at], atol=1e-12)
        for n in reading.neighbours:
            if 0 <= n.row < 5 and 0 <= n.column < 6:
                gathered[:, n.row, n.column] += upstream[:, *at] * n.weight
    np.testing.assert_allclose(gathered[:, :5, :6], dimage, atol=1e-12)
    check_drawing(step.view)


def test_the_sampler_tells_its_cases():
    image, theta = leaf(1, 1, 4, 4), leaf(1, 2, 3)
    theta.data[...] = [[[1.0, 0, 0], [0, 1, 0]]]
    step = step_of(lambda: grid_sample(image, affine_grid(theta, (1, 1, 4, 4))), "grid_sample")
    words = step.view.frames[5].words
    assert "output pixel [1, 1] reads at column u = 1, row v = 1" in words
    assert "u is whole, a kink" in words
    assert "every other pixel: weight 0, slope 0" in words
    border = step_of(
        lambda: grid_sample(image, affine_grid(theta * 3.0, (1, 1, 4, 4)), padding_mode="border"),
        "grid_sample",
    )
    assert "its slope is 0" in border.view.frames[0].words
    nearest = step_of(
        lambda: grid_sample(image, affine_grid(theta, (1, 1, 4, 4)), mode="nearest"), "grid_sample"
    )
    assert nearest.view is None


@pytest.mark.parametrize(
    "options",
    [{}, {"stride": 2, "padding": 1}, {"dilation": (2, 1), "padding": (1, 2)}, {"groups": 2}],
)
def test_windows_add_up_to_the_convolution(options):
    x, w, b = leaf(1, 2, 7, 6), leaf(2, 2 // options.get("groups", 1), 3, 2), leaf(2)
    step = step_of(lambda: conv2d(x, w, b, **options), "conv2d")
    y, dy = step.outputs[0].value[0, 0], step.outputs[0].gradient[0, 0]
    dw = np.zeros(w.shape[1:])
    for at in np.ndindex(y.shape):
        seen = window(x.data[0, : w.shape[1]], w.shape[2:], at, step.options)
        np.testing.assert_allclose(np.sum(seen.values * w.data[0]) + b.data[0], y[at])
        dw += dy[at] * seen.values
    np.testing.assert_allclose(step.operands[1].gradient[0], dw)
    check_drawing(step.view)


@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1}, {"dilation": (2, 1)}])
def test_the_largest_of_each_window_gets_what_the_view_says(options):
    x = leaf(2, 2, 7, 6)
    x.data[0, 1, 2:4] = 5.0  # ties
    step = step_of(lambda: max_pool2d(x, (3, 2), **options), "max_pool2d")
    view = step.inside(channel=1)
    check_drawing(view)
    assert any("a tie of" in frame.words for frame in view.frames)
    dx, dy = np.zeros((7, 6)), step.outputs[0].gradient[0, 1]
    for frame, at in zip(view.frames, np.ndindex(dy.shape), strict=True):
        row, column = map(int, re.search(r"dx\[(\d+), (\d+)\] \+= dy", frame.words).groups())
        assert f"y  = the largest = {x.data[0, 1, row, column]:.4g}," in frame.words
        dx[row, column] += dy[at]
    np.testing.assert_allclose(step.operands[0].gradient[0, 1], dx)


@pytest.mark.parametrize(
    "options",
    [{}, {"stride": 2, "padding": 1, "output_padding": 1}, {"dilation": (2, 1)}, {"groups": 2}],
)
def test_stamps_add_up_to_the_transposed_convolution(options):
    x, w = leaf(1, 2, 4, 3), leaf(2, 2, 3, 2)
    step = step_of(lambda: conv_transpose2d(x, w, None, **options), "conv_transpose2d")
    first = 2 * (options.get("groups", 1) - 1)  # output of the group of channel 1
    dy = step.outputs[0].gradient[0, first : first + 2]
    dx, dw = np.zeros((4, 3)), np.zeros(w.shape[1:])
    for at in np.ndindex(4, 3):
        seen = window(dy, w.shape[2:], at, step.options)
        dx[at] = np.sum(seen.values * w.data[1])
        dw += x.data[0, 1][at] * seen.values
    np.testing.assert_allclose(step.operands[0].gradient[0, 1], dx)
    np.testing.assert_allclose(step.operands[1].gradient[1], dw)
    view = step.inside(channel=1)
    check_drawing(view)
    told = [float(f.words.rpartition(" = ")[2]) for f in view.frames]
    np.testing.assert_allclose(told, dx.ravel(), rtol=1e-3)


def test_a_view_says_which_example_channel_and_filter_it_shows():
    x, w = leaf(3, 4, 5, 5), leaf(6, 2, 3, 3)
    step = step_of(lambda: conv2d(x, w, groups=2), "conv2d")
    assert step.view.shown == "example 0 of 3, channel 0 of 2, filter 0 of 6"
    view = step.inside(example=2, channel=1, filter=99)
    assert view.shown == "example 2 of 3, channel 1 of 2, filter 5 of 6"
    assert "input, channel 3" in view.drawing
    seen = np.sum(x.data[2, 2:, :3, :3] * w.data[5])
    assert f"= {seen:.4g}" in view.frames[0].words


def test_what_lies_outside_of_the_image_is_drawn_below_the_caption():
    x = leaf(1, 1, 4, 4)
    for step in (
        step_of(lambda: conv2d(x, leaf(1, 1, 3, 3), padding=2), "conv2d"),
        step_of(lambda: max_pool2d(x, 4, 1, padding=2), "max_pool2d"),
        step_of(lambda: grid_sample(x, leaf(1, 9, 9, 2)), "grid_sample"),
        step_of(lambda: affine_grid(leaf(1, 2, 3), (1, 1, 9, 9)), "affine_grid"),
    ):
        view = step.view
        for frame in view.frames:
            tops = re.findall(r" c?y='(\S+)'", re.sub("<text.*?</text>", "", frame.overlay))
            assert min(map(float, tops), default=40) > 39.9


def test_a_convolution_without_bias_and_with_many_windows():
    step = step_of(lambda: conv2d(leaf(1, 1, 50, 40), leaf(1, 1, 3, 3)), "conv2d")
    assert len(step.view.frames) <= 400
    assert "db" not in step.view.frames[0].words
    check_drawing(step.view)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("state", [True, False])
def test_an_lstm_s_steps_are_those_of_the_kernel(bias, state):
    x, w_ih, w_hh = leaf(5, 1, 3), leaf(8, 3), leaf(8, 2)
    b = (leaf(8), leaf(8, seed=1)) if bias else (None, None)
    hx = (leaf(1, 2), leaf(1, 2, seed=3)) if state else None

    def make():
        y, h, c = lstm(x, hx, w_ih, w_hh, *b)
        return np.concatenate([y[:, 0], h, c * 2.0])

    step = step_of(make, "lstm")
    found = run(step)
    y, _, c = (output.value for output in step.outputs)
    np.testing.assert_allclose(found["h"], y[:, 0])
    np.testing.assert_allclose(found["c"][-1], c[0])
    if bias:
        i, f, g, o = (found[name] for name in "ifgo")
        dc, dh = found["dc"], found["dh"]
        da = np.concatenate(
            [
                dc * g * i * (1 - i),
                dc * found["c before"] * f * (1 - f),
                dc * i * (1 - g**2),
                dh * np.tanh(found["c"]) * o * (1 - o),
            ],
            axis=1,
        )
        gradient = next(p.gradient for p in step.operands if p.name == "parameters[3]")
        np.testing.assert_allclose(gradient, da.sum(axis=0))
    check_drawing(step.view)


@pytest.mark.parametrize("size", [(3, 5), (25, 30)])
def test_targets_add_up_to_the_gradient_of_theta(size):
    theta = leaf(2, 2, 3)
    step = step_of(lambda: affine_grid(theta, (2, 1, *size)), "affine_grid")
    view, grid = step.view, step.outputs[0].value[0]
    check_drawing(view)
    shares = np.zeros((2, 3))
    for frame in view.frames:
        at = tuple(map(int, re.search(r"output pixel \[(\d+), (\d+)\]", frame.words).groups()))
        source = [float(n) for n in re.findall(r"_s = .* = (\S+)$", frame.words, re.MULTILINE)]
        np.testing.assert_allclose(source, grid[at], rtol=1e-3, atol=1e-4)
        rows = re.findall(r"dt\d \+= .* = \[(.*)\]", frame.words)
        shares += [[float(n) for n in row.split()] for row in rows]
    if size == (3, 5):
        assert len(view.frames) == 15
        np.testing.assert_allclose(shares, step.operands[0].gradient[0], rtol=1e-2, atol=1e-2)
    else:
        assert len(view.frames) < 400


def _small_loss(kind):
    x = np.random.default_rng(0).standard_normal((2, 1, 6, 6))
    if kind == "Conv2d":
        return np.mean(layers.Conv2d(1, 2, 3)(minigrad.tensor(x)) ** 2)
    if kind == "LSTMCell":
        h, _ = layers.LSTMCell(6, 3)(minigrad.tensor(x[:, 0, 0]))
        return np.mean(h**2)
    localisation = layers.Sequential(layers.Flatten())
    return np.mean(layers.SpatialTransformer(localisation, 36)(minigrad.tensor(x)) ** 2)


@pytest.mark.parametrize(
    ("kind", "opening"),
    [
        ("Conv2d", {"conv2d"}),
        ("LSTMCell", {"lstm"}),
        ("SpatialTransformer", {"affine_grid", "grid_sample"}),
    ],
)
def test_modules_open_in_the_terminal_and_in_the_page(kind, opening):
    with minigrad.recording():
        loss = _small_loss(kind)
    stepper = minigrad.step(loss)
    views = {step.name: step.view for step in stepper.unfold() if step.view}
    assert set(views) == opening
    text = page(stepper)
    for view in views.values():
        check_drawing(view)
        assert view.title in text


def test_what_was_not_recorded_does_not_open():
    y = conv2d(leaf(1, 1, 4, 4), leaf(1, 1, 3, 3))
    assert minigrad.step(np.sum(y)).until("conv2d").view is None
    assert minigrad.step(np.sum(y)).next().view is None
