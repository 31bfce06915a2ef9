"""Tensor: dtypes, attributes, comparisons, conversions, copies, printing."""

import copy
import pickle

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, tensor
from minigrad.errors import DtypeError, GraphError, ShapeError

# -- making one -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.5, np.float32),
        ([1.0, 2], np.float32),
        (np.zeros(2), np.float32),
        (np.zeros(2, np.float16), np.float32),
        (np.zeros(2, ">f8"), np.float32),
        (np.float64(1), np.float32),
        (3, np.int64),
        ([True, False], np.bool_),
        (np.zeros(2, np.uint8), np.uint8),
        ([], np.float32),
    ],
)
def test_dtype_of_new_tensors(data, dtype):
    assert tensor(data).dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64, "float64", np.int32, bool])
def test_dtype_as_asked(dtype):
    t = tensor([0.0, 1.0], dtype=dtype)
    assert t.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(t.data, [0, 1])


@pytest.mark.parametrize("dtype", [np.float16, complex, object, "U3"])
def test_unsupported_dtypes(dtype):
    with pytest.raises(DtypeError, match="use np.float32 or np.float64"):
        tensor([1.0], dtype=dtype)


@pytest.mark.parametrize("data", ["text", [1j], [None], np.array(["a"]), object(), {"a": 1}])
def test_data_that_are_no_numbers(data):
    with pytest.raises(DtypeError, match="real numbers"):
        tensor(data)


def test_none_is_not_taken_for_a_list_of_tensors():
    with pytest.raises(DtypeError, match=r"not object data \(NoneType\)\.$"):
        tensor(None)


@pytest.mark.parametrize("data", [[[1.0], [1.0, 2.0]], [[1], 2], [np.ones(2), np.ones(3)]])
def test_rows_of_different_length(data):
    with pytest.raises(ShapeError, match="one length.*Pad the short ones"):
        tensor(data)


@pytest.mark.parametrize("dtype", [np.float16, complex, "U3"])
def test_a_cast_to_an_unsupported_dtype(dtype):
    with pytest.raises(DtypeError, match="use np.float32 or np.float64"):
        tensor([1.0], requires_grad=True).astype(dtype)


def test_data_are_copied():
    array = np.ones(3, np.float32)
    t = tensor(array)
    array[0] = 5
    np.testing.assert_array_equal(t.data, 1)


def test_a_tensor_of_a_tensor():
    t = tensor([1.0], dtype=np.float64)
    assert tensor(t).dtype == np.float64
    assert tensor(t, dtype=np.float32).dtype == np.float32
    with pytest.raises(GraphError, match="detach"):
        tensor(tensor([1.0], requires_grad=True))


@pytest.mark.parametrize("data", [3, [1, 2], [True]])
def test_integers_cannot_have_a_gradient(data):
    with pytest.raises(DtypeError, match=r"Write the numbers as floats \(1.0\)"):
        tensor(data, requires_grad=True)
    t = tensor(data)
    with pytest.raises(DtypeError, match="Only float data"):
        t.requires_grad = True
    assert not t.requires_grad


# -- dtypes of results ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other", [2, 2.5, True, np.float64(2.5), np.ones(3), np.arange(3), np.ones(3, np.float16)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_tensor_decides_the_dtype(other, dtype):
    t = tensor([1.0, 2.0, 3.0], requires_grad=True, dtype=dtype)
    for y in (t * other, other * t, t + other, other - t, np.multiply(other, t), t**other):
        assert y.dtype == dtype
        t.grad = None
        np.sum(y).backward()
        assert t.grad.dtype == dtype


def test_the_highest_dtype_among_tensors():
    a, b = tensor([1.0], requires_grad=True), tensor([1.0], requires_grad=True, dtype=np.float64)
    y = a * b
    assert y.dtype == np.float64
    y.backward()
    assert (a.grad.dtype, b.grad.dtype) == (np.float32, np.float64)
    assert (tensor([1, 2]) * a).dtype == np.float32
    assert (tensor([True]) * b).dtype == np.float64


