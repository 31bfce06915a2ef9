"""What stands around the kernels: threads, the disk cache, and an import without extras."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import maze
from maze.kernels import JIT, cores
from maze.kernels import threads as kernel_threads
from maze.kernels.spinning import spin
from maze.kernels.threads import run_sliced
from tests.thread_races import call_while_replaced

ROOT = Path(__file__).parents[2]


@pytest.fixture
def threads():
    before = maze.get_num_threads()
    yield maze.set_num_threads
    maze.set_num_threads(before)


def run(program, **environment):
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_slices_cover_the_batch_once(threads, count):
    threads(count)
    seen, names = np.zeros(7, int), set()

    def note(first, last):
        seen[first:last] += 1
        names.add(threading.current_thread().name)

    run_sliced(note, 7)
    assert seen.tolist() == [1] * 7
    assert len(names) <= count


def test_what_a_slice_raises_is_raised_after_all_have_ended(threads):
    threads(3)
    ended = []

    def fail(first, last):
        if last == 6:
            raise KeyError("the last slice")
        ended.append(first)

    with pytest.raises(KeyError, match="the last slice"):
        run_sliced(fail, 6)
    assert sorted(ended) == [0, 2]
    run_sliced(lambda first, last: ended.append(last), 6)
    assert len(ended) == 5, "and the threads work on"


def test_a_team_that_is_stopped_while_work_comes_in_leaves_none_waiting(threads):
    threads(2)
    covered: list[int] = []
    call_while_replaced(
        lambda: run_sliced(lambda first, last: covered.append(last - first), 2), lambda: threads(2)
    )
    assert sum(covered) == 8000
    assert sum(t.name.startswith("maze_") for t in threading.enumerate()) < 10, (
        "old ones have ended"
    )


def test_where_no_thread_can_be_started_the_caller_does_all(threads, monkeypatch):
    def fail(self):
        raise RuntimeError("can't start new thread")

    threads(3)
    monkeypatch.setattr(threading.Thread, "start", fail)
    slices = []
    run_sliced(lambda *span: slices.append(span), 3)
    assert slices == [(0, 3)]
    monkeypatch.undo()
    run_sliced(lambda *span: slices.append(span), 3)
    assert len(slices) == 4


@pytest.mark.skipif(
    cores.current_core() == cores.NOWHERE or len(os.sched_getaffinity(0)) < 2,
    reason="there is one core, or the system does not say which",
)
def test_helpers_are_kept_off_the_core_of_their_caller(threads):
    allowed = os.sched_getaffinity(0)
    threads(3)
    run_sliced(lambda *_: None, 3)
    team = kernel_threads._team
    assert len(team.helpers) == 2
    for helper in team.helpers:
        assert os.sched_getaffinity(helper) == allowed - {team.core}


@pytest.mark.skipif(not JIT, reason="the twin does not wait")
def test_a_waiting_thread_sees_the_counter_move():
    counter, seen = np.zeros(1, np.int64), []
    spin(counter, 0, 1, 0)  # compiled by now, and no longer waiting after its one turn
    waiting = threading.Thread(target=lambda: (spin(counter, 0, 10**12, 0), seen.append(1)))
    waiting.start()
    waiting.join(timeout=0.05)
    assert not seen  # a thread that waits lets others run
    counter[0] += 1
    waiting.join(timeout=60)
    assert seen


@pytest.mark.parametrize("n", [0, -1, 1.5, "many", None])
def test_numbers_of_threads_that_are_none(n):
    with pytest.raises(ValueError, match="at least 1"):
        maze.set_num_threads(n)


def test_the_environment_says_how_many():
    program = "import maze; print(maze.get_num_threads())"
    assert run(program, MINIGRAD_NUM_THREADS="3") == ["3"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_steps_too(threads):
    threads(2)
    mazes = maze.make("StaticSmall", 4, 0, size=8, ring=0)
    mazes.reset()
    child = os.fork()
    if child == 0:
        try:
            mazes.step(np.full(4, 2))
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert mazes.step(np.full(4, 2))[0].rgb.any(), "and so does its parent"


def test_simulators_in_several_python_threads(threads):
    threads(2)
    frames = {}

    def play(name):
        mazes = maze.make("RandomMazeSmall", 4, 0, size=12, ring=0)
        mazes.reset()
        frames[name] = [mazes.step(np.full(4, k % 8))[0].rgb for k in range(50)]

    players = [threading.Thread(target=play, args=(k,)) for k in range(3)]
    for player in players:
        player.start()
    for player in players:
        player.join()
    assert np.array_equal(frames[0], frames[1])
    assert np.array_equal(frames[0], frames[2])


LOOP = """
from maze.kernels import cache

def double(x):
    return 2 * x

double = cache.compile_lazily(double)
"""


@pytest.mark.skipif(not JIT, reason="nothing is compiled")
def test_a_damaged_cache_costs_time_only(tmp_path):
    (tmp_path / "loop.py").write_text(LOOP)
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import loop; print(loop.double(21))"
    )
    place = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert run(program, **place) == ["42"]
    files = [path for path in (tmp_path / "cache").rglob("*.nb?") if path.is_file()]
    assert len(files) == 2, "an index and the compiled loop are kept"
    for path in files:
        path.write_bytes(path.read_bytes()[:20])
    assert run(program, **place) == ["42"]
    (tmp_path / "no folder").write_text("")
    assert run(program, NUMBA_CACHE_DIR=str(tmp_path / "no folder")) == ["42"]


def test_an_import_needs_no_extra():
    program = (
        "import sys; sys.modules['gymnasium'] = None; import maze; "
        "maze.make('IMaze', size=8).reset(); print(*sys.modules)"
    )
    loaded = {name.split(".")[0] for name in run(program)}
    assert not loaded & {"matplotlib", "PIL", "tkinter", "torch", "minigrad", "layers", "pytest"}


def test_a_plain_import_draws_in_nothing_for_pictures():
    loaded = {name.split(".")[0] for name in run("import sys, maze; print(*sys.modules)")}
    assert not loaded & {"matplotlib", "PIL", "tkinter", "torch", "minigrad"}


def test_without_numba_the_twins_serve():
    program = (
        "import sys, warnings; sys.modules['numba'] = None; warnings.simplefilter('ignore'); "
        "import maze; m = maze.make('StaticSmall', 2, 0, size=16); m.reset(); "
        "import numpy as np; print(m.step(np.array([2, 6]))[0].depth.sum().round(1))"
    )
    mazes = maze.make("StaticSmall", 2, 0, size=16)
    mazes.reset()
    depth = mazes.step(np.array([2, 6]))[0].depth.sum()
    assert float(run(program)[0]) == pytest.approx(depth, rel=0.01)
