"""The task distorted_mnist from end to end: its files, its numbers, its second half after a break."""

import json
import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from minigrad.errors import NotFiniteError
from tasks import checkpoint
from tasks.__main__ import main
from tasks.config import UsageError, make_config
from tasks.data import DataError
from tasks.execute import resume, start
from tasks.registry import find_task
from tasks.run import Interrupted, Run
from tasks.run_folder import RunFolder
from tasks.spatial_transformer import figures
from tasks.spatial_transformer.models import build
from tasks.spatial_transformer.train import Trainer

TASK = find_task("distorted_mnist")
TINY = {
    "steps": "6",
    "evaluate_every": "2",
    "batch": "8",
    "filters": "2",
    "hidden": "4",
    "test_size": "60",
    "threads": "1",
    "checkpoint_seconds": "0",
}


def config(preset="quick", **texts):
    return make_config(TASK.config, TASK.presets, preset, TINY | texts)


def run(folder, **texts):
    return start(TASK, config(**texts), RunFolder(folder), "quick")


def results(folder):
    """Log and metrics without what a clock says."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    metrics = json.loads((folder / "metrics.json").read_text())
    for record in (*lines, metrics):
        assert record.pop("seconds") >= 0
    return lines, metrics


@pytest.fixture
def blank_figures(monkeypatch):
    """Figures take most of the time of a tiny run: leave them empty where they are not looked at."""
    monkeypatch.setattr(figures, "distorted_mnist", lambda *_: Figure(figsize=(1, 1)))


def test_a_quick_run_leaves_its_files(tmp_path):
    texts = {name: text for name, text in TINY.items() if name not in ("steps", "evaluate_every")}
    made = make_config(TASK.config, TASK.presets, "quick", texts)
    metrics = start(TASK, made, RunFolder(tmp_path), "quick")
    assert {path.name for path in tmp_path.iterdir()} == {
        "config.json",
        "log.jsonl",
        "metrics.json",
        "checkpoint.npz",
        "distorted_mnist.png",
    }
    assert (tmp_path / "distorted_mnist.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "config.json").read_text())["settings"]["steps"] == made.steps
    lines, last = results(tmp_path)
    assert [line["step"] for line in lines] == [10, 20]
    assert {"error.cnn", "error.st_cnn"} == {*last} == {*metrics} - {"seconds"}
    assert all(0 <= error <= 100 for error in last.values())
    assert last["error.cnn"] == lines[-1]["error.cnn"]


@pytest.mark.usefixtures("blank_figures")
@pytest.mark.parametrize("method", ["adam", "sgd"])
def test_a_resumed_run_ends_as_an_uninterrupted_one(tmp_path, monkeypatch, method):
    texts = {"method": method, "nets": "fcn,st-cnn"}
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run(whole, **texts)

    log = Run.log

    def log_and_stop(self, step, **measurements):
        log(self, step, **measurements)
        self.stop()

    with monkeypatch.context() as patch:
        patch.setattr(Run, "log", log_and_stop)
        with pytest.raises(Interrupted, match="2 of 6"):
            run(broken, **texts)
    assert not (broken / "metrics.json").exists()
    resume(TASK, RunFolder(broken), {})
    assert results(broken) == results(whole)


@pytest.mark.usefixtures("blank_figures")
def test_the_same_seed_gives_the_same_numbers_and_another_others(tmp_path):
    for name, seed in (("first", "5"), ("second", "5"), ("other", "6")):
        run(tmp_path / name, seed=seed, nets="st-fcn", distortion="E", transform="tps")
    first, second, other = (results(tmp_path / name) for name in ("first", "second", "other"))
    assert first == second
    assert first[0][0]["loss.st_fcn"] != other[0][0]["loss.st_fcn"]


@pytest.mark.parametrize(
    ("texts", "answer"),
    [
        ({"nets": "fcn,st-cnnn"}, "Did you mean st-cnn?"),
        ({"nets": "FCN2"}, "Did you mean fcn?"),
        ({"transform": "afine"}, "Did you mean affine?"),
        ({"distortion": "RST"}, "Did you mean RTS?"),
        ({"net": "cnn"}, "Did you mean --nets?"),
        ({"steps": "0"}, "--steps 0 must be at least 1"),
    ],
)
def test_what_there_is_not_is_answered_with_the_nearest(texts, answer):
    with pytest.raises(UsageError) as caught:
        config(**texts)
    assert answer in str(caught.value)


def test_a_diverged_run_ends_in_an_error_and_keeps_its_last_checkpoint(
    tmp_path, blank_figures, capfd
):
    options = " ".join(f"--{name} {value}" for name, value in (TINY | {"lr": "1e20"}).items())
    line = f"distorted_mnist --preset quick --nets fcn {options} --steps 9 --out {tmp_path / 'a'}"
    assert main(line.split()) == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    found = re.search(r"in step (\d+) the loss of fcn is (nan|inf). .* lower --lr", said)
    (section,) = checkpoint.read(tmp_path / "a" / "checkpoint.npz").values()
    assert section.step == int(found[1]) - 1
    assert all(np.isfinite(array).all() for array in section.arrays.values())


def test_a_diverged_step_changes_nothing():
    net = build("fcn", 28, np.random.default_rng(0), hidden=())
    trainer = Trainer(net, "adam", 1e-3, 10, name="small")
    before = {name: array.copy() for name, array in net.state_dict().items()}
    x = np.full((2, 1, 28, 28), np.inf, np.float32)
    with pytest.raises(NotFiniteError, match="step 1 the loss of small is nan"):
        trainer.step(x, np.array([1, 2]))
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_more_test_digits_than_there_are_are_refused(tmp_path):
    with pytest.raises(DataError, match="--test-size 2001 must be at most 2000"):
        run(tmp_path / "a", test_size="2001")
    assert not (tmp_path / "a").exists()


@pytest.mark.slow
def test_by_default_the_transformer_halves_the_errors(tmp_path):
    metrics = start(
        TASK, make_config(TASK.config, TASK.presets, "default", {}), RunFolder(tmp_path)
    )
    assert metrics["error.st_cnn"] <= 4.5
    assert metrics["error.st_cnn"] < metrics["error.cnn"]