def test_operands_that_are_no_numbers():
    t = tensor([1.0, 2.0])
    for bad in (1j, np.array([1j, 2]), "text", object(), None):
        with pytest.raises(TypeError):
            t + bad


# -- attributes -------------------------------------------------------------------------------------


def test_attributes():
    t = tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    assert (t.shape, t.ndim, t.size, len(t)) == ((2, 3), 2, 6, 2)
    assert t.is_leaf
    assert t.requires_grad
    assert t.T.shape == (3, 2)
    assert t.mT.shape == (3, 2)
    y = t * 2
    assert not y.is_leaf
    assert y.requires_grad
    assert y.grad is None


def test_requires_grad_switches():
    t = tensor([1.0])
    assert t.requires_grad_() is t
    y = t * 2
    assert y.requires_grad
    with pytest.raises(GraphError, match="detach"):
        y.requires_grad = False
    t.requires_grad_(False)
    assert not (t * 2).requires_grad
    y.requires_grad_()


def test_data_may_be_replaced():
    t = tensor([1.0, 2.0], requires_grad=True)
    t.data = [3, 4.0]
    assert t.dtype == np.float32
    np.testing.assert_array_equal(t.data, [3, 4])
    with pytest.raises(ShapeError, match=r"\(3,\).*\(2,\)"):
        t.data = np.zeros(3)
    y = t * t
    t.data = np.zeros(2)  # y keeps the old array
    np.sum(y).backward()
    np.testing.assert_array_equal(t.grad, [6, 8])


def test_detach_shares_memory_and_no_history():
    t = tensor([1.0, 2.0], requires_grad=True)
    d = (t * 2).detach()
    assert d.is_leaf
    assert not d.requires_grad
    e = t.detach()
    e.data[0] = 7
    assert t.data[0] == 7


# -- leaving the graph on purpose -------------------------------------------------------------------


def test_numbers_and_arrays():
    t = tensor([[1.5]], requires_grad=True)
    assert t.item() == 1.5
    assert (t * 2).tolist() == [[3.0]]
    assert float(tensor(2.5)) == 2.5
    assert int(tensor(3)) == 3
    assert [10, 20][tensor(1)] == 20
    assert f"{tensor(0.125, requires_grad=True):.2f}" == "0.12"
    np.testing.assert_array_equal(t.detach().numpy(), [[1.5]])
    assert type(np.asarray(tensor([1.0]))) is np.ndarray
    assert np.array(tensor([1.0]), dtype=np.float64).dtype == np.float64


def test_comparisons_give_plain_bools():
    t, u = tensor([1.0, 2.0, 3.0], requires_grad=True), tensor([3.0, 2.0, 1.0])
    for result, expected in [
        (t == u, [False, True, False]),
        (t != u, [True, False, True]),
        (t < u, [True, False, False]),
        (t <= 2, [True, True, False]),
        (t > np.array([0, 5, 0]), [True, False, True]),
        (np.array([0, 5, 0]) >= t, [False, True, False]),
        (np.less(t, u), [True, False, False]),
        (np.equal(u, t), [False, True, False]),
    ]:
        assert type(result) is np.ndarray
        assert result.dtype == bool
        np.testing.assert_array_equal(result, expected)
    assert bool(tensor(1.0) > 0)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(t == u)


def test_a_comparison_that_does_not_fit_says_so():
    with pytest.raises(ShapeError, match=r"eq: operands of shape \(2, 3\) and \(2,\).*\(2, 1\)"):
        tensor(np.ones((2, 3))) == np.ones(2)  # noqa: B015
    with pytest.raises(ShapeError, match=r"lt: operands of shape \(3,\) and \(2,\)"):
        tensor(np.ones(3)) < tensor(np.ones(2))  # noqa: B015


