"""What Numba makes of the functions of simd.py.

load, store, splat, add and fma are one instruction each on a vector register; total, transpose and interleave
are several. That is so of float32, which LANES counts: a vector of float64 takes two registers.
"""

from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

from minigrad.kernels import simd


def _lanes() -> int:
    """How many float32 fit in a register of this processor."""
    features = binding.get_host_cpu_features()
    if features.get("avx512f"):
        return 16
    return 8 if features.get("avx2") else 4


LANES = _lanes()


class VectorType(types.Type):
    """Numba's type of a vector of `dtype`."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(f"vector({dtype}, {LANES})")

    @property
    def ir(self) -> ir.VectorType:
        """LLVM's name for it."""
        number = {32: ir.FloatType(), 64: ir.DoubleType()}[self.dtype.bitwidth]
        return ir.VectorType(number, LANES)


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: VectorType) -> None:
        super().__init__(manager, kind, kind.ir)


def _address(
    context: Any, builder: Any, kind: Any, array: Any, i: Any, lanes: int = LANES
) -> tuple[Any, int]:
    """The address of array[i], as one of a vector, and the alignment that it surely has."""
    start = context.make_array(kind)(context, builder, array).data
    vector = ir.VectorType(VectorType(kind.dtype).ir.element, lanes).as_pointer()
    return builder.bitcast(builder.gep(start, [i]), vector), kind.dtype.bitwidth // 8


@intrinsic
def _load(typing, array, i):
    vector = VectorType(array.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, align = _address(context, builder, array, *arguments)
        return builder.load(address, align=align)

    return vector(array, types.intp), generate


@intrinsic
def _store(typing, array, i, vector):
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, align = _address(context, builder, array, *arguments[:2])
        builder.store(arguments[2], address, align=align)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), generate


@intrinsic
def _splat(typing, number):
    vector = VectorType(number)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        empty = ir.Constant(vector.ir, ir.Undefined)
        index = ir.IntType(32)
        first = builder.insert_element(empty, arguments[0], ir.Constant(index, 0))
        zeros = ir.Constant(ir.VectorType(index, LANES), [0] * LANES)
        return builder.shuffle_vector(first, empty, zeros)

    return vector(number), generate


@intrinsic
def _add(typing, a, b):
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fadd(*arguments)

    return a(a, b), generate


@intrinsic
def _fma(typing, a, b, c):
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        product = builder.fmul(*arguments[:2], flags=("contract",))
        return builder.fadd(product, arguments[2], flags=("contract",))

    return c(a, b, c), generate


@intrinsic
def _total(typing, vector):
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = vector.ir.element
        add_up = builder.module.declare_intrinsic(
            f"llvm.vector.reduce.fadd.v{LANES}f{vector.dtype.bitwidth}",
            (),
            ir.FunctionType(number, [number, vector.ir]),
        )
        zero = ir.Constant(number, 0.0)
        return builder.call(add_up, [zero, arguments[0]], fastmath=("reassoc",))

    return vector.dtype(vector), generate


def _lines(
    context: Any, builder: Any, kind: Any, source: Any, i: Any, step: Any, count: int
) -> Any:
    """`count` vectors from i, i + step, … on."""
    found = []
    for r in range(count):
        at = builder.add(i, builder.mul(step, ir.Constant(step.type, r)))
        address, align = _address(context, builder, kind, source, at)
        found.append(builder.load(address, align=align))
    return found


def _turn(builder: Any, lines: list[Any]) -> None:
    """Turn n lines of LANES numbers, row by column in each n of their columns."""
    # Exchange quarters of ever larger squares along the diagonal: of 2 x 2, of 4 x 4, ….
    index, half = ir.IntType(32), 1
    while half < len(lines):
        upper = [j if not j & half else LANES + j - half for j in range(LANES)]
        lower = [j + half if not j & half else LANES + j for j in range(LANES)]
        for r in range(len(lines)):
            if not r & half:
                a, b = lines[r], lines[r + half]
                for line, places in ((r, upper), (r + half, lower)):
                    mask = ir.Constant(ir.VectorType(index, LANES), places)
                    lines[line] = builder.shuffle_vector(a, b, mask)
        half *= 2


@intrinsic
def _transpose(typing, source, i, step, target, k, pitch, plus):
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source_, i_, step_, target_, k_, pitch_, plus_ = arguments
        lines = _lines(context, builder, source, source_, i_, step_, LANES)
        _turn(builder, lines)
        for r in range(LANES):
            at = builder.add(k_, builder.mul(pitch_, ir.Constant(pitch_.type, r)))
            address, align = _address(context, builder, target, target_, at)
            builder.store(builder.fadd(lines[r], plus_), address, align=align)
        return context.get_dummy_value()

    whole, vector = types.intp, VectorType(source.dtype)
    return types.void(source, whole, whole, target, whole, whole, vector), generate


def _interleaver(count: int) -> Any:
    """`interleave` of so many lines."""

    @intrinsic
    def interleave(typing, source, i, step, target, k, places, j):
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            source_, i_, step_, target_, k_, places_, j_ = arguments
            lines = _lines(context, builder, source, source_, i_, step_, count)
            _turn(builder, lines)
            start = context.make_array(places)(context, builder, places_).data
            for t in range(LANES):
                place = builder.load(builder.gep(start, [builder.add(j_, ir.Constant(j_.type, t))]))
                to = builder.add(k_, place)
                first = t - t % count  # of the square in which it lies
                part = ir.Constant(
                    ir.VectorType(ir.IntType(32), count), [first + n for n in range(count)]
                )
                line = lines[t % count]
                column = builder.shuffle_vector(line, ir.Constant(line.type, ir.Undefined), part)
                address, align = _address(context, builder, target, target_, to, count)
                builder.store(column, address, align=align)
            return context.get_dummy_value()

        whole = types.intp
        return types.void(source, whole, whole, target, whole, places, whole), generate

    return interleave


_interleave_all, _interleave_half = _interleaver(LANES), _interleaver(LANES // 2)


# Numba wants the two signatures of each pair to be the same to the letter, so they have no types.


@overload(simd.load)
def _(array, i):
    return lambda array, i: _load(array, i)  # type: ignore[call-arg]


@overload(simd.store)
def _(array, i, vector):
    return lambda array, i, vector: _store(array, i, vector)  # type: ignore[call-arg]


@overload(simd.splat)
def _(number):
    return lambda number: _splat(number)  # type: ignore[call-arg]


@overload(simd.add)
def _(a, b):
    return lambda a, b: _add(a, b)  # type: ignore[call-arg]


@overload(simd.fma)
def _(a, b, c):
    return lambda a, b, c: _fma(a, b, c)  # type: ignore[call-arg]


@overload(simd.total)
def _(vector):
    return lambda vector: _total(vector)  # type: ignore[call-arg]


@overload(simd.transpose)
def _(source, i, step, target, k, pitch, plus):
    return lambda source, i, step, target, k, pitch, plus: _transpose(  # type: ignore[call-arg]
        source, i, step, target, k, pitch, plus
    )


@overload(simd.interleave)
def _(source, i, step, lines, target, k, places, j):
    def interleave(source, i, step, lines, target, k, places, j):
        if lines == LANES:
            _interleave_all(source, i, step, target, k, places, j)  # type: ignore[call-arg]
        else:
            _interleave_half(source, i, step, target, k, places, j)  # type: ignore[call-arg]

    return interleave
