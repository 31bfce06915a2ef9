"""The walk: linear time, no recursion, freed as it goes; backward, grad and what they refuse."""

import gc
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import Function, enable_grad, grad, is_grad_enabled, no_grad, tensor
from minigrad.errors import DtypeError, GraphError, ShapeError


class Counted(Function):
    """y = 1.5 x;   dx = 1.5 dy, counted"""

    calls = 0

    @staticmethod
    def forward(ctx, x):
        return 1.5 * x

    @staticmethod
    def backward(ctx, dy):
        Counted.calls += 1
        return 1.5 * dy


@pytest.fixture
def counted():
    Counted.calls = 0
    return Counted


def _leaf(*shape, dtype=np.float64, seed=0):
    data = np.random.default_rng(seed).standard_normal(shape)
    return tensor(data, requires_grad=True, dtype=dtype)


# -- linear time ------------------------------------------------------------------------------------


def test_a_diamond_runs_each_rule_once(counted):
    x = _leaf(3)
    top = counted.apply(x)
    left, right = counted.apply(top), counted.apply(top)
    np.sum(left * right + left).backward()
    assert counted.calls == 3
    np.testing.assert_allclose(x.grad, 1.5**2 * (2 * 1.5**2 * x.data + 1))


def test_thirty_doublings_of_one_value(counted):
    x = tensor(1.0, requires_grad=True, dtype=np.float64)
    y = counted.apply(x)
    for _ in range(30):
        y = y + y
    y.backward()
    assert counted.calls == 1
    assert x.grad == 1.5 * 2**30


@pytest.mark.parametrize("depth", [1, 10, 200])
def test_a_tower_of_diamonds_runs_each_rule_once(counted, depth):
    x = y = tensor(1.0, requires_grad=True, dtype=np.float64)
    for _ in range(depth):
        y = counted.apply(y) - counted.apply(y) / 3
    y.backward()
    assert counted.calls == 2 * depth
    np.testing.assert_allclose(x.grad, 1.0)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=30))
def test_any_graph_runs_each_needed_rule_once(edges):
    """Each new value is made of two earlier ones; its derivative is carried along by hand."""
    Counted.calls = 0
    x = tensor(1.0, requires_grad=True, dtype=np.float64)
    values, slopes, makers = [x], [1.0], [set()]
    for number, (a, b) in enumerate(edges):
        a, b = a % len(values), b % len(values)
        values.append(Counted.apply(values[a]) - 0.5 * values[b])
        slopes.append(1.5 * slopes[a] - 0.5 * slopes[b])
        makers.append(makers[a] | makers[b] | {number})
    values[-1].backward()
    np.testing.assert_allclose(x.grad, slopes[-1], atol=1e-9)
    assert Counted.calls == len(makers[-1])


def test_grad_runs_only_the_rules_on_the_way(counted):
    x, other = _leaf(2), _leaf(2)
    y = counted.apply(x) * 2
    for _ in range(5):
        other = counted.apply(other)
    grad(np.sum(y + other), x)
    assert counted.calls == 1
    assert grad([counted.apply(x[0]), counted.apply(_leaf())], x).tolist() == [1.5, 0]
    assert counted.calls == 2


# -- depth ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", [lambda y: y + 1.0, lambda y: y * 1.0, np.negative])
def test_a_chain_of_ten_thousand_operations(operation):
    x = y = tensor([1.0, 2.0], requires_grad=True)
    for _ in range(10_000):
        y = operation(y)
    np.sum(y).backward()
    np.testing.assert_array_equal(x.grad, 1)
    del y


def test_a_long_chain_may_be_dropped_unused():
    x = y = tensor([1.0, 2.0], requires_grad=True)
    for _ in range(20_000):
        y = y * 1.0
    last = weakref.ref(y._node)
    del y
    assert last() is None
    assert x.grad is None


def test_a_long_chain_to_second_order():
    x = y = tensor(1.0, requires_grad=True, dtype=np.float64)
    for _ in range(3_000):
        y = y * 1.0
    first = grad(y * y, x, create_graph=True)
    assert grad(first, x) == 2


# -- memory -----------------------------------------------------------------------------------------


