"""`python -m tasks` from the outside: what is typed, what is answered, what lies in the folder."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tasks import registry
from tasks.__main__ import main

HERE = Path(__file__).parent
DRIVER = """
import sys
from tasks import registry
registry.TOPICS = ("logistic_topic",)
from tasks.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def logistic(monkeypatch, tmp_path):
    """The only task there is; and a folder to run in."""
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setattr(registry, "TOPICS", ("logistic_topic",))
    monkeypatch.chdir(tmp_path)


def type_in(line):
    """Type a line after `python -m tasks`, in this process."""
    return main(line.split())


def command(line, stdout=subprocess.PIPE):
    """The same as a process of its own."""
    path = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, *line.split()],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def results(folder):
    """Log and metrics without what a clock says."""
    lines = [json.loads(line) for line in Path(folder, "log.jsonl").read_text().splitlines()]
    metrics = json.loads(Path(folder, "metrics.json").read_text())
    for record in (*lines, metrics):
        assert record.pop("seconds") >= 0
    return lines, metrics


def test_the_list_says_what_how_long_and_what_came_out(capsys):
    assert type_in("") == 0
    out = capsys.readouterr().out
    for words in ("logistic", "parts two clouds", "default 1 s", "error 3 %", "--help"):
        assert words in out


def test_the_list_imports_nothing_heavy():
    code = (
        "import sys\nsys.argv = ['tasks']\n"
        + DRIVER.replace("sys.exit(main(sys.argv[1:]))", "main([])")
        + "heavy = {'numpy', 'numba', 'minigrad', 'layers', 'matplotlib', 'logistic_task'}\n"
        "sys.exit(str(heavy & {*sys.modules}) if heavy & {*sys.modules} else 0)"
    )
    path = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_list_goes_quietly_where_nobody_reads_on():
    listed = command("", stdout=subprocess.PIPE)
    listed.stdout.close()  # as `| head` does it
    assert (listed.stderr.read(), listed.wait()) == ("", 141)
    listed.stderr.close()


def test_help_gives_every_field_its_line_type_choices_and_presets(capsys):
    assert type_in("logistic --help") == 0
    out = capsys.readouterr().out
    for words in (
        "--steps 40; quick: 6; paper: 500\n    training steps\n    (a whole number)",
        "--nets plain; paper: plain,st-plain",
        "one or more (a,b,...) of: plain, st-plain",
        "one of: R, RTS, P",
        "--checkpoint-seconds",
        "--seed 0",
        "--resume DIR",
    ):
        assert words in out


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("logistc", "there is no task 'logistc'. Did you mean logistic?"),
        ("zebra", "there is no task 'zebra'. There are: logistic."),
        ("logistic --preset fast", "no preset 'fast'. There are: quick, default, paper."),
        ("logistic --preset qick", "Did you mean quick?"),
        ("logistic --step 3", "there is no option --step. Did you mean --steps?"),
        ("logistic --steps three", "--steps 'three' must be a whole number"),
        ("logistic --steps", "--steps takes a value"),
        ("logistic --steps --seed 3", "--steps takes a value"),
        ("logistic steps 3", "'steps' stands alone"),
        ("logistic --distortion RST", "no choice 'RST'. Did you mean RTS?"),
        ("logistic --nets plane", "no choice 'plane'. Did you mean plain?"),
        ("logistic --out a --resume b", "give one of the two"),
        ("logistic --resume nowhere", "nowhere holds no run"),
    ],
)
def test_slips_cost_two_lines_and_exit_code_2(capsys, tmp_path, line, answer):
    assert type_in(line) == 2
    captured = capsys.readouterr()
    assert answer in captured.err
    assert captured.err.count("\n") <= 2
    assert captured.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_run_fills_its_folder_and_sums_up(capsys):
    line = "logistic --preset quick --seed 4 --nets=plain,st-plain --checkpoint_seconds 0"
    assert type_in(line) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    folder = Path("runs/logistic-quick-seed4")
    names = {path.name for path in folder.iterdir()}
    assert names == {"config.json", "log.jsonl", "metrics.json", "checkpoint.npz", "curve.png"}
    for words in ("step 2  ", "error.st_plain", str(folder), str(folder / "curve.png")):
        assert words in captured.out
    config = json.loads((folder / "config.json").read_text())
    assert config["settings"]["steps"] == 6
    assert config["settings"]["nets"] == ["plain", "st-plain"]
    assert config["settings"]["threads"] >= 1
    assert config["versions"]["numpy"] == np.__version__
    assert {"python", "numba", "minigrad", "platform"} <= set(config["versions"])
    assert config["command"] == f"python -m tasks {line}"
    lines, metrics = results(folder)
    assert [record["step"] for record in lines] == [2, 4, 6]
    assert {"error.plain", "error.st_plain", "count.plain", "best"} <= set(metrics)
    with np.load(folder / "checkpoint.npz") as archive:
        assert "train/nets/plain/w" in archive.files


