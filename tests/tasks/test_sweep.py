"""Sweeps: what is drawn, by whom it is run, and what is told of it."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

from tasks import registry, sweep
from tasks.__main__ import main
from tasks.config import UsageError, make_config
from tasks.navigation.navigation import PRESETS, SWEEP, Config

HERE = Path(__file__).parent
ROOT = str(HERE.parents[1])


@pytest.fixture
def logistic(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setattr(registry, "TOPICS", ("logistic_topic",))
    monkeypatch.chdir(tmp_path)
    return tmp_path


class OneByOne(Executor):
    """At once and in this process: its patched registry is no other's."""

    def __init__(self, jobs, scheduler=None):
        self.jobs = jobs

    def submit(self, function, *given):
        future = Future()
        try:
            future.set_result(function(*given))
        except Exception as error:
            future.set_exception(error)
        return future


def test_ranges_are_even_in_the_logarithm_and_choices_among_what_is_named():
    rng = np.random.default_rng(0)
    rates = np.array([float(sweep.drawn("1e-4..1e-2", rng)) for _ in range(2000)])
    assert 1e-4 <= rates.min() < rates.max() <= 1e-2
    assert np.mean(rates < 1e-3) == pytest.approx(0.5, abs=0.05)
    assert {sweep.drawn("20|50", rng) for _ in range(50)} == {"20", "50"}
    whole = np.array([int(sweep.drawn("4..15", rng)) for _ in range(2000)])
    assert set(whole) == set(range(4, 16))
    assert np.mean(whole < 8) == pytest.approx(0.5, abs=0.05)
    assert sweep.drawn("1000000..1000000", rng) == "1000000"
    assert sweep.drawn("nav-d2", rng) == "nav-d2"
    assert sweep.drawn("../own.txt", rng) == "../own.txt"
    with pytest.raises(UsageError, match="is no range"):
        sweep.drawn("0..1", rng)


def test_a_draw_depends_on_the_seed_and_its_number_alone():
    texts = {"rate": "0.1..1", "steps": "3"}
    few, many = sweep.settings(texts, 2, 7), sweep.settings(texts, 5, 7)
    assert few == many[:2]
    assert len({draw["rate"] for draw in many}) == 5
    assert [draw["seed"] for draw in many] == ["7", "8", "9", "10", "11"]
    assert few != sweep.settings(texts, 2, 8)
    fixed = sweep.settings(texts | {"lr": "0.1"}, 5, 7)
    assert fixed == [one | {"lr": "0.1"} for one in many], "what is fixed changes no other draw"


def test_a_sweep_runs_ranks_and_goes_on(logistic, monkeypatch, capsys):
    monkeypatch.setattr(sweep, "make_executor", OneByOne)
    words = ["sweep", "logistic", "--runs", "7", "--rate", "0.01..1", "--preset", "quick"]
    words += ["--measure", "error.plain", "--rank", "lowest", "--picture", "false"]
    assert main(words) == 0
    *told, mean, best = capsys.readouterr().out.splitlines()
    errors = {line[:3]: float(line.split()[2]) for line in told}
    assert (
        mean == f"mean error.plain of the best 5 of 7: {np.mean(sorted(errors.values())[:5]):.4g}"
    )
    assert len({*errors.values()}) > 5
    assert errors[best[-3:]] == min(errors.values())
    out = logistic / "runs" / "sweep-logistic-quick-seed0"
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == [
        f"00{k}" for k in range(7)
    ]
    written = [(out / f"00{k}" / "metrics.json").stat().st_mtime_ns for k in range(7)]
    assert main(words) == 0  # nothing is left to do
    assert written == [(out / f"00{k}" / "metrics.json").stat().st_mtime_ns for k in range(7)]


def test_a_measure_that_the_runs_lack_is_told_with_those_they_have(logistic, monkeypatch, capsys):
    monkeypatch.setattr(sweep, "make_executor", OneByOne)
    words = ["sweep", "logistic", "--runs", "1", "--rate", "0.5", "--preset", "quick"]
    assert main([*words, "--measure", "nosuch", "--picture", "false"]) == 1
    first, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("000  has no measure 'nosuch', but ")
    assert "error.plain" in first


