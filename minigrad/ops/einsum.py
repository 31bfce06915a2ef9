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
from minigrad.ops.shape import as_array

Shape = tuple[int, ...]

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
    arrays = [as_array(a) for a in arrays]
    steps, terms, out = _plan(subscripts, tuple([a.shape for a in arrays]))
    for k, (repeats, gone) in enumerate(steps):
        for first, second in repeats:
            arrays[k] = np.diagonal(arrays[k], 0, first, second)
        if gone:
            arrays[k] = np.sum(arrays[k], axis=gone)
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
def _plan(subscripts: str, shapes: tuple[Shape, ...]) -> tuple[Any, tuple[str, ...], str]:
    """How to bring operands of these shapes to the plain form, and its terms.

    Returns
    -------
    steps : for each operand, the pairs of axes to take diagonals of, then the axes to sum over
    terms, out : the letters of each operand and of the output thereafter
    """
    terms, out = _parse(subscripts, [len(shape) for shape in shapes])
    repeats, sides = [], []
    for k, shape in enumerate(shapes):
        pairs, terms[k], left = _repeats(subscripts, terms[k], shape)
        repeats.append(pairs)
        sides.append(left)

    lengths = _lengths(subscripts, terms, sides)
    stretched = [
        {c for c, n in zip(term, shape) if n != lengths[c]} for term, shape in zip(terms, sides)
    ]
    uses = Counter(out)
    for term, short in zip(terms, stretched):
        uses.update(set(term) - short)
    steps = []
    for k, (term, short) in enumerate(zip(terms, stretched)):
        gone = tuple([i for i, c in enumerate(term) if c in short or uses[c] == 1])
        steps.append((repeats[k], gone))
        terms[k] = "".join([c for i, c in enumerate(term) if i not in gone])
    return steps, tuple(terms), out


def _parse(subscripts: str, ranks: list[int]) -> tuple[list[str], str]:
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
    return terms, out


def _misfit(subscripts: str, problem: str) -> ShapeError:
    return ShapeError(f"einsum '{subscripts}': {problem}.")


def _repeats(subscripts: str, term: str, shape: Shape) -> tuple[list[Any], str, Shape]:
    """Pairs of axes with the same letter, and what np.diagonal of them leaves (it goes last)."""
    pairs = []
    for c in term:
        while term.count(c) > 1:
            first = term.index(c)
            second = term.index(c, first + 1)
            m, n = shape[first], shape[second]
            if m != n:
                raise _misfit(subscripts, f"'{c}' stands for axes of {m} and {n} in one operand")
            pairs.append((first, second))
            term = term[:first] + term[first + 1 : second] + term[second + 1 :] + c
            shape = (*shape[:first], *shape[first + 1 : second], *shape[second + 1 :], n)
    return pairs, term, shape


def _lengths(subscripts: str, terms: list[str], shapes: list[Shape]) -> dict[str, int]:
    """How long the axes of each letter are; those of length 1 stretch."""
    lengths: dict[str, int] = {}
    for term, shape in zip(terms, shapes):
        for c, n in zip(term, shape):
            m = lengths.get(c, 1)
            if n != m and 1 not in (m, n):
                met = " and ".join([str(s) for t, s in zip(terms, shapes) if c in t])
                problem = f"'{c}' is {m} in one operand and {n} in another, of shapes {met}"
                raise _misfit(subscripts, problem)
            lengths[c] = n if m == 1 else m
    return lengths
