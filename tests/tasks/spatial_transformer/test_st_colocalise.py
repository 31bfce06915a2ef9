"""Co-localisation: the loss against loops, the boxes against areas counted, and a run that learns."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from layers.functional import grid_sample
from layers.transforms import TRANSFORMS
from minigrad import tensor
from minigrad.errors import NotFiniteError
from tasks.config import make_config
from tasks.execute import resume, start
from tasks.registry import find_task
from tasks.run import Interrupted, Run
from tasks.run_folder import RunFolder
from tasks.spatial_transformer import colocalise_figures
from tasks.spatial_transformer.boxes import boxes_of, iou
from tasks.spatial_transformer.embedding import Embedding, colocalisation_loss
from tasks.spatial_transformer.localiser import TRUE, WIDE, Localiser, random_crops
from tests.helpers import check_gradient

TASK = find_task("colocalise")
TINY = {
    "digits": "3,5",
    "pictures": "4",
    "steps": "6",
    "embedding_steps": "2",
    "filters": "2",
    "evaluate_every": "2",
    "threads": "1",
    "checkpoint_seconds": "0",
}


def loss_by_loops(found, random, margin, repulsion):
    terms = []
    for n in range(len(found)):
        for m in range(len(found)):
            if m != n:
                apart = sum((found[n] - found[m]) ** 2)
                away = sum((found[n] - random[n]) ** 2)
                terms.append(max(0.0, apart - repulsion * away + margin))
    return np.mean(terms)


@given(
    st.integers(2, 6),
    st.integers(1, 4),
    st.floats(0, 3),
    st.floats(0.5, 2),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_the_loss_is_the_mean_over_pairs(n, size, margin, repulsion, seed):
    found, random = np.random.default_rng(seed).normal(size=(2, n, size))
    actual = colocalisation_loss(
        tensor(found, dtype=np.float64), tensor(random, dtype=np.float64), margin, repulsion
    )
    assert actual.item() == pytest.approx(loss_by_loops(found, random, margin, repulsion))


@pytest.mark.parametrize("margin", [0.0, 1.0, 30.0])  # most hinges closed, some, none
def test_the_gradient_of_the_loss(margin):
    found, random = np.random.default_rng(3).normal(size=(2, 5, 3))
    assert loss_by_loops(found, random, margin, 1.5) > 0
    check_gradient(
        lambda f, r: colocalisation_loss(f, r, margin, 1.5), found, random, second=False, kinks=True
    )


def test_the_embedding_gives_each_layer_its_share():
    rng = np.random.default_rng(0)
    embedding = Embedding(4, rng)
    x = rng.random((30, 1, 28, 28), dtype=np.float32)
    embedding.weigh(x)
    e = embedding.embed(tensor(x)).detach().numpy()
    cuts = [4 * 10 * 10, 4 * 10 * 10 + 4 * 2 * 2]
    parts = np.split(e, cuts, axis=1)
    assert parts[2].shape == (30, 10)
    for part, share in zip(parts, (0.9, 0.05, 0.05)):
        assert (part**2).sum(axis=1).mean() == pytest.approx(share, rel=1e-4)
    scores = embedding(tensor(x)).detach().numpy()
    np.testing.assert_allclose(parts[2], scores * embedding.weights[2], rtol=1e-4)


BOXES = st.tuples(*[st.integers(0, 9), st.integers(0, 9), st.integers(0, 5), st.integers(0, 5)])


@given(BOXES, BOXES)
def test_iou_counts_pixels(first, second):
    masks = np.zeros((2, 15, 15), bool)
    for mask, (x, y, w, h) in zip(masks, (first, second)):
        mask[y : y + h, x : x + w] = True
    either = np.sum(masks[0] | masks[1])
    expected = np.sum(masks[0] & masks[1]) / either if either else 0.0
    a, b = (np.array([[x, y, x + w, y + h]], float) for x, y, w, h in (first, second))
    assert iou(a, b) == pytest.approx([expected])
    assert iou(b, a) == pytest.approx([expected])


def test_iou_by_hand():
    a = np.array([[0.0, 0, 4, 4]] * 5)
    b = np.array([[0.0, 0, 4, 4], [2, 0, 6, 4], [2, 2, 6, 6], [4, 0, 8, 4], [1, 1, 3, 3]])
    np.testing.assert_allclose(iou(a, b), [1, 8 / 24, 4 / 28, 0, 4 / 16])


def test_boxes_by_hand():
    theta = np.array([[1, 0, 0], [0.5, -0.5, 0.5], [-0.5, -0.5, 0.5]])
    boxes = [[0, 0, 84, 84], [0, 42, 42, 84], [0, 42, 42, 84]]  # the last is mirrored
    np.testing.assert_allclose(boxes_of(theta, 84), boxes)


@pytest.mark.parametrize("corner", [(0, 0), (56, 0), (13, 40)])
def test_attention_at_a_box_reads_that_box(corner):
    """What `boxes_of` says of a theta is where the sampler reads."""
    x1, y1 = corner
    x = np.random.default_rng(1).random((1, 1, 84, 84))
    theta = np.array([[1 / 3, (x1 + 14) / 42 - 1, (y1 + 14) / 42 - 1]])
    np.testing.assert_allclose(boxes_of(theta, 84), [[x1, y1, x1 + 28, y1 + 28]], atol=1e-9)
    grid = TRANSFORMS["attention"].grid(tensor(theta, dtype=np.float64), (1, 1, 28, 28), False)
    crop = grid_sample(tensor(x, dtype=np.float64), grid).numpy()
    np.testing.assert_allclose(crop[0, 0], x[0, 0, y1 : y1 + 28, x1 : x1 + 28], atol=1e-9)


def test_random_crops_are_windows_of_their_own_pictures():
    x = np.arange(3 * 84 * 84, dtype=np.float32).reshape(3, 1, 84, 84)
    rng = np.random.default_rng(0)
    crops = [random_crops(x, rng) for _ in range(300)]
    for n in range(3):
        corners = np.array([crop[n, 0, 0, 0] for crop in crops]) - x[n, 0, 0, 0]
        rows, columns = corners // 84, corners % 84
        for places in (rows, columns):
            assert places.min() <= 2
            assert 54 <= places.max() <= 56
        last = crops[0][n, 0, -1, -1] - x[n, 0, 0, 0]
        assert last == corners[0] + 27 * 84 + 27


def small_localiser(seed=0):
    """A localiser of 10 steps, its embedding and four pictures."""
    rng = np.random.default_rng(seed)
    embedding = Embedding(2, np.random.default_rng(5)).eval().requires_grad_(False)
    x = np.random.default_rng(6).random((4, 1, 84, 84), dtype=np.float32)
    embedding.weigh(x[:, :, :28, :28])
    return Localiser(10, 1e-2, 1.0, 2.0, rng), embedding, x


def test_the_scale_is_led_and_the_place_learned():
    localiser, embedding, x = small_localiser()
    rng = np.random.default_rng(0)
    scales = [localiser.look(x, 0)[:, 0]]
    for step in range(1, 11):
        localiser.step(x, embedding, rng)
        scales.append(localiser.look(x, step)[:, 0])
    scales = np.array(scales)
    assert np.ptp(scales, axis=1) == pytest.approx(np.zeros(11), abs=1e-6)
    expected = np.interp(range(11), [0, 6], [WIDE, TRUE])
    np.testing.assert_allclose(scales[:, 0], expected, rtol=1e-5)
    assert np.abs(localiser.diary[10][:, 1:]).max() > 1e-3


def test_a_diverged_localiser_stops():
    localiser, embedding, x = small_localiser()
    with pytest.raises(NotFiniteError, match="step 1 the loss of the transformer is nan"):
        localiser.step(x * np.nan, embedding, np.random.default_rng(0))


def test_a_localiser_goes_on_where_its_state_was_taken():
    first, embedding, x = small_localiser()
    for step in range(3):
        first.step(x, embedding, np.random.default_rng(step))
        first.look(x, step)
    second, _, _ = small_localiser(seed=1)
    second.look(x, 77)
    second.load_state_dict(first.state_dict())
    for localiser in (first, second):
        for step in (3, 4):
            localiser.step(x, embedding, np.random.default_rng(step))
            localiser.look(x, step)
    assert np.ptp(np.stack([*first.diary.values()])[:, :, 1:], axis=0).min() > 1e-4
    assert [*second.diary] == [*first.diary] == [0, 1, 2, 3, 4]
    for step, theta in first.diary.items():
        np.testing.assert_array_equal(second.diary[step], theta)


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


def test_a_run_measures_and_draws(tmp_path):
    run(tmp_path, setting="TC", evaluate_every="6")
    lines, metrics = results(tmp_path)
    assert [line["step"] for line in lines] == [2, 6, 6]
    names = {
        f"{what}.{who}" for what in ("localised", "iou") for who in ("digit3", "digit5", "mean")
    }
    assert {*metrics} == names | {"embedding_error"}
    for digit, line in (("digit3", lines[1]), ("digit5", lines[2])):
        assert metrics[f"iou.{digit}"] == line[f"iou.{digit}"]
        assert metrics[f"localised.{digit}"] in (0, 25, 50, 75, 100)
    assert metrics["iou.mean"] == pytest.approx((metrics["iou.digit3"] + metrics["iou.digit5"]) / 2)
    assert (tmp_path / "colocalise.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("loop", ["embedding", "digit3", "digit5"])
def test_a_resumed_run_ends_as_an_uninterrupted_one(tmp_path, monkeypatch, loop):
    monkeypatch.setattr(colocalise_figures, "colocalise", lambda *_: Figure(figsize=(1, 1)))
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run(whole)

    log = Run.log

    def stop_in_the_loop(self, step, **measurements):
        log(self, step, **measurements)
        if loop in measurements.get("loss", measurements):
            self.stop()

    with monkeypatch.context() as patch:
        patch.setattr(Run, "log", stop_in_the_loop)
        with pytest.raises(Interrupted, match=f"{loop}: 2 of"):
            run(broken)
    resume(TASK, RunFolder(broken), {})
    assert results(broken) == results(whole)


def test_the_figure_shows_boxes_at_moments_that_there_were():
    x = np.random.default_rng(0).random((3, 1, 84, 84), dtype=np.float32)
    truth = np.array([[0.0, 0, 28, 28], [10, 20, 38, 48], [56, 56, 84, 84]])
    diary = {step: np.full((3, 3), [0.5, step / 100, 0]) for step in (0, 20, 40)}
    curve = np.array([20, 40]), np.array([0.0, 100.0])
    curves = {3: curve, 7: (np.array([], int), np.array([]))}
    figure = colocalise_figures.colocalise(x, truth, diary, curves, curves, "T")
    rows = np.array(figure.axes[:-2]).reshape(3, 8)
    assert [row[0].get_ylabel() for row in rows] == ["step 0", "step 20", "step 40"]
    for row, step in zip(rows, diary):
        for n in range(3):
            true, found = (p for p in row[n].patches if isinstance(p, Rectangle))
            x1, y1, x2, y2 = truth[n] - 0.5
            np.testing.assert_allclose(true.get_bbox().extents, [x1, y1, x2, y2])
            np.testing.assert_allclose(
                found.get_bbox().extents, boxes_of(diary[step], 84)[n] - 0.5, atol=1e-4
            )
        assert not any(axes.axison for axes in row[3:7])
    for axes in figure.axes[-2:]:
        assert [len(line.get_xdata()) for line in axes.lines] == [2, 0]
        assert [text.get_text() for text in axes.texts] == ["3"]


@pytest.mark.slow
def test_boxes_find_the_digits(tmp_path):
    texts = {"digits": "4", "threads": "1"}
    config = make_config(TASK.config, TASK.presets, "default", texts)
    metrics = start(TASK, config, RunFolder(tmp_path))
    assert metrics["localised.digit4"] > 80  # by chance, boxes in the middle: about 4
