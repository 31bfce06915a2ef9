"""Function: a student's operation, and what is said of a wrong one."""

import doctest

import numpy as np
import pytest

import minigrad
import minigrad.function
from minigrad import Function, grad, tensor
from minigrad.errors import DtypeError, GradientError, GraphError, MinigradError, ShapeError


class Square(Function):
    """y = x²;   dx = 2 x dy"""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return x * x

    @staticmethod
    def backward(ctx, dy):
        return 2 * ctx.x * dy


def _answering(answer, operands=1):
    """A rule whose backward returns `answer`."""

    class Strange(Function):
        @staticmethod
        def forward(ctx, *arrays):
            return arrays[0] * 1

        @staticmethod
        def backward(ctx, dy):
            return answer

    return Strange


def test_the_example_of_the_docstring():
    source = minigrad.function.Function.__doc__
    examples = doctest.DocTestParser().get_doctest(
        source, {"Function": Function, "minigrad": minigrad}, "Function", None, 0
    )
    assert doctest.DocTestRunner().run(examples).failed == 0
    assert len(examples.examples) == 2


def test_a_students_function():
    t = tensor([1.0, -3.0], requires_grad=True)
    y = Square.apply(t)
    np.testing.assert_array_equal(y.data, [1, 9])
    y.backward(np.array([1.0, 2]))
    np.testing.assert_array_equal(t.grad, [2, -12])


def test_names():
    class MyOwnFunction(Function):
        pass

    class Named(Function):
        name = "something"

    assert Square.name == "square"
    assert MyOwnFunction.name == "my_own"
    assert Named.name == "something"


def test_forward_sees_plain_arrays_of_one_dtype():
    seen = []

    class Spy(Function):
        @staticmethod
        def forward(ctx, a, b, c, d, *, option):
            seen.append((type(a), a.dtype, type(b), b.dtype, c, d, option))
            return a * c

        @staticmethod
        def backward(ctx, dy):
            return dy, None, None, None

    t = tensor([1.0], requires_grad=True)
    Spy.apply(t, np.float64(3), 2, None, option="x").backward()
    array = np.ndarray
    assert seen == [(array, np.float32, array, np.float32, 2, None, "x")]
    np.testing.assert_array_equal(t.grad, [1])


def test_needs_input_grad_and_gradients_of_none():
    class Product(Function):
        @staticmethod
        def forward(ctx, a, b, c):
            ctx.a = a
            seen.append(ctx.needs_input_grad)
            return a * b * c

        @staticmethod
        def backward(ctx, dy):
            assert ctx.needs_input_grad == (False, True, False)
            return None, ctx.a * dy, None

    seen = []
    a, b = tensor([2.0]), tensor([3.0], requires_grad=True)
    y = Product.apply(a, b, 1.0)
    y.backward()
    np.testing.assert_array_equal(b.grad, [2])
    with minigrad.no_grad():
        Product.apply(a, b, 1.0)
    assert seen == [(False, True, False), (False, False, False)]


def test_a_forward_that_returns_its_operand():
    class Identity(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, dy):
            return 3 * dy

    t = tensor([1.0], requires_grad=True)
    y = Identity.apply(t)
    assert y is not t
    y.backward()
    np.testing.assert_array_equal(t.grad, [3])


