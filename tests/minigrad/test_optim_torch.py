"""Optimizers, clipping and schedules held to PyTorch's, step by step."""

import numpy as np
import pytest

import minigrad
from minigrad import optim

torch = pytest.importorskip("torch")

SHAPES = [(3, 4), (5,), ()]


def _pair(seed=0):
    """The same parameters for both, in float64."""
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape) for shape in SHAPES]
    ours = [minigrad.tensor(a, requires_grad=True, dtype=np.float64) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    return ours, theirs


def _give_gradients(rng, ours, theirs):
    for p, q in zip(ours, theirs, strict=True):
        g = rng.standard_normal(p.shape)
        p.grad, q.grad = g, torch.tensor(g)


def _assert_equal(ours, theirs):
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {}),
        ("SGD", {"lr": 0.1, "weight_decay": 0.01}),
        ("SGD", {"lr": 0.1, "momentum": 0.9}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
        ("SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
        ("RMSprop", {}),
        ("RMSprop", {"lr": 0.03, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.1}),
        ("RMSprop", {"momentum": 0.9}),
        ("RMSprop", {"centered": True}),
        ("RMSprop", {"centered": True, "momentum": 0.7, "alpha": 0.8, "weight_decay": 0.1}),
        ("Adagrad", {}),
        (
            "Adagrad",
            {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.1, "initial_accumulator_value": 0.5},
        ),
        ("Adagrad", {"eps": 0.1}),
        ("Adam", {}),
        ("Adam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    ],
)
def test_update_rule(name, options):
    rng = np.random.default_rng(1)
    ours, theirs = _pair()
    mine, other = (
        getattr(optim, name)(ours, **options),
        getattr(torch.optim, name)(theirs, **options),
    )
    for _ in range(7):
        _give_gradients(rng, ours, theirs)
        mine.step()
        other.step()
        _assert_equal(ours, theirs)


def test_float32_stays_close():
    rng = np.random.default_rng(2)
    start = rng.standard_normal((4, 5)).astype(np.float32)
    p, q = minigrad.tensor(start, requires_grad=True), torch.tensor(start, requires_grad=True)
    mine, other = optim.Adam([p], lr=0.01), torch.optim.Adam([q], lr=0.01)
    for _ in range(20):
        g = rng.standard_normal(start.shape).astype(np.float32)
        p.grad, q.grad = g, torch.tensor(g)
        mine.step()
        other.step()
    assert p.dtype == np.float32
    np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adagrad", "Adam"])
def test_groups_missing_and_nan_gradients(name):
    rng = np.random.default_rng(3)
    ours, theirs = _pair()
    groups = [
        [{"params": some[:1], "lr": 0.5}, {"params": some[1:], "weight_decay": 0.2}]
        for some in (ours, theirs)
    ]
    mine = getattr(optim, name)(groups[0], lr=0.05)
    other = getattr(torch.optim, name)(groups[1], lr=0.05)
    for step in range(5):
        _give_gradients(rng, ours, theirs)
        if step < 2:
            ours[1].grad = theirs[1].grad = None
        if step == 4:
            ours[0].grad[1, 2] = theirs[0].grad[1, 2] = np.nan
        mine.step()
        other.step()
        _assert_equal(ours, theirs)
    assert np.isnan(ours[0].data[1, 2])


@pytest.mark.parametrize("max_norm", [0.0, 0.5, 1e3])
def test_clip_grad_norm(max_norm):
    ours, theirs = _pair()
    _give_gradients(np.random.default_rng(4), ours, theirs)
    ours[1].grad = theirs[1].grad = None
    total = optim.clip_grad_norm_(ours, max_norm)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm)
    assert total == pytest.approx(float(expected), rel=1e-12)
    for p, q in zip(ours, theirs, strict=True):
        if p.grad is not None:
            np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_clip_grad_norm_of_bad_gradients(bad):
    ours, theirs = _pair()
    _give_gradients(np.random.default_rng(4), ours, theirs)
    ours[0].grad[0, 0] = theirs[0].grad[0, 0] = bad
    with np.errstate(invalid="ignore"):
        optim.clip_grad_norm_(ours, 1.0)
    torch.nn.utils.clip_grad_norm_(theirs, 1.0)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.grad, q.grad.numpy())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("StepLR", {"step_size": 3}),
        ("StepLR", {"step_size": 2, "gamma": 0.5}),
        ("MultiStepLR", {"milestones": [2, 5, 5, 9]}),
        ("MultiStepLR", {"milestones": [9, 4], "gamma": 0.3}),
        ("ExponentialLR", {"gamma": 0.8}),
        ("CosineAnnealingLR", {"T_max": 8}),
        ("CosineAnnealingLR", {"T_max": 6, "eta_min": 0.01}),
        ("LinearLR", {}),
        ("LinearLR", {"start_factor": 0.1, "end_factor": 0.7, "total_iters": 8}),
        ("LambdaLR", {"lr_lambda": lambda t: 1 / (1 + t)}),
        ("LambdaLR", {"lr_lambda": [lambda t: 1 / (1 + t), lambda t: 0.5**t]}),
    ],
)
def test_schedule(name, options):
    ours, theirs = _pair()
    groups = [[{"params": some[:1], "lr": 0.5}, {"params": some[1:]}] for some in (ours, theirs)]
    mine, other = optim.SGD(groups[0], lr=0.2), torch.optim.SGD(groups[1], lr=0.2)
    schedule = getattr(optim, name)(mine, **options)
    expected = getattr(torch.optim.lr_scheduler, name)(other, **options)
    for _ in range(14):
        assert schedule.get_last_lr() == pytest.approx(expected.get_last_lr(), rel=1e-9, abs=1e-15)
        assert [g["lr"] for g in mine.param_groups] == schedule.get_last_lr()
        mine.step()
        other.step()
        schedule.step()
        expected.step()
