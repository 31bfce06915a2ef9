"""NumPy's functions on Tensors keep the graph, or say why not and what to write instead."""

import math
import warnings

import numpy as np
import pytest

from minigrad import grad, tensor
from minigrad.errors import GraphError, GraphWarning, ShapeError, UnsupportedError
from tests.helpers import check_as_numpy


def _leaf(*values):
    return tensor(values or (1.0, 2.0, 3.0), requires_grad=True)


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda t, a: a * t, lambda a: a),
        (lambda t, a: a + t, lambda a: 1 + 0 * a),
        (lambda t, a: np.subtract(a, t), lambda a: -1 + 0 * a),
        (lambda t, a: np.multiply(t, a), lambda a: a),
        (lambda t, a: np.float64(2) * t, lambda a: 2 + 0 * a),
        (lambda t, a: a[0] * t, lambda a: a[0] + 0 * a),
        (lambda t, a: np.concatenate([t, a])[:3], lambda a: 1 + 0 * a),
        (lambda t, a: np.stack([a, t])[1], lambda a: 1 + 0 * a),
        (lambda t, a: np.where(a > 0, t, a), lambda a: 1.0 * (a > 0)),
        (lambda t, a: np.add.reduce(t), lambda a: 1 + 0 * a),
    ],
)
def test_functions_and_operators_with_arrays_keep_the_graph(f, slope):
    array = np.array([-1.0, 2.0, 0.5])
    t = _leaf()
    y = f(t, array)
    assert y.requires_grad
    assert y.dtype == np.float32
    np.sum(y).backward()
    np.testing.assert_allclose(t.grad, slope(array))


@pytest.mark.parametrize(
    "f",
    [
        lambda t, a: np.add.outer(a, t),
        lambda t, a: np.append(t, a),
        lambda t, a: np.average(a, weights=t * t),
        lambda t, a: np.block([[t, a], [a, t]]),
        lambda t, a: np.broadcast_arrays(t, a)[0] * np.broadcast_arrays(t, a)[1],
        lambda t, a: np.choose([0, 1, 0], [a, t]),
        lambda t, a: np.clip(a, t, 2),
        lambda t, a: np.column_stack([a, t]),
        lambda t, a: np.concatenate([a, t], axis=None),
        lambda t, a: np.convolve(a, t),
        lambda t, a: np.cross(a, t),
        lambda t, a: np.diff(t, prepend=a),
        lambda t, a: np.dot(a, t),
        lambda t, a: np.dstack([a, t]),
        lambda t, a: np.ediff1d(t, to_end=a),
        lambda t, a: np.einsum("i,j", a, t),
        lambda t, a: np.gradient(t, np.cumsum(np.exp(a))),
        lambda t, a: np.hstack([a, t]),
        lambda t, a: np.inner(a, t),
        lambda t, a: np.kron(a, t),
        lambda t, a: np.linspace(a, t),
        lambda t, a: np.maximum(a, t),
        lambda t, a: np.outer(a, t),
        lambda t, a: np.select([a > 1, a > 0], [a, t], 3.0),
        lambda t, a: np.stack([a, t]),
        lambda t, a: np.tensordot(a, t, 1),
        lambda t, a: np.vdot(a, t),
        lambda t, a: np.vstack([a, t]),
        lambda t, a: np.where(a > 0, a, t),
    ],
)
def test_the_tensor_alone_decides_the_dtype(f):
    t = _leaf()
    y = f(t, np.array([-1.0, 2.0, 0.5]))
    assert y.dtype == np.float32
    gradient = grad(np.sum(y * y), t, create_graph=True)
    assert gradient.dtype == np.float32


