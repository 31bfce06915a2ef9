"""The run: from its settings to its figures, a checkpoint, and what is refused or stopped."""

import gc
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import maze
from maze.players import Rollout
from tasks.__main__ import main
from tasks.config import UsageError, make_config
from tasks.execute import resume, start
from tasks.navigation import figures
from tasks.navigation.navigation import PRESETS, Config
from tasks.navigation.report import Reports
from tasks.navigation.train import Learner
from tasks.registry import find_task
from tasks.run_folder import RunFolder

TASK = find_task("navigation")
SMALL = {
    "side": "20",
    "mazes": "2",
    "unroll": "7",
    "steps": "280",
    "frames": "120",
    "log_every": "70",
    "draw_every": "280",
    "test_episodes": "2",
    "checkpoint_seconds": "0",
    "threads": "1",
}
HALL = """
#####
#...#
#.G.#
#...#
#####
"""


def config_of(**texts):
    return make_config(Config, PRESETS, "default", SMALL | texts)


@pytest.fixture
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(folder):
    records = [json.loads(line) for line in folder.log.read_text().splitlines()]
    return [{k: v for k, v in record.items() if k != "seconds"} for record in records]


def test_a_run_logs_draws_tests_and_films(in_a_folder, capsys):
    folder = RunFolder("run")
    metrics = start(TASK, config_of(agent="nav-d1d2l"), folder)
    names = {"score", "score.oracle", "score.random", "score_error", "auc", "goals"}
    names |= {
        "forgetful.score",
        "accuracy.position",
        "accuracy.depth_d1",
        "accuracy.depth_d2",
        "seconds",
    }
    assert names <= {*metrics}
    assert {path.stem for path in folder.figures()} == {
        "curve",
        "map",
        "position",
        "latency",
        "depth",
    }
    assert (folder.path / "agent.gif").read_bytes()[:3] == b"GIF"
    assert [line["agent_steps"] for line in lines(folder)] == [70, 140, 210, 280]
    said = capsys.readouterr().out
    assert said.startswith("nav-d1d2l learns in tiny for 280 steps"), "before anything is compiled"
    assert "testing on 2 episodes" in said


def test_where_no_film_can_be_written_the_run_is_whole(in_a_folder, monkeypatch, capsys):
    def full(*_):
        raise maze.MazeError("no space left on device")

    monkeypatch.setattr("tasks.navigation.report.save_film", full)
    assert "score" in start(TASK, config_of(), RunFolder("run"))
    assert "no film: no space" in capsys.readouterr().out


def test_where_no_goal_was_found_the_figure_of_latency_says_so():
    def rollout():
        return Rollout(np.zeros((9, 3, 3)), np.zeros((9, 3)), np.zeros((9, 3), bool), 1 / 15)

    played = rollout()
    (axes,) = figures.latency(played).axes
    assert [text.get_text() for text in axes.texts] == ["no goal was found"]
    played.found[4, 1] = True
    (axes,) = figures.latency(played).axes
    assert not axes.texts
    assert axes.lines
    assert axes.get_legend() is None
    forgetful = rollout()
    forgetful.found[[2, 8], 1] = True
    (axes,) = figures.latency(played, forgetful).axes
    np.testing.assert_allclose(axes.lines[-1].get_ydata(), 3 / 15)


@pytest.mark.parametrize("agent", ["ff", "nav-d2"])
def test_a_resumed_run_gives_the_same_numbers(agent, in_a_folder, monkeypatch):
    config = config_of(agent=agent)
    whole = start(TASK, config, RunFolder("whole"))
    broken = RunFolder("broken")

    learn, count = Learner.learn, iter(range(100))

    def die(self, unroll):
        if next(count) == 12:
            raise RuntimeError("the lights went out")
        return learn(self, unroll)

    monkeypatch.setattr(Learner, "learn", die)
    with pytest.raises(RuntimeError, match="lights"):
        start(TASK, config, broken)
    monkeypatch.setattr(Learner, "learn", learn)
    resumed = resume(TASK, broken, {})
    assert lines(RunFolder("whole")) == lines(broken)
    assert {k: v for k, v in whole.items() if k != "seconds"} == {
        k: v for k, v in resumed.items() if k != "seconds"
    }


def test_its_memory_does_not_grow(in_a_folder, monkeypatch):
    """But for a line of the log, about 1 kB, at each point of the curve."""
    log, traced = Reports.log, []

    def log_and_weigh(self, *measured):
        log(self, *measured)
        gc.collect()
        if not traced:
            tracemalloc.start()  # only now: what is compiled, or kept for ever, was so the first time
        traced.append(tracemalloc.get_traced_memory()[0])

    monkeypatch.setattr(Reports, "log", log_and_weigh)
    monkeypatch.setattr(Reports, "draw", lambda self: None)
    monkeypatch.setattr(Reports, "test", lambda self: None)
    try:
        config = config_of(agent="nav-d1d2l", steps="1400", frames="80")
        start(TASK, config, RunFolder("run"))
    finally:
        tracemalloc.stop()
    assert len(traced) == 20
    assert traced[-1] - traced[4] < 5_000 * 15


