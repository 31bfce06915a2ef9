"""Products on several threads are np.matmul's."""

import numpy as np
import pytest

from minigrad.kernels import products
from minigrad.kernels.products import matmul


@pytest.mark.parametrize(
    "shape", [(1, 5, 300), (300, 5, 1), (64, 7, 65), (2, 1, 2), (0, 3, 4), (3, 0, 4)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_slices_of_rows_and_columns(shape, dtype, count, thread_count, monkeypatch):
    monkeypatch.setattr(products, "LARGE", 0)
    thread_count(count)
    rng = np.random.default_rng(0)
    a, b = (
        rng.standard_normal(shape[:2]).astype(dtype),
        rng.standard_normal(shape[1:]).astype(dtype),
    )
    for left, right in ((a, b), (np.asfortranarray(a), b), (a, np.asfortranarray(b))):
        y = matmul(left, right)
        assert y.dtype == dtype
        np.testing.assert_allclose(y, a @ b, atol=50 * np.finfo(dtype).eps)


@pytest.mark.parametrize("rows", [1, 2, 63, 64, 65])
@pytest.mark.parametrize("count", [1, 2])
def test_few_rows_by_large_weights_are_turned(rows, count, thread_count, monkeypatch):
    monkeypatch.setattr(products, "LARGE", 1 << 20)
    monkeypatch.setattr(products, "WORTH_TURNING", 0)
    thread_count(count)
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((rows, 70)), rng.standard_normal((300, 70))
    y = matmul(x, w.T)
    assert y.flags.c_contiguous
    np.testing.assert_allclose(y, x @ w.T, atol=1e-12)
    np.testing.assert_allclose(matmul(x[:, ::2], w[:, ::2].T), x[:, ::2] @ w[:, ::2].T, atol=1e-12)


def test_what_is_no_pair_of_matrices_is_left_to_numpy(monkeypatch):
    monkeypatch.setattr(products, "LARGE", 0)
    a = np.random.default_rng(0).standard_normal((2, 3, 4))
    np.testing.assert_array_equal(matmul(a, a.swapaxes(1, 2)), a @ a.swapaxes(1, 2))
    np.testing.assert_array_equal(matmul(a[0, 0], a[0].T), a[0, 0] @ a[0].T)
    assert matmul(a[0].astype(np.float32), a[0].T).dtype == np.float64
    with pytest.raises(ValueError, match="mismatch"):
        matmul(a[0], a[0])