@pytest.mark.parametrize(
    ("leave", "remedy"),
    [
        (lambda t: np.asarray(t), r"t.detach\(\).numpy\(\)"),
        (lambda t: np.array(t), r"t.detach\(\).numpy\(\)"),
        (lambda t: t.numpy(), r"t.detach\(\).numpy\(\)"),
        (lambda t: np.float32(t[0]), r"t.detach\(\).numpy\(\)"),
        (lambda t: np.array([t, t]), r"np.stack\(\[t, u\]\)"),
        (lambda t: np.sum([t, t]), r"np.stack\(\[t, u\]\)"),
        (lambda t: np.asarray([t[0], t[1]]), r"np.stack\(\[t, u\]\)"),
        (lambda t: np.zeros((3, 3)).dot(t), "detach"),
        (lambda t: np.vectorize(float)(t), "detach"),
        (lambda t: np.full((2, 3), t), r"t.detach\(\).numpy\(\)"),
        (lambda t: np.histogram([1, 2, 3], weights=t), r"t.detach\(\).numpy\(\)"),
    ],
)
def test_leaving_the_graph_is_refused(leave, remedy):
    with pytest.raises(GraphError, match=remedy):
        leave(_leaf())


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: np.multiply.outer(x, y),
        lambda x, y: np.subtract.outer(y, x),
        lambda x, y: np.maximum.outer(x, y[0])[..., None] * y,
        lambda x, y: np.multiply.accumulate(x, axis=1)[:, :1] * y,
        lambda x, y: np.add.accumulate(x) * np.multiply.reduce(y),
    ],
)
def test_methods_of_ufuncs(f):
    rng = np.random.default_rng(0)
    check_as_numpy(f, rng.standard_normal((2, 3)), rng.standard_normal(4))


def test_untracked_tensors_may_leave():
    t = tensor([1.0, 2.0])
    assert np.asarray(t).tolist() == [1, 2]
    assert np.array([t, t]).shape == (2, 2)
    array = np.zeros((2, 2))
    array[0] = t
    array[1, 0] = t[1]
    assert array.tolist() == [[1, 2], [2, 0]]


def test_writing_a_tensor_into_an_array_is_refused():
    t = _leaf()
    array = np.zeros(3)
    with pytest.raises(GraphError, match="np.stack.*np.where"):
        array[:] = t
    with pytest.raises(GraphError, match="instead of a"):
        array[[0, 1, 2]] = t
    # NumPy puts a sentence of its own before ours where it wants one number.
    with pytest.raises(ValueError, match="array element") as caught:
        array[0] = t[0]
    assert "instead of a[i] = t" in str(caught.value.__cause__)
    whole = np.zeros(3, int)
    with pytest.raises((GraphError, ValueError)):
        whole[0] = t[0]
    np.testing.assert_array_equal(array, 0)
    array[0], array[1] = t[0].item(), t[1].item()
    assert array.tolist() == [1, 2, 0]
    losses = [0]
    losses[0] = t  # a list holds Tensors
    assert losses[0] is t


@pytest.mark.parametrize("leave", [math.exp, float, np.zeros(2).fill, np.float64])
def test_a_number_that_leaves_the_graph_warns_with_the_remedy(leave):
    with pytest.warns(GraphWarning, match=r"t.item\(\).*np.exp\(t\)") as caught:
        leave(tensor(2.0, requires_grad=True))
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        leave(tensor(2.0))


def _plus(array, t):
    array += t


def _minus(array, t):
    array -= t


def _times(array, t):
    array *= t


def _over(array, t):
    array /= t


