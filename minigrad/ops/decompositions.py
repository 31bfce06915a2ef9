"""Matrices as products: singular values, eigenvalues of symmetric ones, Cholesky's factor.

Where singular values or eigenvalues are equal, the vectors that belong to them can be turned among
themselves: they have no gradient there, but the values, and what is made of them, keep theirs.
"""

from typing import Any, NamedTuple

import numpy as np

from minigrad.errors import NotPositiveDefiniteError, UnsupportedError
from minigrad.function import Function
from minigrad.numpy_protocol import implements
from minigrad.ops.linalg import transposed
from minigrad.ops.selection import keep
from minigrad.ops.versions import since


class SVD(Function):
    """a = u diag(s) vh;   da = u [(U/E) s + s (V/E) + diag ds] vh + what leaves the span of u or vh

    with U = uᵀ du - duᵀ u, V likewise of v = vhᵀ, and Eᵢⱼ = sⱼ² - sᵢ².
    Source: J. Townsend, Differentiating the Singular Value Decomposition, 2016.
    """

    @staticmethod
    def forward(ctx, a):
        ctx.u, ctx.s, ctx.vh = np.linalg.svd(a, full_matrices=False)
        return ctx.u, ctx.s, ctx.vh

    @staticmethod
    def backward(ctx, du, ds, dvh):
        u, s, v, dv = ctx.u, ctx.s, transposed(ctx.vh), transposed(dvh)
        row, column = s[..., None, :], s[..., :, None]
        gaps = row * row - column * column
        inner = _ratio(_skew(transposed(u) @ du), gaps) * row
        inner = inner + column * _ratio(_skew(transposed(v) @ dv), gaps)
        inner = inner + _on_diagonal(ds)
        da = u @ inner @ ctx.vh
        if u.shape[-2] > s.shape[-1]:
            da = da + _ratio(du - u @ (transposed(u) @ du), row) @ ctx.vh
        if v.shape[-2] > s.shape[-1]:
            da = da + u @ transposed(_ratio(dv - v @ (ctx.vh @ dv), row))
        return da


class Eigh(Function):
    """a = v diag(w) vᵀ;   da = v [diag dw + (vᵀ dv) / E] vᵀ, Eᵢⱼ = wⱼ - wᵢ, for the entries that are read"""

    @staticmethod
    def forward(ctx, a, *, uplo):
        ctx.w, ctx.v = np.linalg.eigh(a, uplo)
        ctx.upper = uplo.upper() == "U"
        return ctx.w, ctx.v

    @staticmethod
    def backward(ctx, dw, dv):
        w, v = ctx.w, ctx.v
        gaps = w[..., None, :] - w[..., :, None]
        turned = _skew(transposed(v) @ dv) / 2
        return _of_triangle(
            v @ (_on_diagonal(dw) + _ratio(turned, gaps)) @ transposed(v), ctx.upper
        )


class Cholesky(Function):
    """a = l lᵀ;   da = l⁻ᵀ Φ(lᵀ dl) l⁻¹, Φ the lower triangle with half of the diagonal

    Source: I. Murray, Differentiation of the Cholesky Decomposition, 2016.
    """

    @staticmethod
    def forward(ctx, a, *, upper):
        try:
            factor = np.linalg.cholesky(transposed(a) if upper else a)
        except np.linalg.LinAlgError as error:
            if "definite" not in str(error):
                raise
            raise NotPositiveDefiniteError(
                f"cholesky: a matrix of the operand of shape {a.shape} is not positive definite: one of "
                "its eigenvalues (np.linalg.eigvalsh) is 0 or less. Adding a small multiple of np.eye "
                "lifts them."
            ) from None
        ctx.upper = upper
        ctx.y = transposed(factor) if upper else factor
        return ctx.y

    @staticmethod
    def backward(ctx, dy):
        lower, dl = (transposed(ctx.y), transposed(dy)) if ctx.upper else (ctx.y, dy)
        side = dl.shape[-1]
        halved = keep(transposed(lower) @ dl, np.tri(side, dtype=bool)) * (1 - np.eye(side) / 2)
        inverse = np.linalg.inv(lower)
        return _of_triangle(transposed(inverse) @ halved @ inverse, ctx.upper)


def _of_triangle(symmetric: Any, upper: bool) -> Any:
    """The gradient of one triangle, which stands for both."""
    both = symmetric + transposed(symmetric)
    side = both.shape[-1]
    read = np.tri(side, dtype=bool)
    return keep(both, read.T if upper else read) * (1 - np.eye(side) / 2)


def _ratio(a: Any, b: Any) -> Any:
    """a / b, and 0 where a is 0."""
    return a / np.where(a == 0, 1, b)


def _skew(a: Any) -> Any:
    return a - transposed(a)


def _on_diagonal(values: Any) -> Any:
    return values[..., None] * np.eye(values.shape[-1])


class SVDResult(NamedTuple):
    """What np.linalg.svd gives."""

    U: Any
    S: Any
    Vh: Any


class EighResult(NamedTuple):
    """What np.linalg.eigh gives."""

    eigenvalues: Any
    eigenvectors: Any


@implements(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """np.linalg.svd, in its reduced form.

    Raises
    ------
    UnsupportedError
        The full form of a matrix that is not square: its further vectors are arbitrary.
    """
    if not compute_uv:
        return svdvals(a)
    if full_matrices and len({*a.shape[-2:]}) > 1:
        raise UnsupportedError(
            f"svd: of an operand of shape {a.shape} only the reduced form has a gradient. Pass "
            "full_matrices=False."
        )
    return SVDResult(*SVD.apply(a))


@implements(*since("linalg.svdvals"))
def svdvals(x: Any) -> Any:
    """np.linalg.svdvals."""
    return SVD.apply(x)[1]


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> EighResult:
    """np.linalg.eigh; as NumPy's it reads one triangle only, and only that has a gradient."""
    return EighResult(*Eigh.apply(a, uplo=UPLO))


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """np.linalg.eigvalsh; of one triangle, as eigh."""
    return Eigh.apply(a, uplo=UPLO)[0]


@implements(np.linalg.cholesky)
def cholesky(a: Any, *, upper: bool = False) -> Any:
    """np.linalg.cholesky; of one triangle, as eigh."""
    return Cholesky.apply(a, upper=upper)
