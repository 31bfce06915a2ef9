"""The task invariance: how digits are moved, what counts as staying put, and its run."""

import json
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.figure import Figure

from layers import Flatten, Linear, MaxPool2d, Module, Sequential
from minigrad import tensor
from tasks.config import make_config
from tasks.data import DataError
from tasks.execute import resume, start
from tasks.registry import find_task
from tasks.run import Interrupted, Run
from tasks.run_folder import RunFolder
from tasks.spatial_transformer import invariance, invariance_figures
from tasks.spatial_transformer.invariance import (
    MOVEMENTS,
    NO_POOL,
    Subsample,
    distance,
    distances,
    features,
    make_net,
    measure,
    moved,
    reach,
)

TASK = find_task("invariance")
TRANSLATION, ROTATION, SCALE = MOVEMENTS
TINY = {
    "steps": "6",
    "evaluate_every": "2",
    "batch": "4",
    "filters": "2",
    "test_size": "20",
    "threads": "1",
    "checkpoint_seconds": "0",
}


def blobs(n, seed=0):
    """Images of random grey in the middle, so that nothing leaves the canvas when they move."""
    images = np.zeros((n, 28, 28), np.uint8)
    images[:, 6:22, 6:22] = np.random.default_rng(seed).integers(1, 256, (n, 16, 16))
    return images


@pytest.mark.parametrize("movement", MOVEMENTS, ids=lambda movement: movement.name)
def test_at_rest_a_digit_is_in_the_middle_as_it_is(movement):
    images = blobs(5)
    rest = moved(images, movement, movement.amounts[0])
    assert rest.shape == (5, 1, 42, 42)
    np.testing.assert_allclose(rest[:, 0, 7:-7, 7:-7], images / 255, atol=1e-5)
    assert rest.sum() == pytest.approx(images.sum() / 255, rel=1e-5)
    assert list(movement.amounts) == sorted(set(movement.amounts))
    assert movement.learned in movement.amounts


def test_translation_goes_right_down_left_and_up():
    images = blobs(8)
    rest, far = (moved(images, TRANSLATION, amount)[:, 0] for amount in (0, 5))
    for n, (dx, dy) in enumerate([(5, 0), (0, 5), (-5, 0), (0, -5)] * 2):
        np.testing.assert_allclose(far[n], np.roll(rest[n], (dy, dx), (0, 1)), atol=1e-4)


def test_rotation_goes_to_the_left_and_to_the_right():
    images = blobs(4)
    rest, far = (moved(images, ROTATION, amount)[:, 0] for amount in (0, 90))
    for n, quarters in enumerate([1, -1, 1, -1]):
        np.testing.assert_allclose(far[n], np.rot90(rest[n], quarters), atol=1e-4)


def test_scale_goes_up_and_down():
    images = np.full((2, 28, 28), 255, np.uint8)
    area = moved(images, SCALE, 1.4).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(area, [(28 * 1.4) ** 2, (28 / 1.4) ** 2], rtol=0.01)