def test_hash_is_identity():
    a, b = tensor([1.0, 2.0]), tensor([1.0, 2.0])
    assert len({a, b, a}) == 2
    assert {a: 1}[a] == 1


def test_iteration_keeps_the_graph():
    t = tensor([1.0, 2.0], requires_grad=True)
    a, b = t
    (a * b).backward()
    np.testing.assert_array_equal(t.grad, [2, 1])
    assert 2.0 in t
    assert 3.0 not in t
    with pytest.raises(TypeError):
        iter(tensor(1.0))


def test_in_place_operators_make_new_tensors():
    t = tensor([1.0, 2.0], requires_grad=True)
    u = t
    u += 1
    u *= 2
    assert u is not t
    np.testing.assert_array_equal(t.data, [1, 2])
    np.sum(u).backward()
    np.testing.assert_array_equal(t.grad, [2, 2])


# -- copies and printing ----------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_copies_of_leaves(duplicate):
    t = tensor([1.0, 2.0], requires_grad=True)
    np.sum(t * t).backward()
    twin = duplicate(t)
    assert twin.requires_grad
    np.testing.assert_array_equal(twin.grad, t.grad)
    twin.data[0] = 9
    twin.grad[0] = 9
    assert (t.data[0], t.grad[0]) == (1, 2)
    late = t * t
    fresh = duplicate(t)  # of a leaf that a graph keeps
    fresh.data[0] = 3
    np.sum(late).backward()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, pickle.dumps])
def test_no_copies_of_results(duplicate):
    with pytest.raises(GraphError, match="detach"):
        duplicate(tensor([1.0], requires_grad=True) * 2)


def test_deepcopy_keeps_shared_leaves_shared():
    t = tensor([1.0], requires_grad=True)
    a, b = copy.deepcopy([t, t])
    assert a is b
    assert a is not t


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: tensor([1.0, 2.5]), "tensor([1. , 2.5])"),
        (lambda: tensor([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
        (lambda: tensor([1.0], dtype=np.float64), "tensor([1.], dtype=float64)"),
        (lambda: tensor([1, 2]), "tensor([1, 2])"),
        (lambda: tensor([1.0], requires_grad=True) * 2, "tensor([2.], made_by=multiply)"),
        (lambda: tensor(np.zeros((0, 2))), "tensor([])"),
    ],
)
def test_repr(make, text):
    assert repr(make()) == text
    assert str(make()) == text


# -- empty and scalar -------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (2, 0)])
def test_scalars_and_empty_tensors_have_gradients(shape):
    t = tensor(np.full(shape, 2.0), requires_grad=True)
    y = np.sum(np.exp(t) * t + t / 3 - t**2)
    assert y.shape == ()
    y.backward()
    assert t.grad.shape == shape
    assert type(t.grad) is np.ndarray
    assert t.grad.dtype == np.float32


def test_shape_errors_name_operation_shapes_and_mend():
    a, b = tensor(np.ones((2, 3)), requires_grad=True), tensor(np.ones((2,)))
    with pytest.raises(ShapeError, match=r"^add: operands of shape \(2, 3\) and \(2,\).*\(2, 1\)"):
        a + b
    with pytest.raises(ShapeError, match=r"^matmul: .*\(2, 3\) and \(2, 3\).*@ b.T"):
        a @ a
    with pytest.raises(ShapeError, match=r"^reshape: .*\(2, 3\)"):
        a.reshape(4)
    with pytest.raises(IndexError, match=r"^getitem: .*\(2, 3\).*index=5"):
        a[5]
    with pytest.raises(ValueError, match="axis"):
        a.sum(axis=2)
    with pytest.raises(ShapeError, match="^max: .*has no entries"):
        np.max(a[:0])


def test_a_tensor_is_a_tensor():
    assert isinstance(tensor(1.0), Tensor)
    assert isinstance(tensor(1.0) + 1, Tensor)
    assert minigrad.Tensor is Tensor
