"""The record of a pass: what it says is what Tensor.grad gets, and it leaves no trace."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad
from layers import Linear, Sequential
from layers.functional import conv2d, cross_entropy, linear, lstm, max_pool2d, relu
from minigrad import Function, Tensor
from minigrad.errors import GradientError, GraphError, MutationError


def leaf(*shape, seed=0):
    numbers = np.random.default_rng(seed).standard_normal(shape)
    return minigrad.tensor(numbers, requires_grad=True, dtype=np.float64)


def random_net(seed):
    """Leaves and all results of a random graph; values are used again and again, and broadcast."""
    rng = np.random.default_rng(seed)
    tensors = [leaf(*shape, seed=seed) for shape in [(3, 4), (4,), (1, 4), ()]]
    leaves = list(tensors)
    for _ in range(rng.integers(1, 12)):
        a, b = (tensors[k] for k in rng.integers(0, len(tensors), 2))
        choice = rng.integers(0, 6)
        tensors.append(
            [
                lambda: a + b,
                lambda: a * b,
                lambda: np.tanh(a),
                lambda: np.sum(a, keepdims=True) - b,
                lambda: relu(a),
                lambda: a * a,
            ][choice]()
        )
    loss = sum(np.sum(t) for t in tensors)
    return leaves, tensors[len(leaves) :], loss


@given(st.integers(0, 10**6))
def test_sums_are_those_of_backward_bit_for_bit(seed):
    leaves, results, loss = random_net(seed)
    for t in results:
        t.retain_grad()
    stepper = minigrad.step(loss)
    assert all(t.grad is None for t in (*leaves, *results))
    stepper.goto(len(stepper))
    loss.backward()
    for t in (*leaves, *results):
        np.testing.assert_array_equal(stepper.gradient(t), t.grad)


@given(st.integers(0, 10**6))
def test_what_goes_out_adds_up_to_what_comes_in(seed):
    *_, loss = random_net(seed)
    stepper = minigrad.step(loss)
    sums = {stepper.boxes[-1]: stepper.seed}
    arrived = dict.fromkeys(stepper.boxes, 0)
    for step in stepper:
        np.testing.assert_array_equal(step.outputs[0].gradient, sums[step.box])
        for operand in step.operands:
            if operand.source:
                assert operand.source.step is None or operand.source.step > step.number
                before = sums.get(operand.source)
                total = operand.gradient if before is None else before + operand.gradient
                np.testing.assert_array_equal(operand.total, total)
                sums[operand.source] = operand.total
                arrived[operand.source] += 1
                assert operand.arrival == arrived[operand.source]
    assert all(arrived[box] == box.arrivals[None] for box in stepper.boxes)


def test_the_order_is_that_of_the_walk():
    order = []

    class Noting(Function):
        """y = x;   dx = dy"""

        @staticmethod
        def forward(ctx, x, *, name):
            ctx.name = name
            return x + 0

        @staticmethod
        def backward(ctx, dy):
            order.append(ctx.name)
            return dy

    x = leaf()
    a, b = Noting.apply(x, name="a"), Noting.apply(x, name="b")
    loss = Noting.apply(a, name="c") + Noting.apply(b, name="d") + a
    with minigrad.recording():
        pass  # nothing of the above
    stepper = minigrad.step(loss)
    names = [s.box.origin.ctx.name for s in stepper if s.name == "noting"]
    order.clear()
    loss.backward()
    assert names == order


def test_a_diamond_and_a_value_used_twice_add_up_arrival_by_arrival():
    x = minigrad.tensor([3.0], requires_grad=True)
    y = x * x
    loss = np.sum(y + y)
    stepper = minigrad.step(loss)
    assert stepper.next().name == "sum"
    assert stepper.gradient(x) is None
    assert stepper.gradient(y) is None or stepper.gradient(y) == 1
    add = stepper.until("add")
    assert [operand.arrival for operand in add.operands] == [1, 2]
    assert [operand.total.item() for operand in add.operands] == [1, 2]
    assert stepper.gradient(x) is None  # not computed yet, which is not 0
    multiply = stepper.until("multiply")
    assert [operand.total.item() for operand in multiply.operands] == [6, 12]
    assert [operand.arrivals for operand in multiply.operands] == [2, 2]
    assert stepper.gradient(x) == 12


def test_broadcasting_is_summed_in_what_goes_out():
    x, b = leaf(3, 4), leaf(4)
    step = minigrad.step(np.sum(x + b)).until("add")
    assert step.operands[1].local.array.shape == (3, 4)
    np.testing.assert_array_equal(step.operands[1].gradient, [3, 3, 3, 3])


def test_several_outputs_are_one_step():
    x, w_ih, w_hh = leaf(2, 1, 3), leaf(8, 3), leaf(8, 2)
    with minigrad.recording():
        y, h, c = lstm(x, None, w_ih, w_hh)
        loss = np.sum(y * y) + np.sum(c)
    stepper = minigrad.step(loss)
    step = stepper.until("lstm")
    assert [output.gradient is None for output in step.outputs] == [False, True, False]
    np.testing.assert_array_equal(step.outputs[0].gradient, stepper.gradient(y))
    assert stepper.gradient(h) is None
    np.testing.assert_array_equal(step.outputs[2].value, c.data)
    assert [operand.name for operand in step.operands] == ["x", "parameters[0]", "parameters[1]"]
    assert "nothing depends on it" in str(step)
    assert "output 2 of lstm" in str(stepper.goto(2)) + str(stepper.goto(3))
    loss.backward()
    np.testing.assert_array_equal(stepper.goto(len(stepper)).operands[0].total, x.grad)


def test_no_gradient_is_freed_or_left_behind():
    x, w = leaf(2, 3), leaf(4, 3)
    w.grad = kept = np.full((4, 3), 7.0)
    loss = cross_entropy(linear(x, w), np.array([0, 2]))
    first, second = minigrad.step(loss), minigrad.step(loss)
    assert x.grad is None
    assert w.grad is kept
    assert [str(s) for s in first] == [str(s) for s in second]
    loss.backward()
    np.testing.assert_array_equal(x.grad, first.gradient(x))
    with pytest.raises(GraphError, match="freed"):
        minigrad.step(loss)
    before = str(first.now)
    x.data[...] = 0
    assert str(first.now) == before, "the record changed with the data"


def test_recorded_values_are_those_of_the_moment():
    x = leaf(3)
    with minigrad.recording():
        y = x + 1.0
        loss = np.sum(y)
    was = x.data.copy()
    x.data[...] = 100
    add = minigrad.step(loss).until("add")
    np.testing.assert_array_equal(add.value("a"), was)
    np.testing.assert_array_equal(add.value("b"), 1)
    np.testing.assert_array_equal(add.value("y"), was + 1)


def test_a_leaf_has_the_value_of_the_pass_where_any_rule_kept_it_and_else_is_marked():
    x, b = leaf(3), leaf(3, seed=1)
    was = x.data.copy()
    loss = np.sum((x + b) * x)
    x.data, b.data = x.data * 10, b.data * 10
    add = minigrad.step(loss).until("add")
    np.testing.assert_array_equal(add.value("a"), was)
    np.testing.assert_array_equal(add.value("b"), b.data)
    assert "from leaf b, as it is now" in str(add)
    assert str(add).count("as it is now") == 1


def test_what_is_not_recorded_is_not_guessed():
    x = leaf(3)
    loss = np.sum((x + 1.0) * 2.0)
    add = minigrad.step(loss).until("add")
    np.testing.assert_array_equal(add.value("a"), x.data)
    assert add.value("b") is None
    assert "not recorded: compute the loss inside `with minigrad.recording():`" in str(add)
    recorded_before = loss._node.values
    assert recorded_before is None


@pytest.mark.parametrize("recorded", [True, False])
def test_every_value_that_is_known_is_right(recorded):
    x, w, b = leaf(1, 2, 6, 6), leaf(3, 2, 3, 3), leaf(3)

    def f():
        y = relu(conv2d(x, w, b, padding=1))
        z = max_pool2d(y, 2)
        return {"y": y, "z": z, "loss": np.mean(np.exp(z))}

    if recorded:
        with minigrad.recording():
            found = f()
    else:
        found = f()
    steps = {step.name: step for step in minigrad.step(found["loss"])}
    expected = {
        ("conv2d", "x"): x,
        ("conv2d", "w"): w,
        ("relu", "y"): found["y"],
        ("max_pool2d", "x"): found["y"],
        ("exp", "x"): found["z"],
        ("mean", "y"): found["loss"],
    }
    for (name, part), tensor in expected.items():
        value = steps[name].value(part)
        if recorded or value is not None:
            np.testing.assert_array_equal(value, tensor.data)
    assert steps["conv2d"].value("w") is not None


def test_recording_keeps_nothing_outside_and_ends_with_an_error():
    x = leaf(2)
    with pytest.raises(ZeroDivisionError), minigrad.recording():
        raise ZeroDivisionError
    assert (x * x)._node.values is None
    with minigrad.recording(), minigrad.recording():
        assert (x * x)._node.values is not None
    with minigrad.recording(), minigrad.no_grad():
        x * x


def test_a_gradient_that_flows_in_and_names_of_leaves():
    weights = [leaf(3), leaf(3, seed=1)]
    bias = leaf(3)
    y = weights[0] * weights[1] + bias
    upstream = np.array([1.0, -2.0, 3.0])
    stepper = minigrad.step(y, upstream)
    names = {box.name for box in stepper.boxes if box.is_leaf}
    assert names == {"weights[0]", "weights[1]", "bias"}
    stepper.goto(len(stepper))
    np.testing.assert_array_equal(stepper.gradient(bias), upstream)
    np.testing.assert_array_equal(stepper.gradient(y), upstream)


def test_a_modules_own_name_for_a_parameter_comes_before_those_of_the_callers_variables():
    leaves = {}
    last = None
    net = Sequential(Linear(3, 2), Linear(2, 1))
    leaves.update(net.named_parameters())
    for last in net.parameters():
        pass
    loss = np.sum(net(np.ones((2, 3))))
    names = [box.name for box in minigrad.step(loss).boxes if box.is_leaf]
    assert names == ["net.0.weight", "net.0.bias", "net.1.weight", "net.1.bias"]
    del net
    names = {box.name for box in minigrad.step(loss).boxes if box.is_leaf}
    assert names == {"0.weight", "0.bias", "1.weight", "last"}
    assert leaves
    assert last is leaves["1.bias"]


def test_a_rule_that_passes_nothing_on():
    class Half(Function):
        @staticmethod
        def forward(ctx, a, b):
            return a + b

        @staticmethod
        def backward(ctx, dy):
            return dy, None

    x = leaf(2)
    stepper = minigrad.step(np.sum(Half.apply(x, np.exp(leaf(2)))))
    step = stepper.until("half")
    assert len(stepper) == 2, "exp has no turn"
    assert step.operands[1].gradient is None
    assert "nothing: the rule answers None" in str(step)
    assert "exp (no step)" in str(step)
    assert "return dy, None" in step.formula


def test_errors_say_what_to_do():
    x = leaf(2)
    with pytest.raises(GraphError, match="step: this Tensor has no graph"):
        minigrad.step(minigrad.tensor(1.0) * 2)
    with pytest.raises(GraphError, match="step: this Tensor has no graph"):
        minigrad.step(x)
    with pytest.raises(GraphError, match=r"step\(t, grad=array\)"):
        minigrad.step(x * 2)
    with pytest.raises(GraphError, match="not float"):
        minigrad.step(1.0)
    stepper = minigrad.step(np.sum(x * 2))
    with pytest.raises(GraphError, match="not begun"):
        _ = stepper.now
    with pytest.raises(GraphError, match="first step"):
        stepper.back()
    with pytest.raises(GraphError, match="from 1 to 2"):
        stepper.goto(3)
    for number in ("multiply", 1.5, None):
        with pytest.raises(
            GraphError, match=rf"number of a step, from 1 to 2, not {number!r}; until"
        ):
            stepper.goto(number)
    with pytest.raises(GraphError, match="Ahead: multiply, sum"):
        stepper.until("conv2d")
    stepper.goto(2)
    with pytest.raises(GraphError, match="was the last"):
        stepper.next()
    with pytest.raises(GraphError, match="not part of the graph"):
        stepper.gradient(leaf(1))
    with pytest.raises(GraphError, match="takes a Tensor of the graph, not ndarray"):
        stepper.gradient(np.ones(2))
    assert stepper.back() is stepper.steps[0]


def test_a_wrong_rule_and_changed_data_raise_as_backward_does():
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, dy):
            return dy, dy

    with pytest.raises(GradientError, match="2 gradients for the 1"):
        minigrad.step(np.sum(Wrong.apply(leaf(2))))
    data = np.ones(3)
    x = leaf(3)
    loss = np.sum(x * data)
    data[0] = 5
    with pytest.raises(MutationError, match="changed in place"):
        minigrad.step(loss)


def test_a_long_chain_needs_no_recursion():
    x = leaf()
    y: Tensor = x
    for _ in range(3000):
        y = y + 1.0
    stepper = minigrad.step(y)
    assert len(stepper) == 3000
    assert stepper.goto(3000).operands[0].total == 1
    assert "> 3000  add" in repr(stepper)
    assert "... 2989 more" in repr(minigrad.step(y))


def test_hooks_act_and_are_told():
    x = leaf(3)
    y = x * 2.0
    x.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: g + 1)
    y.retain_grad()
    stepper = minigrad.step(np.sum(y * y))
    text = "".join(map(str, stepper))
    assert "complete, before its hooks" in text
    assert "all of it, before its hooks" in text
    hooked, at_leaf = stepper.gradient(y), stepper.gradient(x)
    np.testing.assert_array_equal(stepper.steps[-1].outputs[0].gradient, hooked)
    np.sum(y * y).backward()
    np.testing.assert_array_equal(hooked, y.grad)
    np.testing.assert_array_equal(at_leaf, x.grad)


def test_at_a_prompt_a_step_is_a_line():
    x = leaf(2)
    stepper = minigrad.step(np.sum(np.exp(x)))
    assert re.fullmatch(
        r"step 1 of 2: sum  \S*test_steps.py:\d+: stepper = .*", repr(stepper.next())
    )


def test_a_freed_graph_is_refused_in_the_words_of_step():
    x = leaf(2)
    loss = np.sum(np.exp(x))
    loss.backward()
    with pytest.raises(GraphError, match=r"^step: (sum|exp) at .*was part of an earlier backward"):
        minigrad.step(loss)


def test_one_step_is_no_steps():
    assert repr(minigrad.step(np.sum(leaf(2)))).startswith("Stepper: 1 step,")
