"""Indexing and taking: NumPy's values, gradients of both orders, repeats, kept indices, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad
from minigrad.errors import GraphError, ShapeError, UnsupportedError
from minigrad.ops.indexing import Scatter
from minigrad.ops.inspection import plain
from tests.helpers import check_as_numpy
from tests.strategies import draw_array, seeds, shapes

few = settings(max_examples=12, deadline=None)
more = settings(max_examples=40, deadline=None)


def float64(data, requires_grad=True):
    return minigrad.tensor(data, requires_grad=requires_grad, dtype=np.float64)


@st.composite
def basic(draw):
    shape = draw(shapes(min_dims=1))
    index = draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    return draw_array(draw(seeds), shape), index


@st.composite
def fancy(draw):
    """Integers, slices, new axes, position arrays that broadcast, and masks, mixed."""
    shape = draw(shapes(min_dims=1))
    rng = np.random.default_rng(draw(seeds))
    common = draw(shapes(min_dims=0, max_dims=2))
    index = []
    for n in shape[: draw(st.integers(1, len(shape)))]:
        kind = draw(st.sampled_from(["positions", "positions", "slice", "integer", "list"]))
        if kind == "slice":
            index.append(draw(st.slices(n)))
        elif kind == "integer":
            index.append(draw(st.integers(-n, n - 1)))
        else:
            positions = rng.integers(-n, n, common)
            index.append(positions.tolist() if kind == "list" else positions)
    if draw(st.booleans()):
        index.insert(draw(st.integers(0, len(index))), None)
    return draw_array(draw(seeds), shape), tuple(index)


# -- x[index] -------------------------------------------------------------------------------------


@given(drawn=basic())
@more
def test_basic_indices(drawn):
    x, index = drawn
    check_as_numpy(lambda t: t[index], x)


@given(drawn=fancy())
@more
def test_fancy_indices(drawn):
    x, index = drawn
    check_as_numpy(lambda t: t[index], x)


@given(shape=shapes(min_dims=1), seed=seeds, data=st.data())
@few
def test_masks(shape, seed, data):
    rng = np.random.default_rng(seed)
    x = draw_array(seed, shape)
    axes = data.draw(st.integers(1, len(shape)))
    leading = rng.random(shape[:axes]) < 0.5
    check_as_numpy(lambda t: t[leading], x)
    last = rng.random(shape[-1]) < 0.5
    check_as_numpy(lambda t: t[..., last], x)
    check_as_numpy(lambda t: t[last.tolist()], draw_array(seed, (shape[-1], 2)))


@pytest.mark.parametrize(
    "index",
    [
        ([True, False], [1, 1, 1]),  # one entry of the mask, met by equal positions
        (np.array([[True, False], [False, True]]),),
        (True, 0),
        (False,),
        np.bool_(True),
        (np.array([True, True]), 1),
        (np.int64(1), np.array(0)),
        (np.array([0, 0]),),
        [],
        ([], slice(None)),
        [[0, 1], [1, 1]],
        Ellipsis,
        None,
        (),
    ],
    ids=str,
)
def test_indices_off_the_beaten_track(index):
    check_as_numpy(lambda t: t[index], draw_array(0, (2, 2)))


def test_an_entry_taken_several_times_receives_as_often():
    x = float64([1.0, 2.0, 3.0])
    x[[0, 2, 0, 0]].backward([1.0, 10.0, 100.0, 1000.0])
    np.testing.assert_array_equal(x.grad, [1101, 0, 10])
    x = float64(np.ones((2, 2)))
    x[[0, -2], [1, -1]].backward([1.0, 10.0])  # the same entry in two spellings
    np.testing.assert_array_equal(x.grad, [[0, 11], [0, 0]])


def test_indices_may_be_tensors():
    x = draw_array(0, (3, 4))
    t = float64(x)
    i, j = minigrad.tensor([0, 2, 2]), minigrad.tensor([1, 1, 3])
    mask = minigrad.tensor(x > 0)
    cases = [
        (i, i.data), ((i, j), (i.data, j.data)), ((slice(None), j), np.s_[:, j.data]), (mask, x > 0),
        (i[0], 0), ((0, j[2]), (0, 3)), ([i[0], i[1]], [0, 2]), (([i[0], 1], j[:2]), ([0, 1], [1, 1])),
        (np.s_[: j[2], i[1] :], np.s_[:3, 2:]),
    ]  # fmt: skip
    for ours, theirs in cases:
        y = t[ours]
        np.testing.assert_array_equal(y.data, x[theirs])
        upstream = np.random.default_rng(0).normal(size=y.shape)
        expected = np.zeros_like(x)
        np.add.at(expected, theirs, upstream)
        np.testing.assert_allclose(minigrad.grad(y, t, upstream), expected)


@pytest.mark.parametrize("index", [np.array([0, 1]), np.array([True, True, False])])
def test_an_index_changed_after_the_call_changes_nothing(index):
    x = float64([1.0, 2.0, 3.0])
    y = x[index]
    index[...] = index[::-1].copy()
    index[0] = 0
    y.backward([1.0, 10.0])
    np.testing.assert_array_equal(x.grad, [1, 10, 0])


@pytest.mark.parametrize(
    ("index", "adds"),
    [
        (0, False), (np.s_[1:, None], False), (np.s_[..., 0], False),
        (np.array([[True, False], [True, True]]), False), ((np.array([True, False]), 0), False),
        (np.array([1, 1]), True), ((0, np.array([1, 1])), True),
    ],
)  # fmt: skip
def test_only_positions_that_may_repeat_are_added_one_by_one(index, adds, monkeypatch):
    calls = []

    class Counting:
        @staticmethod
        def at(*args):
            calls.append(args)

    x = np.ones((2, 2))[index]
    monkeypatch.setattr(np, "add", Counting)
    y = Scatter.call(x, index=index, shape=(2, 2))
    monkeypatch.undo()
    assert bool(calls) == adds
    if not adds:
        expected = np.zeros((2, 2))
        expected[index] = 1
        np.testing.assert_array_equal(y, expected)


def test_a_tensor_is_iterated_and_unpacked_row_by_row():
    x = float64(draw_array(0, (2, 3)))
    first, second = x
    (np.sum(first) + 2 * np.sum(second)).backward()
    np.testing.assert_array_equal(x.grad, [[1] * 3, [2] * 3])


def test_assignment_is_refused():
    with pytest.raises(GraphError, match="np.where"):
        float64([1.0])[0] = 2


# -- NumPy's named ways ---------------------------------------------------------------------------


@given(shape=shapes(min_dims=1), taken=shapes(max_dims=2), seed=seeds, data=st.data())
@few
def test_take(shape, taken, seed, data):
    x, rng = draw_array(seed, shape), np.random.default_rng(seed)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    n = shape[axis]
    indices = rng.integers(-n, n, taken)
    check_as_numpy(lambda t: np.take(t, indices, axis), x)
    check_as_numpy(lambda t: np.take(t, indices % x.size), x)
    beyond = rng.integers(-3 * n, 3 * n, taken)
    mode = data.draw(st.sampled_from(["wrap", "clip"]))
    check_as_numpy(lambda t: np.take(t, beyond, axis=axis, mode=mode), x)


@given(shape=shapes(min_dims=1), count=st.integers(1, 4), seed=seeds, data=st.data())
@few
def test_take_along_axis(shape, count, seed, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    wanted = list(shape)
    wanted[axis] = count
    indices = np.random.default_rng(seed).integers(-shape[axis], shape[axis], wanted)
    x = draw_array(seed, shape)
    check_as_numpy(lambda t: np.take_along_axis(t, indices, axis), x)
    flat = np.argsort(x, axis=None)
    check_as_numpy(lambda t: np.take_along_axis(t, flat, None), x)


def test_take_along_axis_broadcasts_the_other_axes():
    check_as_numpy(lambda t: np.take_along_axis(t, np.array([[0, 1, 1]]), 1), draw_array(0, (3, 2)))
    check_as_numpy(
        lambda t: np.take_along_axis(t, np.array([[0], [1], [1]]), 1), draw_array(0, (1, 2))
    )


def test_take_of_the_class_scores_by_label():
    scores, labels = draw_array(0, (3, 4)), minigrad.tensor([[1], [0], [3]])
    x = float64(scores)
    y = np.take_along_axis(x, labels, 1)
    np.testing.assert_array_equal(y.data, np.take_along_axis(scores, labels.data, 1))


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_compress_and_delete(axis):
    x = draw_array(0, (3, 3))
    check_as_numpy(lambda t: np.compress([True, False, True], t, axis), x)
    check_as_numpy(lambda t: np.compress([False, True], t, axis), x)
    for gone in (1, -1, [0, 2], slice(1, None), np.array([True, False, True])):
        if axis is not None or not isinstance(gone, np.ndarray):
            check_as_numpy(lambda t: np.delete(t, gone, axis), x)


def test_extract():
    x = draw_array(0, (3, 3))
    check_as_numpy(lambda t: np.extract(x > 0, t), x)


def test_unique():
    x = np.array([[3.0, 1.0], [2.0, 3.0]])
    check_as_numpy(np.unique, np.array([[3.0, 1.0], [2.0, 0.5]]))
    t = float64(x)
    for options in ({"return_index": True}, {"return_inverse": True, "return_counts": True}):
        for actual, expected in zip(np.unique(t, **options), np.unique(x, **options), strict=True):
            np.testing.assert_array_equal(np.asarray(plain(actual)), expected)
    np.unique(t).backward([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(t.grad, [[3, 1], [2, 0]])


def test_choose():
    x, y = draw_array(0, (2, 3)), draw_array(1, 3)
    check_as_numpy(lambda t, u: np.choose([[0], [1]], [t, u]), x, y)
    check_as_numpy(lambda t, u: np.choose([0, 1, 1], (t, u)), x, y)
    check_as_numpy(lambda t, u: np.choose([-1, 1, 2], [t, u], mode="wrap"), x, y)
    check_as_numpy(lambda t, u: np.choose([-1, 1, 2], [t, u], mode="clip"), x, y)
    check_as_numpy(lambda t: np.choose([0, 1, 0], [t, 7.0]), x)


def test_bincount_adds_up_weights():
    x = np.array([0, 3, 3, 1, 0])
    weights = np.random.default_rng(0).standard_normal(5)
    check_as_numpy(lambda t: np.bincount(x, weights=t, minlength=6), weights)
    check_as_numpy(lambda t: np.bincount(x, t), weights)
    assert np.bincount(minigrad.tensor(x)).tolist() == [2, 1, 0, 2]


def test_select():
    x, y = draw_array(0, (2, 3)), draw_array(1, 3)
    check_as_numpy(lambda t, u: np.select([x > 1, x > 0], [t, u], 7.0), x, y)
    check_as_numpy(lambda t, u: np.select([x > 0, x > 1], [t, u]), x, y)


# -- dtypes and errors ----------------------------------------------------------------------------


def test_float32_and_integers_keep_their_dtype():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    y = x[[0, 0, 1]]
    assert y.dtype == np.float32
    y.backward(np.ones(3))
    assert x.grad.dtype == np.float32
    whole = minigrad.tensor([3, 4])
    assert whole[1].dtype == np.take(whole, 1).dtype == np.int64
    assert whole[1].item() == np.take(whole, 1).item() == 4


MISFITS = {
    r"getitem.*\(2, 3\).*index=5.*0 to 1, or -2 to -1": lambda t: t[5],
    r"getitem.*\(2, 3\).*index=\(:, <array \(2,\)>\).*0 to 2, or -3 to -1": lambda t: t[:, [0, 7]],
    r"getitem.*\(2, 3\).*index=\(0, 1:, 0\).*has 2 axes, fewer": lambda t: t[0, 1:, 0],
    r"getitem.*\(2, 3\).*astype\(int\)": lambda t: t[np.array([0.5])],
    r"getitem.*\(2, 3\).*boolean.*size of axis is 2.*is 3": lambda t: t[np.array([True] * 3)],
    r"getitem.*\(2, 3\).*index=\(<array \(2,\)>, <array \(3,\)>\).*broadcast": lambda t: t[
        [0, 1], [0, 1, 2]
    ],
    r"take.*\(2, 3\).*0 to 2, or -3 to -1": lambda t: np.take(t, 4, axis=1),
    r"take.*\(2, 3\).*0 to 1, or -2 to -1": lambda t: np.take(t, 0, axis=2),
    r"take_along_axis.*\(2, 3\)": lambda t: np.take_along_axis(t, np.zeros((1, 1), int), 2),
    r"delete.*\(2, 3\).*obj=5": lambda t: np.delete(t, 5, 1),
    r"delete.*\(2, 3\).*axis=4": lambda t: np.delete(t, 0, 4),
    r"choose.*\(2, 3\).*a=\[3\]": lambda t: np.choose([3], [t]),
}


@pytest.mark.parametrize(("message", "call"), MISFITS.items(), ids=range(len(MISFITS)))
def test_a_misfit_names_operation_shape_and_mend(message, call):
    with pytest.raises(ShapeError, match=message):
        call(float64(np.ones((2, 3))))


def test_a_position_out_of_range_is_an_index_error_too():
    with pytest.raises(IndexError):
        float64([1.0])[1]
    with pytest.raises(ValueError, match="getitem"):
        float64([1.0])[1]


def test_writing_functions_are_refused():
    x = float64([1.0, 2.0])
    for call in (lambda: np.put(x, 0, 5), lambda: np.place(x, [True, False], 5)):
        with pytest.raises(UnsupportedError):
            call()
