"""profile: counts, bytes and seconds by operation, with a clock of the test's own."""

import itertools
import re
import time

import numpy as np
import pytest

import minigrad
from minigrad import Function, tape
from minigrad.debugging.profile import Cost
from minigrad.kernels import JIT


def _ticks():
    return itertools.count().__next__


def test_calls_and_bytes_are_those_of_the_program():
    x = minigrad.tensor(np.ones((10, 100)), requires_grad=True)
    with minigrad.profile() as p:
        for _ in range(3):
            np.sum(np.exp(x) + 1).backward()
    assert set(p.costs) == {"exp", "add", "sum"}
    exp, add, total = (p.costs[name] for name in ("exp", "add", "sum"))
    assert (exp.calls, exp.backward_calls, add.calls) == (3, 3, 3)
    assert exp.bytes == exp.kept == exp.backward_bytes == 3 * 4000
    assert (add.bytes, add.kept, total.bytes) == (3 * 4000, 0, 3 * 4)


def test_the_gradients_of_all_operands_count_and_an_array_handed_to_two_counts_once():
    x = minigrad.tensor(np.ones(10), requires_grad=True)
    w = minigrad.tensor(np.ones(10), requires_grad=True)
    with minigrad.profile() as p:
        np.sum(x * w + w).backward()
    assert p.costs["multiply"].backward_bytes == 2 * 40
    assert p.costs["multiply"].kept == 2 * 40
    assert p.costs["add"].backward_bytes == 40  # dy, twice


def test_what_runs_outside_of_the_block_or_is_not_recorded_is_told_apart():
    x = minigrad.tensor([1.0], requires_grad=True)
    y = np.exp(x)
    with minigrad.profile() as p:
        y.backward()
        with minigrad.no_grad():
            np.sin(x)
    np.cos(x)
    assert set(p.costs) == {"exp", "sin"}
    assert (p.costs["exp"].calls, p.costs["exp"].backward_calls) == (0, 1)
    assert (p.costs["sin"].calls, p.costs["sin"].kept) == (1, 0)
    assert tape.observer is None


def test_seconds_are_those_between_two_looks_at_the_clock():
    x = minigrad.tensor([1.0], requires_grad=True)
    with minigrad.profile(clock=_ticks()) as p:
        np.sum(x * x).backward()
    for name in ("multiply", "sum"):
        assert (p.costs[name].seconds, p.costs[name].backward_seconds) == (1, 1)


def test_a_rule_that_runs_inside_of_another_is_counted_once():
    class Twice(Function):
        "y = 2 x, by a call of another rule"

        @staticmethod
        def forward(ctx, x):
            return minigrad.tensor(x).__mul__(2).data

        @staticmethod
        def backward(ctx, dy):
            return 2 * dy

    x = minigrad.tensor([1.0], requires_grad=True)
    with minigrad.profile(clock=_ticks()) as p:
        Twice.apply(x)
    # Looks at the clock: 0 twice, 1 multiply, 2 multiply done, 3 twice done.
    assert p.costs["multiply"].seconds == 1
    assert p.costs["twice"].seconds == 2


def test_the_table_has_a_row_an_operation_slowest_first_and_their_total():
    x = minigrad.tensor(np.ones(250_000), requires_grad=True)
    times = iter([0, 0.001, 1, 1.002, 2, 2.0005, 3, 3.01])
    with minigrad.profile(clock=lambda: next(times)) as p:
        np.sum(np.exp(x)).backward()
    head, columns, *rows = str(p).splitlines()
    assert head.split() == ["forward", "backward"]
    assert columns.split() == ["operation", *"calls ms bytes kept calls ms bytes".split()]
    assert [row.split() for row in rows] == [
        "exp 1 1.000 1.00 MB 1.00 MB 1 10.000 1.00 MB".split(),
        "sum 1 2.000 4 B 0 B 1 0.500 1.00 MB".split(),
        "total 2 3.000 1.00 MB 1.00 MB 2 10.500 2.00 MB".split(),
    ]
    assert len({len(row) for row in (columns, *rows)}) == 1


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.00 kB"),
        (52_000, "52.00 kB"),
        (3_456_789, "3.46 MB"),
        (2_500_000_000, "2.50 GB"),
    ],
)
def test_bytes_are_written_in_the_unit_that_fits(count, text):
    row = str(_profile_of({"exp": Cost(calls=1, bytes=count)})).splitlines()[2]
    assert re.split(r"\s{2,}", row)[3] == text


def _profile_of(costs):
    p = minigrad.profile()
    p.costs = costs
    return p


@pytest.mark.skipif(not JIT, reason="nothing is compiled here")
def test_compiling_a_kernel_is_no_time_of_the_operation_that_first_called_it():
    import numba

    class Slow(Function):
        "y = x + 1, by a kernel that this call compiles"

        @staticmethod
        def forward(ctx, x):
            loop = numba.njit(lambda x: x + 1)
            return loop(x)

        @staticmethod
        def backward(ctx, dy):
            return dy

    x = minigrad.tensor([1.0], requires_grad=True)
    start = time.perf_counter()
    with minigrad.profile() as p:
        Slow.apply(x)
    elapsed = time.perf_counter() - start
    assert p.compiling.seconds > 0.5 * elapsed
    assert p.costs["slow"].seconds < elapsed - p.compiling.seconds
    assert f"compiling kernels, not counted: {1e3 * p.compiling.seconds:.0f} ms" in str(p)
    with minigrad.profile() as again:
        np.exp(x)
    assert again.compiling.seconds == 0
    assert "compiling" not in str(again)


def test_an_empty_block_says_so_in_place_of_a_table():
    with minigrad.profile() as p:
        pass
    assert "no operation ran" in str(p)


def test_two_observers_both_look_on():
    x = minigrad.tensor([1.0], requires_grad=True)
    with minigrad.profile() as outer, minigrad.anomaly(), minigrad.profile() as inner:
        np.exp(x).backward()
    assert outer.costs["exp"].calls == inner.costs["exp"].calls == 1
    assert outer.costs["exp"].backward_calls == inner.costs["exp"].backward_calls == 1