def test_a_result_of_other_settings_is_not_taken_for_one_of_these(logistic, monkeypatch, capsys):
    monkeypatch.setattr(sweep, "make_executor", OneByOne)
    words = ["sweep", "logistic", "--runs", "1", "--rate", "0.5", "--preset", "quick"]
    words += ["--measure", "error.plain", "--picture", "false"]
    assert main(words) == 0
    capsys.readouterr()
    for other, said in (
        (["--rate", "0.25"], "--rate: 0.5 in the run, 0.25 asked"),
        (["--steps", "7"], "--steps: "),
    ):
        assert main([*words, *other]) == 1
        assert said in capsys.readouterr().out
    words[words.index("quick")] = "default"
    assert main([*words, "--out", str(logistic / "runs" / "sweep-logistic-quick-seed0")]) == 1
    assert "--preset: quick in the run" in capsys.readouterr().out


def test_a_run_that_fails_is_told_and_the_others_go_on(logistic, monkeypatch, capsys):
    monkeypatch.setattr(sweep, "make_executor", OneByOne)
    words = ["sweep", "logistic", "--runs", "6", "--data", "embedded|elsewhere", "--steps", "3"]
    words += ["--measure", "error.plain", "--picture", "false"]
    assert main(words) == 0
    said = capsys.readouterr().out
    failed = said.count("DataError: there is no file elsewhere")
    assert 0 < failed < 6
    assert f"of the best {min(6 - failed, 5)} of 6" in said


class ShortOfMemory(OneByOne):
    """The system kills a process of it in the second run; it takes no other afterwards."""

    def submit(self, function, *given):
        if str(given[-1]).endswith("002"):
            raise BrokenProcessPool("not usable any more")
        future = super().submit(function, *given)
        if str(given[-1]).endswith("001"):
            future = Future()
            future.set_exception(BrokenProcessPool("a process was terminated abruptly"))
        return future


@pytest.mark.parametrize("runs", ["2", "3"])
def test_a_killed_process_ends_it_in_a_sentence(logistic, monkeypatch, capsys, runs):
    monkeypatch.setattr(sweep, "make_executor", ShortOfMemory)
    words = ["sweep", "logistic", "--runs", runs, "--rate", "0.01..1", "--preset", "quick"]
    words += ["--measure", "error.plain", "--picture", "false"]
    assert main(words) == 2
    said = capsys.readouterr()
    assert "the same command goes on" in said.err
    assert said.out.startswith("000  error.plain")
    monkeypatch.setattr(sweep, "make_executor", OneByOne)
    assert main(words) == 0


def test_the_best_come_first():
    results = [{"score": 1.0}, None, {"score": 3.0}, {"score": None}, {"score": 2.0}]
    assert sweep.best(results, "score", highest=True) == [2, 4, 0]
    assert sweep.best(results, "score", highest=False) == [0, 4, 2]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["logistic"], "says not what to draw"),
        (["logistic", "--rate", "0.1..1"], "says not what to draw"),
        (["logistic", "--runs", "0"], "--runs '0' must be"),
        (["logistic", "--seed", "abc"], "--seed 'abc' must be"),
        (["logistic", "--seed", "-1"], "--seed '-1' must be"),
        (["logistic", "--rank", "best"], "--rank 'best' is highest or lowest"),
        (["logistik"], "there is no task"),
        (["logistic", "--rate", "0.1..1", "--measure", "x", "--scheduler", "tcp://no"], "Dask"),
        (["logistic", "--rate", "0.1..b", "--measure", "x"], "is no range"),
        (["logistic", "--rate", "a..b", "--measure", "x"], "--rate 'a..b' must be a number"),
        (["logistic", "--rate", "1e-2..1e-4", "--measure", "x"], "the lower first"),
        (["logistic", "--rate", "1..inf", "--measure", "x"], "is no range"),
        (["logistic", "--ratte", "0.1..1", "--measure", "x"], "Did you mean --rate"),
        (["logistic", "--rate", "alone"], "--measure"),
        (["logistic", "--rate", "0.1..1", "--measure", "x", "--preset", "bogus"], "bogus"),
    ],
)
def test_bad_words_are_answered(logistic, words, answer, capsys):
    assert main(["sweep", *words]) == 2
    assert answer in capsys.readouterr().err


