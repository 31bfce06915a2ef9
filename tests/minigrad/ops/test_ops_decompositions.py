"""Singular values, eigenvalues, Cholesky's factor: NumPy's values, gradients of both orders."""

import numpy as np
import pytest

import minigrad
from minigrad.errors import NotPositiveDefiniteError, UnsupportedError
from minigrad.ops.versions import since
from tests.helpers import check_as_numpy, check_gradient
from tests.strategies import draw_array

SHAPES = [(1, 1), (3, 3), (4, 2), (2, 4), (2, 3, 2)]


def float64(data):
    return minigrad.tensor(data, requires_grad=True, dtype=np.float64)


@pytest.mark.parametrize("shape", SHAPES)
def test_svd(shape):
    a = draw_array(0, shape) + 2 * np.eye(*shape[-2:])
    check_as_numpy(lambda t: np.linalg.svd(t, full_matrices=False), a)
    check_as_numpy(lambda t: np.linalg.svd(t, compute_uv=False), a)
    for svdvals in since("linalg.svdvals"):
        check_as_numpy(svdvals, a)

    def whole(t):
        u, s, vh = np.linalg.svd(t, full_matrices=False)
        return (u * s[..., None, :]) @ vh

    b = float64(a)
    upstream = draw_array(1, shape)
    whole(b).backward(upstream)
    np.testing.assert_allclose(b.grad, upstream, atol=1e-12)


def test_equal_singular_values_keep_the_gradient_of_their_sum():
    a = float64(3 * np.eye(3)[:, :2])
    np.linalg.norm(a, "nuc").backward()
    np.testing.assert_allclose(a.grad, np.eye(3)[:, :2], atol=1e-12)


def test_the_full_form_of_a_square_matrix_only():
    a = draw_array(0, (3, 3))
    np.testing.assert_array_equal(np.linalg.svd(float64(a)).U.data, np.linalg.svd(a)[0])
    with pytest.raises(UnsupportedError, match="full_matrices=False"):
        np.linalg.svd(float64(a[:2]))


@pytest.mark.parametrize("uplo", ["L", "U"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 3, 3)])
def test_eigh_reads_one_triangle(shape, uplo):
    a = draw_array(0, shape) + np.diag(np.arange(shape[-1]) * 3.0)
    check_as_numpy(lambda t: np.linalg.eigh(t, uplo), a)
    check_as_numpy(lambda t: np.linalg.eigvalsh(t, uplo), a)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 3, 3)])
def test_cholesky_reads_one_triangle(shape, upper):
    a = draw_array(0, shape) + 5 * np.eye(shape[-1])
    if not upper:
        check_as_numpy(np.linalg.cholesky, a)
    check_gradient(lambda t: minigrad.ops.decompositions.cholesky(t, upper=upper), a)
    factor = minigrad.ops.decompositions.cholesky(float64(a), upper=upper).data
    product = (
        np.swapaxes(factor, -1, -2) @ factor if upper else factor @ np.swapaxes(factor, -1, -2)
    )
    read = np.triu if upper else np.tril
    np.testing.assert_allclose(read(product), read(a), atol=1e-12)


def test_a_matrix_that_is_not_positive_definite():
    with pytest.raises(NotPositiveDefiniteError, match=r"shape \(2, 2\).*np\.eye"):
        np.linalg.cholesky(float64([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.cholesky(float64([[0.0]]))