class Keeper(Function):
    """y = x, keeping an array of its own"""

    alive: list = []
    seen: list = []

    @staticmethod
    def forward(ctx, x):
        ctx.kept = np.zeros(10)
        Keeper.alive.append(weakref.ref(ctx.kept))
        return x * 1

    @staticmethod
    def backward(ctx, dy):
        Keeper.seen.append(sum(r() is not None for r in Keeper.alive))
        return dy


@pytest.fixture
def keeper():
    Keeper.alive, Keeper.seen = [], []
    return Keeper


def test_kept_arrays_are_freed_as_the_walk_goes(keeper):
    y = _leaf(2)
    for _ in range(10):
        y = keeper.apply(y)
    top = np.sum(y)
    top.backward()
    assert keeper.seen == list(range(10, 0, -1))
    assert not any(r() is not None for r in keeper.alive)
    assert top._node.inputs[0].name == "keeper"  # the skeleton stays


def test_retained_graphs_keep_their_arrays(keeper):
    y = np.sum(keeper.apply(_leaf(2)))
    y.backward(retain_graph=True)
    assert keeper.alive[0]() is not None
    y.backward()
    assert keeper.alive[0]() is None


def test_a_failed_walk_keeps_nothing_that_was_passed(keeper):
    class Fails(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, dy):
            raise OSError("on purpose")

    y = np.sum(keeper.apply(Fails.apply(_leaf(2))))
    with pytest.raises(RuntimeError, match="on purpose"):
        y.backward()
    assert keeper.alive[0]() is None


def test_no_graph_is_alive_after_backward():
    """Reference counts alone free a graph: there are no cycles in it."""
    x = _leaf(3)
    gc.disable()
    try:
        middle = np.exp(x)
        result = weakref.ref(middle._data)
        nodes = [weakref.ref(middle._node)]
        y = np.sum(middle * x)
        nodes.append(weakref.ref(y._node))
        y.backward()
        del middle
        assert result() is None
        assert all(node() is not None for node in nodes)
        del y
        assert all(node() is None for node in nodes)
    finally:
        gc.enable()


def test_many_passes_leave_no_objects_behind():
    x = _leaf(3)

    def once():
        y = np.exp(x) * x
        z = y[1:] @ y[:2]
        z.backward()
        x.grad = None

    def count():
        gc.collect()
        return len(gc.get_objects())

    for _ in range(200):
        once()
    before = count()
    for _ in range(300):
        once()
    assert abs(count() - before) < 150  # the parameter's list of dead readers is pruned


def test_what_no_rule_keeps_is_free_at_once():
    x = _leaf(3)
    middle = x + 1
    array = weakref.ref(middle._data)
    y = middle + 1
    del middle
    assert array() is None
    np.sum(y).backward()


# -- backward ---------------------------------------------------------------------------------------


def test_a_second_backward_names_retain_graph():
    x = _leaf(3)
    y = np.sum(x * x)
    y.backward()
    with pytest.raises(GraphError, match=r"backward\(retain_graph=True\)"):
        y.backward()
    z = np.sum(x * x)
    shared = z * 2
    z.backward()
    with pytest.raises(GraphError, match="retain_graph"):
        shared.backward()


def test_a_second_pass_adds():
    x = _leaf(3)
    y = np.sum(x * x)
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    np.testing.assert_allclose(x.grad, 4 * x.data)
    y.backward()
    np.testing.assert_allclose(x.grad, 6 * x.data)


def test_gradients_are_arrays_of_their_own():
    a, b = _leaf(3), _leaf(3)
    upstream = np.ones(3)
    (a + b).backward(upstream)
    upstream[0] = a.grad[1] = 9
    np.testing.assert_array_equal(b.grad, 1)
    assert a.grad[0] == 1


def test_adding_up_makes_a_new_array():
    x = _leaf(3)
    (x * 2).backward(np.ones(3))
    first = x.grad
    (x * 2).backward(np.ones(3))
    np.testing.assert_array_equal(first, 2)


def test_backward_on_a_leaf():
    x = _leaf(3)
    x.backward(np.arange(3.0))
    x.backward(np.ones(3))
    np.testing.assert_array_equal(x.grad, [1, 2, 3])