def test_what_navigation_draws_are_settings_of_its():
    for draw in sweep.settings(SWEEP.draws, 4, 0):
        make_config(Config, PRESETS, "default", draw)


def test_settings_are_refused_before_the_first_run(capsys):
    assert main(["sweep", "navigation", "--maze", "nosuch"]) == 2
    assert "there is no such maze" in capsys.readouterr().err


@pytest.mark.slow
def test_a_pool_of_processes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["sweep", "navigation", "--runs", "2", "--jobs", "2", "--preset", "quick"]
    assert main([*words, "--agent", "ff", "--steps", "800", "--threads", "1"]) == 0
    assert "mean score of the best 2 of 2" in capsys.readouterr().out


ON_A_CLUSTER = """
import sys
from distributed import LocalCluster
from tasks.__main__ import main

if __name__ == "__main__":
    threads = int(sys.argv.pop(1))
    with LocalCluster(n_workers=1, threads_per_worker=threads, dashboard_address=None) as cluster:
        sys.exit(main([*sys.argv[1:], "--scheduler", cluster.scheduler_address]))
"""


def _on_a_cluster(threads, folder):
    pytest.importorskip("distributed")
    (folder / "script.py").write_text(ON_A_CLUSTER)
    words = ["sweep", "navigation", "--runs", "1", "--preset", "quick"]
    words += ["--agent", "ff", "--steps", "800", "--threads", "1"]
    return subprocess.run(
        [sys.executable, "script.py", str(threads), *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([ROOT, os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
def test_a_dask_cluster(tmp_path):
    done = _on_a_cluster(1, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "mean score of the best 1 of 1" in done.stdout


@pytest.mark.slow
def test_workers_of_several_threads_are_refused(tmp_path):
    done = _on_a_cluster(2, tmp_path)
    assert done.returncode == 2
    assert "--nthreads 1" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals to a group of processes")
def test_ctrl_c_ends_a_sweep(tmp_path):
    """What runs saves a checkpoint, what waits does not begin, nobody stays; the same command goes on."""
    words = ["navigation", "--preset", "quick", "--runs", "4", "--jobs", "2", "--out", "swept"]
    words += ["--agent", "ff", "--side", "20", "--threads", "1", "--test-episodes", "1"]
    words += ["--steps", "1000000"]
    sweeping = subprocess.Popen(
        [sys.executable, "-m", "tasks", "sweep", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([ROOT, os.environ.get("PYTHONPATH", "")])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    try:
        out = tmp_path / "swept"
        while not all(_has_logged(out / name) for name in ("000", "001")):
            assert sweeping.poll() is None, sweeping.stdout.read()
            time.sleep(0.1)
        os.killpg(sweeping.pid, signal.SIGINT)
        said, _ = sweeping.communicate(timeout=60)
        assert sweeping.returncode == 130, said
        assert said.startswith("\nInterrupted. What was run is kept in swept\nGo on with it by:\n")
        assert f"python -m tasks sweep {' '.join(words)}\n" in said
        assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["000", "001"]
        assert all((out / name / "checkpoint.npz").exists() for name in ("000", "001"))
        until = time.monotonic() + 20  # Python's own tracker of resources ends a moment later
        while _is_there(sweeping.pid) and time.monotonic() < until:
            time.sleep(0.1)
        assert not _is_there(sweeping.pid), "somebody of the group is left"
    finally:
        if sweeping.poll() is None:
            os.killpg(sweeping.pid, signal.SIGKILL)
            sweeping.wait()


def _has_logged(folder):
    log = folder / "log.jsonl"
    return log.exists() and log.stat().st_size > 0


def _is_there(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
