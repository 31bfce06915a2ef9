"""The published runs: the plan covers what is promised, its commands run, the table says what was found."""

import re

import numpy as np
import pytest

from tasks.__main__ import _read_options
from tasks.config import make_config
from tasks.navigation.figures import mean_curve
from tasks.navigation.navigation import PRESETS, Config
from tasks.navigation.results import PUBLISHED, draw, planned
from tasks.navigation.results_table import page
from tasks.registry import find_task

PLAN = dict(planned())


def entry(score=50.0, **metrics):
    found = {"score": score, "auc": 20.0, "goals": 99.0, "score.oracle": 88.4, "score.random": 1.7}
    return {"command": "python -m tasks x", "metrics": {"seconds": 600.0, **found, **metrics}}


def test_the_plan_holds_every_run_once_and_all_that_is_to_be_published():
    assert len(PLAN) == len([*planned()])
    assert len({*map(tuple, PLAN.values())}) == len(PLAN)
    for maze in ("StaticSmall", "RandomGoalSmall", "IMaze"):
        for agent in ("ff", "lstm", "nav", "nav-d2", "nav-d1d2l"):
            assert {f"{maze} {agent} seed{seed}" for seed in (0, 1, 2)} <= {*PLAN}
    assert {"StaticSmall nav-rgbd seed0", "StaticLarge nav-d2 seed0 4M"} <= {*PLAN}


def test_what_is_recorded_is_what_is_planned():
    record = PUBLISHED.read()
    assert {name: run["command"] for name, run in record.items()} == {
        name: PUBLISHED.command(name) for name in record
    }


@pytest.mark.parametrize("name", PLAN)
def test_each_command_is_a_run_of_what_its_name_says(name):
    task, *options = PLAN[name]
    assert task == "navigation"
    config = make_config(Config, PRESETS, "default", _read_options(options))
    maze, agent, seed, *more = name.split()
    assert (config.maze, config.agent, f"seed{config.seed}") == (maze, agent, seed)
    if maze == "tiny":
        texts = {} if agent == "nav-d2" else {"agent": agent, "threads": "1"}
        texts |= {"method": "a3c", "workers": "2", "threads": "2"} if more == ["a3c"] else {}
        assert config == make_config(Config, PRESETS, "default", texts)
        return
    (millions,) = [int(word[:-1]) for word in more if word.endswith("M")] or [2]
    assert config.steps == millions * 1_000_000
    (unroll,) = [word for word in more if word.startswith("unroll")] or ["unroll20"]
    assert f"unroll{config.unroll}" == unroll
    assert config.mazes == {20: 16, 50: 8, 100: 4, 200: 4}[config.unroll]
    assert config.depth_form == ("regression" if "regression" in more else "bands")
    assert config.depth1 == (0.03 if "depth1-0.03" in more else Config.depth1)
    assert config.threads == 1


def test_a_row_an_agent_the_best_first_and_the_scale_below():
    record = {
        "StaticSmall ff seed0": entry(20.0),
        "StaticSmall nav-d2 seed0": entry(
            60.0, **{"latency.first": 7.3, "accuracy.depth_d2": 88.0}
        ),
        "StaticSmall nav-d2 seed1": entry(
            70.0, **{"latency.first": 6.1, "accuracy.depth_d2": 90.0, "forgetful.score": 68.0}
        ),
        "StaticSmall nav-l seed0": entry(30.0, **{"f1.loop": 0.83}),
        "IMaze ff seed0": entry(5.0),
    }
    text = page(record, PLAN)
    small = text.split("## StaticSmall\n\n5 x 10 cells, goal and fruit fixed.\n\n")[1]
    small, picture, *_ = small.split("\n\n")
    assert picture == "![The learning curves in StaticSmall](pictures/curves_StaticSmall.png)"
    small = small.splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in small]
    assert [row[0] for row in rows[2:]] == ["nav-d2", "nav-l", "ff", "oracle", "random"]
    assert rows[2][1] == "65.0 (60.0 70.0)"
    assert rows[2][rows[0].index("latency, first")] == "6.7 (7.3 6.1)"
    assert rows[2][rows[0].index("forgetful")] == "68.0 (– 68.0)"
    assert rows[3][rows[0].index("loop F1")] == "0.83"
    assert "depth f, %" not in rows[0], "a column that nobody fills is left out"
    assert rows[5][1] == "88.4"
    assert "## IMaze" in text
    assert "## RandomGoalSmall" not in text
    (not_run,) = re.findall(r"^- StaticSmall: (.*)$", text, re.M)
    assert "nav seed0" in not_run.split(", ")
    assert "nav-d2 seed0" not in not_run.split(", ")


def test_curves_are_drawn_a_picture_a_maze(tmp_path):
    steps, scores = mean_curve([np.array([[0, 1], [10, 3]]), np.array([[5, 5], [15, 15]])])
    assert steps.tolist() == [0, 10]
    assert scores.tolist() == [3.0, 6.5]
    curve = [[1000, 1.0], [2000, 5.0]]
    record = {
        name: {**entry(), "curve": curve}
        for name in ("IMaze ff seed0", "IMaze ff seed1", "StaticSmall nav seed0")
    }
    draw(record, tmp_path / "pictures")
    drawn = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert drawn == {"curves_IMaze.png", "curves_StaticSmall.png"}


def test_every_picture_that_results_md_shows_is_there():
    shown = re.findall(r"\]\((pictures/.*?)\)", PUBLISHED.table.read_text(encoding="utf-8"))
    assert sum("curves" in path for path in shown) == len({n.split()[0] for n in PUBLISHED.read()})
    assert all((PUBLISHED.table.parent / path).is_file() for path in shown)


def test_results_md_is_what_the_record_gives():
    assert PUBLISHED.table.read_text(encoding="utf-8") == page(PUBLISHED.read(), PUBLISHED.planned)


def test_the_headline_is_that_of_the_default_run():
    metrics = PUBLISHED.read()["tiny nav-d2 seed0"]["metrics"]
    numbers = [metrics[name] for name in ("score", "score.random", "score.oracle", "latency.later")]
    words = "score of a default run: {:.0f} (chance {:.0f}, oracle {:.0f}); the goal is found again every {:.0f} s"
    assert find_task("navigation").headline == words.format(*numbers)