def test_the_seed_decides():
    for out, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert type_in(f"logistic --preset quick --seed {seed} --out {out} --picture false") == 0
    assert results("a") == results("b") != results("c")


def test_a_folder_that_holds_something_is_refused_and_left_alone(capsys):
    assert type_in("logistic --preset quick --picture false") == 0
    before = results("runs/logistic-quick-seed0")
    assert type_in("logistic --preset quick --rate 3") == 2
    err = capsys.readouterr().err
    assert "not empty" in err
    assert "--resume runs/logistic-quick-seed0" in err
    assert results("runs/logistic-quick-seed0") == before
    Path("other").mkdir()
    Path("other/note").write_text("mine")
    assert type_in("logistic --out other") == 2
    assert "--resume" not in capsys.readouterr().err
    assert [path.name for path in Path("other").iterdir()] == ["note"]


def test_an_empty_folder_is_welcome():
    Path("empty").mkdir()
    assert type_in("logistic --preset quick --picture false --out empty") == 0


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_a_folder_that_cannot_be_made_is_told_before_any_training(capsys, out):
    Path("file").write_text("in the way")
    assert type_in(f"logistic --out {out}") == 2
    captured = capsys.readouterr()
    assert f"cannot make the folder {out}" in captured.err
    assert "--out" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("option", ["--out", "--resume"])
def test_an_empty_name_is_no_folder(capsys, option):
    assert type_in(f"logistic {option}=") == 2
    assert f"{option} names no folder" in capsys.readouterr().err


def test_too_much_memory_is_told(capsys, monkeypatch):
    def starve(*_):
        raise MemoryError("Unable to allocate 1. PiB.")

    monkeypatch.setattr("tasks.execute.start", starve)
    assert type_in("logistic --preset quick --picture false") == 2
    assert "not enough memory: Unable to allocate 1. PiB." in capsys.readouterr().err


def test_missing_data_are_told_and_bar_no_second_attempt(capsys, tmp_path):
    assert type_in("logistic --preset quick --data nowhere.npz") == 2
    captured = capsys.readouterr()
    assert captured.err == "there is no file nowhere.npz\n"
    assert list((tmp_path / "runs").iterdir()) == []
    assert type_in("logistic --preset quick --picture false") == 0


def test_a_task_that_fails_after_a_measurement_keeps_its_folder(monkeypatch):
    import logistic_task

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(logistic_task, "draw", broken)
    with pytest.raises(ZeroDivisionError):
        type_in("logistic --preset quick --out a")
    assert Path("a/config.json").exists()
    assert Path("a/log.jsonl").read_text().count("\n") == 1


def test_a_full_disk_is_told(capsys, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert type_in("logistic --preset quick --picture false --out a") == 2
    err = capsys.readouterr().err
    assert "No space left on device" in err
    assert "cannot write" in err


def test_a_finished_run_says_so(capsys):
    assert type_in("logistic --preset quick --picture false --out a") == 0
    before = results("a")
    capsys.readouterr()
    assert type_in("logistic --resume a") == 0
    out = capsys.readouterr().out
    assert "finished" in out
    assert "error.plain" in out
    assert results("a") == before


def test_resuming_refuses_other_settings_and_lists_them(capsys):
    assert type_in("logistic --preset quick --picture false --out a") == 0
    Path("a/metrics.json").unlink()
    same = "--preset quick --seed 0 --nets plain --picture false"
    assert type_in(f"logistic --resume a {same} --rate 2 --steps 9") == 2
    err = capsys.readouterr().err
    assert "--rate: 0.5 in the run, 2.0 asked for" in err
    assert "--steps: 6 in the run, 9 asked for" in err
    assert "--seed" not in err
    assert type_in("logistic --resume a --preset paper") == 2
    assert "--preset: quick in the run, paper asked for" in capsys.readouterr().err
    assert type_in(f"logistic --resume a {same}") == 0


def test_resuming_another_tasks_folder_names_the_right_command(capsys):
    assert type_in("logistic --preset quick --picture false --out a") == 0
    record = json.loads(Path("a/config.json").read_text())
    Path("a/config.json").write_text(json.dumps({**record, "task": "other"}))
    assert type_in("logistic --resume a") == 2
    assert "python -m tasks other --resume a" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}", '{"task": "logistic", "settings": 3}'])
def test_a_damaged_config_is_named(capsys, text):
    Path("a").mkdir()
    Path("a/config.json").write_text(text)
    assert type_in("logistic --resume a") == 2
    assert "a/config.json" in capsys.readouterr().err.replace("\\", "/")


