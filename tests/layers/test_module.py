"""Modules: finding parameters, states in and out, freezing, switching, copying, showing."""

import copy

import numpy as np
import pytest

import minigrad
from layers import (
    BatchNorm2d,
    Dropout,
    Flatten,
    Linear,
    Module,
    ModuleList,
    Parameter,
    ReLU,
    Sequential,
)
from layers.errors import ParameterError, StateDictError
from minigrad.errors import DtypeError, ShapeError


class Net(Module):
    """Parameters, buffers and modules, set without a call of Module.__init__."""

    def __init__(self):
        self.features = Sequential(Linear(4, 3), ReLU(), Linear(3, 3))
        self.scale = Parameter([2.0])
        self.norm = BatchNorm2d(3)
        self.register_buffer("count", np.arange(2))

    def forward(self, x):
        return self.features(x) * self.scale


NAMES = [
    "scale", "count",
    "features.0.weight", "features.0.bias", "features.2.weight", "features.2.bias",
    "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked",
]  # fmt: skip
BUFFERS = ["count", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked"]


def test_parameters_buffers_and_state_are_found_under_the_paths_of_their_attributes():
    net = Net()
    assert list(net.state_dict()) == NAMES
    assert [name for name, _ in net.named_parameters()] == [n for n in NAMES if n not in BUFFERS]
    assert [name for name, _ in net.named_buffers()] == BUFFERS
    assert list(net.parameters())[0] is net.scale
    paths = [path for path, _ in net.named_modules()]
    assert paths == ["", "features", "features.0", "features.1", "features.2", "norm"]
    assert list(net.modules())[0] is net
    assert list(net.children()) == [net.features, net.norm]


def test_a_shared_parameter_is_trained_once_and_saved_under_both_names():
    net = Sequential(Linear(3, 3), Linear(3, 3))
    net[1].weight = net[0].weight
    assert [n for n, _ in net.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    layer = Linear(3, 3)
    twice = Sequential(layer, layer)
    assert len(list(twice.parameters())) == 2
    assert len(list(twice.modules())) == 2
    assert list(twice.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_a_parameter_is_a_leaf_and_what_is_computed_from_it_is_a_plain_tensor():
    p = Parameter(np.ones(3))
    assert p.requires_grad
    assert p.dtype == np.float32
    assert type(p * 2) is minigrad.Tensor
    assert not Parameter(np.ones(3), requires_grad=False).requires_grad
    assert Parameter(np.ones(3), dtype=np.float64).dtype == np.float64
    with pytest.raises(DtypeError, match="float"):
        Parameter(np.arange(3))
    assert repr(p).startswith("Parameter containing:\ntensor([1., 1., 1.]")


# -- states --------------------------------------------------------------------------------------


def test_a_state_travels_from_one_net_to_another_and_through_a_file(tmp_path):
    one, two = Net(), Net()
    one.norm.running_mean = np.array([1, 2, 3], np.float32)
    minigrad.save(tmp_path / "net.npz", one.state_dict())
    assert two.load_state_dict(minigrad.load(tmp_path / "net.npz")) == ([], [])
    for name, array in one.state_dict().items():
        np.testing.assert_array_equal(two.state_dict()[name], array)
        assert two.state_dict()[name].dtype == array.dtype


def test_a_state_is_a_copy_on_the_way_out_and_on_the_way_in():
    net = Net()
    state = net.state_dict()
    for array in state.values():
        array += 1
    assert net.scale.item() == 2
    net.load_state_dict(state)
    state["scale"][:] = 7
    state["count"][:] = 7
    assert net.scale.item() == 3
    assert net.count.tolist() == [1, 2]


def test_loading_keeps_the_parameters_that_an_optimizer_holds_and_their_dtype():
    net = Linear(2, 1)
    weight = net.weight
    net.load_state_dict({"weight": [[1.0, 2.0]], "bias": np.zeros(1, np.float64)})
    assert net.weight is weight
    assert weight.data.tolist() == [[1, 2]]
    assert net.bias.dtype == np.float32


def test_loading_between_forward_and_backward_leaves_the_gradient_of_that_forward():
    layer = Linear(2, 1)
    x = minigrad.tensor([[1.0, 2.0]], requires_grad=True)
    before = layer.weight.data.copy()
    y = layer(x)
    layer.load_state_dict({"weight": np.zeros((1, 2)), "bias": np.zeros(1)})
    y.backward()
    np.testing.assert_array_equal(x.grad, before)


def test_a_state_that_does_not_fit_is_refused_with_all_problems_and_changes_nothing():
    net = Net()
    before = net.state_dict()
    wrong = {name: array + 1 for name, array in before.items()}
    wrong["features.0.weigth"] = wrong.pop("features.0.weight")
    wrong["features.2.bias"] = np.zeros((1, 3))
    wrong["norm.bias"] = np.array(["a", "b", "c"])
    with pytest.raises(StateDictError) as caught:
        net.load_state_dict(wrong)
    message = str(caught.value)
    assert "features.2.bias: (1, 3) given, (3,) expected" in message
    assert "norm.bias: <U1 data" in message
    assert "missing: features.0.weight (nearest: features.0.weigth)" in message
    assert "unexpected: features.0.weigth (nearest: features.0.weight)" in message
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_without_strict_the_names_that_fit_are_loaded_and_shapes_still_count():
    net = Linear(2, 1)
    bias = net.bias.data.copy()
    rest = net.load_state_dict({"weight": np.ones((1, 2)), "extra": np.ones(1)}, strict=False)
    assert rest.missing_keys == ["bias"]
    assert rest.unexpected_keys == ["extra"]
    assert net.weight.data.tolist() == [[1, 1]]
    np.testing.assert_array_equal(net.bias.data, bias)
    with pytest.raises(StateDictError, match=r"weight: \(2, 1\) given"):
        net.load_state_dict({"weight": np.ones((2, 1))}, strict=False)


def test_many_problems_are_listed_in_part():
    with pytest.raises(StateDictError, match="and 5 more"):
        Linear(2, 1).load_state_dict({f"name{i}": np.ones(1) for i in range(15)})


def test_a_module_or_a_path_in_place_of_a_state_is_refused():
    with pytest.raises(StateDictError, match=r"module.state_dict\(\)"):
        Linear(2, 1).load_state_dict(Linear(2, 1))
    with pytest.raises(StateDictError, match="minigrad.load"):
        Linear(2, 1).load_state_dict("net.npz")


def test_what_can_be_detached_is_read():
    class Foreign:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("has a history")

        def detach(self):
            return np.ones((1, 2))

    layer = Linear(2, 1)
    layer.load_state_dict({"weight": Foreign(), "bias": minigrad.tensor([3.0])})
    assert layer.weight.data.tolist() == [[1, 1]]
    assert layer.bias.data.tolist() == [3]


# -- switches ------------------------------------------------------------------------------------


def test_frozen_parameters_get_no_gradient_and_the_others_do():
    net = Net()
    net.features[0].requires_grad_(False)
    x = np.ones((2, 4), np.float32)
    net(x).backward(np.ones((2, 3)))
    assert net.features[0].weight.grad is None
    assert net.features[2].weight.grad is not None
    net.requires_grad_(False)
    assert not net(x).requires_grad
    net.requires_grad_(True)
    assert all(p.requires_grad for p in net.parameters())


def test_train_eval_and_zero_grad_reach_every_module():
    net = Sequential(Linear(2, 2), Sequential(Dropout(0.5)))
    assert net.training
    assert net.eval() is net
    assert not net[1][0].training
    assert net.train()[1][0].training
    net(np.ones((1, 2), np.float32)).backward(np.ones((1, 2)))
    assert net[0].bias.grad is not None
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_double_and_float_change_parameters_gradients_and_float_buffers():
    net = Net()
    net(np.ones((2, 4), np.float32)).backward(np.ones((2, 3)))
    assert net.double() is net
    assert {p.dtype for p in net.parameters()} == {np.dtype(np.float64)}
    assert net.scale.grad.dtype == np.float64
    assert net.norm.running_var.dtype == np.float64
    assert net.count.dtype == np.arange(2).dtype
    assert net(np.ones((2, 4))).dtype == np.float64
    assert net.float()(np.ones((2, 4), np.float32)).dtype == np.float32


def test_a_deep_copy_shares_nothing_and_keeps_what_was_shared_inside():
    net = Sequential(Linear(3, 3), Linear(3, 3), Dropout(0.5, rng=np.random.default_rng(0)))
    net[1].weight = net[0].weight
    twin = copy.deepcopy(net)
    assert type(twin[0].weight) is Parameter
    assert twin[1].weight is twin[0].weight
    assert twin[0].weight is not net[0].weight
    twin[0].weight.data[:] = 0
    assert np.all(net[0].weight.data != 0)
    assert twin[2].rng is not net[2].rng


def test_a_parameter_is_not_replaced_by_what_no_optimizer_would_find():
    layer = Linear(2, 1)
    with pytest.raises(ParameterError, match=r"\.data = "):
        layer.weight = layer.weight * 2
    with pytest.raises(ParameterError, match="ndarray"):
        layer.weight = np.ones((1, 2))
    layer.weight = Parameter(np.ones((1, 2)))
    layer.bias = None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    assert layer(np.ones((1, 2), np.float32)).item() == 2


@pytest.mark.parametrize(
    ("parts", "remedy"),
    [
        ([Linear(2, 2)], r"Net.parts is a list .* a Linear.* ModuleList"),
        ((1, Linear(2, 2)), "a tuple .* ModuleList"),
        ({"a": Linear(2, 2)}, "a dict .* attribute of its own"),
        ([Parameter([1.0])], r"a Parameter.* saved\. Give each an attribute"),
    ],
)
def test_parts_in_a_plain_container_are_refused(parts, remedy):
    class Net(Module):
        pass

    net = Net()
    with pytest.raises(ParameterError, match=remedy):
        net.parts = parts
    net.parts = [1, "text", np.ones(2)]
    net.last = Linear(2, 2)
    net.also = [net.last]  # it is found under its own name


def test_a_buffer_stays_a_plain_array_of_the_state():
    net = Net()
    net.count = minigrad.tensor([3, 4])
    assert type(net.count) is np.ndarray
    assert net.state_dict()["count"].tolist() == [3, 4]
    net.count = None
    assert "count" not in net.state_dict()
    assert "count" not in Linear(1, 1)._buffers


def test_a_module_without_forward_says_so():
    class Empty(Module):
        pass

    with pytest.raises(NotImplementedError, match="Empty has no method forward"):
        Empty()(1)


def test_repr_shows_the_tree():
    net = Sequential(Flatten(), Sequential(Linear(4, 2, bias=False), ReLU()))
    assert repr(net) == (
        "Sequential(\n"
        "  (0): Flatten(start_dim=1, end_dim=-1)\n"
        "  (1): Sequential(\n"
        "    (0): Linear(in_features=4, out_features=2, bias=False)\n"
        "    (1): ReLU()\n"
        "  )\n"
        ")"
    )


# -- containers ----------------------------------------------------------------------------------


def test_sequential_is_a_sequence_of_modules():
    first, last = Linear(4, 3), Linear(3, 2)
    net = Sequential(first, ReLU())
    assert net.append(last) is net
    assert len(net) == 3
    assert net[0] is first
    assert net[-1] is last
    assert list(net)[2] is last
    x = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    np.testing.assert_array_equal(net[:2](x).data, np.maximum(first(x).data, 0))
    named = Sequential({"hidden": first, "last": last})
    assert list(named.state_dict())[0] == "hidden.weight"
    assert named.last is last


def test_module_list_lets_parameters_be_found():
    class Branches(Module):
        def __init__(self):
            self.branches = ModuleList(Linear(2, 1) for _ in range(2))

    net = Branches()
    net.branches.append(Linear(2, 1)).extend([ReLU()])
    assert len(net.branches) == 4
    assert len(list(net.parameters())) == 6
    assert isinstance(net.branches[1:], ModuleList)
    assert "branches.2.weight" in net.state_dict()


def test_containers_refuse_what_is_no_module():
    with pytest.raises(ParameterError, match=r"Call it first: ReLU\(\.\.\.\)"):
        Sequential(Linear(2, 2), ReLU)
    with pytest.raises(ParameterError, match="entry 0"):
        ModuleList([np.ones(2)])


def test_an_error_inside_a_sequential_names_the_module():
    net = Sequential(Flatten(), Linear(5, 2))
    with pytest.raises(ShapeError) as caught:
        net(np.ones((1, 2, 2), np.float32))
    assert any("module (1)" in note and "Linear" in note for note in caught.value.__notes__)


@pytest.mark.parametrize(
    ("shape", "start", "end", "expected"),
    [
        ((2, 3, 4, 5), 1, -1, (2, 60)),
        ((2, 3, 4, 5), 0, 1, (6, 4, 5)),
        ((0, 3, 4), 1, -1, (0, 12)),
        ((2, 3), 1, -1, (2, 3)),
    ],
)
def test_flatten_joins_axes(shape, start, end, expected):
    x = minigrad.tensor(np.zeros(shape), requires_grad=True)
    y = Flatten(start, end)(x)
    assert y.shape == expected
    upstream = np.random.default_rng(0).standard_normal(expected).astype(np.float32)
    y.backward(upstream)
    np.testing.assert_array_equal(x.grad, upstream.reshape(shape))


def test_flatten_refuses_an_input_without_batch_axis():
    with pytest.raises(ShapeError, match="batch axis"):
        Flatten()(np.zeros(3, np.float32))


def test_a_part_knows_its_path_in_whatever_order_the_module_is_built():
    class Late(Module):
        def __init__(self):
            self.blocks = ModuleList()
            self.blocks.append(Sequential(Linear(2, 2), ReLU()))
            self.blocks[0].append(Linear(2, 2))
            self.scale = Parameter([1.0])

    outer = Sequential({"late": Late()})
    for module in (Net(), Late(), outer):
        assert all(part._path == path for path, part in module.named_modules())
        assert all(part._path == path for path, part in module.named_parameters())
    part = outer.late.blocks[0][1:]  # another module that holds the same layers
    assert part[1].weight._path == "late.blocks.0.2.weight"
    assert part._path == ""
