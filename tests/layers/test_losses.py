"""Losses by their three witnesses, in all reductions, and the labels they refuse."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import layers.functional as F
import minigrad
from layers.errors import LabelError, OptionError
from minigrad.errors import DtypeError, GraphError, ShapeError
from tests.layers import composed
from tests.strategies import draw_array, seeds, shapes

reductions = st.sampled_from(["mean", "sum", "none"])


@settings(max_examples=40, deadline=None)
@given(
    seeds, st.integers(1, 4), shapes(0, 3), reductions, st.booleans(), st.sampled_from([-100, 0])
)
def test_cross_entropy_by_three_witnesses(seed, classes, around, reduction, weighted, ignore_index):
    rng = np.random.default_rng(seed)
    z = draw_array(seed, (*around[:1], classes, *around[1:]))
    labels = rng.integers(0, classes, around)
    if labels.ndim:
        labels[rng.random(around) < 0.3] = ignore_index
        labels.flat[0] = classes - 1
    options = {
        "weight": rng.uniform(0.5, 2, classes) if weighted else None,
        "ignore_index": ignore_index,
        "reduction": reduction,
    }
    if np.all(labels == ignore_index):
        options["ignore_index"] = -1
    composed.check_three(
        lambda t: F.cross_entropy(t, labels, **options),
        lambda t: composed.cross_entropy(t, labels, **options),
        z,
    )


@settings(max_examples=25, deadline=None)
@given(seeds, shapes(0, 3), reductions, st.booleans())
def test_binary_cross_entropy_by_three_witnesses(seed, shape, reduction, weighted):
    x, t = draw_array(seed, shape), draw_array(seed + 1, shape, 0.1, 0.9)
    k = draw_array(seed + 2, shape[-1:], 0.5, 3.0) if weighted else 1.0
    composed.check_three(
        lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction=reduction, pos_weight=k),
        lambda x, t: composed.binary_cross_entropy_with_logits(x, t, reduction, k),
        x,
        t,
    )


@settings(max_examples=25, deadline=None)
@given(seeds, shapes(0, 3), reductions, st.sampled_from([0.5, 1.0, 2.0]))
def test_regression_losses_by_three_witnesses(seed, shape, reduction, beta):
    x, t = draw_array(seed, shape), draw_array(seed + 1, shape)
    composed.check_three(
        lambda x, t: F.mse_loss(x, t, reduction=reduction),
        lambda x, t: composed.mse_loss(x, t, reduction),
        x,
        t,
    )
    composed.check_three(
        lambda x, t: F.smooth_l1_loss(x, t, reduction=reduction, beta=beta),
        lambda x, t: composed.smooth_l1_loss(x, t, reduction, beta),
        x,
        t,
    )


def test_the_gradient_of_cross_entropy_is_probability_minus_one_hot():
    z = minigrad.tensor([[0.0, np.log(3.0)]], requires_grad=True)
    loss = F.cross_entropy(z, [0])
    loss.backward()
    np.testing.assert_allclose(loss.item(), np.log(4), rtol=1e-6)
    np.testing.assert_allclose(z.grad, [[-0.75, 0.75]], rtol=1e-6)


def test_losses_of_logits_survive_extreme_logits():
    z = minigrad.tensor([[1e4, -1e4]], requires_grad=True)
    loss = F.cross_entropy(z, [1])
    loss.backward()
    assert loss.item() == 2e4
    assert z.grad.tolist() == [[1, -1]]
    x = minigrad.tensor([1e4, -1e4], requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x, [0.0, 1.0], reduction="sum")
    loss.backward()
    assert loss.item() == 2e4
    assert x.grad.tolist() == [1, -1]


def test_an_ignored_example_has_no_part_even_with_infinite_loss():
    z = minigrad.tensor([[-np.inf, 0.0], [0.0, 0.0]], requires_grad=True)
    loss = F.cross_entropy(z, [-1, 1], ignore_index=-1)
    loss.backward()
    np.testing.assert_allclose(loss.item(), np.log(2), rtol=1e-6)
    np.testing.assert_allclose(z.grad, [[0, 0], [0.5, -0.5]])


def test_labels_of_any_integer_kind_are_read():
    z = np.random.default_rng(0).standard_normal((3, 4))
    expected = F.cross_entropy(z, np.array([0, 3, 1])).item()
    for labels in ([0, 3, 1], np.uint8([0, 3, 1]), minigrad.tensor([0, 3, 1])):
        assert F.cross_entropy(z, labels).item() == expected
    one = F.cross_entropy(z[:1], [0]).item()
    assert F.cross_entropy(z, np.uint8([0, 255, 255]), ignore_index=255).item() == one
    assert F.cross_entropy(z[0], 0).item() == one


def test_nan_logits_give_a_nan_loss():
    z = minigrad.tensor([[np.nan, 1.0]], requires_grad=True)
    loss = F.cross_entropy(z, [1])
    loss.backward()
    assert np.isnan(loss.item())
    assert np.isnan(z.grad).all()


def test_float32_stays_float32():
    x = minigrad.tensor(np.random.default_rng(0).standard_normal((3, 2)), requires_grad=True)
    t = np.ones((3, 2))
    for reduction in ("mean", "sum", "none"):
        losses = [
            F.cross_entropy(x, [0, 1, 1], np.array([0.3, 0.7]), reduction=reduction),
            F.binary_cross_entropy_with_logits(
                x, t, reduction=reduction, pos_weight=np.array([2.0, 3.0])
            ),
            F.mse_loss(x, t, reduction=reduction),
            F.smooth_l1_loss(x, t, reduction=reduction, beta=np.float64(0.1)),
        ]
        for loss in losses:
            assert loss.dtype == np.float32
            x.grad = None
            loss.backward(np.ones(loss.shape))
            assert x.grad.dtype == np.float32


def test_a_gradient_of_a_gradient_is_refused_not_silently_wrong():
    z = minigrad.tensor([[1.0, 2.0]], requires_grad=True)
    with pytest.raises(GraphError, match="once"):
        minigrad.grad(F.cross_entropy(z, [0]), z, create_graph=True)


@settings(max_examples=25, deadline=None)
@given(seeds, shapes(0, 2), reductions)
def test_gradients_of_gradients_of_losses(seed, shape, reduction):
    x, t = draw_array(seed, shape), draw_array(seed + 1, shape, 0.1, 0.9)
    k = draw_array(seed + 2, shape[-1:], 0.5, 3.0)
    for loss, same in (
        (F.mse_loss, composed.mse_loss),
        (F.smooth_l1_loss, lambda x, t, reduction: composed.smooth_l1_loss(x, t, reduction, 1.0)),
        (
            partial(F.binary_cross_entropy_with_logits, pos_weight=k),
            lambda x, t, reduction: composed.binary_cross_entropy_with_logits(x, t, reduction, k),
        ),
    ):
        found = []
        for f in (loss, same):
            operands = [minigrad.tensor(a, True, np.float64) for a in (x, t)]
            y = np.sum(np.square(f(*operands, reduction=reduction)))
            first = minigrad.grad(y, operands, create_graph=True)
            found.append(minigrad.grad(np.sum(first[0] ** 2) + np.sum(first[1] ** 2), operands))
        for ours, theirs in zip(*found):
            np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-10)


def test_a_sigmoid_at_zero_has_its_slope_in_the_second_derivative():
    x = minigrad.tensor(0.0, True, np.float64)
    y = F.binary_cross_entropy_with_logits(x, np.float64(0.5))
    second = minigrad.grad(minigrad.grad(y, x, create_graph=True), x)
    assert second == pytest.approx(0.25)


# -- what is refused -----------------------------------------------------------------------------

LOGITS = np.zeros((4, 3), np.float32)


@pytest.mark.parametrize(
    ("labels", "error", "words"),
    [
        ([1, 2, 3, 1], LabelError, r"label 3 at index \(2,\).*0\.\.2.*count from 1"),
        ([0, -1, 2, 1], LabelError, r"label -1 at index \(1,\)"),
        ([0.0, 1.0, 2.0, 1.0], LabelError, r"float64.*astype"),
        ([True, False, True, True], LabelError, "bool"),
        (np.eye(4, 3, dtype=int), ShapeError, r"argmax\(axis=1\)"),
        (np.zeros((4, 1), int), ShapeError, r"reshape\(\(4,\)\)"),
        (np.zeros(3, int), ShapeError, r"\(4,\), not \(3,\)"),
    ],
)
def test_labels_that_do_not_fit_are_refused_with_a_remedy(labels, error, words):
    with pytest.raises(error, match=words):
        F.cross_entropy(LOGITS, labels)


def test_logits_and_weights_that_do_not_fit_are_refused():
    with pytest.raises(DtypeError, match="int64"):
        F.cross_entropy(np.zeros((4, 3), int), np.zeros(4, int))
    with pytest.raises(ShapeError, match="class axis"):
        F.cross_entropy(np.float32(1), 0)
    with pytest.raises(ShapeError, match="3 classes"):
        F.cross_entropy(LOGITS, np.zeros(4, int), weight=np.ones(4))
    with pytest.raises(ShapeError, match="pos_weight"):
        F.binary_cross_entropy_with_logits(LOGITS, LOGITS, pos_weight=np.ones(4))


def test_a_target_that_would_broadcast_is_refused():
    for loss in (F.mse_loss, F.smooth_l1_loss, F.binary_cross_entropy_with_logits):
        with pytest.raises(ShapeError, match="Reshape"):
            loss(np.zeros((4, 1), np.float32), np.zeros(4, np.float32))
        with pytest.raises(DtypeError, match="float16"):
            loss(np.zeros(4, np.float16), np.zeros(4))


def test_unknown_options_are_refused():
    with pytest.raises(OptionError, match="'avg'"):
        F.cross_entropy(LOGITS, np.zeros(4, int), reduction="avg")
    with pytest.raises(OptionError, match="beta"):
        F.smooth_l1_loss(LOGITS, LOGITS, beta=0)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ([[0.0, 1.0], [2.0, 0.5]], r"target\[1, 0\] is 2.0"),
        ([[0.0, 1.0], [0.1, -1.0]], r"target\[1, 1\] is -1.0"),
        ([[np.nan, 1.0], [0.1, 0.0]], r"target\[0, 0\] is nan"),
    ],
)
def test_targets_that_are_no_probabilities_are_refused(target, words):
    for wrong in (np.array(target), minigrad.tensor(target)):
        with pytest.raises(LabelError, match=f"probability from 0 to 1, and {words}"):
            F.binary_cross_entropy_with_logits(np.zeros((2, 2)), wrong)
    with pytest.raises(LabelError, match="target is 3.0"):
        F.binary_cross_entropy_with_logits(np.zeros(()), 3.0)


def test_the_mean_of_nothing_is_refused_and_the_sum_is_zero():
    empty, none = np.zeros((0, 3), np.float32), np.zeros(0, int)
    for loss in (
        lambda r: F.cross_entropy(empty, none, reduction=r),
        lambda r: F.cross_entropy(LOGITS, np.full(4, -100), reduction=r),
        lambda r: F.mse_loss(empty, empty, reduction=r),
        lambda r: F.smooth_l1_loss(empty, empty, reduction=r),
        lambda r: F.binary_cross_entropy_with_logits(empty, empty, reduction=r),
    ):
        with pytest.raises(ShapeError, match="0/0"):
            loss("mean")
        assert loss("sum").item() == 0
    assert F.cross_entropy(empty, none, reduction="none").shape == (0,)
