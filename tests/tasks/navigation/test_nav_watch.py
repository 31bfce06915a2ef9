"""Trained agents in files, and what is seen of them."""

from collections import deque
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

import maze
from tasks.__main__ import main
from tasks.config import UsageError, make_config
from tasks.execute import start
from tasks.navigation import watch, weights
from tasks.navigation.navigation import PRESETS, Config
from tasks.navigation.weights import SHIPPED, load
from tasks.registry import find_task
from tasks.run_folder import RunFolder

SMALL = {
    "side": "20",
    "mazes": "2",
    "unroll": "5",
    "steps": "20",
    "frames": "80",
    "test_episodes": "1",
    "threads": "1",
}


@pytest.fixture(scope="module", params=["sync", "a3c"])
def run(request, tmp_path_factory):
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "run")
    texts = SMALL | {"method": request.param}
    start(find_task("navigation"), make_config(Config, PRESETS, "default", texts), folder)
    return folder


def test_what_a_run_learned_is_kept_in_half_the_size(run, tmp_path):
    trained = load(run.path)
    path = tmp_path / "weights.npz"
    trained.save(path)
    again = load(path)
    assert again.config == trained.config
    for one, other in ((trained.net, again.net), (trained.decoder.linear, again.decoder.linear)):
        for name, array in one.state_dict().items():
            np.testing.assert_allclose(other.state_dict()[name], array, rtol=1e-3, atol=1e-5)
            assert array.any()
    assert path.stat().st_size < 2.2 * sum(p.size for p in trained.net.parameters()) + 20_000


def test_each_step_is_a_picture_and_a_line(run):
    shown = list(watch.frames(load(run.path), 120))
    assert len(shown) == 20
    assert len({image.shape for image, _ in shown}) == 1
    assert all(image.dtype == np.uint8 for image, _ in shown)
    assert "points" in shown[0][1]
    assert "value" in shown[0][1]


def test_words_stand_below_the_picture():
    image = np.full((30, 200, 3), 90, np.uint8)
    one, other = (watch.captioned(image, words) for words in ("points 1", "points 2  goals 7"))
    assert one.shape == (30 + watch.LINE, 200, 3)
    assert (one[:30] == image).all()
    assert one[30:].max() > 150
    assert (one != other).any()


@pytest.mark.parametrize(
    "words",
    [["--watch", "folder", "--seed", "3"], ["--seed", "1", "--watch"], ["--watch", "--agent"]],
)
def test_nothing_but_a_folder_goes_with_watch(words, capsys):
    assert main(["navigation", *words]) == 2
    assert "--watch stands first" in capsys.readouterr().err
    assert main(["mnist_addition", "--watch"]) == 2
    assert "mnist_addition has nothing to --watch" in capsys.readouterr().err


