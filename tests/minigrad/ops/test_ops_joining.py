"""Joining and cutting: NumPy's values, gradients of both orders, linear cost, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad.errors import ShapeError, UnsupportedError
from tests.helpers import check_as_numpy
from tests.strategies import draw_array, seeds, shapes

few = settings(max_examples=15, deadline=None)


def float64(data, requires_grad=True):
    return minigrad.tensor(data, requires_grad=requires_grad, dtype=np.float64)


@st.composite
def joinable(draw, min_dims=1):
    """Arrays that differ along one axis, and that axis."""
    shape = list(draw(shapes(min_dims=min_dims, max_dims=3)))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    arrays = []
    for _ in range(draw(st.integers(1, 3))):
        shape[axis] = draw(st.integers(0, 3))
        arrays.append(draw_array(draw(seeds), tuple(shape)))
    return arrays, axis


# -- joining --------------------------------------------------------------------------------------


@given(drawn=joinable())
@few
def test_concatenate(drawn):
    arrays, axis = drawn
    check_as_numpy(lambda *t: np.concatenate(t, axis), *arrays)
    check_as_numpy(lambda *t: np.concatenate(list(t), axis=None), *arrays)


def test_concatenate_takes_the_array_api_name():
    check_as_numpy(lambda *t: np.concat(t), draw_array(0, 2), draw_array(1, 3))


@given(shape=shapes(), count=st.integers(1, 3), seed=seeds, data=st.data())
@few
def test_stack(shape, count, seed, data):
    axis = data.draw(st.integers(-len(shape) - 1, len(shape)))
    arrays = [draw_array(seed + i, shape) for i in range(count)]
    check_as_numpy(lambda *t: np.stack(t, axis), *arrays)


@pytest.mark.parametrize("f", [np.vstack, np.hstack, np.dstack, np.column_stack])
@pytest.mark.parametrize("shape", [(2,), (2, 3), (2, 3, 2)])
def test_stacks_along_a_named_axis(f, shape):
    check_as_numpy(lambda *t: f(t), draw_array(0, shape), draw_array(1, shape))
    check_as_numpy(lambda *t: f(list(t)), draw_array(0, shape))


def test_column_stack_of_vectors_and_matrices():
    check_as_numpy(lambda *t: np.column_stack(t), draw_array(0, 2), draw_array(1, (2, 3)))


@pytest.mark.parametrize("f", [np.vstack, np.hstack, np.dstack, np.column_stack])
def test_stacks_of_numbers(f):
    check_as_numpy(lambda *t: f(t), np.array(1.0), np.array(2.0))


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_append(axis):
    check_as_numpy(lambda t, u: np.append(t, u, axis), draw_array(0, (2, 2)), draw_array(1, (2, 2)))


def test_append_of_a_list():
    check_as_numpy(lambda t: np.append(t, [1.0, 2.0]), draw_array(0, (2, 2)))


def test_block():
    a, b, c, d = (draw_array(i, s) for i, s in enumerate([(2, 2), (2, 1), (1, 2), (1, 1)]))
    check_as_numpy(lambda a, b, c, d: np.block([[a, b], [c, d]]), a, b, c, d)
    check_as_numpy(lambda a, b: np.block([a, b]), a, b)
    check_as_numpy(lambda a: np.block([[a, np.zeros((2, 1))], [np.ones((1, 2)), 5.0]]), a)
    check_as_numpy(lambda a, b: np.block([[a[0], b[:, 0]], [a[1], b[:, 0]]]), a, b)
    check_as_numpy(lambda a: np.block([[[a, a]], [[a, a]]]), a)


def test_one_tensor_is_joined_along_its_first_axis():
    x = draw_array(0, (2, 3, 2))
    check_as_numpy(lambda t: np.concatenate(t, 1), x)
    check_as_numpy(lambda t: np.stack(t, -1), x)
    check_as_numpy(np.vstack, x)


def test_the_same_tensor_twice_receives_both_gradients():
    x = float64([1.0, 2.0])
    np.concatenate([x, x]).backward([1.0, 2.0, 30.0, 40.0])
    np.testing.assert_array_equal(x.grad, [31, 42])


def test_tensors_are_joined_with_arrays_lists_and_numbers():
    x = float64([1.0, 2.0])
    y = np.concatenate([np.zeros(1), x, [7]])
    np.testing.assert_array_equal(y.data, [0, 1, 2, 7])
    np.testing.assert_array_equal(np.stack([x[0], 3.0, x[1]]).data, [1, 3, 2])
    y.backward([5.0, 6.0, 7.0, 8.0])
    np.testing.assert_array_equal(x.grad, [6, 7])


def test_float32_is_joined_to_float32():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    assert np.concatenate([x, np.ones(2)]).dtype == np.float32
    assert np.stack([x[0], np.float64(3)]).dtype == np.float32
    whole = minigrad.tensor([1, 2])
    assert np.concatenate([whole, whole]).dtype == np.int64


# -- cutting --------------------------------------------------------------------------------------


@given(shape=shapes(min_dims=1), seed=seeds, data=st.data())
@few
def test_split(shape, seed, data):
    x = draw_array(seed, shape)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    n = shape[axis]
    cuts = sorted(data.draw(st.lists(st.integers(0, n + 1), max_size=3)))
    sections = data.draw(st.integers(1, n + 2))
    check_as_numpy(lambda t: np.split(t, cuts, axis), x)
    check_as_numpy(lambda t: np.split(t, n, axis), x)
    check_as_numpy(lambda t: np.array_split(t, sections, axis), x)
    check_as_numpy(lambda t: np.array_split(t, cuts, axis=axis), x)
    check_as_numpy(lambda t: np.unstack(t, axis=axis), x)


def test_cuts_counted_from_the_end():
    check_as_numpy(lambda t: np.split(t, [-1]), draw_array(0, 4))


@pytest.mark.parametrize("f", [np.hsplit, np.vsplit, np.dsplit])
def test_splits_along_a_named_axis(f):
    check_as_numpy(lambda t: f(t, 2), draw_array(0, (2, 2, 4)))
    check_as_numpy(lambda t: f(t, [1]), draw_array(0, (2, 3, 2)))


def test_hsplit_of_a_vector():
    check_as_numpy(lambda t: np.hsplit(t, 2), draw_array(0, 4))


def test_split_gives_a_list_and_unstack_a_tuple_as_numpy():
    x = float64(np.ones((2, 3)))
    assert type(np.split(x, 2)) is list
    assert type(np.unstack(x)) is tuple


def test_a_piece_that_is_not_used_has_gradient_zero():
    x = float64(np.arange(6.0))
    _, middle, _ = np.split(x, 3)
    np.sum(middle * 2).backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 2, 2, 0, 0])


@pytest.mark.parametrize("cut", [np.unstack, lambda t: np.split(t, len(t))])
def test_a_backward_through_all_pieces_touches_each_entry_few_times(cut, monkeypatch):
    """One array for all gradients, and not one of the full size for each piece."""
    n = 200
    x = float64(np.ones((n, 3)))
    total = sum(np.sum(piece) for piece in cut(x))
    made = []
    zeros, stack, concatenate = np.zeros, np.stack, np.concatenate

    def counting(f):
        def counted(*args, **kwargs):
            y = f(*args, **kwargs)
            made.append(y.size)
            return y

        return counted

    for name, f in (("zeros", zeros), ("stack", stack), ("concatenate", concatenate)):
        monkeypatch.setattr(np, name, counting(f))
    total.backward()
    monkeypatch.undo()
    assert sum(made) <= 3 * x.size
    np.testing.assert_array_equal(x.grad, 1)


# -- errors ---------------------------------------------------------------------------------------

MISFITS = {
    r"concatenate.*\(2, 3\) and \(3, 3\).*axis 0 is 2 .* 3 in operand 1.*along axis=0": lambda t: (
        np.concatenate([t, np.ones((3, 3))], 1)
    ),
    r"concatenate.*Operand 0 has 2 axes and operand 1 has 1": lambda t: np.concatenate([t, t[0]]),
    r"concatenate.*0 to 1, or -2 to -1": lambda t: np.concatenate([t, t], 2),
    r"concatenate.*np.stack gives them one": lambda t: np.concatenate([t[0, 0], t[0, 1]]),
    r"stack.*\(2, 3\) and \(3,\).*np.concatenate": lambda t: np.stack([t, t[0]]),
    r"stack.*axis=4": lambda t: np.stack([t, t], 4),
    r"split.*\(2, 3\).*np.array_split": lambda t: np.split(t, 2, axis=1),
    r"split.*must not decrease": lambda t: np.split(t, [2, 1], axis=1),
    r"split.*\(2, 3\).*0 to 1": lambda t: np.dsplit(t, 2),
    r"array_split.*\(2, 3\).*0 to 1": lambda t: np.array_split(t, 2, 2),
    r"array_split: 0 pieces": lambda t: np.array_split(t, 0),
    r"vsplit.*\(3,\) has no rows.*np.split": lambda t: np.vsplit(t[0], 3),
    r"unstack.*\(2, 3\).*0 to 1": lambda t: np.unstack(t, axis=2),
}


@pytest.mark.parametrize(("message", "call"), MISFITS.items(), ids=range(len(MISFITS)))
def test_a_misfit_names_operation_shapes_and_mend(message, call):
    with pytest.raises(ShapeError, match=message):
        call(float64(np.ones((2, 3))))


@pytest.mark.parametrize("option", [{"dtype": np.float32}, {"out": np.zeros(4)}])
def test_options_that_leave_the_graph_are_refused(option):
    with pytest.raises(UnsupportedError, match=next(iter(option))):
        np.concatenate([float64([1.0, 2.0]), np.zeros(2)], **option)
