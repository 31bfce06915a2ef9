"""The benchmark's own logic on fakes, and one of its cases from end to end where PyTorch is installed."""

import sys

import numpy as np
import pytest

import minigrad
from minigrad.kernels import threads
from tests.benchmarks import bar, fresh, pairs
from tests.benchmarks.case import BOTH, FORWARD, Case, flops, moved, operations
from tests.benchmarks.comparison import Side, compare, compare_steps
from tests.benchmarks.pairs import Pairs, measure
from tests.benchmarks.report import Peak, Report, Timing, table


class FakeClock:
    """Time passes only in the calls of its `sides`, whose names it notes."""

    def __init__(self):
        self.now, self.calls = 0.0, []

    def __call__(self):
        return self.now

    def side(self, name, *durations):
        """A side whose calls take these times in turn, and then the last of them."""
        left = list(durations)

        def call():
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return call


@pytest.fixture(autouse=True)
def _without_rests(monkeypatch):
    monkeypatch.setattr(pairs, "REST", 0)


def test_the_sides_are_timed_in_turn():
    clock = FakeClock()
    times = measure(clock.side("ours", 1.0), clock.side("theirs", 3.0), 0, 4, clock)
    assert times == Pairs([1.0] * 4, [3.0] * 4)
    assert times.ratio == 3
    # Each first call, and one that finds out how long it takes; then one to warm up and one timed.
    assert clock.calls == ["ours", "ours", "theirs", "theirs"] * 5


def test_the_first_call_of_a_side_does_not_count():
    clock = FakeClock()
    times = measure(clock.side("ours", 100.0, 1.0), clock.side("theirs", 2.0), 0, 1, clock)
    assert times == Pairs([1.0], [2.0])


def test_short_calls_are_repeated_until_they_make_a_sample():
    clock = FakeClock()
    times = measure(clock.side("ours", pairs.SAMPLE / 10), clock.side("theirs", 1.0), 0, 1, clock)
    assert clock.calls.count("ours") in (13, 14)  # 10 calls, or 11 by rounding
    np.testing.assert_allclose(times.ours, pairs.SAMPLE / 10)


def test_pairs_are_taken_for_as_long_as_was_asked():
    clock = FakeClock()
    times = measure(clock.side("ours", 1.0), clock.side("theirs", 1.0), 11.0, 1, clock)
    assert len(times.ours) == len(times.theirs) == 3


def test_a_ratio_is_the_median_over_pairs():
    """Not the ratio of the medians (1/2), which breaks pairs up; one disturbed pair changes nothing."""
    assert Pairs([1.0, 2.0, 50.0], [3.0, 6.0, 1.0]).ratio == 3
    assert Pairs([2.0] * 7, [8.0, 2.0, 14.0, 4.0, 10.0, 6.0, 12.0]).middle == (2, 6)


def sides(ours, theirs):
    x = np.random.default_rng(0).standard_normal((2, 3), np.float32)
    return Side(minigrad, ours, [x]), Side(minigrad, theirs, [x])


def test_sides_that_agree_are_timed_with_and_without_backward():
    ours, theirs = sides(lambda x: x + x, lambda x: 2 * x)
    passes = compare(ours, theirs, np.random.default_rng(0))
    assert list(passes) == [FORWARD, BOTH]
    assert not passes[FORWARD][0]().requires_grad
    gradients = [ours.leaves[0].grad.copy(), theirs.leaves[0].grad.copy()]
    for call in passes[BOTH]:
        call()
    for side, before in zip((ours, theirs), gradients):
        np.testing.assert_array_equal(side.leaves[0].grad, before, err_msg="gradients added up")


def test_a_wrong_output_is_never_timed():
    with pytest.raises(AssertionError, match="the output differs"):
        compare(*sides(lambda x: 2 * x, lambda x: 2.002 * x), np.random.default_rng(0))


def test_a_wrong_gradient_is_never_timed():
    wrong = sides(lambda x: 2 * x, lambda x: x + x.detach())
    with pytest.raises(AssertionError, match="the gradient of leaf 0 differs"):
        compare(*wrong, np.random.default_rng(0))


