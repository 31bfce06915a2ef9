"""Shapes and orders of axes: NumPy's values, gradients of both orders, views, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad.errors import MutationError, ShapeError, UnsupportedError
from minigrad.ops.versions import since
from tests.helpers import check_as_numpy
from tests.strategies import axes, draw_array, seeds, shapes

few = settings(max_examples=12, deadline=None)


def float64(data, requires_grad=True):
    return minigrad.tensor(data, requires_grad=requires_grad, dtype=np.float64)


@st.composite
def arrays(draw, min_dims=0, max_dims=3):
    return draw_array(draw(seeds), draw(shapes(min_dims=min_dims, max_dims=max_dims)))


def axis_of(ndim):
    return st.integers(-ndim, ndim - 1)


# -- entries in their order -----------------------------------------------------------------------


@given(x=arrays(), data=st.data())
@few
def test_reshape_to_any_shape_of_as_many_entries(x, data):
    sides = [n for n in range(1, x.size + 1) if x.size % n == 0]
    first = data.draw(st.sampled_from(sides))
    for new in [(first, -1), -1, [x.size // first, 1, first]]:
        check_as_numpy(lambda t: np.reshape(t, new), x)
    np.testing.assert_array_equal(float64(x).reshape(first, -1).data, x.reshape(first, -1))
    np.testing.assert_array_equal(float64(x).reshape((first, -1)).data, x.reshape(first, -1))


@given(x=arrays())
@few
def test_ravel(x):
    check_as_numpy(np.ravel, x)
    np.testing.assert_array_equal(float64(x).ravel().data, x.ravel())
    np.testing.assert_array_equal(float64(x).flatten().data, x.ravel())


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(4, 3), (2, -1, 2), [3, 4], 12, -1])
def test_either_axis_may_run_fastest(shape, order):
    x = draw_array(0, (2, 3, 2))
    check_as_numpy(lambda t: np.reshape(t, shape, order=order), x)
    check_as_numpy(lambda t: t.reshape(shape, order=order), x)
    check_as_numpy(lambda t: np.ravel(t, order), x)
    check_as_numpy(lambda t: t.flatten(order), x)


@given(x=arrays(max_dims=2), data=st.data())
@few
def test_axes_put_in_and_taken_away(x, data):
    count = data.draw(st.integers(1, 2))
    places = st.integers(-(x.ndim + count), x.ndim + count - 1)
    several = data.draw(
        st.lists(places, min_size=count, max_size=count, unique_by=lambda i: i % (x.ndim + count))
    )
    axis = tuple(several) if count > 1 else several[0]
    check_as_numpy(lambda t: np.expand_dims(t, axis), x)
    check_as_numpy(lambda t: np.squeeze(t, axis), np.expand_dims(x, axis))
    check_as_numpy(np.squeeze, np.expand_dims(x, axis))
    check_as_numpy(lambda t: t.squeeze(axis), np.expand_dims(x, axis))


@pytest.mark.parametrize("f", [np.atleast_1d, np.atleast_2d, np.atleast_3d])
@pytest.mark.parametrize("shape", [(), (2,), (2, 3), (2, 1, 3), (2, 1, 1, 2)])
def test_at_least_so_many_axes(f, shape):
    check_as_numpy(f, draw_array(0, shape))
    check_as_numpy(f, draw_array(0, shape), draw_array(1, (2,)))


# -- axes in another order ------------------------------------------------------------------------


@given(x=arrays(max_dims=4), data=st.data())
@few
def test_transpose(x, data):
    order = data.draw(st.permutations(range(x.ndim)))
    signed = [i - x.ndim * data.draw(st.integers(0, 1)) for i in order]
    check_as_numpy(lambda t: np.transpose(t, signed), x)
    check_as_numpy(lambda t: np.transpose(t, tuple(order)), x)
    check_as_numpy(np.transpose, x)
    if x.ndim:
        np.testing.assert_array_equal(float64(x).transpose(*signed).data, x.transpose(*signed))
        np.testing.assert_array_equal(float64(x).transpose(signed).data, x.transpose(signed))
    np.testing.assert_array_equal(float64(x).T.data, x.T)


@given(x=arrays(min_dims=2), data=st.data())
@few
def test_axes_moved(x, data):
    i, j = data.draw(axis_of(x.ndim)), data.draw(axis_of(x.ndim))
    start = data.draw(st.integers(-x.ndim, x.ndim))
    check_as_numpy(lambda t: np.swapaxes(t, i, j), x)
    check_as_numpy(lambda t: np.moveaxis(t, i, j), x)
    check_as_numpy(lambda t: np.moveaxis(t, [0, 1], [-1, 0]), x)
    check_as_numpy(lambda t: np.rollaxis(t, i, start), x)
    for f in since("matrix_transpose", "linalg.matrix_transpose"):
        check_as_numpy(f, x)
    np.testing.assert_array_equal(float64(x).mT.data, np.swapaxes(x, -1, -2))
    np.testing.assert_array_equal(float64(x).swapaxes(i, j).data, x.swapaxes(i, j))


# -- repeated along new axes ----------------------------------------------------------------------


@given(x=arrays(max_dims=2), before=st.lists(st.integers(1, 3), max_size=2), stretch=st.booleans())
@few
def test_broadcast_to(x, before, stretch):
    shape = (*before, *x.shape)
    if stretch and x.ndim:
        x, shape = x[..., :1], (*shape[:-1], 3)
    check_as_numpy(lambda t: np.broadcast_to(t, shape), x)


def test_broadcasting_several_arrays():
    x, y = draw_array(0, (2, 1)), draw_array(1, (3,))
    check_as_numpy(np.broadcast_arrays, x, y)
    check_as_numpy(lambda t: np.broadcast_arrays(1.0, t, y)[1], x)


@pytest.mark.parametrize("indexing", ["xy", "ij"])
@pytest.mark.parametrize("sparse", [True, False])
def test_meshgrid(indexing, sparse):
    x, y, z = draw_array(0, 2), draw_array(1, 3), draw_array(2, 2)
    for vectors in ((x,), (x, y), (x, y, z)):
        check_as_numpy(lambda *t: np.meshgrid(*t, indexing=indexing, sparse=sparse), *vectors)


# -- in another order, repeated, padded -----------------------------------------------------------


@given(x=arrays(), data=st.data())
@few
def test_flip(x, data):
    axis = data.draw(axes(x.ndim))
    check_as_numpy(lambda t: np.flip(t, axis), x)


@given(x=arrays(min_dims=2), k=st.integers(-5, 5), data=st.data())
@few
def test_turns(x, k, data):
    i, j = data.draw(st.permutations(range(x.ndim)))[:2]
    check_as_numpy(lambda t: np.rot90(t, k, (i, j - x.ndim)), x)
    check_as_numpy(np.flipud, x)
    check_as_numpy(np.fliplr, x)


def test_a_vector_has_no_quarter_turns():
    with pytest.raises(ShapeError, match=r"^rot90: axes \(0, 0\) are one"):
        np.rot90(float64(np.ones((2, 2))), 1, (0, 0))
    with pytest.raises(ShapeError, match=r"^rot90: an operand of shape \(3,\).*np.flip"):
        np.rot90(minigrad.tensor([1.0, 2.0, 3.0], requires_grad=True))


@given(x=arrays(min_dims=1), shift=st.integers(-4, 4), data=st.data())
@few
def test_roll(x, shift, data):
    axis = data.draw(axis_of(x.ndim))
    check_as_numpy(lambda t: np.roll(t, shift), x)
    check_as_numpy(lambda t: np.roll(t, shift, axis), x)
    check_as_numpy(lambda t: np.roll(t, (shift, 1), (axis, 0)), x)
    check_as_numpy(lambda t: np.roll(t, shift, (axis, 0)), x)


@given(x=arrays(), data=st.data())
@few
def test_repeat(x, data):
    check_as_numpy(lambda t: np.repeat(t, 2), x)
    if x.ndim:
        axis = data.draw(axis_of(x.ndim))
        n = x.shape[axis]
        counts = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
        check_as_numpy(lambda t: np.repeat(t, counts, axis), x)
        check_as_numpy(lambda t: t.repeat(3, axis=axis), x)
        check_as_numpy(lambda t: np.repeat(t, [2], axis), x)


@given(x=arrays(), reps=st.lists(st.integers(0, 2), max_size=4))
@few
def test_tile(x, reps):
    check_as_numpy(lambda t: np.tile(t, reps), x)
    check_as_numpy(lambda t: np.tile(t, 2), x)


@pytest.mark.parametrize("shape", [(4, 5), (2,), 13, (0,)])
def test_resize(shape):
    check_as_numpy(lambda t: np.resize(t, shape), draw_array(0, (2, 3)))


@given(
    x=arrays(max_dims=2),
    mode=st.sampled_from(["constant", "edge", "reflect", "symmetric", "wrap"]),
    data=st.data(),
)
@few
def test_pad(x, mode, data):
    widths = [data.draw(st.tuples(st.integers(0, 4), st.integers(0, 4))) for _ in x.shape]
    check_as_numpy(lambda t: np.pad(t, widths or 1, mode), x)


@pytest.mark.parametrize("mode", ["constant", "wrap"])
@pytest.mark.parametrize("width", [0, 2, (1, 2), ((1, 0),), ((0, 1), (2, 0))])
def test_pad_widths_in_all_their_spellings(mode, width):
    check_as_numpy(lambda t: np.pad(t, width, mode), draw_array(0, (2, 2)))


@pytest.mark.parametrize("mode", ["constant", "edge"])
def test_pad_widths_by_axis(mode):
    x = draw_array(0, (2, 3))
    y = np.pad(float64(x), {0: 1, -1: (2, 3)}, mode)
    np.testing.assert_array_equal(y.data, np.pad(x, ((1, 1), (2, 3)), mode))


def test_pad_with_other_constants():
    x = draw_array(0, (2, 3))
    check_as_numpy(lambda t: np.pad(t, 1, constant_values=7), x)
    check_as_numpy(lambda t: np.pad(t, 2, "constant", constant_values=((1, 2), (3, 4))), x)


def test_an_array_filled_with_a_tensor():
    x = np.zeros((2, 3))
    check_as_numpy(lambda t: np.full_like(float64(x), t), np.array(1.5))
    check_as_numpy(lambda t: np.full_like(float64(x), t), np.array([1.5, 2.5, 0.5]))
    assert np.full_like(float64(x), 2).tolist() == [[2, 2, 2], [2, 2, 2]]


def test_copy():
    x = float64(draw_array(0, (2, 3)))
    check_as_numpy(np.copy, x.data)
    check_as_numpy(lambda t: t.copy(), x.data)
    assert not np.shares_memory(np.copy(x).data, x.data)


# -- views ----------------------------------------------------------------------------------------

VIEWS = {
    "reshape": lambda t: t.reshape(3, 2),
    "transpose": lambda t: t.T,
    "swapaxes": lambda t: np.swapaxes(t, 0, 1),
    "moveaxis": lambda t: np.moveaxis(t, 0, 1),
    "expand_dims": lambda t: np.expand_dims(t, 1),
    "flip": lambda t: np.flip(t, 0),
    "getitem": lambda t: t[:, 1:],
    "broadcast_to": lambda t: np.broadcast_to(t, (2, 2, 3)),
    "split": lambda t: np.split(t, [1])[1],
    "diagonal": lambda t: np.diagonal(t),
    "einsum": lambda t: np.einsum("ij->ji", t),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_data_that_a_view_is_kept_of_cannot_change_through_its_base(view):
    x = float64(np.ones((2, 3)))
    y = view(x)
    assert np.shares_memory(y._data, x._data)
    loss = np.sum(y * y)
    with pytest.raises(MutationError):
        x.data[...] = 5
    loss.backward()
    x.data[...] = 5  # nothing is kept any more


def test_an_array_that_the_caller_holds_is_found_changed_through_a_view():
    x = float64(np.ones((2, 3)))
    base = x.data
    loss = np.sum(np.square(x.reshape(6)))
    base[0, 0] = 5
    with pytest.raises(MutationError):
        loss.backward()


def test_gradients_do_not_share_memory_with_one_another():
    x, y = float64(np.ones((2, 3))), float64(np.ones((2, 3)))
    z = x.reshape(6) + y.reshape(6)
    upstream = np.arange(6.0)
    z.backward(upstream)
    x.grad[0, 0] = 100
    np.testing.assert_array_equal(y.grad.ravel(), upstream)
    np.testing.assert_array_equal(upstream, np.arange(6))


# -- dtypes, errors, refusals ---------------------------------------------------------------------


def test_integers_and_float32_keep_their_dtype():
    whole = minigrad.tensor(np.arange(6).reshape(2, 3))
    single = minigrad.tensor(np.ones((2, 3), np.float32), requires_grad=True)
    for f in (np.transpose, np.ravel, lambda t: np.pad(t, 1), lambda t: np.tile(t, 2), np.flip):
        assert f(whole).dtype == np.int64
        np.testing.assert_array_equal(f(whole).data, f(whole.data))
        y = f(single)
        assert y.dtype == np.float32
        y.backward(np.ones(y.shape))
        assert single.grad.dtype == np.float32


MISFITS = {
    r"reshape.*\(2, 3\).*6 entries.*holds 4": lambda t: t.reshape(4),
    r"reshape.*hold 4 entries, and 6": lambda t: t.reshape(4, -1),
    r"reshape.*Only one axis can be -1": lambda t: t.reshape(-1, -1),
    r"squeeze.*\(2, 3\).*axis 1 has 3": lambda t: np.squeeze(t, 1),
    r"transpose.*each axis once.*0 to 1": lambda t: np.transpose(t, (0, 0)),
    r"swapaxes.*\(2, 3\).*0 to 1, or -2 to -1": lambda t: np.swapaxes(t, 0, 2),
    r"moveaxis.*\(2, 3\).*0 to 1": lambda t: np.moveaxis(t, 3, 0),
    r"rollaxis.*\(2, 3\).*0 to 1": lambda t: np.rollaxis(t, 2),
    r"expand_dims.*\(2, 3\).*0 to 2": lambda t: np.expand_dims(t, 5),
    r"flip.*\(2, 3\)": lambda t: np.flip(t, 2),
    r"roll.*\(2, 3\)": lambda t: np.roll(t, 1, 2),
    r"repeat.*\(2, 3\)": lambda t: np.repeat(t, 2, axis=2),
    r"broadcast_to.*\(2, 3\).*3 entries in one and 4": lambda t: np.broadcast_to(t, (2, 4)),
    r"broadcast_to.*2 axes and the new shape only 1": lambda t: np.broadcast_to(t, (3,)),
    r"broadcast_to.*reshape it to \(3, 1\)": lambda t: np.broadcast_to(t[0], (3, 4)),
    r"broadcast_arrays.*\(2, 3\) and \(2,\)": lambda t: np.broadcast_arrays(t, np.ones(2)),
    r"repeat.*\(2, 3\) with repeats=\[1, 2, 3\]": lambda t: np.repeat(t, [1, 2, 3], 0),
    r"pad.*\(2, 3\)": lambda t: np.pad(t, ((1, 1), (1, 1), (1, 1))),
}


@pytest.mark.parametrize(("message", "call"), MISFITS.items(), ids=range(len(MISFITS)))
def test_a_misfit_names_operation_shape_and_mend(message, call):
    with pytest.raises(ShapeError, match=message):
        call(float64(np.ones((2, 3))))


def test_what_cannot_be_differentiated_is_refused_by_name():
    x = float64(np.ones((2, 3)))
    with pytest.raises(UnsupportedError, match="order='A'.*'C' or 'F'"):
        np.reshape(x, (3, 2), order="A")
    with pytest.raises(UnsupportedError, match="mean"):
        np.pad(x, 1, "mean")
    with pytest.raises(UnsupportedError, match="reflect_type="):
        np.pad(x, 1, "reflect", reflect_type="odd")
