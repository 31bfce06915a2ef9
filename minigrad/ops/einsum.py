"""Einstein sums: np.einsum in all its spellings.

Every call is first brought to a plain form: no ellipsis, no letter twice in one operand, no axis of
length 1 against a longer one, and no letter that only one operand has and the output lacks. In that
form the gradient of an operand is again an Einstein sum in plain form, of the output's gradient and
the other operands, with the operand's letters for output.
"""

import string
from collections import Counter
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.errors import ShapeError
from minigrad.function import Function
from minigrad.numpy_protocol import implements

#: In the order in which an implicit output sorts them.
LETTERS = string.ascii_uppercase + string.ascii_lowercase


class Einsum(Function):
    """y = Σ a b … over the letters that y lacks;   da = Σ dy b … over those that a lacks"""

    @staticmethod
    def forward(ctx, *arrays, terms, out, optimize):
        ctx.arrays, ctx.terms, ctx.out, ctx.optimize = arrays, terms, out, optimize
        return np.einsum(f"{','.join(terms)}->{out}", *arrays, optimize=optimize)

    @staticmethod
    def backward(ctx, dy):
        grads = []
        for k, need in enumerate(ctx.needs_input_grad):
            others = ctx.arrays[:k] + ctx.arrays[k + 1 :]
            terms = (ctx.out, *ctx.terms[:k], *ctx.terms[k + 1 :])
            options = {"terms": terms, "out": ctx.terms[k], "optimize": bool(ctx.optimize)}
            grads.append(Einsum.call(dy, *others, **options) if need else None)
        return tuple(grads)


@implements(np.einsum)
def einsum(*operands: Any, optimize: Any = False) -> Any:
    """np.einsum("ij,jk->ik", a, b), with its ellipsis, implicit output and operand-list form.

    Raises
    ------
    ShapeError
        Letters that do not match the operands' axes, naming letter, operands and lengths.
    """
    subscripts, arrays = _spelled(operands)
    arrays = [a if hasattr(a, "ndim") else np.asarray(a) for a in arrays]
    spelled, out = _parse(subscripts, tuple([a.ndim for a in arrays]))
    pairs = [_diagonal(subscripts, a, term) for a, term in zip(arrays, spelled)]

    lengths = _lengths(subscripts, pairs)
    pairs = [
        _summed(a, term, [c for c, n in zip(term, a.shape) if n < lengths[c]]) for a, term in pairs
    ]
    uses = Counter(out + "".join([term for _, term in pairs]))
    pairs = [_summed(a, term, [c for c in term if uses[c] == 1]) for a, term in pairs]

    arrays, terms = zip(*pairs)
    return Einsum.apply(*arrays, terms=terms, out=out, optimize=optimize)


def _spelled(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """Subscripts as one string, and the arrays; from einsum(a, [0, 1], b, [1, 2], [0, 2]) too."""
    if isinstance(operands[0], str):
        return operands[0].replace(" ", ""), list(operands[1:])
    pairs = len(operands) // 2
    lists = ["".join(["..." if i is Ellipsis else LETTERS[i] for i in o]) for o in operands[1::2]]
    subscripts = ",".join(lists)
    if len(operands) > 2 * pairs:
        out = "".join(["..." if i is Ellipsis else LETTERS[i] for i in operands[-1]])
        subscripts = f"{subscripts}->{out}"
    return subscripts, list(operands[: 2 * pairs : 2])


@lru_cache(maxsize=1024)
def _parse(subscripts: str, ranks: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
    """A term for each operand and one for the output, every axis with a letter."""
    left, arrow, out = subscripts.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise _misfit(subscripts, f"{len(terms)} terms are given for {len(ranks)} operands")
    hidden = []  # how many axes stand under each term's ellipsis
    for k, (term, rank) in enumerate(zip(terms, ranks)):
        named = len(term.replace("...", ""))
        if rank < named or (rank > named and "..." not in term):
            raise _misfit(subscripts, f"'{term}' names {named} axes, operand {k} has {rank}")
        hidden.append(rank - named)
    dots = "".join([c for c in LETTERS if c not in subscripts][: max(hidden)])
    if not arrow:
        counts = Counter(left)
        out = "..." + "".join(sorted([c for c in counts if counts[c] == 1 and c in LETTERS]))
    if dots and "..." not in out:
        raise _misfit(subscripts, "the output needs the ellipsis '...' too")
    terms = [t.replace("...", dots[len(dots) - h :]) for t, h in zip(terms, hidden)]
    out = out.replace("...", dots)
    for c in {*out, *"".join(terms)}:
        if c not in LETTERS:
            raise _misfit(subscripts, f"'{c}' is no letter")
        if c not in "".join(terms):
            raise _misfit(subscripts, f"the output's letter '{c}' is in no operand")
        if out.count(c) > 1:
            raise _misfit(subscripts, f"the output has the letter '{c}' twice")
    return tuple(terms), out


def _misfit(subscripts: str, problem: str) -> ShapeError:
    return ShapeError(f"einsum '{subscripts}': {problem}.")


def _diagonal(subscripts: str, array: Any, term: str) -> tuple[Any, str]:
    """An operand in which a letter stood twice: what is left is its diagonal."""
    for c in term:
        while term.count(c) > 1:
            first = term.index(c)
            second = term.index(c, first + 1)
            m, n = array.shape[first], array.shape[second]
            if m != n:
                raise _misfit(subscripts, f"'{c}' stands for axes of {m} and {n} in one operand")
            array = np.diagonal(array, 0, first, second)
            term = term[:first] + term[first + 1 : second] + term[second + 1 :] + c
    return array, term


def _lengths(subscripts: str, pairs: list[tuple[Any, str]]) -> dict[str, int]:
    """How long the axes of each letter are; those of length 1 stretch."""
    lengths: dict[str, int] = {}
    for k, (array, term) in enumerate(pairs):
        for c, n in zip(term, array.shape):
            m = lengths.get(c, 1)
            if n != m and 1 not in (m, n):
                shapes = " and ".join([str(a.shape) for a, t in pairs[: k + 1] if c in t])
                problem = f"'{c}' is {m} in one operand and {n} in another, of shapes {shapes}"
                raise _misfit(subscripts, problem)
            lengths[c] = n if m == 1 else m
    return lengths


def _summed(array: Any, term: str, gone: list[str]) -> tuple[Any, str]:
    """An operand summed over the axes of the letters `gone`."""
    if not gone:
        return array, term
    axes = tuple([i for i, c in enumerate(term) if c in gone])
    return np.sum(array, axis=axes), "".join([c for c in term if c not in gone])