@pytest.mark.parametrize(
    ("write", "symbol"), [(_plus, r"\+"), (_minus, "-"), (_times, r"\*"), (_over, "/")]
)
@pytest.mark.parametrize("tracked", [True, False])
def test_in_place_operators_on_arrays_are_refused(write, symbol, tracked):
    array = np.ones(3)
    t = tensor([1.0, 2.0, 3.0], requires_grad=tracked)
    with pytest.raises(UnsupportedError, match=rf"`array {symbol}= tensor`.*detach\(\).numpy\(\)"):
        write(array, t)
    np.testing.assert_array_equal(array, 1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: np.exp(t, out=np.zeros(3)), r"np.exp with out=.*Write y = np.exp\(…\)"),
        (lambda t: np.add(t, 1, out=(np.zeros(3),)), r"np.add with out="),
        (lambda t: np.sum(t, out=np.zeros(())), r"np.sum with out=.*Write y = np.sum\(…\)"),
        (lambda t: np.concatenate([t, t], out=np.zeros(6)), r"np.concatenate with out="),
        (lambda t: np.add(t, 1, where=[True, False, True]), r"np.add with where=.*np.where"),
        (lambda t: np.sum(t, where=[True, False, True]), r"np.sum with where=.*np.where"),
        (lambda t: np.exp(t, dtype=np.float64), r"np.exp with dtype=.*t.astype"),
        (lambda t: np.add.at(np.zeros(3), [0], t[:1]), r"np.add.at writes.*indexing"),
        (lambda t: np.multiply.at(t, [0], 2), r"np.multiply.at writes"),
        (lambda t: np.add.reduceat(t, [0, 1]), r"np.add.reduceat has no differentiable form"),
        (lambda t: np.copyto(np.zeros(3), t), r"np.copyto has no differentiable form.*detach"),
        (lambda t: np.put(t, 0, 1), r"np.put has no differentiable form"),
        (lambda t: np.fft.fft(t), r"np.fft.fft has no differentiable form.*minigrad.Function"),
        (lambda t: np.sum(t, initial=3.0), r"Add it: np.sum\(t\) \+ initial"),
        (lambda t: np.prod(t, initial=3.0), r"Multiply by it: np.prod\(t\) \* initial"),
        (lambda t: np.var(t, correction=1), "ddof= says the same"),
        (lambda t: np.bitwise_and(t, t), r"np.bitwise_and has no differentiable form"),
        (lambda t: np.linalg.qr(t), r"np.linalg.qr has no differentiable form"),
    ],
)
def test_what_has_no_differentiable_form_is_refused_with_a_remedy(call, words):
    with pytest.raises(UnsupportedError, match=words):
        call(_leaf())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t, m: np.vstack([t, m]), r"^vstack: operands of shape \(3,\) and \(2, 2\): concat.* axis 1 is 3"),
        (lambda t, m: np.tile(m, -2), r"^tile: an operand of shape \(2, 2\): broadcast_to: .*non-negative"),
        (lambda t, m: np.trace(t), r"^trace: an operand of shape \(3,\): diagonal: "),
        (lambda t, m: np.inner(t, m), r"^inner: operands of shape \(3,\) and \(2, 2\): tensordot: "),
        (lambda t, m: np.median(m, axis=2), r"^median: an operand of shape \(2, 2\): quantile: .* 0 to 1"),
        (lambda t, m: np.average(m, weights=t), r"^average: .*\(2, 2\) and \(3,\): multiply: .*must be equal"),
        (lambda t, m: np.argmax(m, axis=2), r"^argmax: an operand of shape \(2, 2\) with axis=2 .* 0 to 1"),
        (lambda t, m: np.tril(m[0, 0]), r"^tril: an operand of shape \(\) does not fit"),
        (lambda t, m: np.percentile(t, 150), r"^percentile: .*\[0, 100\]\); got 1.5"),
        (lambda t, m: np.sum(a=t, axis=3), r"^sum: an operand of shape \(3,\) with axis=3"),
        (lambda t, m: np.block([[m, m], [m, t]]), r"^block: operands of shape \(2, 2\) and .*: concatenate: "),
        (lambda t, m: np.select([t > 1], [t, t], default=t), r"^select: 1 conditions and 2"),
        (lambda t, m: np.sum(t, axis=3), r"^sum: an operand of shape \(3,\) with axis=3"),
    ],
)  # fmt: skip
def test_a_misfit_inside_a_composed_function_names_what_was_called(call, words):
    with pytest.raises(ShapeError, match=words):
        call(_leaf(), tensor(np.ones((2, 2)), requires_grad=True))


def test_what_numpy_said_of_a_misfit_stays_its_cause():
    with pytest.raises(ShapeError) as caught:
        np.sum(_leaf(), axis=3)
    assert isinstance(caught.value.__cause__, np.exceptions.AxisError)
    with pytest.raises(ShapeError, match="^trace: ") as caught:
        np.trace(_leaf())
    assert str(caught.value.__cause__).startswith("diagonal: ")


def test_refusals_are_type_errors_and_ours():
    """So that NumPy, and code that asks by `except TypeError`, understands them."""
    assert issubclass(UnsupportedError, TypeError)
    with pytest.raises(TypeError):
        np.fft.fft(_leaf())


def test_a_type_error_of_the_callers_is_not_hidden():
    with pytest.raises(TypeError):
        np.reshape(_leaf())
    with pytest.raises(UnsupportedError, match="np.sum with initial="):
        np.sum(_leaf(), initial=1.0)
