"""The oracle finds the goal again and again in every maze, chance hardly; films and figures show it."""

import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest

import maze
from maze import MazeError, figures, scores
from maze.constants import SPEED, START_DISTANCE
from maze.kernels import JIT
from maze.players import Oracle, RandomPlayer, find_player, rollout
from maze.recording import film, save_film
from maze.topdown import side_by_side, top_down, wide_view

MANY = 10 if JIT else 3  # mazes: enough, and still quick where nothing is compiled


@pytest.mark.parametrize("name", maze.names())
def test_the_oracle_finds_the_goal_in_every_episode(name):
    played = rollout(maze.make(name, MANY, 50, size=1, frames=3_600), Oracle())
    goals = played.found.sum(axis=0)
    assert goals.min() >= 2
    assert played.scores.min() >= 10 * goals.min()
    first, _ = played.latencies()
    if name.startswith("Random"):
        assert first.min() > (START_DISTANCE - 1) / SPEED, "nobody is faster than the speed"


def test_chance_is_far_below():
    by_chance = rollout(maze.make("StaticSmall", MANY, 0, size=1), RandomPlayer())
    knowing = rollout(maze.make("StaticSmall", MANY, 0, size=1), Oracle())
    assert by_chance.scores.mean() < knowing.scores.mean() / 5


def test_a_rollout_keeps_what_happened():
    mazes = maze.make("IMaze", 3, 0, size=1, frames=800)
    played = rollout(mazes, Oracle())
    assert played.poses.shape == (200, 3, 3)
    np.testing.assert_array_equal(played.found.sum(0), mazes.agents["goals"])
    np.testing.assert_allclose(played.scores, mazes.agents["score"])
    first, later = played.latencies()
    assert len(first) == 3
    assert len(later) == played.found.sum() - 3
    times = np.flatnonzero(played.found[:, 0]) + 1
    assert first[0] == pytest.approx(times[0] * 4 / 60)
    waits = played.waits()
    np.testing.assert_array_equal(waits[0], first)
    assert [len(w) for w in waits] == [np.sum(played.found.sum(0) > k) for k in range(len(waits))]
    assert waits[1][0] == pytest.approx((times[1] - times[0]) * 4 / 60)
    assert played.score_error == pytest.approx(np.std(played.scores) / np.sqrt(2))


def test_a_rollout_without_a_find_has_no_waits():
    played = rollout(maze.make("StaticSmall", 2, 0, size=1, frames=8), Oracle())
    assert played.waits() == []
    assert [seconds.tolist() for seconds in played.latencies()] == [[], []]


def test_chance_in_a_maze_is_not_what_the_maze_was_drawn_from():
    mazes = maze.make("StaticSmall", 1, 7, size=1)
    assert RandomPlayer(7).rng.bit_generator.state != mazes.rngs[0].bit_generator.state


def test_a_player_that_is_none():
    with pytest.raises(MazeError, match="no player 'human'; there are oracle and random"):
        find_player("human")
    with pytest.raises(MazeError, match="seed=-1: this takes a whole number from 0"):
        find_player("random", -1)


def table(text):
    """Score, its error and goals by maze and player."""
    rows = re.findall(
        r"^\| (\w+) +\| (\w+) +\| +([\d.]+) ± ([\d.]+) \| +([\d.]+) \|", text, re.MULTILINE
    )
    return {row[:2]: [float(cell) for cell in row[2:]] for row in rows}


def test_the_published_scores_are_what_the_command_gives(monkeypatch):
    """For all mazes; and in one of them, up to chance, from fewer episodes of other seeds."""
    written = table(Path(maze.__file__).with_name("RESULTS.md").read_text(encoding="utf-8"))
    assert set(written) == {
        (name, player) for name in maze.names() for player in ("oracle", "random")
    }
    monkeypatch.setattr(scores, "VARIANTS", {"IMaze": None})
    played = table(scores.report(MANY, 1_000))
    for row, (score, error, _) in played.items():
        published, its_error, _ = written[row]
        assert abs(score - published) < 5 * np.hypot(error, its_error) + 0.5, row


# -- to see -----------------------------------------------------------------------------------------