def test_a_training_step_that_goes_elsewhere_is_never_timed():
    losses = iter([3.0, 2.0, 1.0, 0.5])
    with pytest.raises(AssertionError, match="the loss after 2 steps differs"):
        compare_steps(lambda: next(losses), iter([3.0, 2.0, 1.1, 0.5]).__next__)


def test_no_gradient_is_asked_of_frozen_inputs_and_labels():
    x, labels = np.ones(2, np.float32), np.ones(2, int)
    side = Side(minigrad, lambda x, y, labels: x * y, [x, x, labels], frozen=(0,))
    assert [t.requires_grad for t in side.inputs] == [False, True, False]


def test_the_bar_takes_means_and_lowest_ratios():
    ratios = [("convolution", 0.5), ("convolution", 2.0), ("first convolution", 0.4)]
    ratios += [("LSTM", 1.2), ("memory", 1.3)]
    assert bar.judge(ratios) == [
        ["convolutions, geometric mean", "1.00", "1.0", "met", "1.5", "not met"],
        ["convolutions, lowest", "0.40", "0.7", "not met", "1.0", "not met"],
        ["LSTM against the fused one, lowest", "1.20", "1.0", "met", "1.5", "not met"],
        ["peak memory, lowest", "1.30", "1.0", "met", "", ""],
    ]


@pytest.mark.parametrize(
    ("work", "seconds", "achieved"),
    [
        (flops(2e9), 0.5, ("12.0 GF/s", "50 %")),
        (flops(2e9, gradients=1), 0.5, ("8.0 GF/s", "33 %")),
        (moved((500, 1000), (500, 1000)), 0.004, ("2.0 GB/s", "25 %")),
        (operations(30), 60e-6, ("2.00 µs/op", "")),
    ],
)
def test_what_was_achieved_stands_beside_the_peak(work, seconds, achieved):
    assert work.achieved(BOTH, seconds, {"GF/s": 24.0, "GB/s": 8.0}) == achieved


def test_a_table_lines_up():
    assert table(["", "ratio"], [["conv2d", "0.98"], ["lstm", "12.01"]]).split("\n") == [
        "|        | ratio |",
        "| ------ | ----: |",
        "| conv2d |  0.98 |",
        "| lstm   | 12.01 |",
    ]


def test_a_report_tells_all_and_judges_by_the_most_threads():
    case = Case("conv2d small", "convolution", dict, flops(1e9))
    step = Case("step small", "step", dict)
    fast, slow = Pairs([0.1], [0.2]), Pairs([0.2], [0.1])
    report = Report(
        command="python -m tests.benchmarks",
        machine={"CPU": "abacus"},
        peaks={n: {"GF/s": 20.0 * n, "GB/s": 5.0} for n in (1, 2)},
        timings=[
            Timing(case, 1, {FORWARD: slow, BOTH: slow}),
            Timing(case, 2, {FORWARD: slow, BOTH: fast}),
            Timing(step, 2, {BOTH: slow}),
        ],
        memory=[Peak("net", 2, 100.0, 150.0)],
        waits={"import minigrad": 0.25},
    )
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in str(report).split("\n")]
    conv = ["conv2d small", "2", "200.000", "100.000", "0.50", "5.0 GF/s", "12 %"]
    assert [*conv, "100.000", "200.000", "2.00", "30.0 GF/s", "75 %"] in cells
    assert ["step small", "2", *[""] * 5, "200.000", "100.000", "0.50", "", ""] in cells
    assert ["sgemm peak, 2 threads", "40 GF/s"] in cells
    assert ["net", "2", "100", "150", "1.50"] in cells
    assert ["import minigrad", "0.25"] in cells
    assert report.ratios() == [("convolution", 2.0), ("step", 0.5), ("memory", 1.5)]
    assert ["convolutions, lowest", "2.00", "0.7", "met", "1.0", "met"] in cells


def test_a_fresh_process_gives_its_number_or_its_error():
    assert fresh.run("import os; print('a word', os.environ['NUMBER'])", NUMBER="2.5") == 2.5
    with pytest.raises(RuntimeError, match="no_such_module"):
        fresh.run("import no_such_module")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell a process's peak")
def test_a_fresh_process_does_not_start_with_this_ones_peak_of_memory():
    ballast = np.ones(40_000_000)  # 320 MB
    program = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    peak = fresh.run(program) * (1 if sys.platform == "darwin" else 1024)
    assert peak < ballast.nbytes / 4


