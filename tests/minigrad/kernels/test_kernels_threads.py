"""Threads: the same numbers on any count of them, and no way to hang."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from layers import lstm
from minigrad.kernels import (
    JIT,
    adam,
    batchnorm,
    convolution,
    cores,
    cross_entropy,
    pooling,
    products,
    rectifier,
    sampling,
    threads,
)
from minigrad.kernels.spinning import spin
from tests.thread_races import call_while_replaced

HOW = ((1, 1), (1, 1), (1, 1), 1)


def everything():
    """Each public kernel function on one small batch: what depends on one sample, and what sums over them."""
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal((7, 3, 8, 8)), rng.standard_normal((4, 3, 3, 3)), np.ones(4)
    grid = rng.uniform(-1.2, 1.2, (7, 5, 6, 2))
    y = convolution.conv2d_forward(x, w, b, *HOW)
    pooled, argmax = pooling.max_pool2d_forward(y, (3, 3), (2, 2), (1, 1), (1, 1))
    sampled = sampling.grid_sample_forward(y, grid, "bilinear", "zeros", True)
    a_sample = (
        y,
        convolution.conv2d_input_grad(y, w, x.shape, *HOW),
        pooled,
        argmax,
        pooling.max_pool2d_backward(pooled, argmax, y.shape),
        pooling.avg_pool2d_forward(y, (2, 2), (1, 1), (0, 0)),
        pooling.avg_pool2d_backward(pooled, (7, 4, 8, 8), (2, 2), (2, 2), (0, 0)),
        sampled,
        *sampling.grid_sample_backward(sampled, y, grid, "bilinear", "zeros", True),
        *the_others(x, rng),
    )
    dx, dw, _ = convolution.conv2d_grads(y, x, w, *HOW)
    return (*a_sample, dx), dw


def the_others(x, rng):
    mean, var = batchnorm.batch_statistics(x)
    normal = batchnorm.batch_norm_forward(x, mean, 1 / var, None)
    gradients = batchnorm.batch_norm_backward(x, normal, mean, 1 / var, None, True)
    logits, labels = x.reshape(7, 3, 64), rng.integers(0, 3, (7, 64))
    losses, cache, _ = cross_entropy.cross_entropy_forward(logits, labels, -1)
    dz = cross_entropy.cross_entropy_backward(losses, cache, -1)
    parameters = [rng.uniform(0.1, 1, (9, 5)) for _ in range(4)]
    adam.adam(*parameters, (0.9, 0.99), 0.1, 1.0, 1e-8)
    w = rng.standard_normal((12, 3))
    steps = lstm.lstm_forward(rng.standard_normal((4, 5, 3)), None, None, w, w.copy(), None, None)
    back = lstm.lstm_backward(steps[0], steps[1], steps[2], steps[3])
    return (
        *(mean, var, normal, *gradients, losses, dz, *parameters),
        products.matmul(parameters[0], parameters[1].T),
        rectifier.relu_backward(x, rectifier.relu(x)),
        *(*steps[:3], back[0], *back[2:]),
    )


def test_small_work_stays_in_its_thread(monkeypatch):
    monkeypatch.setattr(threads._Team, "hand_out", lambda *_: pytest.fail("work was handed out"))
    everything()


def assert_same(got, expected):
    for one, other in zip(got[0], expected[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(got[1], expected[1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("count", [2, 3, 16])
def test_any_thread_count_gives_the_same_numbers(thread_count, count):
    thread_count(1)
    expected = everything()
    thread_count(count)
    assert threads.get_num_threads() == count
    assert_same(everything(), expected)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_one_thread_count_gives_the_same_bits(thread_count, count):
    thread_count(count)
    once, again = everything(), everything()
    for one, other in zip((*once[0], once[1]), (*again[0], again[1]), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 8])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_slices_cover_the_range_in_order(thread_count, n, count):
    thread_count(count)
    slices = threads.run_sliced(lambda start, stop: (start, stop), n)
    assert len(slices) == max(1, min(n, count))
    assert [i for start, stop in slices for i in range(start, stop)] == list(range(n))


def test_slices_run_side_by_side(thread_count):
    thread_count(3)
    barrier = threading.Barrier(3, timeout=10)  # only passed if three are inside at once
    names = threads.run_sliced(lambda *_: (barrier.wait(), threading.current_thread().name)[1], 3)
    assert len(set(names)) == 3


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_an_exception_comes_out_after_all_slices_ended(thread_count, failing):
    thread_count(3)
    ended = []

    def function(start, stop):
        if start == failing:
            raise KeyError(f"slice {start}")
        time.sleep(0.05)
        ended.append(start)

    with pytest.raises(KeyError, match=f"slice {failing}"):
        threads.run_sliced(function, 3)
    assert sorted(ended) == [i for i in range(3) if i != failing]
    assert threads.run_sliced(lambda start, stop: start, 3) == [0, 1, 2]


def test_a_slice_that_slices_runs_in_place(thread_count):
    thread_count(2)

    def inner(start, stop):
        return threading.get_ident(), start, stop

    def outer(start, stop):
        return threading.get_ident(), threads.run_sliced(inner, 5)

    for thread, result in threads.run_sliced(outer, 2):
        assert result == [(thread, 0, 5)]
    assert len(threads.run_sliced(inner, 5)) == 2  # and outside of slices it is side by side again


@pytest.mark.parametrize("count", [1, 2, 3])
def test_both_functions_are_called_and_their_results_kept_apart(thread_count, count):
    thread_count(count)

    def first():
        return "first", threads.threads_here(), threading.get_ident()

    def second():
        return "second", threads.threads_here(), threading.get_ident()

    (one, here, thread), (two, there, other) = threads.run_both(first, second, True)
    assert (one, two) == ("first", "second")
    assert (thread != other) == (count == 2)  # side by side, each on its one thread
    assert here == there == (1 if count == 2 else count)
    with pytest.raises(ZeroDivisionError):
        threads.run_both(first, lambda: 1 / 0, True)
    assert threads.threads_here() == count
    (_, here, thread), (_, there, other) = threads.run_both(first, second, False)
    assert thread == other
    assert here == there == count


@pytest.mark.skipif(
    cores.current_core() == cores.NOWHERE or len(os.sched_getaffinity(0)) < 2,
    reason="there is one core, or the system does not say which",
)
def test_helpers_are_kept_off_the_core_of_their_caller(thread_count):
    allowed = os.sched_getaffinity(0)
    try:
        for core in sorted(allowed)[:2] * 2:
            os.sched_setaffinity(0, {core})
            thread_count(3)
            os.sched_setaffinity(0, allowed)  # the caller stays where it is until it must move
            threads.run_sliced(lambda *_: None, 3)
            team = threads._team
            assert len(team.helpers) == 2
            for helper in team.helpers:
                assert os.sched_getaffinity(helper) == allowed - {team.core}
    finally:
        os.sched_setaffinity(0, allowed)
    cores.keep_off(core, [2**30])  # no such thread: left alone


def test_on_a_single_core_helpers_stay_on_it(thread_count, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5}, raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", pytest.fail, raising=False)
    cores.keep_off(5, [1])


@pytest.mark.skipif(not JIT, reason="the twin does not wait")
def test_a_waiting_thread_sees_the_counter_move():
    counter = np.zeros(1, np.int64)
    spin(counter, 0, 1, 0)  # compiled by now, and no longer waiting after its one turn
    seen = []
    waiting = threading.Thread(target=lambda: (spin(counter, 0, 10**12, 0), seen.append(1)))
    waiting.start()
    time.sleep(0.05)
    assert not seen  # a thread that waits lets others run
    counter[0] += 1
    waiting.join(timeout=60)
    assert seen


def test_blas_is_held_at_one_thread_from_the_first_slices_on():
    code = """