@given(height=st.integers(2, 9), width=st.integers(2, 9), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_subsampling_keeps_one_pixel_of_each_square_and_pooling_s_shape(height, width, seed):
    x = np.random.default_rng(seed).random((2, 3, height, width), dtype=np.float32)
    kept = Subsample()(tensor(x)).numpy()
    assert kept.shape == MaxPool2d(2)(tensor(x)).shape
    for row in range(height // 2):
        for column in range(width // 2):
            np.testing.assert_array_equal(
                kept[..., row, column], x[..., 2 * row + 1, 2 * column + 1]
            )


def test_only_the_pooling_differs():
    pooled, not_pooled = (make_net(name, 6, np.random.default_rng(0)) for name in ("cnn", NO_POOL))
    assert {MaxPool2d, Subsample} == {
        type(module) for pair in zip(pooled, not_pooled) for module in pair if different(*pair)
    }
    weights, others = pooled.state_dict(), not_pooled.state_dict()
    assert weights.keys() == others.keys()
    for name, weight in weights.items():
        np.testing.assert_array_equal(weight, others[name])
    x = moved(blobs(3), TRANSLATION, 0)
    np.testing.assert_array_equal(features(pooled, x)["conv1"], features(not_pooled, x)["conv1"])
    assert (features(pooled, x)["pool1"] >= features(not_pooled, x)["pool1"]).all()
    assert (features(pooled, x)["pool1"] > features(not_pooled, x)["pool1"]).any()


def different(one, other):
    return type(one) is not type(other)


@pytest.mark.parametrize("name", [NO_POOL, "cnn", "st-cnn"])
def test_features_are_those_that_the_net_computes(name):
    net = make_net(name, 6, np.random.default_rng(0))
    x = moved(blobs(3), TRANSLATION, 2)
    kept = features(net, x)
    front = ["input", "crop"] if name == "st-cnn" else ["input"]
    assert list(kept) == [*front, "conv1", "pool1", "conv2", "pool2", "scores"]
    np.testing.assert_array_equal(kept["scores"], net(tensor(x)).detach().numpy())
    np.testing.assert_array_equal(kept["input"], x)
    for layer in ("conv1", "pool1", "conv2", "pool2"):
        assert kept[layer].min() == 0 < kept[layer].max()
    before = kept[front[-1]]
    assert kept["conv1"].shape[2:] == (before.shape[2] - 8, before.shape[3] - 8)
    assert kept["pool1"].shape[2] == kept["conv1"].shape[2] // 2


class Rows(Module):
    """The mean of each row: blind to a digit that goes sideways."""

    def forward(self, x):
        return x.mean(axis=3)


def probe(classes=3):
    """A net of one linear layer on top of `Rows`."""
    return Sequential(Rows(), Flatten(), Linear(42, classes, rng=np.random.default_rng(0)))


def test_what_a_layer_is_blind_to_stays_put(monkeypatch):
    monkeypatch.setattr(invariance, "WAYS", np.array([[1, 0], [-1, 0]]))
    images, labels = blobs(8), np.arange(8) % 3
    row = measure(probe(), images, labels, TRANSLATION)
    np.testing.assert_allclose(row.stay["scores"], 1, atol=1e-3)
    assert (np.diff(row.stay["input"]) < 0).all()
    assert row.reach["scores"] == 8 > row.reach["input"]
    np.testing.assert_array_equal(row.same, 1)
    np.testing.assert_allclose(row.seen[3], moved(images, TRANSLATION, 3)[0, 0])


def test_staying_put_by_hand():
    images, labels = blobs(4, seed=3), np.array([0, 1, 0, 2])
    row = measure(probe(), images, labels, ROTATION)
    rest, now = (moved(images, ROTATION, amount).reshape(4, -1) for amount in (0, 30))

    def distance(u, v):
        return 1 - u @ v / np.sqrt((u @ u) * (v @ v))

    away = np.mean([distance(rest[n], now[n]) for n in range(4)])
    pairs = [(n, m) for n in range(4) for m in range(4) if labels[n] != labels[m]]
    apart = np.mean([distance(rest[n], rest[m]) for n, m in pairs])
    assert row.stay["input"][ROTATION.amounts.index(30)] == pytest.approx(
        1 - away / apart, abs=1e-4
    )


def test_nothing_is_said_of_a_layer_that_makes_the_same_of_all():
    net = probe()
    net[2].weight.data = np.zeros((3, 42))
    row = measure(net, blobs(4), np.arange(4), ROTATION)
    assert np.isnan(row.stay["scores"]).all()
    assert np.isnan(row.reach["scores"])
    assert np.isfinite(row.stay["input"]).all()


@given(
    f=hnp.arrays(float, (4, 2, 3), elements=st.floats(-9, 9)),
    g=hnp.arrays(float, (4, 2, 3), elements=st.floats(-9, 9)),
)
@settings(max_examples=50, deadline=None)
def test_distances_are_one_less_the_cosine(f, g):
    f[0] = g[0] = 0
    f[1], g[1] = 1e3, 2e-3  # of one direction
    np.testing.assert_allclose(distance(f, g)[:2], 0, atol=1e-12)
    for n in range(4):
        u, v = f[n].ravel(), g[n].ravel()
        if lengths := np.linalg.norm(u) * np.linalg.norm(v):
            assert distance(f, g)[n] == pytest.approx(1 - u @ v / lengths, abs=1e-9)
    np.testing.assert_allclose(distances(f), [distance(f, f[[m] * 4]) for m in range(4)], atol=1e-9)


def test_answers_are_compared_with_those_at_rest_and_with_the_truth():
    images, labels = blobs(30), np.arange(30) % 3
    net = probe()
    row = measure(net, images, labels, SCALE)
    answers = [
        features(net, moved(images, SCALE, a))["scores"].argmax(axis=1) for a in SCALE.amounts
    ]
    assert row.same[0] == 1
    np.testing.assert_allclose(row.same, [np.mean(a == answers[0]) for a in answers])
    np.testing.assert_allclose(row.right, [np.mean(a == labels) for a in answers])


def test_reach_is_where_the_curve_first_falls_below():
    amounts = (0, 1, 2, 4)
    assert reach(amounts, np.array([1, 0.9, 0.1, 0.9])) == pytest.approx(1.5)
    assert reach(amounts, np.array([1, 0.8, 0.6, 0.2])) == pytest.approx(2.5)
    assert reach(amounts, np.array([1, 0.8, 0.6, 0.5])) == 4
    assert reach(amounts, np.array([1, 0.8, 0.7, 0.2]), least=0.9) == pytest.approx(0.5)


def run(folder, **texts):
    config = make_config(TASK.config, TASK.presets, "quick", TINY | texts)
    return start(TASK, config, RunFolder(folder), "quick")


def results(folder):
    """Log and metrics without what a clock says."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    metrics = json.loads((folder / "metrics.json").read_text())
    for record in (*lines, metrics):
        assert record.pop("seconds") >= 0
    return lines, metrics


def test_more_digits_than_there_are_are_refused(tmp_path):
    with pytest.raises(DataError, match="--digits 2001 must be at most 2000"):
        run(tmp_path, digits="2001")


def test_a_run_leaves_its_files_and_figures(tmp_path, capsys):
    run(tmp_path, evaluate_every="6")
    explained = capsys.readouterr().out.splitlines()[-3:]
    assert [line.split(":")[0] for line in explained] == ["reach", "same", "right"]
    assert (tmp_path / "invariance.png").read_bytes().startswith(b"\x89PNG")
    _, metrics = results(tmp_path)
    for net in ("cnn_no_pool", "cnn", "st_cnn"):
        assert 0 <= metrics[f"error.{net}"] <= 100
        for movement in MOVEMENTS:
            for share in ("same", "right"):
                assert 0 <= metrics[f"{share}.{net}.{movement.name}"] <= 100
            reaches = [
                value
                for name, value in metrics.items()
                if name.startswith(f"reach.{net}.{movement.name}.")
            ]
            assert len(reaches) == (7 if net == "st_cnn" else 6)
            assert movement.amounts[0] < min(reaches) <= max(reaches) <= movement.amounts[-1]
    assert metrics["reach.cnn.rotation.input"] == metrics["reach.st_cnn.rotation.input"]


def test_a_resumed_run_ends_as_an_uninterrupted_one(tmp_path, monkeypatch):
    monkeypatch.setattr(invariance_figures, "invariance", lambda *_: Figure(figsize=(1, 1)))
    monkeypatch.setattr(invariance, "MOVEMENTS", [ROTATION])  # which saves time
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run(whole)

    log = Run.log

    def log_and_stop(self, step, **measurements):
        log(self, step, **measurements)
        self.stop()

    with monkeypatch.context() as patch:
        patch.setattr(Run, "log", log_and_stop)
        with pytest.raises(Interrupted, match="2 of 6"):
            run(broken)
    resume(TASK, RunFolder(broken), {})
    assert results(broken) == results(whole)


def test_the_figure_shows_every_net_and_movement():
    images, labels = blobs(20), np.arange(20) % 10
    measured = {
        name: {
            movement.name: measure(
                make_net(name, 2, np.random.default_rng(0)), images, labels, movement
            )
            for movement in MOVEMENTS
        }
        for name in ("cnn", "st-cnn")
    }
    figure = invariance_figures.invariance(measured, MOVEMENTS)
    by_column = [figure.axes[column::3] for column in range(3)]
    assert [len(axes.images) for axes in by_column[0]] == [10, 8, 8]
    for axes, movement in zip(by_column[1], MOVEMENTS):
        shown = [line.get_ydata() for line in axes.lines]
        for values, name in zip(shown, measured, strict=True):
            np.testing.assert_array_equal(
                sorted(values), sorted(measured[name][movement.name].reach.values())
            )
    for axes in by_column[2]:
        assert [line.get_xdata()[0] for line in axes.lines] == [axes.get_xlim()[0]] * 2


def test_every_net_has_its_words_in_the_figure():
    assert {*invariance_figures.NAMES} == {*get_args(invariance.Net)}
