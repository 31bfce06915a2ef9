"""What the tests of every operation and layer share: gradients held to numbers.

The upstream gradients are random, the arrays float64, and every entry is checked.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad

STEP = 1e-6


def check_gradient(
    f: Callable[..., Any],
    *arrays: Any,
    second: bool = True,
    kinks: bool = False,
    rtol: float = 1e-5,
    atol: float = 1e-7,
    seed: int = 0,
) -> None:
    """Hold the gradient of `f` at `arrays` to central differences on every entry.

    Checked too: f mutates neither its operands nor the upstream gradient, a second backward pass
    gives what the first gave, and f gives the same where the other operands are plain arrays.

    Parameters
    ----------
    f : callable
        From Tensors (float64) to a Tensor, or to a tuple of Tensors.
    *arrays : array_like
        Operands, turned into float64 Tensors.
    second : bool
        Check the gradient of <gradient, random v> in the same way (by create_graph), with respect to
        the operands and to the upstream gradient.
    kinks : bool
        Leave out entries where the differences to the two sides disagree (a kink or a tie). Half of
        all entries must remain.
    """
    rng = np.random.default_rng(seed)
    xs = [np.array(a, dtype=np.float64) for a in arrays]
    ys = _outputs(f(*map(_constant, xs)))
    upstream = [rng.standard_normal(y.shape) for y in ys]

    before = [u.copy() for u in upstream]
    analytic = _gradient(f, xs, upstream)
    for u, copy in zip(upstream, before, strict=True):
        np.testing.assert_array_equal(u, copy, err_msg="an upstream gradient was mutated")
    numeric = numeric_gradient(lambda: _weighted(f, xs, upstream), xs, kinks)
    for number, (a, n) in enumerate(zip(analytic, numeric, strict=True)):
        assert a.shape == xs[number].shape
        _compare(a, n, rtol, atol, f"gradient of operand {number}")
    _check_repeated(f, xs, upstream, analytic)
    if len(xs) > 1:
        _check_mixed(f, xs, upstream, ys, analytic)
    if second:
        _check_second(f, xs, upstream, rng, kinks, rtol, atol)


def check_as_numpy(f: Callable[..., Any], *arrays: Any, **options: Any) -> None:
    """Hold f on Tensors to f on plain arrays, and its gradient to numbers (see check_gradient)."""
    expected = f(*arrays)
    expected = expected if isinstance(expected, (tuple, list)) else [expected]
    results = _outputs(f(*map(_variable, arrays)))
    assert len(results) == len(expected)
    for result, plain in zip(results, expected):
        assert isinstance(result, minigrad.Tensor)
        assert result.shape == np.shape(plain)
        np.testing.assert_allclose(result.data, plain, rtol=1e-12, atol=1e-12)
    check_gradient(f, *arrays, **options)


def numeric_gradient(
    f: Callable[[], float], arrays: list[np.ndarray], kinks: bool = False
) -> list[np.ndarray]:
    """Central differences of the number f() with respect to every entry of `arrays`, which f reads.

    With `kinks`, entries where the differences to the two sides disagree are nan.
    """
    gradients = []
    middle = f() if kinks else 0.0
    for array in arrays:
        gradient = np.empty(array.shape)
        for i in np.ndindex(array.shape):
            kept = array[i]
            h = STEP * max(1.0, abs(kept))
            array[i] = kept + h
            above = f()
            array[i] = kept - h
            below = f()
            array[i] = kept
            slope = (above - below) / (2 * h)
            bend = abs(above - 2 * middle + below) / h
            gradient[i] = np.nan if kinks and bend > 1e-3 * (1 + abs(slope)) else slope
        gradients.append(gradient)
    return gradients


def compare_with_torch(
    ours: Callable[..., Any],
    theirs: Callable[..., Any],
    *arrays: Any,
    rtol: float = 1e-6,
    atol: float = 1e-9,
    seed: int = 0,
) -> None:
    """Hold values and gradients of `ours` (on Tensors) to those of `theirs` (on torch's), in float64."""
    import torch

    rng = np.random.default_rng(seed)
    xs = [np.array(a, dtype=np.float64) for a in arrays]
    mine = [_variable(x) for x in xs]
    other = [torch.tensor(x, requires_grad=True) for x in xs]
    y, z = ours(*mine), theirs(*other)
    assert y.shape == tuple(z.shape)
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=rtol, atol=atol)
    upstream = rng.standard_normal(y.shape)
    y.backward(upstream)
    z.backward(torch.tensor(upstream))
    for number, (a, b) in enumerate(zip(mine, other, strict=True)):
        name = f"gradient of operand {number}"
        np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=rtol, atol=atol, err_msg=name)