def colors(image):
    return {tuple(color) for color in image.reshape(-1, 3).tolist()}


def test_the_map_shows_walls_things_agent_and_path():
    mazes = maze.make("StaticSmall", 1, 0, size=1)
    mazes.reset()
    plain, without = top_down(mazes, tile=20), top_down(mazes, tile=20, agent=False)
    assert plain.shape == (220, 420, 3)
    record = mazes.agents[0]
    changed = np.argwhere((plain != without).any(-1)) / 20
    middle = changed.mean(axis=0)
    np.testing.assert_allclose(middle, [record["y"], record["x"]], atol=0.15)
    goal = mazes.episodes[0].goal
    star = without[20 * goal[0] : 20 * goal[0] + 20, 20 * goal[1] : 20 * goal[1] + 20]
    assert (255, 176, 0) in colors(star)
    with_path = top_down(mazes, tile=20, path=True)
    steps = {tuple(tile) for tile in (np.argwhere((with_path != plain).any(-1)) // 20).tolist()}
    assert len(steps) >= record["distance"] - 1
    assert all(mazes.episodes[0].walls[tile] == 0 for tile in steps)


def test_eaten_fruit_is_not_on_the_map():
    mazes = maze.make("StaticSmall", 1, 0, size=1)
    mazes.reset()
    before = top_down(mazes, tile=12)
    mazes._things["present"][0, 1] = 0
    row, column = (int(mazes.things()[w][1]) for w in "yx")
    changed = {
        tuple(t) for t in (np.argwhere((top_down(mazes, tile=12) != before).any(-1)) // 12).tolist()
    }
    assert changed == {(row, column)}


@pytest.mark.parametrize("tile", [1, 2, 5])
def test_small_maps_can_be_drawn(tile):
    mazes = maze.make("RandomMazeLarge", 2, 0, size=1)
    mazes.reset()
    assert top_down(mazes, 1, tile, path=True).shape == (19 * tile, 31 * tile, 3)


@pytest.mark.parametrize("tile", [0, -1, 1.5])
def test_tiles_of_so_many_pixels_cannot_be_drawn(tile):
    mazes = maze.make("IMaze", 1, 0, size=1)
    mazes.reset()
    with pytest.raises(MazeError, match=f"tile={tile}: this takes a whole number from 1"):
        top_down(mazes, tile=tile)


def test_views_stand_side_by_side():
    joined = side_by_side(
        np.full((4, 2, 3), 200, np.uint8), np.full((2, 3, 3), 100, np.uint8), gap=2
    )
    assert joined.shape == (4, 9, 3)
    assert (joined[:, 1:3] == 200).all()
    assert (joined[1:3, 5:8] == 100).all()
    mazes = maze.make("IMaze", 1, 0)
    mazes.reset()
    assert wide_view(mazes, 0, 110).shape[0] == 110
    assert wide_view(mazes, 0, 5).shape[0] == 11, "a pixel a tile"


def test_no_colour_of_a_film_is_far_off(tmp_path):
    """Nor one that is seen for a moment: the palette has but 256, and there are thousands."""
    from PIL import Image, ImageSequence

    ramp = 4 * np.arange(64, dtype=np.uint8)
    frames = [np.zeros((64, 64, 3), np.uint8) for _ in range(40)]
    for k, frame in enumerate(frames):
        frame[..., 0], frame[..., 1] = np.roll(ramp, k), ramp[:, None]
    frames[17][20:30, 40:50] = 90, 30, 200
    save_film(frames, tmp_path / "film.gif", 15)
    with Image.open(tmp_path / "film.gif") as image:
        parts = ImageSequence.Iterator(image)
        shown = [np.asarray(part.convert("RGB")).astype(int) for part in parts]
    assert len(shown) == len(frames)
    assert np.abs(np.array(shown) - np.array(frames)).max() <= 40


def test_a_film_is_whole_or_not_there(tmp_path):
    from PIL import Image

    frames = list(film(maze.make("IMaze", 1, 0, size=1, frames=40), Oracle(), 1.0, height=44))
    assert len(frames) == 16, "15 decisions a second, and the start"
    save_film(frames, tmp_path / "film.gif", 15)
    with Image.open(tmp_path / "film.gif") as image:
        assert image.n_frames > 8
        assert image.info["duration"] == 70, "hundredths of a second, the nearest to 1/15"
        assert image.size == frames[0].shape[1::-1]
        first = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(first - frames[0]).mean() < 12, "colours are close to what they were"

    def broken():
        yield frames[0]
        raise OSError(28, "No space left on device")

    with pytest.raises(MazeError, match="No space left"):
        save_film(broken(), tmp_path / "other.gif", 15)
    assert [path.name for path in tmp_path.iterdir()] == ["film.gif"]


@pytest.mark.parametrize(
    ("name", "said"), [("film.avi", "is a .gif, or a .mp4"), ("film.mp4", "ffmpeg")]
)
def test_films_that_cannot_be_written(tmp_path, monkeypatch, name, said):
    monkeypatch.setattr("shutil.which", lambda program: None)
    with pytest.raises(MazeError, match=said):
        save_film([], tmp_path / name, 15)


def test_ffmpeg_that_ends_early_says_why_itself(tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(program))
    frames = np.zeros((30, 200, 300, 3), np.uint8)  # more than a pipe holds
    with pytest.raises(MazeError, match="what it said stands above"):
        save_film(frames, tmp_path / "film.mp4", 15)
    assert not (tmp_path / "film.mp4").exists()


def test_ffmpeg_is_given_every_frame(tmp_path, monkeypatch):
    """By a stand-in that keeps what it is given."""
    program = tmp_path / "ffmpeg"
    program.write_text('#!/bin/sh\nfor last; do :; done\ncat > "$last"\n')
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(program))
    frames = [np.full((5, 7, 3), k, np.uint8) for k in range(3)]
    save_film(iter(frames), tmp_path / "film.mp4", 15)
    written = np.frombuffer((tmp_path / "film.mp4").read_bytes(), np.uint8)
    assert written.reshape(3, 4, 6, 3)[:, 0, 0, 0].tolist() == [0, 1, 2], "even sides"


def test_figures_draw_ways_and_where_the_time_was_spent():
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    mazes = maze.make("StaticSmall", 2, 0, size=1, frames=1_200)
    played = rollout(mazes, Oracle())
    axes = Figure().subplots(1, 2)
    episode = mazes.episodes[0]
    values = np.arange(300) ** 2
    lines = figures.draw_trajectory(
        axes[0], episode, played.poses[:, 0], played.found[:, 0], values
    )
    assert [*axes[0].collections] == [lines]
    np.testing.assert_array_equal(lines.get_array(), values[1:][~played.found[1:, 0]])
    lengths = [np.linalg.norm(np.diff(line, axis=0), axis=1).max() for line in lines.get_segments()]
    assert max(lengths) < 1, "a teleport is no way"
    assert len(lengths) == 299 - played.found[1:, 0].sum()
    image = figures.draw_heat_map(axes[1], mazes.episodes, played.poses)
    share = image.get_array()
    assert share.sum() == pytest.approx(100)
    assert (np.ma.getmaskarray(share) == (episode.walls > 0)).all()
    axes[0].figure.canvas.draw()


@pytest.mark.parametrize(
    ("name", "goals", "fruit"), [("StaticSmall", 1, 5), ("IMaze", 0, 3), ("RandomGoalSmall", 0, 0)]
)
def test_a_heat_map_shows_what_lies_in_the_same_place_in_all_episodes(name, goals, fruit):
    from matplotlib.figure import Figure

    mazes = maze.make(name, 20, 0, size=1)
    mazes.reset()
    axes = Figure().subplots()
    figures.draw_heat_map(axes, mazes.episodes, mazes.info()["pose"])
    drawn = {line.get_marker(): len(line.get_xdata()) for line in axes.lines}
    assert drawn == {"*": goals, "o": fruit}


def test_visits_by_hand():
    mazes = maze.make("StaticSmall", 1, 0, size=1)
    mazes.reset()
    share = figures.visits(
        mazes.episodes[0], np.array([[1.5, 2.5], [1.9, 2.1], [3.2, 1.0], [3.9, 1.9]])
    )
    assert share[2, 1] == 0.5
    assert share[1, 3] == 0.5