@pytest.mark.slow
def test_every_case_gives_what_torch_gives():
    pytest.importorskip("torch")
    from tests.benchmarks.cases import cases

    kinds = {kind for limit in bar.BARS for kind in limit.kinds} - {"memory"}
    for case in cases():
        assert case.prepare(), case.name
        kinds.discard(case.kind)
    assert not kinds, f"no case is counted among {kinds}"


def test_a_case_beside_torch_from_end_to_end(tmp_path, capsys):
    torch = pytest.importorskip("torch")
    from tests.benchmarks.__main__ import main

    before, out = (threads.get_num_threads(), torch.get_num_threads()), tmp_path / "RESULTS.md"
    main(["--quick", "--only", "max_pool2d", "--threads", "1", "--out", str(out)])
    written = out.read_text(encoding="utf-8")
    assert written in capsys.readouterr().out
    assert "| max_pool2d 64x32x28x28, 2x2 |" in written
    assert (threads.get_num_threads(), torch.get_num_threads()) == before


def test_torch_is_not_asked_for_what_is_no_case():
    pytest.importorskip("torch")
    from tests.benchmarks.__main__ import main

    with pytest.raises(SystemExit):
        main(["--only", "no such case"])


def test_a_profile_is_written_of_few_repetitions(tmp_path, capsys, monkeypatch):
    torch = pytest.importorskip("torch")
    from tests.benchmarks import machine, parts, profile, profile_steps, rounds, training

    before, out = (threads.get_num_threads(), torch.get_num_threads()), tmp_path / "PROFILE.md"
    for module, name, value in [
        (profile, "RESULTS", out),
        (rounds, "REPETITIONS", 1),
        (machine, "SIDE", 16),
        (machine, "COPIED", 16),
        (parts, "SHAPES", ((2, 1, 6, 4, 3, 1, 0, 1),)),
        (profile, "SEQUENCE", (2, 2, 8)),
        (profile, "SAMPLED", ((1, 1, 4, 4),)),
        (profile, "_order", profile._order.py_func),  # not compiled for the test's sake
        (profile, "_products", profile._products.py_func),
        (training, "BATCH", 2),
        (profile_steps, "OPERATIONS", 10),
    ]:
        monkeypatch.setattr(module, name, value)
    profile.main()
    written = out.read_text(encoding="utf-8")
    assert written in capsys.readouterr().out
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in written.split("\n")]
    firsts = [row[0] for row in cells if row]
    assert firsts.count("2x1x6x6 -> 4, 3x3") == firsts.count("1x1x4x4") == 2  # on 1 and 2 threads
    assert {"da W_ih", "conv2d", "… with one picture", "NumPy alone, backward"} <= set(firsts)
    (step, other) = (row for row in cells if row and row[0] == "step")
    assert step[3] == step[6] == other[3] == "100 %"
    assert (threads.get_num_threads(), torch.get_num_threads()) == before


def test_the_rows_of_a_step_add_up():
    pytest.importorskip("torch")
    from tests.benchmarks.profile_steps import training_rows

    found = {"relu": (0.2, 0.1), "conv2d": (3.0, 5.0), "reshape": (0.0, 0.06)}
    found |= {"Adam": (0.64,), "the rest": (1.0,), "… with one picture": (0.4,), "step": (10.0,)}
    assert training_rows(
        [found, {name: tuple(t / 2 for t in ms) for name, ms in found.items()}]
    ) == [
        ["conv2d", "3.00", "5.00", "80 %", "1.50", "2.50", "80 %", "2.00"],
        ["relu", "0.20", "0.10", "3 %", "0.10", "0.05", "3 %", "2.00"],
        ["others", "0.00", "0.06", "1 %", "0.00", "0.03", "1 %", "2.00"],
        ["Adam", "0.64", "", "6 %", "0.32", "", "6 %", "2.00"],
        ["the rest", "1.00", "", "10 %", "0.50", "", "10 %", "2.00"],
        ["… with one picture", "0.40", "", "4 %", "0.20", "", "4 %", "2.00"],
        ["step", "10.00", "", "100 %", "5.00", "", "100 %", "2.00"],
    ]