import numpy, threadpoolctl
from minigrad.kernels import threads
def libraries():
    return [lib for lib in threadpoolctl.threadpool_info() if lib["user_api"] == "blas"]
ours = [lib["filepath"] for lib in libraries()]  # without SciPy's own, which Numba loads when it compiles
def blas():
    return {lib["num_threads"] for lib in libraries() if lib["filepath"] in ours}
threads._team.size = 2
threadpoolctl.threadpool_limits(2, user_api="blas")
before = blas()
inside = threads.run_sliced(lambda *_: blas(), 2)
print(before, inside, blas())
"""
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
    )
    assert child.stdout == "{2} [{1}, {1}] {1}\n", child.stderr


def test_the_number_may_be_set_from_within_a_slice(thread_count):
    thread_count(2)
    threads.run_sliced(lambda start, stop: threads.set_num_threads(3) if start == 0 else None, 2)
    assert threads.get_num_threads() == 3
    assert len(threads.run_sliced(lambda *span: span, 6)) == 3


def test_a_team_that_is_stopped_while_work_comes_in_leaves_none_waiting(thread_count):
    thread_count(2)
    sums: list[int] = []
    call_while_replaced(
        lambda: sums.append(sum(threads.run_sliced(lambda start, stop: stop - start, 2))),
        lambda: threads.set_num_threads(2),
    )
    assert sums == [2] * 4000


def test_where_no_thread_can_be_started_the_caller_does_all(thread_count, monkeypatch):
    thread_count(3)
    start, started = threading.Thread.start, []

    def fail_at_the_second(self):
        if started:
            raise RuntimeError("can't start new thread")
        started.append(self)
        start(self)

    monkeypatch.setattr(threading.Thread, "start", fail_at_the_second)
    here = threading.current_thread()
    assert threads.run_sliced(lambda *_: threading.current_thread(), 3) == [here] * 3
    started[0].join(timeout=10)
    assert not started[0].is_alive()
    monkeypatch.undo()
    assert len({*threads.run_sliced(lambda *_: threading.get_ident(), 2)}) == 2


@pytest.mark.parametrize("how", ["ignore", "raise"])
def test_slices_treat_floating_point_errors_as_their_caller_does(thread_count, how):
    thread_count(2)

    def function(start, stop):
        return np.geterr()["over"], (np.full(2, 1e30, np.float32) ** 2).max()

    with np.errstate(over=how):
        if how == "raise":
            with pytest.raises(FloatingPointError):
                threads.run_sliced(lambda start, _: function(0, 1) if start else None, 2)
        else:
            assert threads.run_sliced(function, 2) == [("ignore", np.inf)] * 2


@pytest.fixture
def ctrl_c_interrupts():
    """As in a terminal: a shell's background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_interrupts")
