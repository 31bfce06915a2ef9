"""People play: keys, clock, scores, the terminal as its player sees it; and the command line."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import maze
from maze import Action, MazeError
from maze.__main__ import main
from maze.constants import IDLE
from maze.playing import clock, terminal
from maze.playing.session import HELP, Session, action_of, best, keep_score
from maze.playing.terminal import (
    _keys,
    _parse,
    clean_screen,
    fitting_height,
    half_blocks,
    play_in_terminal,
)
from maze.playing.window import WindowError, play_in_window, show

FOLDER = Path(maze.__file__).parents[1]


@pytest.mark.parametrize(
    ("keys", "action"),
    [
        ((), IDLE),
        (("x", "shift_l"), IDLE),
        (("up",), Action.FORWARD),
        (("w", "left"), Action.FORWARD_TURN_LEFT),
        (("up", "right"), Action.FORWARD_TURN_RIGHT),
        (("left",), Action.TURN_LEFT),
        (("a",), Action.STRAFE_LEFT),
        (("d",), Action.STRAFE_RIGHT),
        (("s", "x"), Action.BACKWARD),
    ],
)
def test_keys(keys, action):
    assert action_of(keys) == action


def test_who_presses_no_key_comes_to_rest():
    session = Session("StaticLarge", 0)
    for _ in range(10):
        session.step(["left"])
    for _ in range(30):
        session.step([])
    agent = session.simulator.agents[0]
    assert abs(agent["turn"]) < 1e-3
    assert agent["frame"] == 160, "time goes on"


def test_a_session_ends_with_its_time():
    session = Session("IMaze", 0, seconds=1)
    assert [session.step(["up"]) for _ in range(15)] == [False] * 14 + [True]
    assert session.image(30).shape == (30, 40, 3)
    assert "points" in session.status
    result = session.result("somebody")
    assert (result["maze"], result["player"], result["seconds"]) == ("IMaze", "somebody", 1)


def test_a_layout_of_ones_own_is_one_maze_however_its_path_is_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("own.txt").write_text("#####\n#P.G#\n#####\n")
    typed = ("own.txt", "./own.txt", str(tmp_path / "own.txt"))
    mazes = {Session(name, 0, 1).result("me")["maze"] for name in typed}
    assert mazes == {str(Path("own.txt").resolve())}


LIKE = {"maze": "IMaze", "seconds": 60.0, "map": False}


def test_scores_are_kept_best_first(tmp_path):
    path = tmp_path / "deep" / "scores.jsonl"
    for score, name in ((3, "IMaze"), (9, "IMaze"), (100, "StaticSmall")):
        keep_score(LIKE | {"maze": name, "score": score}, path)
    keep_score(LIKE | {"map": True, "score": 200}, path)
    with path.open("a") as file:
        file.write('half a line\n{"maze": "IMaze"}\n{"maze": "IMaze", "seconds": 60}\n')
    assert [game["score"] for game in best(path, LIKE)] == [9, 3]
    assert best(tmp_path / "none", LIKE) == []
    with pytest.raises(MazeError, match="cannot keep the score"):
        keep_score({}, path / "below a file")


def test_a_line_that_was_cut_short_costs_no_other_game(tmp_path):
    path = tmp_path / "scores.jsonl"
    path.write_text(
        '{"maze": "IMaze", "seconds": 60.0, "map": false, "score": NaN}\n[1]\n{"maze": "IMaze", "sec'
    )
    for score in (3, 9):
        keep_score(LIKE | {"score": score}, path)
    assert [game["score"] for game in best(path, LIKE)] == [9, 3]


def test_games_are_ranked_among_those_of_their_length(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("maze.__main__.play_in_window", lambda session, *_: play(session))
    path = tmp_path / "scores.jsonl"

    def play(session):
        while not session.step(["up"]):
            pass
        return True

    for seconds, name in (("1", "short"), ("2", "long"), ("1", "short too")):
        words = ["play", "IMaze", "--seconds", seconds, "--player", name, "--seed", "0"]
        assert main([*words, "--scores", str(path)]) == 0
    shown = capsys.readouterr().out
    assert len(path.read_text().splitlines()) == 3
    assert shown.count("  long  ") == 1
    assert shown.count("2. ") == 1, "the second short one has one rival"


def test_half_blocks_show_two_pixels_a_character():
    image = np.zeros((4, 3, 3), np.uint8)
    image[0, :2] = 255, 0, 0
    image[1, 0] = 0, 0, 255
    first, second = half_blocks(image).split("\r\n")
    assert first.count("▀") == second.count("▀") == 3
    assert first.startswith("\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[38;2;255;0;0;48;2;0;0;0m▀")
    assert second.count("\x1b[38;2") == 1, "a colour is said once"


def test_keys_of_a_terminal():
    assert _parse("w\x1b[A\x1bOCq\x1b[Z") == (["w", "up", "right", "q", ""], "")
    assert _parse("\x1b[1;5Aa\x1b[1;2D\x1b[3~\x1bw") == (["up", "a", "left", "", "\x1b", "w"], "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no pseudo-terminal")
@pytest.mark.parametrize("pressed", [b"\x1b[A", b"\x1bOA", b"\x1b[1;5A"])
def test_a_key_whose_bytes_come_one_by_one(pressed, monkeypatch):
    import pty
    import select

    outer, inner = pty.openpty()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(fileno=lambda: inner))
    keys = []
    with _keys() as read:
        for byte in pressed:
            os.write(outer, bytes([byte]))
            assert select.select([inner], [], [], 10)[0]
            keys += read()
    os.close(outer)
    os.close(inner)
    assert keys == ["up"]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_process_that_is_told_to_end_gives_the_screen_back(name, capsys):
    if not hasattr(signal, name):
        pytest.skip("there is no such signal")
    number = getattr(signal, name)
    with pytest.raises(SystemExit) as ended, clean_screen():
        os.kill(os.getpid(), number)
    assert ended.value.code == 128 + number
    assert capsys.readouterr().out.endswith("\x1b[?25h\x1b[?1049l")
    assert signal.getsignal(number) is signal.SIG_DFL


def test_no_terminal_no_game():
    with pytest.raises(MazeError, match="neither a window nor a terminal"):
        play_in_terminal(Session("IMaze", 0, 1))


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (60, 80), (300, 100), (20, 2), (2, 1)])
def test_the_picture_fits_the_terminal(columns, lines):
    picture = half_blocks(Session("IMaze", 0).image(fitting_height(columns, lines)))
    rows = picture.split("\r\n")
    assert len(rows) <= max(lines, 1)
    assert {row.count("▀") for row in rows} <= set(range(1, columns + 1))


def silent_terminal(monkeypatch):
    """Nobody types; return the list of what it is sent."""
    written: list[str] = []
    screen = SimpleNamespace(
        isatty=lambda: True, encoding="utf-8", write=written.append, flush=lambda: None
    )
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(terminal, "_keys", lambda: nullcontext(lambda: []))
    return written


def test_a_narrow_terminal_shows_all_keys(monkeypatch):
    written = silent_terminal(monkeypatch)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: (40, 16))
    assert play_in_terminal(Session("IMaze", 0, 0.1))
    shown = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", "".join(written).split("\x1b[H")[1])
    lines = shown.split("\r\n")
    assert len(lines) == 16
    assert " ".join(lines[-2:]) == HELP
    assert lines[-3].startswith("  0 s left   points")
    assert max(map(len, lines)) <= 40


def test_the_picture_follows_the_size_of_the_terminal(monkeypatch):
    written = silent_terminal(monkeypatch)
    small, large = (40, 12), (80, 24)
    monkeypatch.setattr(
        "shutil.get_terminal_size", lambda: large if "▀" in "".join(written) else small
    )
    assert play_in_terminal(Session("IMaze", 0, 0.2))
    shown = "".join(written).split("\x1b[H")[1:]
    assert [picture.count("\r\n") + 1 for picture in shown] == [12, 24, 24]
    assert ["\x1b[2J" in picture for picture in shown] == [True, False, False]


def test_a_terminal_without_half_blocks(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(isatty=lambda: True, encoding="ascii"))
    with pytest.raises(MazeError, match="PYTHONIOENCODING=utf-8"):
        play_in_terminal(Session("IMaze", 0, 1))


def test_what_tk_would_swallow_ends_the_window():
    class Window:
        left = False

        def mainloop(self):
            self.report_callback_exception(KeyboardInterrupt, KeyboardInterrupt(), None)

        def quit(self):
            self.left = True

    window = Window()
    with pytest.raises(KeyboardInterrupt):
        show(window)
    assert window.left


def test_the_map_is_for_the_window(capsys):
    assert main(["play", "IMaze", "--terminal", "--map"]) == 2
    assert "--map is shown in the window" in capsys.readouterr().err


def test_who_has_no_name_may_play(tmp_path, monkeypatch):
    def nameless():
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr("getpass.getuser", nameless)
    monkeypatch.setattr("maze.__main__.play_in_window", lambda session, *_: True)
    assert main(["play", "IMaze", "--scores", str(tmp_path / "scores.jsonl")]) == 0
    assert json.loads((tmp_path / "scores.jsonl").read_text())["player"] == "player"


def test_no_display_no_window(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    if sys.platform in ("win32", "darwin"):
        pytest.skip("there is always a display")
    with pytest.raises(WindowError):
        play_in_window(Session("IMaze", 0, 1))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no pseudo-terminal")
def test_a_game_in_a_terminal(tmp_path):
    """Typed and read as through a terminal: forward is held, the score is kept, the terminal given back."""
    import pty
    import subprocess

    outer, inner = pty.openpty()
    command = [sys.executable, "-m", "maze", "play", "IMaze", "--terminal", "--seconds", "0.7"]
    command += ["--player", "me", "--scores", str(tmp_path / "scores.jsonl"), "--seed", "0"]
    game = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, close_fds=True)
    os.close(inner)
    shown = b""
    while True:
        try:
            part = os.read(outer, 65_536)
        except OSError:  # closed by the game's end
            break
        if not part:
            break
        shown += part
        if "▀".encode() in part:
            os.write(outer, b"w")
    assert game.wait() == 0
    os.close(outer)
    text = shown.decode(errors="ignore")
    assert text.index("\x1b[?1049h") < text.index("▀") < text.index("\x1b[?1049l")
    (line,) = (tmp_path / "scores.jsonl").read_text().splitlines()
    assert json.loads(line)["player"] == "me"


# -- the command line -------------------------------------------------------------------------------


def test_the_list_names_and_draws_them(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in maze.names())
    assert "#..G#############G..#" in shown


def test_the_list_goes_quietly_where_nobody_reads_on():
    command = [sys.executable, "-m", "maze"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=FOLDER
    ) as listed:
        listed.stdout.close()  # as `| head` does it
        assert (listed.stderr.read(), listed.wait()) == ("", 141)


def test_a_maze_is_drawn_as_text_or_as_a_picture(tmp_path, capsys):
    assert main(["draw", "random-maze-small", "--seed", "3"]) == 0
    assert capsys.readouterr().out.strip().splitlines()[0] == "#" * 21
    out = tmp_path / "maze.png"
    assert main(["draw", "IMaze", "--out", str(out), "--tile", "8", "--path"]) == 0
    assert out.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["IMaze", "RandomGoalSmall", "RandomMazeSmall"])
def test_as_text_things_lie_where_they_do_in_that_episode(name, capsys):
    for seed in range(3):
        assert main(["draw", name, "--seed", str(seed)]) == 0
        drawn = maze.from_text(capsys.readouterr().out)
        mazes = maze.make(name, 1, seed)
        mazes.reset()
        goal, *fruit = mazes.things()
        assert drawn.goals == [(int(goal["y"]), int(goal["x"]))]
        assert len(drawn.apples) + len(drawn.strawberries) == len(fruit)
        assert np.array_equal(drawn.walls, mazes.episodes[0].layout.walls)


def test_what_is_no_picture_is_not_drawn(tmp_path, capsys):
    assert main(["draw", "IMaze", "--out", str(tmp_path / "maze.xyz")]) == 2
    assert "a picture ends in .png" in capsys.readouterr().err


def test_ways_are_drawn_of_mazes_whose_walls_stay(tmp_path, capsys):
    out = tmp_path / "ways.png"
    assert main(["ways", "IMaze", "--player", "random", "--episodes", "2", "--out", str(out)]) == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    assert main(["ways", "RandomMazeSmall"]) == 2
    assert "give --episodes 1" in capsys.readouterr().err
    out.unlink()
    assert main(["ways", "RandomMazeSmall", "--episodes", "1", "--out", str(out)]) == 0
    assert out.exists()


@pytest.mark.parametrize("name", ["ways", "ways.foo"])
def test_no_ways_are_walked_for_what_is_no_picture(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("maze.__main__.rollout", lambda *_: pytest.fail("they are walked"))
    assert main(["ways", "IMaze", "--out", str(tmp_path / name)]) == 2
    assert f"{name}: a picture ends in .png" in capsys.readouterr().err


def test_no_game_is_played_whose_score_could_not_be_kept(tmp_path, monkeypatch, capsys):
    silent_terminal(monkeypatch)
    monkeypatch.setattr(Session, "step", lambda *_: pytest.fail("it is played"))
    assert main(["play", "IMaze", "--terminal", "--scores", str(tmp_path)]) == 2
    assert f"cannot keep the score in {tmp_path}" in capsys.readouterr().err


def test_where_nobody_can_play_no_file_of_scores_is_made(tmp_path, capsys):
    path = tmp_path / "deep" / "scores.jsonl"
    assert main(["play", "IMaze", "--terminal", "--scores", str(path)]) == 2
    assert "neither a window nor a terminal" in capsys.readouterr().err
    assert not path.parent.exists()


def test_a_film_is_recorded(tmp_path):
    out = tmp_path / "film.gif"
    command = ["record", "StaticSmall", "--seconds", "0.5", "--height", "60", "--player", "random"]
    assert main([*command, "--out", str(out)]) == 0
    assert out.read_bytes().startswith(b"GIF8")


def test_scores_are_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("maze.scores.VARIANTS", {"IMaze": None})
    out = tmp_path / "RESULTS.md"
    assert main(["scores", "--episodes", "2", "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8") in capsys.readouterr().out
    assert "| IMaze | oracle |" in out.read_text(encoding="utf-8")


def test_no_number_of_episodes(capsys):
    for number in ("0", "many"):
        with pytest.raises(SystemExit):
            main(["scores", "--episodes", number])
        assert f"{number} is no whole number from 1 on" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["nan", "-3", "0", "inf", "abc"])
@pytest.mark.parametrize("command", ["play", "record"])
def test_no_time_to_play(command, seconds, capsys):
    with pytest.raises(SystemExit):
        main([command, "IMaze", "--seconds", seconds])
    assert f"{seconds} is no time to play" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["draw", "Nowhere"], "no maze 'Nowhere'"),
        (["draw", "IMaze", "--path"], "say where it goes by --out"),
        (["record", "IMaze", "--height", "100000"], "no size of an image"),
        (["draw", "none.txt"], "cannot read the layout"),
        (["record", "IMaze", "--player", "me"], "no player 'me'"),
        (["record", "IMaze", "--out", "film.avi"], "a film is a .gif"),
        (["record", "IMaze", "--seed", "-1"], "seed=-1"),
        (["draw", "IMaze", "--out", "no/such/folder/a.png"], "cannot write"),
        (["draw", "IMaze", "--out", __file__ + "/a.png"], "cannot write"),
        (["draw", "IMaze", "--out", "a" * 300 + ".png"], "cannot write"),
        (["draw", "IMaze", "--out", "."], "that is no file"),
        (["draw", "IMaze", "--out", "/dev/null"], "that is no file"),
    ],
)
def test_what_cannot_be_done_is_said(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert capsys.readouterr().err.count(said) == 1


def test_the_clock_is_that_of_the_game(monkeypatch):
    now = [5.0]
    monkeypatch.setattr(clock.time, "monotonic", lambda: now[0])
    pause = Session("IMaze", 0).pause
    assert pause == pytest.approx(4 / 60)
    due = clock.Clock(pause)
    now[0] += pause / 4  # so long did the picture take
    assert due.wait() == pytest.approx(3 / 4 * pause)
    now[0] += 3 / 4 * pause + 5 * pause
    assert due.wait() == 0, "it is late, and does not hurry"
    now[0] += pause / 2
    assert due.wait() == pytest.approx(pause / 2)
