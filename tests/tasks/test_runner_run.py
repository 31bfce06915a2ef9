"""A run from the inside: named streams, loops, log, and what a checkpoint brings back."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad.random
from layers import Linear
from minigrad import serialize
from minigrad.errors import CheckpointError
from tasks import checkpoint
from tasks.config import Config
from tasks.run import Interrupted, Run
from tasks.run_folder import RunFolder, flatten, write_json

EVERY_STEP = Config(seed=3, checkpoint_seconds=0)


class Counter:
    """Counts, and draws from a stream."""

    def __init__(self, rng):
        self.rng, self.total = rng, np.zeros(2)

    def step(self):
        self.total = self.total + self.rng.normal(size=2)

    def state_dict(self):
        return {"total": self.total}

    def load_state_dict(self, state):
        self.total = state["total"]


@pytest.fixture
def new_run(tmp_path):
    """Make a Run in one folder: the first one new, the next ones resumed."""

    def make(config=EVERY_STEP, name="run"):
        folder = RunFolder(tmp_path / name)
        folder.path.mkdir(exist_ok=True)
        return Run(config, folder)

    return make


def test_a_stream_hangs_on_seed_and_name_alone(new_run):
    first, second, other = new_run(name="a"), new_run(name="b"), new_run(Config(seed=4), "c")
    first.rng("one more")
    draws = [run.rng("data").random() for run in (first, second, other)]
    assert draws[0] == draws[1] != draws[2]
    assert first.rng("data") is first.rng("data")
    assert first.rng("init").random() not in draws


def test_the_shared_generator_follows_the_seed(new_run):
    draws = []
    for name in "ab":
        new_run(name=name)
        draws.append(minigrad.random.default_rng().random())
    assert draws[0] == draws[1]


def use(run, stop_at=None, total=5):
    """A loop that is stopped after the step `stop_at`, if at all; a second loop after it."""
    counter = Counter(run.rng("batches"))
    for step in run.steps(total, {"counter": counter}):
        counter.step()
        run.log(step, loss=counter.total[0], extra=minigrad.random.default_rng().random())
        run.metrics["best"] = {"loss": run.history("loss")[1].min()}
        if step == stop_at:
            run.stop()
    run.log(total, between=run.rng("init").random())
    late = [Counter(run.rng("batches")), Counter(run.rng("late"))]
    for step in run.steps(total, {"late": late}, name="second"):
        for one in late:
            one.step()
        run.log(step, second=late[1].total[1])
        if step + total == stop_at:
            run.stop()
    run.metrics["end"] = [counter.total, late[0].total, late[1].total, run.rng("late").random()]
    return run


def outcome(run):
    lines = [json.loads(line) for line in run.folder.log.read_text().splitlines()]
    for line in lines:
        assert line.pop("seconds") >= 0
    return lines, flatten(run.metrics)


@pytest.mark.parametrize("stops", [[1], [3], [5], [7], [10], [2, 4, 6, 8]])
def test_a_resumed_run_is_an_uninterrupted_one(new_run, stops):
    whole = outcome(use(new_run(name="whole")))
    for stop_at in stops:
        with pytest.raises(Interrupted):
            use(new_run(), stop_at)
    assert outcome(use(new_run())) == whole


def test_lines_after_the_last_checkpoint_are_dropped(new_run):
    whole = outcome(use(new_run(name="whole")))
    with pytest.raises(Interrupted):
        use(new_run(), 4)
    folder = new_run().folder
    kept = folder.log.read_bytes()
    folder.log.write_bytes(kept + b'{"step": 5, "seconds": 1.0, "loss": 7.0}\n{"step": 6, "se')
    assert outcome(use(new_run())) == whole


def test_a_stop_within_the_replay_loses_no_line(new_run):
    whole = outcome(use(new_run(name="whole")))
    with pytest.raises(Interrupted):
        use(new_run(), 8)
    run = new_run()
    list(run.steps(5, {"counter": Counter(run.rng("batches"))}))  # and here the process dies
    assert outcome(use(new_run())) == whole


def test_history_is_that_of_the_moment_even_when_more_is_in_the_file(new_run):
    with pytest.raises(Interrupted):
        use(new_run(), 8)
    run = new_run()
    list(run.steps(5, {"counter": Counter(run.rng("batches"))}))
    assert list(run.history("loss")[0]) == [1, 2, 3, 4, 5]
    assert len(run.history("second")[0]) == 0


def test_checkpoints_keep_their_distance(new_run):
    run = new_run(Config(checkpoint_seconds=3600))
    for step in run.steps(3, {}):
        assert run.folder.checkpoint.exists() is False, step
    assert run.folder.checkpoint.exists()


def test_stop_outside_a_step_or_twice_is_at_once(new_run):
    run = new_run()
    with pytest.raises(Interrupted, match="at once"):
        run.stop()

    def stop_twice(run):
        for _ in run.steps(3, {}):
            run.stop()
            run.stop()

    with pytest.raises(Interrupted, match="at once"):
        stop_twice(new_run(name="other"))


def test_two_loops_of_one_name_are_refused(new_run):
    run = new_run()
    list(run.steps(2, {}))
    with pytest.raises(ValueError, match="'train'.*name="):
        list(run.steps(2, {}))


def test_a_state_that_cannot_be_kept_is_named(new_run):
    with pytest.raises(TypeError, match="int has no state_dict"):
        list(new_run().steps(1, {"counter": 5}))

    class Odd(Counter):
        def state_dict(self):
            return {"rng": self.rng}

    with pytest.raises(TypeError, match="'odd/rng' is a Generator"):
        list(new_run(name="b").steps(1, {"odd": Odd(np.random.default_rng())}))


@pytest.mark.parametrize(
    "state", [{}, {"other": Counter(None)}, {"counter": [Counter(None)]}, {"counter": {}}]
)
def test_a_checkpoint_of_other_objects_is_refused(new_run, state):
    run = new_run()
    list(run.steps(1, {"counter": Counter(run.rng("x"))}))
    with pytest.raises(CheckpointError, match="another version of the task .it holds other"):
        list(new_run().steps(2, state))


def test_a_checkpoint_of_a_net_of_another_size_is_refused(new_run):
    list(new_run().steps(1, {"net": Linear(3, 2)}))
    with pytest.raises(CheckpointError, match=r"(?s)checkpoint.npz does not fit .*\(2, 3\) given"):
        list(new_run().steps(1, {"net": Linear(4, 2)}))


def test_a_checkpoint_of_another_loop_is_refused(new_run):
    list(new_run().steps(1, {}, name="one"))
    with pytest.raises(CheckpointError, match="no loop 'two'"):
        list(new_run().steps(1, {}, name="two"))


def test_a_log_shorter_than_its_checkpoint_is_refused(new_run):
    run = new_run()
    for step in run.steps(2, {}):
        run.log(step, loss=1)
    run.folder.log.write_text("")
    with pytest.raises(CheckpointError, match="0 lines.*after 2"):
        new_run()


def test_a_file_that_is_no_checkpoint_is_refused(new_run):
    serialize.save(new_run().folder.checkpoint, {"w": np.ones(3)})
    with pytest.raises(CheckpointError, match="no checkpoint of a run"):
        new_run()


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=4)
    | hnp.arrays(st.sampled_from(["float32", "int64", "bool"]), hnp.array_shapes(min_dims=0))
)
KEYS = st.text("abc./-0", max_size=4) | st.integers(0, 9)
TREES = st.recursive(
    LEAVES, lambda t: st.lists(t, max_size=3) | st.dictionaries(KEYS, t, max_size=3), max_leaves=8
)


@settings(max_examples=50, deadline=None)
@given(TREES)
def test_any_state_comes_back(tmp_path_factory, tree):
    arrays = {}
    packed = checkpoint.pack(tree, arrays)
    section = checkpoint.Section(1, 2.0, 3, {}, {}, packed, arrays)
    path = tmp_path_factory.mktemp("pack") / "checkpoint.npz"
    checkpoint.write(path, {"train": section})
    read = checkpoint.read(path)["train"]
    np.testing.assert_equal(checkpoint.unpack(read.state, read.arrays), tree)


def test_a_kept_state_does_not_follow_the_live_one():
    live, arrays = np.zeros(3), {}
    packed = checkpoint.pack({"w": live}, arrays)
    live += 1
    assert checkpoint.unpack(packed, arrays)["w"].sum() == 0


def test_flatten_gives_dots_plain_numbers_and_no_nan(tmp_path):
    flat = flatten({"error": {"st-cnn": np.float32(2.5), "cnn": {"a": np.int64(1)}}, "x": np.nan})
    assert flat == {"error.st_cnn": 2.5, "error.cnn.a": 1, "x": None}
    assert type(flat["error.st_cnn"]) is float
    write_json(tmp_path / "m.json", flat)
    assert json.loads((tmp_path / "m.json").read_text()) == flat


def test_a_diverged_measurement_is_null_in_the_log_and_nan_in_the_history(new_run):
    run = new_run()
    run.log(1, loss=float("nan"))
    run.log(2, loss=np.float32(0.5))
    assert '"loss": null' in run.folder.log.read_text()
    np.testing.assert_array_equal(run.history("loss"), [[1, 2], [np.nan, 0.5]])


def test_figures_are_whole_pngs_closed_and_told_once(new_run, capsys):
    plt = pytest.importorskip("matplotlib.pyplot")
    run = new_run()
    for _ in range(2):
        figure, axes = plt.subplots(figsize=(2, 1))
        axes.plot([1, 2])
        run.figure("curve", figure)
    path = run.folder.path / "curve.png"
    assert plt.imread(path).ndim == 3
    assert plt.get_fignums() == []
    assert capsys.readouterr().out.count(str(path)) == 1
    assert run.folder.figures() == [path]


def test_nothing_but_lines_where_standard_output_is_no_terminal(new_run, capsys):
    run = new_run()
    for step in run.steps(3, {}):
        if step == 2:
            run.log(step, error={"st-cnn": 3.14159})
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.startswith("step 2  error.st_cnn 3.142  (")
    assert captured.out.count("\n") == 1
