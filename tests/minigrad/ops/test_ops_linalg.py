"""Products, Einstein sums, diagonals, norms, inverses: NumPy's values, gradients of both orders."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad
from minigrad.errors import ShapeError, SingularMatrixError, UnsupportedError
from minigrad.ops.versions import since
from tests.helpers import check_as_numpy
from tests.strategies import draw_array, seeds, shapes

few = settings(max_examples=12, deadline=None)
more = settings(max_examples=30, deadline=None)
sides = st.integers(1, 3)


def float64(data, requires_grad=True):
    return minigrad.tensor(data, requires_grad=requires_grad, dtype=np.float64)


def invertible(seed, *shape):
    """Matrices well away from singular ones."""
    n = shape[-1]
    return draw_array(seed, shape, -1, 1) + 2 * n * np.eye(n)


# -- products -------------------------------------------------------------------------------------


@given(drawn=hnp.mutually_broadcastable_shapes(signature="(m?,n),(n,p?)->(m?,p?)", max_side=3,
                                               max_dims=2), seed=seeds)  # fmt: skip
@more
def test_matmul_in_all_ranks(drawn, seed):
    a, b = (draw_array(seed + i, shape) for i, shape in enumerate(drawn.input_shapes))
    check_as_numpy(np.matmul, a, b)
    np.testing.assert_array_equal((float64(a) @ b).data, a @ b)
    np.testing.assert_array_equal((a @ float64(b)).data, a @ b)


@given(ranks=st.tuples(st.integers(0, 3), st.integers(0, 3)), seed=seeds, data=st.data())
@more
def test_dot_and_inner_in_all_ranks(ranks, seed, data):
    shape_a, shape_b = (data.draw(shapes(r, r, max_side=2)) for r in ranks)
    n = data.draw(sides)
    a = draw_array(seed, (*shape_a[:-1], n) if shape_a else ())
    dot_b = (*shape_b[:-2], n, *shape_b[-1:]) if ranks[1] > 1 else (n,) * ranks[1]
    check_as_numpy(np.dot, a, draw_array(seed + 1, dot_b))
    check_as_numpy(np.inner, a, draw_array(seed + 1, (*shape_b[:-1], n) if shape_b else ()))


@given(ranks=st.tuples(st.integers(0, 3), st.integers(0, 3)), seed=seeds, data=st.data())
@more
def test_tensordot_over_any_pairs_of_axes(ranks, seed, data):
    shape_a, shape_b = (list(data.draw(shapes(r, r, max_side=2))) for r in ranks)
    count = data.draw(st.integers(0, min(ranks)))
    mine = data.draw(st.permutations(range(ranks[0])))[:count]
    its = data.draw(st.permutations(range(ranks[1])))[:count]
    for i, j in zip(mine, its):
        shape_a[i] = shape_b[j] = data.draw(sides)
    a, b = draw_array(seed, tuple(shape_a)), draw_array(seed + 1, tuple(shape_b))
    signed = [i - ranks[0] for i in mine]
    check_as_numpy(lambda t, u: np.tensordot(t, u, (mine, its)), a, b)
    np.testing.assert_allclose(
        np.tensordot(float64(a), b, axes=[signed, its]).data, np.tensordot(a, b, (mine, its))
    )


@pytest.mark.parametrize("axes", [0, 1, 2, (1, 0), (-1, -2), ([0, 1], [1, 0])])
def test_tensordot_with_axes_in_all_spellings(axes):
    check_as_numpy(
        lambda t, u: np.tensordot(t, u, axes), draw_array(0, (2, 2)), draw_array(1, (2, 2))
    )


@given(shape_a=shapes(max_dims=2), shape_b=shapes(max_dims=2), seed=seeds)
@few
def test_outer_and_kron(shape_a, shape_b, seed):
    a, b = draw_array(seed, shape_a), draw_array(seed + 1, shape_b)
    check_as_numpy(np.outer, a, b)
    check_as_numpy(np.kron, a, b)


def test_vdot():
    check_as_numpy(np.vdot, draw_array(0, (2, 3)), draw_array(1, (3, 2)))
    check_as_numpy(np.vdot, np.array(2.0), np.array(3.0))


@given(shape=shapes(max_dims=1), seed=seeds, data=st.data())
@few
def test_cross(shape, seed, data):
    i, j, k = (data.draw(st.integers(-len(shape) - 1, len(shape))) for _ in range(3))
    a, b = draw_array(seed, (*shape, 3)), draw_array(seed + 1, (*shape, 3))
    check_as_numpy(np.cross, a, b)
    check_as_numpy(lambda t, u: np.cross(t, u, axis=i), *(np.moveaxis(x, -1, i) for x in (a, b)))
    check_as_numpy(
        lambda t, u: np.cross(t, u, i, j, k), np.moveaxis(a, -1, i), np.moveaxis(b, -1, j)
    )


def test_cross_broadcasts():
    check_as_numpy(np.cross, draw_array(0, (2, 3)), draw_array(1, 3))


@pytest.mark.parametrize(
    ("name", "signature"),
    [("vecdot", "(n),(n)->()"), ("matvec", "(m,n),(n)->(m)"), ("vecmat", "(n),(n,m)->(m)")],
)
def test_stacked_vectors_and_matrices(name, signature):
    functions = since(name)
    if not functions:
        pytest.skip(f"this NumPy has no np.{name}")

    @given(hnp.mutually_broadcastable_shapes(signature=signature, max_side=3, max_dims=2), seeds)
    @few
    def check(drawn, seed):
        a, b = (draw_array(seed + i, shape) for i, shape in enumerate(drawn.input_shapes))
        check_as_numpy(functions[0], a, b)

    check()


@pytest.mark.parametrize("f", since("linalg.matmul", "linalg.tensordot", "linalg.cross",
                                    "linalg.vecdot"))  # fmt: skip
def test_the_products_of_np_linalg(f):
    check_as_numpy(f, draw_array(0, (3, 3)), draw_array(1, (3, 3)))


@pytest.mark.parametrize("f", since("linalg.outer"))
def test_the_outer_product_of_np_linalg(f):
    check_as_numpy(f, draw_array(0, 2), draw_array(1, 3))


def test_vecdot_of_np_linalg_along_another_axis():
    for f in since("linalg.vecdot"):
        check_as_numpy(lambda t, u: f(t, u, axis=0), draw_array(0, (3, 2)), draw_array(1, (3, 2)))


def test_products_with_lists_numbers_and_other_dtypes():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    for f in (np.dot, np.inner, np.vdot, np.outer, np.kron, np.matmul):
        y = f(x, [3.0, 4.0])
        np.testing.assert_array_equal(y.data, f([1.0, 2.0], [3.0, 4.0]))
        assert y.dtype == f(np.ones(2), x).dtype == np.float32
    np.testing.assert_array_equal(np.dot(x, 3).data, [3, 6])
    whole = minigrad.tensor([[1, 2], [3, 4]])
    assert (whole @ whole).dtype == np.einsum("ij,jk", whole, whole).dtype == np.int64


# -- Einstein sums --------------------------------------------------------------------------------

SUMS = [
    ("ij,jk->ik", (2, 3), (3, 2)), ("ij,jk", (2, 3), (3, 2)), ("ij,kj->ki", (2, 3), (4, 3)),
    ("i,i", (3,), (3,)), ("i,j", (2,), (3,)), ("i,j->ji", (2,), (3,)), ("i,j->", (2,), (3,)),
    ("ij->ji", (2, 3)), ("ji", (2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)), ("ij", (2, 3)),
    ("ii", (3, 3)), ("ii->i", (3, 3)), ("iij->j", (2, 2, 3)), ("iji->ij", (2, 3, 2)),
    ("iii->i", (2, 2, 2)), ("ijij->ji", (2, 3, 2, 3)), ("ii,ij", (2, 2), (2, 3)),
    ("iij,j->i", (2, 2, 3), (3,)), ("ijk,k->j", (2, 3, 2), (2,)), ("ij,kl->il", (2, 3), (3, 2)),
    ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)), ("nchw,oc->nohw", (1, 2, 2, 2), (3, 2)),
    ("...ij,...jk->...ik", (2, 2, 3), (3, 2)), ("...ij,...jk", (2, 1, 2, 2), (3, 2, 1)),
    ("...i->...", (2, 2, 3)), ("i...->...i", (2, 1, 3)), ("...,...->...", (2, 3), (3,)),
    ("...ii->...i", (2, 3, 3)), ("...->", ()), ("i...j->...", (2, 3, 2)), ("...,i->i", (), (3,)),
    ("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)), ("a,a,a->a", (3,), (3,), (3,)), ("a,ab,b", (2,), (2, 3), (3,)),
    ("Zb,ba", (2, 3), (3, 2)), ("ij,jk->ik", (2, 1), (3, 2)), ("i,i->", (1,), (3,)),
    ("i,i->i", (1,), (3,)), ("ij,j->i", (1, 3), (1,)), ("i,i,i", (1,), (3,), (1,)), (",i->i", (), (3,)),
    (" i j , j k -> i k ", (2, 3), (3, 2)), ("ij,jk->ik", (2, 0), (0, 2)),
    ("ij,jk->ik", (2, 1), (0, 2)), ("i,i->i", (0,), (1,)),
]  # fmt: skip


@pytest.mark.parametrize("case", SUMS, ids=lambda case: f"{case[0]} {case[1:]}")
def test_einsum(case):
    subscripts, *shapes_ = case
    arrays = [draw_array(i, shape) for i, shape in enumerate(shapes_)]
    check_as_numpy(lambda *t: np.einsum(subscripts, *t), *arrays)


@st.composite
def sums(draw):
    """Subscripts with any letters, repeated or not, and arrays that fit them."""
    letters = "abc"
    length = {c: draw(st.integers(1, 3)) for c in letters}
    words = st.text(letters, max_size=3)
    terms = draw(st.lists(words, min_size=1, max_size=3))
    used = sorted(set("".join(terms)))
    out = "".join(draw(st.permutations(used))[: draw(st.integers(0, len(used)))])
    arrays = [draw_array(draw(seeds), tuple(length[c] for c in term)) for term in terms]
    return ",".join(terms) + "->" + out, arrays


@given(drawn=sums(), optimize=st.booleans())
@more
def test_einsum_with_any_letters(drawn, optimize):
    subscripts, arrays = drawn
    check_as_numpy(lambda *t: np.einsum(subscripts, *t, optimize=optimize), *arrays)


def test_einsum_with_lists_of_axes():
    a, b = draw_array(0, (2, 3)), draw_array(1, (3, 2))
    check_as_numpy(lambda t, u: np.einsum(t, [0, 1], u, [1, 2], [2, 0]), a, b)
    check_as_numpy(lambda t, u: np.einsum(t, [5, 30], u, [30, 2]), a, b)
    check_as_numpy(lambda t: np.einsum(t, [1, 0]), a)
    check_as_numpy(lambda t: np.einsum(t, [Ellipsis, 0], [0, Ellipsis]), a)


def test_einsum_in_a_given_order():
    arrays = [draw_array(i, s) for i, s in enumerate([(2, 3), (3, 2), (2, 2)])]
    path = np.einsum_path("ij,jk,kl->il", *arrays)[0]
    check_as_numpy(lambda *t: np.einsum("ij,jk,kl->il", *t, optimize=path), *arrays)
    check_as_numpy(lambda *t: np.einsum("ij,jk,kl->il", *t, optimize="greedy"), *arrays)


# -- diagonals and triangles ----------------------------------------------------------------------


@given(shape=shapes(min_dims=2, max_dims=4), offset=st.integers(-3, 3), seed=seeds, data=st.data())
@few
def test_diagonals(shape, offset, seed, data):
    x = draw_array(seed, shape)
    i, j = data.draw(st.permutations(range(len(shape))))[:2]
    i, j = i - data.draw(st.sampled_from([0, len(shape)])), j
    check_as_numpy(lambda t: np.diagonal(t, offset, i, j), x)
    check_as_numpy(lambda t: np.trace(t, offset, i, j), x)
    np.testing.assert_allclose(float64(x).trace(offset, i, j).data, x.trace(offset, i, j))
    np.testing.assert_array_equal(float64(x).diagonal(offset).data, x.diagonal(offset))
    for f in since("linalg.diagonal", "linalg.trace"):
        check_as_numpy(lambda t: f(t, offset=offset), x)


@pytest.mark.parametrize("k", [-2, 0, 1])
def test_diag_of_vectors_and_matrices(k):
    check_as_numpy(lambda t: np.diag(t, k), draw_array(0, 3))
    check_as_numpy(lambda t: np.diag(t, k), draw_array(0, (2, 3)))
    check_as_numpy(lambda t: np.diagflat(t, k), draw_array(0, (2, 2)))


@given(shape=shapes(min_dims=1), k=st.integers(-3, 3), seed=seeds)
@few
def test_triangles(shape, k, seed):
    x = draw_array(seed, shape)
    check_as_numpy(lambda t: np.tril(t, k), x)
    check_as_numpy(lambda t: np.triu(t, k), x)


def test_triangles_of_integers_and_of_an_array_in_another_order():
    whole = minigrad.tensor(np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(np.triu(whole).data, np.triu(whole.data))
    x = draw_array(0, (3, 3))
    np.testing.assert_array_equal(np.tril(float64(x).T).data, np.tril(x.T))


# -- norms ----------------------------------------------------------------------------------------


@given(shape=shapes(min_dims=1), seed=seeds, keepdims=st.booleans(), data=st.data())
@few
def test_norms_of_vectors(shape, seed, keepdims, data):
    x, axis = draw_array(seed, shape), data.draw(st.integers(-len(shape), len(shape) - 1))
    ord = data.draw(st.sampled_from([None, 0, 0.5, 1, 2, 2.5, 3, -1, -2, np.inf, -np.inf]))
    check_as_numpy(lambda t: np.linalg.norm(t, ord, axis, keepdims), x, kinks=True)
    check_as_numpy(lambda t: np.linalg.norm(t, keepdims=keepdims), x, kinks=True)
    check_as_numpy(lambda t: np.linalg.norm(t.ravel(), ord), x, kinks=True)


@pytest.mark.parametrize("ord", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
@pytest.mark.parametrize("axis", [(0, 1), (2, 0), (-1, -2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_norms_of_matrices(ord, axis, keepdims):
    x = draw_array(0, (2, 3, 2))
    check_as_numpy(lambda t: np.linalg.norm(t, ord, axis, keepdims), x)
    check_as_numpy(lambda t: np.linalg.norm(t, ord), x[0])


def test_the_norms_of_the_array_api():
    x = draw_array(0, (2, 3, 2))
    for f in since("linalg.vector_norm"):
        for ord in (1, 2, 3, np.inf, -np.inf):
            check_as_numpy(lambda t: f(t, axis=(0, 2), ord=ord), x)
            check_as_numpy(lambda t: f(t, keepdims=True, ord=ord), x)
    for f in since("linalg.matrix_norm"):
        for ord in ("fro", "nuc", 1, 2, -np.inf):
            check_as_numpy(lambda t: f(t, ord=ord), x)


@pytest.mark.parametrize("ord", [None, 0.5, 1, 2, 3, np.inf])
def test_at_zero_the_gradient_of_a_norm_is_zero(ord):
    x = float64([[0.0, 0.0], [3.0, 4.0]])
    y = np.linalg.norm(x, ord, axis=1)
    y.backward([1.0, 1.0])
    np.testing.assert_array_equal(x.grad[0], 0)
    assert np.any(x.grad[1] != 0)


@pytest.mark.parametrize("ord", [0.5, -1, -2.5])
def test_an_entry_of_zero_in_a_norm_of_low_order(ord):
    x = float64([0.0, 3.0, -4.0])
    y = np.linalg.norm(x, ord)
    with np.errstate(divide="ignore"):
        assert y.data == np.linalg.norm(x.data, ord)
    y.backward()
    assert np.isfinite(x.grad).all()
    assert x.grad[0] == 0


def test_the_hessian_of_the_length_is_the_projection_over_the_length():
    x = float64([3.0, 4.0])
    gradient = minigrad.grad(np.linalg.norm(x), x, create_graph=True)
    rows = [minigrad.grad(gradient[i], x, create_graph=True).data for i in range(2)]
    np.testing.assert_allclose(rows, (np.eye(2) - np.outer([0.6, 0.8], [0.6, 0.8])) / 5)


@pytest.mark.parametrize(("ord", "shape"), [(3, (2, 2)), ("foo", (2, 2)), ("fro", 3), ("nuc", 3)])
def test_norms_that_numpy_does_not_know_are_refused(ord, shape):
    with pytest.raises(UnsupportedError, match="order"):
        np.linalg.norm(float64(np.ones(shape)), ord)


def test_a_norm_of_three_axes_needs_no_order():
    x = float64(np.ones((2, 2, 2)))
    assert np.linalg.norm(x).data == pytest.approx(8**0.5)
    with pytest.raises(ShapeError, match="3 axes"):
        np.linalg.norm(x, 1)


# -- inverses, determinants, systems --------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 2, 2)])
@pytest.mark.parametrize(
    "f",
    [
        np.linalg.inv,
        np.linalg.det,
        lambda a: np.linalg.slogdet(a)[1],
        lambda a: np.linalg.slogdet(-a).logabsdet,
    ],
)
def test_functions_of_a_matrix(f, shape):
    check_as_numpy(f, invertible(0, *shape))


def test_slogdet_gives_sign_and_logarithm():
    a = -invertible(0, 3, 3)
    ours, theirs = np.linalg.slogdet(float64(a)), np.linalg.slogdet(a)
    assert ours.sign.data == theirs.sign == -1
    assert ours.logabsdet.data == theirs.logabsdet
    x = float64(a)
    sign, log = np.linalg.slogdet(x)
    by_parts = minigrad.grad(sign * np.exp(log), x)
    np.testing.assert_allclose(by_parts, minigrad.grad(np.linalg.det(x), x))


@pytest.mark.parametrize(
    ("shape_a", "shape_b"),
    [((2, 2), (2,)), ((2, 2), (2, 3)), ((3, 2, 2), (3, 2, 1)), ((3, 2, 2), (2, 1)), ((2, 2), (3, 2, 1))],
)  # fmt: skip
def test_solve(shape_a, shape_b):
    check_as_numpy(np.linalg.solve, invertible(0, *shape_a), draw_array(1, shape_b))


def test_solve_of_stacked_matrices_and_one_vector():
    check_as_numpy(np.linalg.solve, invertible(0, 3, 2, 2), draw_array(1, 2))


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 5, 8])
def test_powers_of_a_matrix(n):
    check_as_numpy(lambda t: np.linalg.matrix_power(t, n), invertible(0, 2, 2) / 4)
    check_as_numpy(lambda t: np.linalg.matrix_power(t, n), invertible(0, 2, 2, 2) / 4)


@pytest.mark.parametrize("shapes_", [
    [(2, 3), (3, 2)], [(2, 3), (3, 1), (1, 4)], [(3,), (3, 2), (2, 2)], [(3,), (3, 2), (2,)],
    [(2, 3), (3, 2), (2, 4), (4,)],
])  # fmt: skip
def test_chains_of_matrices(shapes_):
    arrays = [draw_array(i, shape) for i, shape in enumerate(shapes_)]
    check_as_numpy(lambda *t: np.linalg.multi_dot(t), *arrays)


def test_a_chain_is_multiplied_in_the_cheapest_order(monkeypatch):
    sizes = []
    dot = np.dot

    def counting(a, b):
        y = dot(a, b)
        sizes.append(y.size)
        return y

    a, b, c = (float64(np.ones(shape)) for shape in [(50, 2), (2, 50), (50, 2)])
    monkeypatch.setattr(np, "dot", counting)
    np.linalg.multi_dot([a, b, c])
    assert sizes == [4, 100]  # b c first; a b would have had 2500 entries


def test_a_matrix_without_an_inverse_is_named():
    a = float64(np.ones((2, 2)))
    for f in (np.linalg.inv, lambda t: np.linalg.solve(t, np.ones(2))):
        with pytest.raises(SingularMatrixError, match=r"\(2, 2\).*no inverse"):
            f(a)
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.inv(a)
    y = np.linalg.det(a)
    assert y.data == 0
    with pytest.raises(SingularMatrixError) as caught:
        y.backward()
    assert "test_ops_linalg.py" in "".join(caught.value.__notes__)


# -- errors ---------------------------------------------------------------------------------------

MISFITS = {
    r"matmul.*\(2, 3\) and \(2, 3\).*\(3\).*\(2\).*a @ b\.T": lambda t: t @ t,
    r"matmul.*a\.T @ b": lambda t: t @ np.ones((2, 4)),
    r"matmul.*\(2, 3\) and \(2,\).*only axis": lambda t: t @ np.ones(2),
    r"matmul.*leading axes \(2,\) and \(3,\)": lambda t: (
        np.ones((2, 1, 2)) @ np.broadcast_to(t, (3, 2, 3))
    ),
    r"matmul.*multiply by a number": lambda t: t @ minigrad.tensor(2.0),
    r"dot.*\(2, 3\) and \(2, 3\).*\(3\).*\(2\)": lambda t: np.dot(t, t),
    r"tensordot.*axis 1 of the first \(3\) with axis 0 of the second \(2\)": lambda t: np.tensordot(
        t, t, 1
    ),
    r"tensordot.*1 axes.*with 2": lambda t: np.tensordot(t, t, ([0], [0, 1])),
    r"einsum 'ij,jk->ik': 'j' is 3 .* 2 .*\(2, 3\) and \(2, 3\)": lambda t: np.einsum(
        "ij,jk->ik", t, t
    ),
    r"einsum 'ij,jk': 2 terms are given for 1 operands": lambda t: np.einsum("ij,jk", t),
    r"einsum.*'ijk' names 3 axes, operand 0 has 2": lambda t: np.einsum("ijk->i", t),
    r"einsum.*'i' names 1 axes, operand 0 has 2": lambda t: np.einsum("i->i", t),
    r"einsum.*'l' is in no operand": lambda t: np.einsum("ij->l", t),
    r"einsum.*letter 'i' twice": lambda t: np.einsum("ij->ii", t),
    r"einsum.*needs the ellipsis": lambda t: np.einsum("...j->j", t),
    r"einsum.*'i' stands for axes of 2 and 3": lambda t: np.einsum("ii", t),
    r"einsum.*'\*' is no letter": lambda t: np.einsum("i*->i", t),
    r"cross: vectors of 2": lambda t: np.cross(t[:, :2], t[:, :2]),
    r"diag: .*\(1, 2, 3\).*np.diagonal": lambda t: np.diag(t[None]),
    r"diagonal.*\(2, 3\).*same": lambda t: np.diagonal(t, 0, 1, 1),
    r"inv.*\(2, 3\).*equal length": lambda t: np.linalg.inv(t),
    r"det.*\(2, 3\).*equal length": lambda t: np.linalg.det(t),
    r"solve.*\(2, 3\).*equal length": lambda t: np.linalg.solve(t, np.ones(2)),
}


@pytest.mark.parametrize(("message", "call"), MISFITS.items(), ids=range(len(MISFITS)))
def test_a_misfit_names_operation_shapes_and_mend(message, call):
    with pytest.raises(ShapeError, match=message):
        call(float64(np.ones((2, 3))))


@pytest.mark.parametrize(
    "call",
    [
        lambda t: np.dot(t, t, out=np.zeros((2, 2))),
        lambda t: np.matmul(t, t, out=np.zeros((2, 2))),
        lambda t: np.einsum("ij->ji", t, dtype=np.float32),
        lambda t: np.trace(t, dtype=np.float32),
        lambda t: np.linalg.qr(t),
    ],
)
def test_what_leaves_the_graph_is_refused(call):
    with pytest.raises(UnsupportedError):
        call(float64(np.ones((2, 2))))