def test_settings_of_another_version_are_named(capsys):
    assert type_in("logistic --preset quick --picture false --out a") == 0
    record = json.loads(Path("a/config.json").read_text())
    record["settings"]["gone"] = 3
    Path("a/config.json").write_text(json.dumps(record))
    assert type_in("logistic --resume a") == 2
    err = capsys.readouterr().err
    assert "does not fit this version" in err
    assert "--gone" in err


def test_other_versions_are_told_on_resuming(capsys):
    assert type_in("logistic --preset quick --picture false --out a") == 0
    Path("a/metrics.json").unlink()
    record = json.loads(Path("a/config.json").read_text())
    record["versions"]["numpy"] = "0.1"
    Path("a/config.json").write_text(json.dumps(record))
    assert type_in("logistic --resume a") == 0
    assert "numpy was 0.1 when the run began" in capsys.readouterr().out


@pytest.mark.parametrize("keep", [0, 100, -30])
def test_a_damaged_checkpoint_is_named_with_the_remedy(capsys, keep):
    assert type_in("logistic --preset quick --picture false --out a") == 0
    whole = results("a")
    Path("a/metrics.json").unlink()
    path = Path("a/checkpoint.npz")
    path.write_bytes(path.read_bytes()[:keep])
    assert type_in("logistic --resume a") == 2
    err = capsys.readouterr().err
    assert str(path) in err
    assert err.count("\n") == 2
    assert "Delete" in err
    path.unlink()
    assert type_in("logistic --resume a") == 0
    assert results("a") == whole


@pytest.mark.parametrize("die_at", [1, 13, 40])
@pytest.mark.parametrize("distance", [0, 3600])
def test_a_run_that_died_goes_on_to_the_same_numbers(die_at, distance):
    rest = f"--picture false --fine-tune true --noisy true --checkpoint-seconds {distance}"
    assert type_in(f"logistic {rest} --out whole") == 0
    process = command(f"logistic {rest} --die-at {die_at} --out a")
    process.communicate(timeout=60)
    assert process.returncode == 9
    settings = json.loads(Path("a/config.json").read_text())
    settings["settings"]["die_at"] = 0  # once is enough
    Path("a/config.json").write_text(json.dumps(settings))
    assert type_in("logistic --resume a") == 0
    assert results("a") == results("whole")


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_there_is_and_the_printed_command_goes_on(number):
    process = command("logistic --picture false --linger 0.02 --out cut")
    wait_for(lambda: Path("cut/log.jsonl").exists() and Path("cut/log.jsonl").stat().st_size > 0)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == ""
    assert "Interrupted." in out
    assert "of 40 steps" in out
    assert out.count("press Ctrl-C again to stop at once") == 1
    printed = out.strip().splitlines()[-1].strip()
    assert printed == "python -m tasks logistic --resume cut"
    assert not Path("cut/metrics.json").exists()
    assert type_in(printed.removeprefix("python -m tasks ")) == 0
    assert type_in("logistic --picture false --out whole") == 0
    assert results("cut") == results("whole")


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals")
def test_a_second_ctrl_c_ends_at_once():
    process = command("logistic --picture false --linger 30 --out cut")
    wait_for(lambda: Path("cut/lingering").exists())  # in the first step, half a minute long
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - begun < 10
    assert (process.returncode, err) == (130, "")
    assert "--resume cut" in out


def test_a_run_in_progress_is_not_run_twice(capsys):
    process = command("logistic --picture false --linger 0.05 --out cut --checkpoint-seconds 0")
    wait_for(lambda: Path("cut/log.jsonl").exists() and Path("cut/log.jsonl").stat().st_size > 0)
    assert type_in("logistic --resume cut") == 2
    assert "the run in cut is in progress" in capsys.readouterr().err
    process.kill()  # the lock goes with its process
    process.communicate(timeout=60)
    assert type_in("logistic --resume cut") == 0


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_a_terminal_gets_a_bar_on_standard_output_and_no_lines():
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))  # or it has no columns, and the bar no room
    process = command("logistic --preset quick --picture false", stdout=theirs)
    os.close(theirs)
    out = b""
    try:
        while chunk := os.read(ours, 4096):
            out += chunk
    except OSError:  # so Linux tells that the other end is closed
        pass
    os.close(ours)
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0
    text = out.decode()
    assert "6/6" in text
    assert "error.plain" in text
    assert "step 2" not in text


def test_more_threads_than_cores_are_refused(capsys, tmp_path):
    from minigrad.kernels.threads import usable_cores

    assert type_in("logistic --preset quick --threads 1000") == 2
    assert f"--threads 1000 must be at most {usable_cores()}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_threads_are_set_for_the_run_and_put_back():
    from minigrad.kernels.threads import get_num_threads

    before = get_num_threads()
    assert type_in("logistic --preset quick --picture false --threads 1 --out a") == 0
    assert json.loads(Path("a/config.json").read_text())["settings"]["threads"] == 1
    assert get_num_threads() == before
