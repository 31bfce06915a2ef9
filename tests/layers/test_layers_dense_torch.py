"""Parity with PyTorch: values, gradients, running estimates, default numbers, states both ways."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import layers
import layers.functional as F
import minigrad
from tests.helpers import compare_with_torch
from tests.strategies import draw_array, seeds, shapes

torch = pytest.importorskip("torch")
G = torch.nn.functional
reductions = st.sampled_from(["mean", "sum", "none"])


@settings(max_examples=15, deadline=None)
@given(seeds, shapes(1, 3), st.integers(1, 4))
def test_linear_activations_and_softmax(seed, shape, outputs):
    x, w, b = (
        draw_array(seed + k, s, -4, 4)
        for k, s in enumerate([shape, (outputs, shape[-1]), (outputs,)])
    )
    compare_with_torch(F.linear, G.linear, x, w, b)
    compare_with_torch(F.linear, G.linear, x, w)
    for name in ("relu", "leaky_relu", "sigmoid", "tanh", "softplus"):
        compare_with_torch(getattr(F, name), getattr(torch, name, getattr(G, name, None)), x)
    for name in ("softmax", "log_softmax"):
        for dim in (0, -1):
            compare_with_torch(
                lambda t, n=name, d=dim: getattr(F, n)(t, dim=d),
                lambda t, n=name, d=dim: getattr(G, n)(t, dim=d),
                x,
            )


def test_the_subgradients_at_the_kinks():
    x = np.array([-1.0, -0.0, 0.0, 1.0])
    compare_with_torch(F.relu, G.relu, x)
    compare_with_torch(lambda t: F.leaky_relu(t, 0.3), lambda t: G.leaky_relu(t, 0.3), x)
    for name in ("mse_loss", "smooth_l1_loss"):
        compare_with_torch(getattr(F, name), getattr(G, name), x, np.zeros(4))


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 4), shapes(0, 3), reductions, st.booleans(), st.booleans())
def test_cross_entropy(seed, classes, around, reduction, weighted, ignoring):
    rng = np.random.default_rng(seed)
    z = draw_array(seed, (*around[:1], classes, *around[1:]), -5, 5)
    labels = rng.integers(0, classes, around)
    options = {"reduction": reduction}
    if ignoring and labels.size > 1:
        labels.flat[0] = options["ignore_index"] = 255
    weight = rng.uniform(0.5, 2, classes) if weighted else None
    compare_with_torch(
        lambda t: F.cross_entropy(t, labels, weight, **options),
        lambda t: G.cross_entropy(
            t, torch.tensor(labels), weight if weight is None else torch.tensor(weight), **options
        ),
        z,
    )


@settings(max_examples=20, deadline=None)
@given(seeds, shapes(1, 3), reductions, st.sampled_from([0.5, 1.0]))
def test_losses_of_two_arrays(seed, shape, reduction, beta):
    x, t = draw_array(seed, shape, -5, 5), draw_array(seed + 1, shape, 0, 1)
    k = draw_array(seed + 2, shape[-1:], 0.5, 3)
    pairs = [
        (lambda x, t: F.mse_loss(x, t, reduction=reduction),
         lambda x, t: G.mse_loss(x, t, reduction=reduction)),
        (lambda x, t: F.smooth_l1_loss(x, t, reduction=reduction, beta=beta),
         lambda x, t: G.smooth_l1_loss(x, t, reduction=reduction, beta=beta)),
        (lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction=reduction),
         lambda x, t: G.binary_cross_entropy_with_logits(x, t, reduction=reduction)),
        (lambda x, t: F.binary_cross_entropy_with_logits(
            x, t, reduction=reduction, pos_weight=k),
         lambda x, t: G.binary_cross_entropy_with_logits(
            x, t, reduction=reduction, pos_weight=torch.tensor(k))),
    ]  # fmt: skip
    for ours, theirs in pairs:
        compare_with_torch(ours, theirs, x, t)


@pytest.mark.parametrize("options", [{}, {"momentum": None}, {"affine": False, "eps": 0.1}])
def test_batch_norm_and_its_running_estimates(options):
    ours = layers.BatchNorm2d(3, **options).double()
    theirs = torch.nn.BatchNorm2d(3, **options, dtype=torch.float64)
    rng = np.random.default_rng(0)
    for _ in range(3):
        x = 2 + 3 * rng.standard_normal((4, 3, 2, 5))
        compare_with_torch(ours, theirs, x)
        _same_state(ours, theirs)
    compare_with_torch(ours.eval(), theirs.eval(), x)
    _same_state(ours, theirs)


@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("batch_first", [False, True])
def test_lstm(num_layers, batch_first):
    rng = np.random.default_rng(0)
    ours = layers.LSTM(4, 3, num_layers, batch_first=batch_first, rng=rng).double()
    theirs = torch.nn.LSTM(4, 3, num_layers, batch_first=batch_first, dtype=torch.float64)
    _hand_over(ours, theirs)
    shape = (2, 5, 4) if batch_first else (5, 2, 4)
    arrays = [rng.standard_normal(s) for s in (shape, (num_layers, 2, 3), (num_layers, 2, 3))]
    for part in (lambda o: o[0], lambda o: o[1][0], lambda o: o[1][1]):
        ours.zero_grad(), theirs.zero_grad()
        compare_with_torch(
            lambda x, h, c: part(ours(x, (h, c))), lambda x, h, c: part(theirs(x, (h, c))), *arrays
        )
        _same_gradients(ours, theirs)
    compare_with_torch(lambda x: ours(x)[0], lambda x: theirs(x)[0], arrays[0])


def test_lstm_cell():
    rng = np.random.default_rng(0)
    ours = layers.LSTMCell(4, 3, rng=rng).double()
    theirs = torch.nn.LSTMCell(4, 3, dtype=torch.float64)
    _hand_over(ours, theirs)
    arrays = [rng.standard_normal(s) for s in ((2, 4), (2, 3), (2, 3))]
    for part in range(2):
        compare_with_torch(
            lambda x, h, c: ours(x, (h, c))[part], lambda x, h, c: theirs(x, (h, c))[part], *arrays
        )


def _nets(ours, theirs):
    return (
        ours.Sequential(
            ours.Flatten(), ours.Linear(12, 5), ours.ReLU(), ours.Sequential(ours.Linear(5, 2))
        ),
        theirs.Sequential(
            theirs.Flatten(), theirs.Linear(12, 5), theirs.ReLU(),
            theirs.Sequential(theirs.Linear(5, 2)),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        _nets(layers, torch.nn),
        (layers.BatchNorm2d(3), torch.nn.BatchNorm2d(3)),
        (layers.LSTM(4, 3, 2), torch.nn.LSTM(4, 3, 2)),
        (layers.LSTMCell(4, 3), torch.nn.LSTMCell(4, 3)),
    ],
    ids=["net", "batch_norm", "lstm", "cell"],
)
def test_a_state_moves_both_ways(ours, theirs):
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    _same_state(ours, theirs)
    for parameter in ours.parameters():
        parameter.data = parameter.data + 1
    _hand_over(ours, theirs)
    _same_state(ours, theirs)


def test_states_stay_apart_after_a_move():
    ours, theirs = layers.Linear(2, 2), torch.nn.Linear(2, 2)
    ours.load_state_dict(theirs.state_dict())
    with torch.no_grad():
        theirs.weight.zero_()
    assert minigrad.tensor(ours.weight.data).data.any()


def test_a_net_with_a_moved_state_gives_the_same_numbers():
    ours, theirs = _nets(layers, torch.nn)
    ours.load_state_dict(theirs.state_dict())
    x = np.random.default_rng(0).standard_normal((6, 3, 2, 2)).astype(np.float32)
    labels = np.array([0, 1, 1, 0, 1, 0])
    loss = F.cross_entropy(ours(x), labels)
    other = G.cross_entropy(theirs(torch.tensor(x)), torch.tensor(labels))
    loss.backward()
    other.backward()
    np.testing.assert_allclose(loss.item(), other.item(), rtol=1e-6)
    _same_gradients(ours, theirs, rtol=1e-4, atol=1e-6)


def test_default_numbers_have_pytorchs_spread():
    pairs = [
        (layers.Linear(20, 300), torch.nn.Linear(20, 300)),
        (layers.LSTM(20, 50), torch.nn.LSTM(20, 50)),
    ]
    for ours, theirs in pairs:
        for name, p in ours.named_parameters():
            q = theirs.state_dict()[name].numpy()
            np.testing.assert_allclose(np.abs(p.data).max(), np.abs(q).max(), rtol=0.05)
            np.testing.assert_allclose(p.data.std(), q.std(), rtol=0.2)


def test_repr_of_nets_is_the_same():
    ours, theirs = _nets(layers, torch.nn)
    assert repr(ours) == repr(theirs)
    assert repr(layers.LSTM(3, 2, 2, batch_first=True)) == repr(
        torch.nn.LSTM(3, 2, 2, batch_first=True)
    )


def _same_state(ours, theirs):
    other = theirs.state_dict()
    for name, array in ours.state_dict().items():
        np.testing.assert_allclose(array, other[name].numpy(), rtol=1e-6, err_msg=name)


def _same_gradients(ours, theirs, rtol=1e-6, atol=1e-9):
    other = dict(theirs.named_parameters())
    for name, p in ours.named_parameters():
        np.testing.assert_allclose(p.grad, other[name].grad, rtol=rtol, atol=atol, err_msg=name)


def _hand_over(ours, theirs):
    theirs.load_state_dict({k: torch.from_numpy(a) for k, a in ours.state_dict().items()})