def test_a_forward_that_returns_a_number_or_float64():
    class Total(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.y = np.float64(x.sum())
            return ctx.y

        @staticmethod
        def backward(ctx, dy):
            assert ctx.y.dtype == np.float32
            return np.full(3, dy, np.float64)

    t = tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = Total.apply(t)
    assert y.dtype == np.float32
    y.backward()
    np.testing.assert_array_equal(t.grad, 1)
    assert t.grad.dtype == np.float32


def test_gradients_are_summed_over_broadcast_axes():
    class Add(Function):
        @staticmethod
        def forward(ctx, a, b):
            return a + b

        @staticmethod
        def backward(ctx, dy):
            return dy, dy

    a, b = tensor(np.ones((3, 1)), requires_grad=True), tensor(np.ones(4), requires_grad=True)
    upstream = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    Add.apply(a, b).backward(upstream)
    np.testing.assert_allclose(a.grad, upstream.sum(1, keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(b.grad, upstream.sum(0), rtol=1e-6)


# -- several outputs --------------------------------------------------------------------------------


class SinCos(Function):
    """s, c, n = sin x, cos x, how many"""

    @staticmethod
    def forward(ctx, x):
        ctx.s, ctx.c = np.sin(x), np.cos(x)
        return ctx.s, ctx.c, np.array(x.size)

    @staticmethod
    def backward(ctx, ds, dc, dn):
        return ctx.c * ds - ctx.s * dc


@pytest.mark.parametrize("used", [(1, 0), (0, 1), (1, 1), (2, 3)])
def test_several_outputs_some_unused(used):
    x = np.array([0.3, -1.0])
    t = tensor(x, requires_grad=True, dtype=np.float64)
    s, c, n = SinCos.apply(t)
    assert n.item() == 2
    assert not n.requires_grad
    outputs = [f * y for f, y in zip(used, (s, c)) if f]
    np.sum(sum(outputs)).backward()
    np.testing.assert_allclose(t.grad, used[0] * np.cos(x) - used[1] * np.sin(x), rtol=1e-12)


def test_several_outputs_to_second_order():
    x = np.array([0.3, -1.0])
    t = tensor(x, requires_grad=True, dtype=np.float64)
    s, c, _ = SinCos.apply(t)
    first = grad(np.sum(s * c), t, create_graph=True)
    np.testing.assert_allclose(first.data, np.cos(2 * x), rtol=1e-12)
    np.testing.assert_allclose(grad(np.sum(first), t), -2 * np.sin(2 * x), rtol=1e-12)
    s, c, _ = SinCos.apply(t)
    first = grad(np.sum(c), t, create_graph=True)
    np.testing.assert_allclose(grad(np.sum(first), t), -np.cos(x), rtol=1e-12)


def test_several_outputs_with_wrong_gradients():
    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1, x * 2

        @staticmethod
        def backward(ctx, da, db):
            return (da + db)[:1]

    t = tensor([1.0, 2.0, 3.0], requires_grad=True)
    a, _ = Two.apply(t)
    with pytest.raises(GradientError, match=r"two: .*shape \(1,\).*shape \(3,\).*a, _ = Two.apply"):
        np.sum(a).backward()


# -- wrong rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((np.ones(3), np.ones(3)), "2 gradients for the 1 operands of forward"),
        ((), "0 gradients for the 1"),
        (np.ones(2), r"shape \(2,\) for an operand of shape \(3,\) \(operand 0\)"),
        (np.ones(()), r"shape \(\) for an operand of shape \(3,\)"),
        (None, "backward returned None; is its `return` missing"),
        (1.0, "returned float for operand 0; it must return an array"),
        ([1.0, 1.0, 1.0], "returned list for operand 0"),
        (tensor([1.0]), "returned Tensor for operand 0"),
    ],
)
def test_wrong_gradients_name_the_rule_and_the_forward_line(answer, words):
    t = tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = _answering(answer).apply(t)  # the line to be named
    y = np.sum(y)
    with pytest.raises(GradientError, match=words) as caught:
        y.backward()
    message = str(caught.value)
    assert message.startswith("strange: ")
    assert "test_function.py:" in message
    assert "y = _answering(answer).apply(t)  # the line to be named" in message


def test_an_error_inside_a_rule_names_the_forward_line():
    class Broken(Function):
        @staticmethod
        def forward(ctx, x):
            return x + 1

        @staticmethod
        def backward(ctx, dy):
            return {}["missing"]

    y = Broken.apply(tensor([1.0], requires_grad=True))  # forward here
    with pytest.raises(GradientError, match="KeyError: 'missing'.*# forward here") as caught:
        y.backward()
    assert isinstance(caught.value.__cause__, KeyError)


def test_our_own_error_inside_a_rule_keeps_its_type():
    class Broken(Function):
        @staticmethod
        def forward(ctx, x):
            return x + 1

        @staticmethod
        def backward(ctx, dy):
            raise ShapeError("of the rule")

    y = Broken.apply(tensor([1.0], requires_grad=True))  # forward here
    with pytest.raises(ShapeError, match="of the rule") as caught:
        y.backward()
    assert "forward here" in caught.value.__notes__[0]


def test_the_line_named_is_the_callers_not_minigrads():
    t = tensor([1.0], requires_grad=True)
    y = np.mean(np.exp(t * t))  # only one line of this file
    y.backward()
    with pytest.raises(GraphError, match="# only one line of this file"):
        y.backward()


@pytest.mark.parametrize("result", ["text", None, np.array([1j]), object()])
def test_a_forward_that_returns_no_numbers(result):
    class Strange(Function):
        @staticmethod
        def forward(ctx, x):
            return result

    with pytest.raises(DtypeError, match="strange: forward returned"):
        Strange.apply(tensor([1.0]))


def test_missing_methods():
    class Empty(Function):
        pass

    class Half(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

    t = tensor([1.0], requires_grad=True)
    with pytest.raises(NotImplementedError):
        Empty.apply(t)
    with pytest.raises(MinigradError, match="half: its backward failed with NotImplementedError"):
        Half.apply(t).backward()


def test_errors_of_forward_about_shapes_are_explained():
    class Picky(Function):
        @staticmethod
        def forward(ctx, x):
            raise ValueError("not this one")

    with pytest.raises(ShapeError, match=r"picky: .*\(3,\).*not this one"):
        Picky.apply(tensor([1.0, 2.0, 3.0]))


def test_call_computes_or_records():
    x = np.array([3.0])
    assert type(Square.call(x)) is np.ndarray
    y = Square.call(tensor(x, requires_grad=True))
    y.backward()
    assert y.item() == 9


def test_a_rule_that_kept_nothing_cannot_keep_in_backward():
    """Such rules share one ctx: what one wrote there, another would read."""

    class Hoards(Function):
        """y = 2 x;   dx = 2 dy"""

        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, dy):
            ctx.late = dy
            return 2 * dy

    y = Hoards.apply(tensor([1.0], requires_grad=True))
    with pytest.raises(GraphError, match=r"ctx\.late = … in backward.*in forward"):
        y.backward()


def test_a_rule_may_let_no_gradient_through_on_purpose():
    t = tensor([1.0, 2.0, 3.0], requires_grad=True)
    np.sum(_answering((None,)).apply(t)).backward()
    assert t.grad is None