def test_ctrl_c_comes_out_after_all_slices_ended(thread_count):
    thread_count(2)
    threads.run_sliced(lambda *_: None, 2)
    ended = []

    def function(start, stop):
        if start == 0:
            signal.raise_signal(signal.SIGINT)
        time.sleep(0.1)
        ended.append(start)

    with pytest.raises(KeyboardInterrupt):
        threads.run_sliced(function, 2)
    assert ended == [1]
    killer = threading.Timer(0.05, signal.raise_signal, [signal.SIGINT])  # while the caller waits
    with pytest.raises(KeyboardInterrupt):
        threads.run_sliced(lambda start, _: killer.start() if start == 0 else function(start, 0), 2)
    assert ended == [1, 1]
    assert threads.run_sliced(lambda start, _: start, 2) == [0, 1]


def test_threads_that_are_no_longer_wanted_end(thread_count):
    thread_count(4)
    threads.run_sliced(lambda *_: None, 4)
    thread_count(2)
    threads.run_sliced(lambda *_: None, 2)
    for _ in range(200):
        ours = [t for t in threading.enumerate() if t.name.startswith("minigrad_")]
        if len(ours) == 1:
            return
        time.sleep(0.01)
    pytest.fail(f"{ours} live on")


def test_several_python_threads_at_once(thread_count):
    thread_count(2)
    expected = everything()
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(everything) for _ in range(8)]:
            assert_same(future.result(timeout=60), expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("count", [1, 2])
def test_a_forked_child_runs_kernels(thread_count, count):
    thread_count(count)
    expected = everything()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking where threads run
        child = os.fork()
    if child == 0:
        status = 1
        try:
            assert_same(everything(), expected)
            status = 0 if threads.get_num_threads() == count else 2
        finally:
            os._exit(status)
    for _ in range(600):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.05)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        pytest.fail("the forked child hangs")
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize(
    "how", sorted({"spawn", "fork"} & {*multiprocessing.get_all_start_methods()})
)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_process_pool_runs_kernels_on_threads(monkeypatch, thread_count, how):
    thread_count(2)
    monkeypatch.undo()  # of the fixture: only what is worth it is shared again
    rng = np.random.default_rng(3)
    x, w = rng.standard_normal((8, 8, 24, 24)), rng.standard_normal((16, 8, 3, 3))
    assert 16 * x[:, 0].size * w[0].size > convolution.WORTH_SHARING
    expected = convolution.conv2d_forward(x, w, None, *HOW)
    with ProcessPoolExecutor(2, multiprocessing.get_context(how)) as pool:
        calls = [pool.submit(_on_threads, x, w) for _ in range(4)]
        for call in calls:
            y, helpers = call.result(timeout=120)
            np.testing.assert_allclose(y, expected, rtol=1e-12)
            assert helpers >= 1


def _on_threads(x, w):
    """In a worker: a convolution, and how many helper threads there are after it."""
    threads.set_num_threads(2)
    return convolution.conv2d_forward(x, w, None, *HOW), len(threads._team.helpers)


@pytest.mark.parametrize("n", [0, -1, "x", 1.5, None, True])
def test_no_number_of_threads(n):
    before = threads.get_num_threads()
    with pytest.raises(
        ValueError, match=r"set_num_threads\(n\) takes a whole number .* at least 1"
    ):
        threads.set_num_threads(n)
    assert threads.get_num_threads() == before


@pytest.mark.parametrize(
    ("asked", "answer"), [("3", "3 1"), ("many", "MINIGRAD_NUM_THREADS takes a whole number")]
)
def test_the_environment_sets_the_number(asked, answer):
    code = """
from minigrad.kernels import threads
import threadpoolctl
blas = [lib["num_threads"] for lib in threadpoolctl.threadpool_info() if lib["user_api"] == "blas"]
print(threads.get_num_threads(), *set(blas))
"""
    environment = {**os.environ, "MINIGRAD_NUM_THREADS": asked}
    child = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120
    )
    assert answer in child.stdout + child.stderr
    assert (child.returncode == 0) == (asked == "3")
