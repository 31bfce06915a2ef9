"""The published runs: the plan covers what is promised, its commands run, the table says what was found."""

import re

import pytest

from tasks.__main__ import _read_options
from tasks.config import make_config
from tasks.registry import find_task
from tasks.spatial_transformer import results_table
from tasks.spatial_transformer.results import PUBLISHED, planned

PLAN = dict(planned())


def entry(words, **metrics):
    """A finished run as results.json has it."""
    return {"command": f"python -m tasks {words}", "metrics": {"seconds": 600.0, **metrics}}


def tables(record, planned=()):
    """The page's tables: by heading their rows, and those by their first cell."""
    page = results_table.page(record, dict.fromkeys(planned, []))
    found = {}
    for heading, text in re.findall(
        r"^## (.*?)\n\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE
    ):
        rows = [
            [cell.strip() for cell in line.strip("|\n").split("|")] for line in text.splitlines()
        ]
        found[heading.split(":")[0]] = {row[0]: row[1:] for row in rows}
    return found


def test_the_plan_holds_every_run_once():
    assert len(PLAN) == len([*planned()])
    assert len({*map(tuple, PLAN.values())}) == len(PLAN)


def test_the_plan_covers_what_is_to_be_published():
    nets = ["fcn", "cnn", "st-fcn affine", "st-cnn affine", "st-cnn tps"]
    wanted = [f"RTS {net} seed{seed}" for net in nets for seed in (0, 1, 2)]
    wanted += [f"R {net} seed0" for net in nets]
    nets = ["fcn", "cnn", "st-fcn affine", "2st-fcn affine"]
    wanted += [f"addition {net} seed{seed}" for net in nets for seed in (0, 1, 2)]
    wanted += ["colocalise T", "colocalise TC"]
    assert {*wanted} <= {*PLAN}
    for setting, figures in results_table.PAPER.items():
        for (net, transform), label in results_table.NAMES.items():
            if label in figures:
                assert " ".join(filter(None, [setting, net, transform, "seed0"])) in PLAN


@pytest.mark.parametrize("name", PLAN)
def test_each_command_is_a_run_of_what_its_name_says(name):
    task, *options = PLAN[name]
    task = find_task(task)
    options = _read_options(options)
    preset = options.pop("preset", "default")
    config = make_config(task.config, task.presets, preset, options)
    assert config.threads == 1
    assert config.data == "full"
    if name.startswith("colocalise"):
        assert name == f"colocalise {config.setting}"
        assert config.digits == tuple(range(10))
        return
    setting, net, *transform, seed = name.split()
    assert (getattr(config, "distortion", "addition"), config.nets) == (setting, (net,))
    assert seed == f"seed{config.seed}"
    assert transform == ([config.transform] if "st" in net else [])
    assert config.steps >= 15_000
    assert config.batch >= 128


def test_ours_stand_beside_the_paper_s():
    wander = {f"wander.2st_fcn.st{k}.channel{c}": k + 0.26 * c for k in (1, 2) for c in (1, 2)}
    record = {
        "RTS st-cnn affine seed0": entry("a", **{"error.st_cnn": 0.9}),
        "RTS st-cnn affine seed1": entry("b", **{"error.st_cnn": 1.2}),
        "RTS st-cnn tps seed0": entry("c", **{"error.st_cnn": 0.7}),
        "TC cnn seed0": entry("d", **{"error.cnn": 4.0}),
        "R st-cnn attention seed0": entry("e", **{"error.st_cnn": 3.333}),
        "addition 2st-fcn affine seed0": entry("f", **{"error.2st_fcn": 12.5}, **wander),
        "colocalise TC": entry("g", **{"localised.digit3": 80.0, "localised.mean": 81.0}),
    }
    found = tables(record)
    distorted = found["Distorted MNIST"]
    assert distorted["ST-CNN affine"] == ["- / 0.7", "1.05 (0.90 1.20) / 0.5", "- / 0.8", "- / 1.2",
                                          "- / 1.7"]  # fmt: skip
    assert distorted["ST-CNN TPS"][1] == "0.70 / 0.5"
    assert distorted["ST-CNN attention"] == ["3.33 / -", "", "", "", ""]
    assert distorted["CNN"][4] == "4.00 / 3.5"
    assert found["MNIST addition"]["2×ST-FCN affine"] == ["12.50 / 9.0"]
    assert found["MNIST addition"]["FCN"] == ["- / 47.7"]
    assert found["MNIST addition"]["affine seed0"] == ["12.50", "1.3", "1.5", "2.3", "2.5"]
    assert found["Co-localisation"]["TC"] == ["digit3: 80, mean: 81", "75-93"]
    assert "T" not in found["Co-localisation"]
    assert found["Commands"]["TC cnn seed0"] == ["`python -m tasks d`", "10"]


def test_what_is_missing_is_listed():
    done = {"RTS cnn seed0": entry("a", **{"error.cnn": 1.0})}
    page = results_table.page(done, dict.fromkeys(["RTS cnn seed0", "R cnn seed0", "R fcn seed0"]))
    assert "## Not run yet\n\nR cnn seed0, R fcn seed0\n" in page
    assert "Not run yet" not in results_table.page(done, dict.fromkeys(done))
    assert "Commands" not in tables({})


def test_results_md_is_what_the_record_gives():
    assert PUBLISHED.table.read_text(encoding="utf-8") == results_table.page(
        PUBLISHED.read(), PUBLISHED.planned
    )
