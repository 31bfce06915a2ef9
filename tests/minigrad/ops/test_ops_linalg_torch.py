"""Parity with PyTorch, in values and gradients, where its names mean what NumPy's do."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.helpers import compare_with_torch  # noqa: E402
from tests.strategies import draw_array  # noqa: E402


def well_posed(seed, *shape):
    return draw_array(seed, shape, -1, 1) + 2 * shape[-1] * np.eye(shape[-1])


@pytest.mark.parametrize(
    ("a", "b"),
    [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
     ((3,), (5, 3, 2)), ((5, 1, 2, 3), (4, 3, 2)), ((5, 2, 3), (3,))],
)  # fmt: skip
def test_matmul(a, b):
    compare_with_torch(np.matmul, torch.matmul, draw_array(0, a), draw_array(1, b))


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [("ij,jk->ik", [(2, 3), (3, 4)]), ("bij,bjk", [(2, 2, 3), (2, 3, 2)]), ("ii", [(3, 3)]),
     ("ii->i", [(3, 3)]), ("...ij->...ji", [(2, 2, 3)]), ("bnd,bmd->bnm", [(2, 3, 4), (2, 5, 4)]),
     ("i,j,k->kji", [(2,), (3,), (4,)]), ("...i,i->...", [(2, 3, 4), (4,)])],
)  # fmt: skip
def test_einsum(subscripts, shapes):
    arrays = [draw_array(i, shape) for i, shape in enumerate(shapes)]
    compare_with_torch(
        lambda *t: np.einsum(subscripts, *t), lambda *t: torch.einsum(subscripts, *t), *arrays
    )


def test_tensordot():
    compare_with_torch(
        lambda a, b: np.tensordot(a, b, ([2, 0], [0, 1])),
        lambda a, b: torch.tensordot(a, b, ([2, 0], [0, 1])),
        draw_array(0, (2, 3, 4)),
        draw_array(1, (4, 2, 5)),
    )


PAIRS = {
    "inv": (np.linalg.inv, torch.linalg.inv),
    "det": (np.linalg.det, torch.linalg.det),
    "slogdet": (lambda a: np.linalg.slogdet(a)[1], lambda a: torch.linalg.slogdet(a)[1]),
    "power": (lambda a: np.linalg.matrix_power(a, 3), lambda a: torch.linalg.matrix_power(a, 3)),
    "norm": (lambda a: np.linalg.norm(a, axis=1), lambda a: torch.linalg.norm(a, dim=1)),
    "norm 3": (lambda a: np.linalg.norm(a, 3, 2), lambda a: torch.linalg.vector_norm(a, 3, 2)),
    "norm 1": (
        lambda a: np.linalg.norm(a, 1, (1, 2)),
        lambda a: torch.linalg.matrix_norm(a, 1, (1, 2)),
    ),
    "tril": (lambda a: np.tril(a, -1), lambda a: torch.tril(a, -1)),
    "trace": (lambda a: np.trace(a[0]), lambda a: torch.trace(a[0])),
    "diagonal": (
        lambda a: np.diagonal(a, 1, 1, 2),
        lambda a: torch.diagonal(a, 1, 1, 2),
    ),
    "sort": (np.sort, lambda a: torch.sort(a).values),
    "diff": (lambda a: np.diff(a, 2, 1), lambda a: torch.diff(a, 2, 1)),
    "quantile": (lambda a: np.quantile(a, 0.3, 1), lambda a: torch.quantile(a, 0.3, 1)),
    "roll": (lambda a: np.roll(a, (1, 2), (0, 1)), lambda a: torch.roll(a, (1, 2), (0, 1))),
    "tile": (lambda a: np.tile(a, (2, 1, 3)), lambda a: torch.tile(a, (2, 1, 3))),
    "reflect": (
        lambda a: np.pad(a, ((0, 0), (0, 0), (2, 1)), "reflect"),
        lambda a: torch.nn.functional.pad(a, (2, 1), "reflect"),
    ),
}


@pytest.mark.parametrize(("ours", "theirs"), PAIRS.values(), ids=PAIRS)
def test_functions_of_stacked_matrices(ours, theirs):
    compare_with_torch(ours, theirs, well_posed(0, 2, 3, 3))


def test_solve():
    compare_with_torch(
        np.linalg.solve, torch.linalg.solve, well_posed(0, 2, 3, 3), draw_array(1, (2, 3, 2))
    )


def test_take_along_axis():
    index = np.array([[0, 2], [1, 1]])
    compare_with_torch(
        lambda a: np.take_along_axis(a, index, 1),
        lambda a: torch.gather(a, 1, torch.tensor(index)),
        draw_array(0, (2, 3)),
    )


def test_fancy_indexing():
    rows, columns = np.array([[0], [2], [2]]), np.array([1, 1, 0])
    compare_with_torch(
        lambda a: a[rows, :, columns],
        lambda a: a[torch.tensor(rows), :, torch.tensor(columns)],
        draw_array(0, (3, 4, 2)),
    )