def test_the_upstream_gradient():
    x = _leaf(3)
    with pytest.raises(GraphError, match=r"shape \(3,\).*Sum or average"):
        (x * 2).backward()
    with pytest.raises(ShapeError, match=r"shape \(2,\), the output \(3,\)"):
        (x * 2).backward(np.ones(2))
    with pytest.raises(ShapeError):
        (x * 2).backward(1.0)
    with pytest.raises(DtypeError, match="complex128; it must be real"):
        (x * 2).backward(1j * np.ones(3))
    (x * 2).backward([1, 2, 3])
    np.testing.assert_array_equal(x.grad, [2, 4, 6])
    (x * 2).backward(tensor([1.0, 1, 1]))
    np.testing.assert_array_equal(x.grad, [4, 6, 8])
    y = (x[:1] * 2).reshape(1, 1)
    y.backward()
    np.testing.assert_array_equal(x.grad, [6, 6, 8])


def test_an_upstream_tensor_of_another_dtype():
    x = _leaf(3, dtype=np.float32)
    (x * x).backward(tensor([1.0, 1, 1], dtype=np.float64))
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize(
    "make",
    [
        lambda x: tensor([1.0]),
        lambda x: tensor([1.0]) * 2,
        lambda x: (x * 2).detach(),
        lambda x: tensor([1, 2]) * 2,
    ],
)
def test_no_graph(make):
    with pytest.raises(GraphError, match=r"no graph.*no_grad.*detach"):
        make(_leaf(1)).backward()


def test_frozen_leaves_get_none():
    x, w = _leaf(3), _leaf(3)
    w.requires_grad_(False)
    np.sum(x * w).backward()
    assert w.grad is None
    np.testing.assert_array_equal(x.grad, w.data)


def test_retain_grad():
    x = _leaf(3)
    y = x * 2
    z = y * y
    y.retain_grad()
    y.retain_grad()
    np.sum(z).backward(retain_graph=True)
    np.testing.assert_allclose(y.grad, 2 * y.data)
    np.sum(z).backward()
    np.testing.assert_allclose(y.grad, 4 * y.data)
    x.retain_grad()  # a leaf has its gradient anyway
    with pytest.raises(GraphError, match="not part of a graph"):
        tensor([1.0]).retain_grad()


def test_retain_grad_of_one_of_several_outputs():
    x = _leaf(4)
    first, second = np.split(x, 2)
    first.retain_grad()
    np.sum(first * second).backward()
    np.testing.assert_allclose(first.grad, x.data[2:])


def test_retain_grad_of_a_result_that_is_gone():
    x = _leaf(3)
    y = x * 2
    y.retain_grad()
    z = np.sum(y * 1.0)
    del y
    z.backward()
    np.testing.assert_array_equal(x.grad, 2)


# -- grad -------------------------------------------------------------------------------------------


def test_grad_leaves_grad_alone():
    x, w = _leaf(3), _leaf(3)
    x.grad = np.array([7.0, 7, 7])
    y = x * w
    y.retain_grad()
    dx, dw = grad(np.sum(y * y), [x, w])
    np.testing.assert_allclose(dx, 2 * x.data * w.data**2)
    np.testing.assert_allclose(dw, 2 * w.data * x.data**2)
    np.testing.assert_array_equal(x.grad, 7)
    assert w.grad is None
    assert y.grad is None
    assert type(dx) is np.ndarray


def test_grad_of_intermediates_and_roots():
    x = _leaf(3)
    y = x * 2
    z = np.sum(y * y)
    dy, dx, dz = grad(z, (y, x, z))
    np.testing.assert_allclose(dy, 2 * y.data)
    np.testing.assert_allclose(dx, 4 * y.data)
    assert dz == 1
    assert grad(x[0], x).tolist() == [1, 0, 0]


def test_grad_of_several_outputs():
    x = _leaf(3)
    u, v = np.ones(3), np.arange(3.0)
    dx = grad([x * 2, x * x], x, grad_outputs=[u, v])
    np.testing.assert_allclose(dx, 2 + 2 * v * x.data)
    y = np.sum(x)
    assert grad([y, y], x).tolist() == [2, 2, 2]
    assert grad(np.sum(x), [x, x])[1].tolist() == [1, 1, 1]
    assert [g.tolist() for g in grad(np.sum(x), iter([x]))] == [[1, 1, 1]]