@pytest.mark.parametrize("method", ["sync", "a3c"])
@pytest.mark.parametrize("changed", [HALL.replace(".G.", "..G"), HALL.replace("#\n", "##\n")])
def test_a_run_does_not_go_on_in_a_layout_that_was_changed(
    in_a_folder, monkeypatch, capsys, method, changed
):
    def die(self):
        raise KeyboardInterrupt

    layout = in_a_folder / "own.txt"
    layout.write_text(HALL)
    monkeypatch.setattr(Reports, "test", die)
    words = ["navigation", "--out", "run", "--maze", "own.txt", "--method", method]
    for name, value in SMALL.items():
        words += ["--" + name.replace("_", "-"), value]
    assert main(words) == 130
    layout.write_text(changed)
    assert main(["navigation", "--resume", "run"]) == 2
    assert "this state is of other mazes: another layout" in capsys.readouterr().err


def test_a_run_that_meets_no_number_says_where_and_keeps_its_checkpoint(
    in_a_folder, monkeypatch, capsys
):
    learn, count = Learner.learn, iter(range(100))

    def poison(self, unroll):
        if next(count) == 9:
            unroll.rewards[0, 0] = np.nan
        return learn(self, unroll)

    monkeypatch.setattr(Learner, "learn", poison)
    words = ["navigation", "--out", "run"]
    for name, value in SMALL.items():
        words += ["--" + name.replace("_", "-"), value]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "the loss 'policy' is nan" in said
    assert f"{Path('run', 'checkpoint.npz')} is from before that" in said
    monkeypatch.setattr(Learner, "learn", learn)
    assert resume(TASK, RunFolder("run"), {})["score"] >= 0


@pytest.mark.parametrize("method", ["sync", "a3c"])
def test_parameters_that_an_update_has_broken_are_not_kept(method, in_a_folder, capsys):
    words = ["navigation", "--out", "run", "--lr", "1e38", "--method", method]
    for name, value in SMALL.items():
        words += ["--" + name.replace("_", "-"), value]
    assert main(words) == 2
    path, said = RunFolder("run").checkpoint, capsys.readouterr().err
    assert "are not finite" in said
    assert ("is from before that" in said) == path.exists()
    if path.exists():
        with np.load(path) as saved:
            numbers = [saved[name] for name in saved.files if saved[name].dtype.kind == "f"]
        assert all(np.isfinite(array).all() for array in numbers)


def test_mazes_are_drawn_by_the_threads_that_were_asked_for(in_a_folder, monkeypatch):
    monkeypatch.setattr("tasks.execute.usable_cores", lambda: 3)  # wherever this runs
    before, counts = maze.get_num_threads(), set()
    learn = Learner.learn

    def count(self, unroll):
        counts.add(maze.get_num_threads())
        return learn(self, unroll)

    monkeypatch.setattr(Learner, "learn", count)
    start(TASK, config_of(threads="3", steps="28"), RunFolder("run"))
    assert counts == {3}
    assert maze.get_num_threads() == before


def test_resuming_with_other_settings_is_refused_with_the_difference(in_a_folder):
    folder = RunFolder("run")
    start(TASK, config_of(), folder)
    with pytest.raises(UsageError, match=r"--agent: nav-d2 in the run, lstm asked for"):
        resume(TASK, folder, {"agent": "lstm"})


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"maze": "StaticSmal"}, "there is no such maze. Did you mean StaticSmall?"),
        (
            {"maze": "elsewhere"},
            "There are: tiny, TinyRandomGoal, TMaze, PlainSmall, IMaze, .* that ends in .txt",
        ),
        ({"maze": "nowhere.txt"}, "cannot read the layout"),
        ({"agent": "nav-d3"}, "--agent has no choice 'nav-d3'. Did you mean nav-d"),
        ({"side": "10"}, "--side 10 must be at least 20"),
        ({"side": "9999"}, "must be below 2049"),
        ({"gamma": "1"}, "--gamma 1.0 must be below 1"),
        ({"alpha": "1.5"}, "--alpha 1.5 must be below 1"),
        ({"test_episodes": "100000"}, "--test-episodes 100000 must be below 65537"),
        ({"workers": "2"}, "--workers 2 is of --method a3c"),
        ({"data": "full"}, "--data full: navigation reads no data"),
    ],
)
def test_bad_settings_are_answered(in_a_folder, texts, words):
    with pytest.raises(UsageError, match=words):
        start(TASK, config_of(**texts), RunFolder("run"))


def test_a_maze_may_be_written_as_on_the_command_line_of_maze():
    assert config_of(maze="static-small").maze == "static-small"


def test_a_layout_with_a_hole_is_drawn(in_a_folder):
    path = in_a_folder / "hole.txt"
    path.write_text("####\n#..#\n#.G.\n####\n")
    with pytest.raises(UsageError, match="is open at line 3, column 4"):
        start(TASK, config_of(maze=str(path)), RunFolder("run"))
