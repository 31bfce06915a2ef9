"""The maze's benchmark: its own logic on stand-ins, and our own world from end to end."""

import sys

import pytest

from tests.benchmarks import maze as benchmark
from tests.benchmarks import maze_worlds

pytest.importorskip("gymnasium")


class StandIn:
    """A world that was timed."""

    def __init__(self, name, rates, failure=""):
        self.kind = maze_worlds.Kind(name, "what it is", "numpy", dict)
        self.rates, self.processor_rates = rates, [2 * rate for rate in rates]
        self.failure, self.reset, self.memory = failure, 0.5, 60.0


def test_the_table_compares_rounds_with_rounds():
    """Also where one of them was disturbed; and it says why there is no figure."""
    worlds = [
        StandIn("ours", [100.0, 10.0, 100.0]),
        StandIn("theirs", [50.0, 5.0, 1.0]),
        StandIn("broken", [], "no display"),
    ]
    text = benchmark.report("the command", worlds, 1.0, 3)
    rows = [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines() if "|" in line]
    assert rows[2] == ["ours", "what it is", "100", "10 to 100", "200", "0.50", "60", "1.00"]
    assert rows[3] == ["theirs", "what it is", "5", "1 to 50", "10", "0.50", "60", "2.00"]
    assert rows[4][:2] == ["broken", "no display"]


def test_a_rate_counts_the_frames_of_all_environments(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(maze_worlds.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(maze_worlds.time, "process_time", lambda: now[0] / 2)

    def step():
        now[0] += 0.01

    assert maze_worlds.rate(step, 16, 1.0) == pytest.approx((1_600, 3_200))


def test_a_world_that_fails_says_why():
    kind = maze_worlds.Kind("no such world", "", "numpy", dict)
    (world,) = benchmark.measure([kind], 0.1, 2)
    assert world.rates == []
    assert "not enough values to unpack" in world.failure


@pytest.mark.skipif(sys.platform == "win32", reason="times a process on one core")
def test_our_world_from_end_to_end(tmp_path, capsys):
    out = tmp_path / "MAZE.md"
    benchmark.main(["--quick", "--only", "maze x16, 2 threads, copy", "--out", str(out)])
    written = out.read_text(encoding="utf-8")
    assert written in capsys.readouterr().out
    assert "| maze x16, 2 threads, copy | make_vec(copy=True), two threads |" in written


def test_a_world_that_is_none():
    with pytest.raises(SystemExit):
        benchmark.main(["--only", "Labyrinth"])