def test_grad_of_what_cannot_be_reached():
    x, w = _leaf(3), _leaf(3)
    with pytest.raises(GraphError, match="do not depend on input 1"):
        grad(np.sum(x * 2), [x, w])
    with pytest.raises(GraphError, match="inputs must be a Tensor or a list.*got float64"):
        grad(x * x, np.ones(2))
    with pytest.raises(GraphError, match="inputs must be a Tensor or a list.*got NoneType"):
        grad(x * x, None)
    with pytest.raises(GraphError, match="outputs must be a Tensor or a list.*got float"):
        grad([1.0], x)
    with pytest.raises(GraphError, match="2 outputs and 1 grad_outputs"):
        grad([x * x, x], x, grad_outputs=[np.ones(2)])
    with pytest.raises(GraphError, match="input 0 does not require a gradient"):
        grad(np.sum(x * 2), tensor([1.0]))
    y = np.sum(x * w.detach())
    with pytest.raises(GraphError, match="detach"):
        grad(y, w)
    with pytest.raises(GraphError, match="no graph"):
        grad(tensor(1.0), x)


def test_grad_frees_the_graph():
    x = _leaf(3)
    y = np.sum(x * x)
    grad(y, x)
    with pytest.raises(GraphError, match="retain_graph"):
        grad(y, x)


# -- recording or not -------------------------------------------------------------------------------


def test_no_grad_as_context_and_decorator():
    x = _leaf(3)

    @no_grad()
    def doubled(t):
        assert not is_grad_enabled()
        return t * 2

    for _ in range(2):  # a decorated function may be called again
        assert not doubled(x).requires_grad
    with no_grad():
        assert not (x * 2).requires_grad
        with enable_grad():
            assert (x * 2).requires_grad
        assert not is_grad_enabled()
    assert (x * 2).requires_grad


def test_the_mode_is_put_back_after_an_error():
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert is_grad_enabled()

    class Fails(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, dy):
            assert not is_grad_enabled()
            raise KeyError

    y = Fails.apply(_leaf())
    with pytest.raises(RuntimeError):
        y.backward()
    assert is_grad_enabled()


def test_backward_inside_no_grad():
    x = _leaf(3)
    y = np.sum(x * x)
    with no_grad():
        y.backward()
    np.testing.assert_allclose(x.grad, 2 * x.data)


def test_no_grad_holds_for_its_own_thread_only():
    seen = []
    x = _leaf(3)
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_threads_with_graphs_of_their_own():
    results, start = {}, threading.Barrier(4)

    def work(seed):
        x = _leaf(5, seed=seed)
        start.wait()
        total = np.zeros(5)
        for step in range(50):
            if step % 3 == seed % 3:
                with no_grad():
                    np.exp(x)
            y = x
            for _ in range(10):
                y = y * x + np.sin(y)
            total += grad(np.sum(y), x)
        results[seed] = (x.data, total)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in range(4):
        y = x = _leaf(5, seed=seed)
        for _ in range(10):
            y = y * x + np.sin(y)
        np.testing.assert_allclose(results[seed][1], 50 * grad(np.sum(y), x), rtol=1e-12)


def test_a_gradient_is_copied_only_where_something_else_knows_its_array():
    hoard = []

    class Hoards(Function):
        """y = x;   dx = dy, in an array that somebody else keeps, too"""

        @staticmethod
        def forward(ctx, x, kept):
            ctx.kept = kept
            return x.copy()

        @staticmethod
        def backward(ctx, dy):
            made = dy.copy()
            if ctx.kept:
                hoard.append(made)
            return made, None

    x = tensor([1.0, 2.0], requires_grad=True)
    Hoards.apply(x, True).backward(np.ones(2))
    assert x.grad is not hoard[0]
    x.grad[0] = 7.0
    assert hoard[0][0] == 1.0

    a, b = tensor([1.0], requires_grad=True), tensor([1.0], requires_grad=True)
    (a + b).backward(np.ones(1))  # the rule of + hands one array to both
    assert not np.shares_memory(a.grad, b.grad)

    upstream = np.ones(2, np.float32)
    y = tensor([1.0, 2.0], requires_grad=True)
    (y + 0.0).backward(upstream)
    assert not np.shares_memory(y.grad, upstream)