def test_without_window_and_terminal_there_is_a_film(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(watch, "in_window", lambda trained: False)
    assert main(["navigation", f"--watch={run.path}"]) == 0
    said = capsys.readouterr().out
    assert "A film of it" in said
    assert "Ctrl-C" not in said, "there is nothing to end"
    film = (tmp_path / "runs" / "watch-nav-d2-tiny.gif").read_bytes()
    assert film[:3] == b"GIF"
    (picture, _), *_ = watch.frames(load(run.path))
    height = int.from_bytes(film[8:10], "little")
    assert height == len(picture) + watch.LINE


def test_the_graph_is_as_high_as_the_value_and_red_at_goals():
    image = watch.graph(deque([(0.0, False), (1.0, False), (0.5, True)]), 5)
    bars = (image == watch.VALUE).all(axis=2).sum(axis=0)
    assert bars[0] < 5 < bars[1]
    assert (image[:, 2] == watch.GOAL_FOUND).all()
    assert not bars[3:].any()


def test_finds_of_the_goal_are_red():
    """The shipped agent: a red line in the graph for each goal that the words count."""
    *_, (image, words) = islice(watch.frames(load(), 96), 90)
    graph = image[-watch.GRAPH :]
    finds = (graph == watch.GOAL_FOUND).all(axis=(0, 2)).sum()
    assert finds >= 2
    assert f"goals {finds} " in words


def test_the_likely_cell_is_coloured_and_no_other():
    mazes = maze.make("StaticSmall", 1, 0, size=1)
    mazes.reset()
    tile = 6
    white = np.full((11 * tile, 21 * tile, 3), 255, np.uint8)
    likelihood = np.eye(50)[13]  # the fourth cell of the second row of ten
    rows, columns = np.nonzero((watch.overlaid(white, likelihood, mazes, tile) != 255).all(axis=2))
    centre = (
        (rows.min() + rows.max() + 1) / 2 / tile,
        (columns.min() + columns.max() + 1) / 2 / tile,
    )
    assert centre == pytest.approx((3.5, 7.5), abs=0.1)
    assert len(rows) == (2 * tile) ** 2


WALL = "#######\n"
OWN = f"{WALL}#G...P#\n{WALL}"


@pytest.mark.parametrize("method", [{"method": "sync"}, {"method": "a3c", "workers": "1"}], ids=str)
def test_a_run_in_a_layout_that_has_changed_since_is_not_watched(
    method, tmp_path, monkeypatch, capsys
):
    """Of another size its network does not fit, and of the same one it would be shown in a maze it never saw."""
    monkeypatch.chdir(tmp_path)
    layout = Path("own.txt")
    layout.write_text(OWN)
    config = make_config(Config, PRESETS, "default", SMALL | method | {"maze": "own.txt"})
    start(find_task("navigation"), config, RunFolder("run"))
    load("run")
    for changed in (OWN.replace("...", "A.."), OWN.replace("P#\n", "P#\n#.....#\n")):
        layout.write_text(changed)
        capsys.readouterr()
        assert main(["navigation", "--watch", "run"]) == 2
        said = capsys.readouterr().err
        assert "run in run does not fit its settings, or the layout of its maze, any more" in said
        assert "another layout" in said


@pytest.mark.parametrize(
    ("name", "words"),
    [("nowhere", "there is no trained agent"), ("", "holds no run"), ("x.npz", "no trained agent")],
)
def test_where_there_is_no_agent(tmp_path, name, words):
    with pytest.raises(UsageError, match=words):
        load(tmp_path / name)


def test_what_is_no_run_is_not_kept(tmp_path, capsys):
    assert weights.main(["nowhere"]) == 2
    assert "there is no trained agent" in capsys.readouterr().err
    (tmp_path / "broken.npz").write_bytes(SHIPPED.read_bytes()[:5_000])
    assert weights.main([str(tmp_path / "broken.npz")]) == 2
    assert "cut short" in capsys.readouterr().err


def test_what_is_no_agent_is_not_watched(run, tmp_path, monkeypatch, capsys):
    """A run's checkpoint, a damaged file, and a folder in which no film can be written."""
    monkeypatch.chdir(tmp_path)
    assert main(["navigation", "--watch", str(run.checkpoint)]) == 2
    assert "of a run, give the folder" in capsys.readouterr().err
    (tmp_path / "broken.npz").write_bytes(SHIPPED.read_bytes()[:5_000])
    assert main(["navigation", "--watch", "broken.npz"]) == 2
    assert "cut short" in capsys.readouterr().err
    monkeypatch.setattr(watch, "in_window", lambda trained: False)
    (tmp_path / "runs").write_text("in the way")
    assert main(["navigation", "--watch", str(run.path)]) == 2
    assert "no film" in capsys.readouterr().err


def test_the_shipped_agent_is_small_and_finds_the_goal():
    assert SHIPPED.stat().st_size < 4e6
    trained = weights.load()
    mazes, player = trained.mazes(4), trained.player()
    mazes.reset()
    for _ in range(300):
        mazes.step(player(mazes))
    assert mazes.agents["goals"].sum() >= 15  # chance finds it twice