def _variable(array: np.ndarray) -> Any:
    return minigrad.tensor(array, requires_grad=True, dtype=np.float64)


def _constant(array: np.ndarray) -> Any:
    return minigrad.tensor(array, dtype=np.float64)


def _outputs(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (tuple, list)) else [result]


def _weighted(f: Any, xs: list[np.ndarray], upstream: list[np.ndarray]) -> float:
    """<upstream, f(xs)>."""
    ys = _outputs(f(*map(_constant, xs)))
    return float(sum(np.sum(u * y.data) for u, y in zip(upstream, ys, strict=True)))


def _gradient(f: Any, xs: list[np.ndarray], upstream: list[np.ndarray]) -> list[np.ndarray]:
    variables = [_variable(x) for x in xs]
    ys = _outputs(f(*variables))
    return list(minigrad.grad(ys, variables, grad_outputs=upstream))


def _compare(actual: Any, expected: np.ndarray, rtol: float, atol: float, name: str) -> None:
    known = ~np.isnan(expected)
    assert np.sum(known) >= expected.size / 2, f"{name}: most entries lie on kinks"
    actual = np.asarray(actual)
    np.testing.assert_allclose(actual[known], expected[known], rtol=rtol, atol=atol, err_msg=name)


def _check_repeated(f: Any, xs: Any, upstream: Any, analytic: Any) -> None:
    variables = [_variable(x) for x in xs]
    ys = _outputs(f(*variables))
    for y, u in zip(ys, upstream, strict=True):
        y.backward(u, retain_graph=True)
        y.backward(u, retain_graph=True)
    for number, (x, a) in enumerate(zip(variables, analytic, strict=True)):
        np.testing.assert_allclose(
            x.grad, 2 * a, rtol=1e-12, atol=1e-12, err_msg=f"two passes, operand {number}"
        )
        np.testing.assert_array_equal(x.data, xs[number], err_msg="an operand was mutated")


def _check_mixed(f: Any, xs: Any, upstream: Any, ys: Any, analytic: Any) -> None:
    """One Tensor among plain arrays."""
    for number in range(len(xs)):
        x = _variable(xs[number])
        results = _outputs(f(*xs[:number], x, *xs[number + 1 :]))
        for result, y in zip(results, ys, strict=True):
            result = result.data if isinstance(result, minigrad.Tensor) else result
            np.testing.assert_allclose(result, y.data, rtol=1e-12, atol=1e-12)
        # An output that depends on the plain operands alone is no part of the graph.
        pairs = zip(results, upstream, strict=True)
        tracked = [(r, u) for r, u in pairs if getattr(r, "requires_grad", False)]
        gradient = minigrad.grad([r for r, _ in tracked], x, [u for _, u in tracked])
        np.testing.assert_allclose(
            gradient,
            analytic[number],
            rtol=1e-12,
            atol=1e-12,
            err_msg=f"operand {number} among plain arrays",
        )


def _check_second(f: Any, xs: Any, upstream: Any, rng: Any, kinks: bool, rtol, atol) -> None:
    """The gradient of <gradient, v> with respect to operands and upstream gradients."""
    vs = [rng.standard_normal(x.shape) for x in xs]
    variables = [_variable(x) for x in (*xs, *upstream)]
    ys = _outputs(f(*variables[: len(xs)]))
    gradients = minigrad.grad(
        ys, variables[: len(xs)], grad_outputs=variables[len(xs) :], create_graph=True
    )
    total = sum(np.sum(g * v) for g, v in zip(gradients, vs, strict=True))
    total.backward()

    def product() -> float:
        return float(sum(np.sum(g * v) for g, v in zip(_gradient(f, xs, upstream), vs)))

    numeric = numeric_gradient(product, [*xs, *upstream], kinks)
    for number, (x, n) in enumerate(zip(variables, numeric, strict=True)):
        actual = np.zeros(n.shape) if x.grad is None else x.grad
        what = f"operand {number}" if number < len(xs) else f"upstream {number - len(xs)}"
        _compare(actual, n, rtol, atol, f"second order, {what}")
