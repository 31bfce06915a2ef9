"""Asynchronous workers: they share what they learn, may die at any moment, and none stays behind."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing.process import BaseProcess
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import pytest

from minigrad.errors import NotFiniteError
from tasks.config import UsageError, make_config
from tasks.execute import resume, start
from tasks.navigation import a3c
from tasks.navigation import shared as shared_memory
from tasks.navigation.a3c import Fleet, WorkerError
from tasks.navigation.mazes import make_mazes
from tasks.navigation.navigation import PRESETS, Config
from tasks.navigation.setup import build
from tasks.navigation.shared import MEASURES, RECORD, RING, Shared, pieces
from tasks.navigation.worker import Worker
from tasks.registry import find_task
from tasks.run_folder import RunFolder

TASK = find_task("navigation")
SMALL = {
    "method": "a3c",
    "workers": "2",
    "side": "20",
    "unroll": "5",
    "steps": "150",
    "frames": "120",
    "log_every": "50",
    "draw_every": "150",
    "test_episodes": "2",
    "checkpoint_seconds": "0",
    "threads": "1",
}

RING_MAZE = """
#######
#A...A#
#.###.#
#.###.#
#.###.#
#..G..#
#######
"""


def config_of(**texts):
    return make_config(Config, PRESETS, "default", SMALL | texts)


def fleet_of(updates=10**6, workers=2, say=print, **texts):
    config = config_of(**texts)
    rng = np.random.default_rng(0)
    mazes = make_mazes(config, 1, 0)
    net, decoder = build(config, mazes, lambda _: rng)
    return Fleet(config, mazes, net, decoder, updates, workers, say), net


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_two_see_the_same_memory():
    one = Shared(7, 2)
    try:
        two = Shared(7, 2, one.name)
        two.parameters[3] = 5
        two.records["updates"][1] = 4
        one.done[0] = 3
        assert one.parameters.tolist() == [0, 0, 0, 5, 0, 0, 0]
        assert one.updates == two.updates == 7
        two.close()
    finally:
        name = one.name
        one.close(unlink=True)
    with pytest.raises(FileNotFoundError):
        SharedMemory(name)


def test_records_share_no_line_of_the_cache():
    assert RECORD.itemsize % 64 == 0
    shared = Shared(7, 3)
    try:
        parts = [shared.records, shared.stop, shared.done, shared.parameters, shared.squares]
        assert [part.ctypes.data % 64 for part in parts] == [0] * 5
    finally:
        shared.close(unlink=True)


def test_where_no_memory_can_be_shared_or_no_process_started(monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(shared_memory, "SharedMemory", full)
        with pytest.raises(UsageError, match=r"No space left on device\. --method sync needs none"):
            Shared(7, 3)
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)
    with pytest.raises(WorkerError, match="take --method sync"):
        fleet_of()


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="shared memory is no file system here")
def test_memory_that_is_promised_and_not_there_is_no_bus_error(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    before = {*Path("/dev/shm").iterdir()}
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(UsageError, match=r"No space left on device\. --method sync needs none"):
        Shared(7, 3)
    assert not {*Path("/dev/shm").iterdir()} - before, "what was begun is gone"


@pytest.mark.parametrize("inside", ["true", "false"])
def test_a_worker_takes_a_step_of_rmsprop_by_its_own_gradient(inside):
    fleet, _ = fleet_of(updates=100, workers=1, eps_inside=inside, eps="0.01", agent="nav-d2")
    try:
        shared = fleet.shared
        shared.squares[...] = np.random.default_rng(3).random(shared.size, np.float32) * 1e-3
        shared.records["updates"][0] = 25
        x, s = shared.parameters.copy(), shared.squares.copy()
        twin, worker = (Worker(fleet.config, shared, 0, 0, 100) for _ in range(2))
        for p, theirs in zip(twin.own, twin.parameters, strict=True):
            p.data[...] = theirs
        unroll = twin.actor.unroll()
        output, _ = twin.learner.gradient(unroll)
        twin.learner.decoder.gradient(output.h, unroll.cells)
        g = np.concatenate([p.grad.ravel() for p in twin.own])
        worker.step()
        config = fleet.config
        s = config.alpha * s + (1 - config.alpha) * g**2
        lowered = np.sqrt(s + 0.01) if config.eps_inside else np.sqrt(s) + 0.01
        moved = 0.75 * config.lr * g / lowered
        # As float32 has it: a number of about 0.1 that moves by 1e-5 is known to 1e-8.
        np.testing.assert_allclose(shared.squares, s, rtol=1e-4)
        np.testing.assert_allclose(shared.parameters, x - moved, rtol=1e-5, atol=2e-8)
        decoder = sum(p.size for p in twin.learner.decoder.linear.parameters())
        assert min(np.abs(moved[:-decoder]).max(), np.abs(moved[-decoder:]).max()) > 1e-5
    finally:
        fleet.close()


def test_pieces_are_views():
    flat = np.zeros(7)
    first, second = pieces(flat, [np.zeros((2, 3)), np.zeros(1)])
    first[1, 2] = second[0] = 1
    assert flat.tolist() == [0, 0, 0, 0, 0, 1, 1]


def test_episodes_and_measures_are_read_once():
    fleet, _ = fleet_of()
    try:
        record = fleet.shared.records[1:2]
        for k in range(RING + 3):
            record["ring"][0, k % RING] = k, 2 * k
        record["episodes"] = RING + 3
        assert fleet.take_finished()[0] == (3.0, 6)
        assert fleet.take_finished() == []
        assert fleet.take_measures() == {}
        sums = fleet.shared.records["sums"]
        sums[0], sums[1], sums[:, MEASURES.index("loop")] = 1.0, 5.0, np.nan
        fleet.shared.records["updates"] = 1, 2
        assert fleet.take_measures() == dict.fromkeys([m for m in MEASURES if m != "loop"], 2.0)
    finally:
        fleet.close()


def test_workers_change_the_shared_parameters_until_all_updates_are_made():
    fleet, _ = fleet_of(updates=12)
    before = [p.data.copy() for p in fleet.own]
    try:
        fleet.wait(12)
        assert 12 <= fleet.shared.updates <= 13  # two may have begun the last one
        fleet.take_over()
        assert fleet.shared.squares.any()
        assert {*fleet.take_measures()} == {*MEASURES} - {"d1", "loop"}
    finally:
        fleet.close()
    assert all((p.data != old).any() for p, old in zip(fleet.own, before, strict=True))
    assert not any(alive(process.pid) for process in fleet.processes)


def test_the_rate_has_fallen_to_nothing_at_the_end():
    fleet, _ = fleet_of(updates=100)
    try:
        worker = Worker(fleet.config, fleet.shared, 0, 0, 100)
        ways = []
        for done in (0, 50, 100):
            before = fleet.shared.parameters.copy()
            fleet.shared.squares[...] = 1  # steps are as long as the rate is high
            fleet.shared.done[0] = done - fleet.shared.records["updates"].sum()
            worker.step()
            ways.append(np.abs(fleet.shared.parameters - before).sum())
        assert ways[0] > 0
        assert ways[1] > 0
        assert ways[2] == 0
    finally:
        fleet.close()


def test_a_worker_that_is_killed_is_reported_and_replaced():
    said = []
    fleet, _ = fleet_of(say=said.append)
    try:
        fleet.wait(6)
        victim = fleet.processes[1]
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        fleet.wait(fleet.shared.updates + 1)
        while not said:
            fleet.wait(fleet.shared.updates + 1)
        assert said == [
            f"worker 1 (process {victim.pid}) died with exit code -9: another takes its place"
        ]
        before = fleet.shared.records["updates"][1]
        while fleet.shared.records["updates"][1] == before:  # the new one takes part
            fleet.wait(fleet.shared.updates + 1)
        assert np.isfinite(fleet.shared.parameters).all()
    finally:
        fleet.close()


def test_not_a_number_stops_all_and_says_where():
    fleet, _ = fleet_of()
    try:
        fleet.shared.parameters[100] = np.nan
        with pytest.raises(NotFiniteError, match=r"worker \d stopped: the loss 'policy' is nan"):
            fleet.wait(10)
    finally:
        fleet.close()


def test_a_worker_that_finds_no_layout_says_so(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text(RING_MAZE)
    fleet, _ = fleet_of(workers=1, maze=str(path))
    path.unlink()
    try:
        with pytest.raises(WorkerError, match=r"worker 0 stopped: --maze .*own.txt: cannot read"):
            fleet.wait(1)
    finally:
        fleet.close()


@pytest.mark.parametrize(
    ("workers", "exitcode", "words"),
    [(1, 1, "What it said stands above"), (1, -9, "want of memory?"), (6, -9, "--workers 3.")],
)
def test_what_is_advised_where_workers_die(workers, exitcode, words):
    fleet, _ = fleet_of(workers=workers)
    try:
        assert words in fleet._advice(exitcode)
    finally:
        fleet.close()


def test_workers_that_cannot_live_are_not_replaced_for_ever(monkeypatch):
    monkeypatch.setattr(a3c, "work", os.abort)  # which takes no such arguments: it fails at once
    said = []
    fleet, _ = fleet_of(workers=1, say=said.append)
    try:
        with pytest.raises(WorkerError, match="died 3 times before its first update"):
            fleet.wait(1)
        assert len(said) == 2
    finally:
        fleet.close()


def test_a_resumed_run_has_the_parameters_and_mean_squares_that_were_saved():
    (old, _), (new, _) = fleet_of(), fleet_of()
    try:
        rng = np.random.default_rng(3)
        for part in (old.shared.parameters, old.shared.squares):
            part[...] = rng.random(part.shape)
        new.load_state_dict(old.state_dict())
        assert (new.shared.parameters == old.shared.parameters).all()
        assert (new.shared.squares == old.shared.squares).all()
    finally:
        old.close()
        new.close()


def test_where_the_end_is_interrupted_too_nobody_is_left_behind(monkeypatch):
    fleet, _ = fleet_of()
    fleet.wait(2)
    name, processes = fleet.shared.name, [*fleet.processes]
    join = BaseProcess.join

    def interrupted(self, *timeout):
        if timeout:
            raise KeyboardInterrupt
        join(self)

    monkeypatch.setattr(BaseProcess, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fleet.close()
    assert not any(alive(process.pid) for process in processes)
    with pytest.raises(FileNotFoundError):
        SharedMemory(name)


def test_a_resumed_run_does_not_begin_as_it_began_before():
    def beginning(done):
        fleet, _ = fleet_of(maze="RandomMazeSmall")
        try:
            fleet.load_state_dict(fleet.state_dict() | {"updates": done})
            actor = Worker(fleet.config, fleet.shared, 1, 0, 10**6).actor
            layout = str(actor.simulator.episodes[0].layout)
            return layout, *actor.simulator.agents[0].tolist(), actor.unroll().actions.tolist()
        finally:
            fleet.close()

    first, again, resumed = beginning(0), beginning(0), beginning(40)
    assert first == again
    assert [a == b for a, b in zip(first[:2], resumed[:2])] == [False, False]
    assert first[-1] != resumed[-1]


def test_a_run_and_a_resumed_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wait, folder = Fleet.wait, RunFolder("run")

    def die(self, count):
        if count == 15:
            raise RuntimeError("the lights went out")
        wait(self, count)

    monkeypatch.setattr(Fleet, "wait", die)
    with pytest.raises(RuntimeError, match="lights"):
        start(
            TASK, config_of(steps="1000"), folder
        )  # they are not there yet when the lights go out
    monkeypatch.setattr(Fleet, "wait", wait)
    begun = []
    load = Fleet.load_state_dict
    monkeypatch.setattr(
        Fleet, "load_state_dict", lambda self, s: (load(self, s), begun.append(self.shared.updates))
    )
    metrics = resume(TASK, folder, {})
    assert begun[0] >= 14
    lines = map(json.loads, folder.log.read_text(encoding="utf-8").splitlines())
    logged = [line["agent_steps"] for line in lines]
    assert logged == sorted({*logged}), "fewer points than are due, where the workers were ahead"
    assert 50 <= logged[0]
    assert 1000 <= logged[-1] <= 1040
    assert {"score", "forgetful.score", "auc"} <= {*metrics}
    assert folder.figure("map").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals to a group of processes")
def test_ctrl_c_leaves_a_checkpoint_and_nobody_behind(tmp_path):
    words = [f"--{name.replace('_', '-')}={value}" for name, value in SMALL.items()]
    words += ["--steps=1000000", "--out=run"]
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-m", "tasks", "navigation", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    try:
        folder = RunFolder(tmp_path / "run")
        while not folder.checkpoint.exists():
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 130, said
        assert "Go on with it by" in said
        assert "Traceback" not in said
        until = time.monotonic() + 20  # Python's own tracker of resources ends a moment later
        while alive(-process.pid) and time.monotonic() < until:
            time.sleep(0.1)
        assert not alive(-process.pid), "somebody of the group is left"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.slow
def test_a3c_learns(tmp_path, monkeypatch):
    """Two workers in a ring of 3 x 3 cells, a minute or two: chance scores 9 points, the oracle 87."""
    monkeypatch.chdir(tmp_path)
    Path("ring.txt").write_text(RING_MAZE)
    texts = {"maze": "ring.txt", "agent": "ff", "unroll": "20", "steps": "240000", "frames": "900"}
    texts |= {"lr": "7e-4", "reward_scale": "0.3", "log_every": "40000", "draw_every": "240000"}
    metrics = start(TASK, config_of(**texts, test_episodes="20"), RunFolder("run"))
    print({name: metrics[name] for name in ("score", "score.random", "score.oracle", "seconds")})
    assert metrics["score"] > 3 * metrics["score.random"]
