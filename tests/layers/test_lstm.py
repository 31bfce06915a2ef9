"""LSTM by its three witnesses: one layer, stacked layers, the cell; states in and out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import layers.functional as F
import minigrad
from layers import LSTM, LSTMCell, lstm
from layers.errors import OptionError
from minigrad.errors import DtypeError, ShapeError
from minigrad.kernels import threads
from tests.helpers import check_gradient
from tests.layers import composed
from tests.strategies import draw_array, seeds

size = st.integers(1, 3)


def _parameters(seed, inputs, hidden):
    shapes = [(4 * hidden, inputs), (4 * hidden, hidden), (4 * hidden,), (4 * hidden,)]
    return [draw_array(seed + k, shape, -1, 1) for k, shape in enumerate(shapes)]


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(1, 4), size, size, size)
def test_one_layer_by_three_witnesses(seed, steps, batch, inputs, hidden):
    arrays = (
        draw_array(seed, (steps, batch, inputs)),
        draw_array(seed + 1, (batch, hidden)),
        draw_array(seed + 2, (batch, hidden)),
        *_parameters(seed + 3, inputs, hidden),
    )
    composed.check_three(
        lambda x, h, c, *parameters: F.lstm(x, (h, c), *parameters), composed.lstm, *arrays
    )


@pytest.mark.parametrize("batch_first", [False, True])
def test_stacked_layers_by_composition_and_differences(batch_first):
    rng = np.random.default_rng(0)
    net = LSTM(3, 2, num_layers=2, batch_first=batch_first, rng=rng).double()

    def run(x, h, c):
        output, (hn, cn) = net(x, (h, c))
        return output, hn, cn

    def composition(x, h, c):
        x = np.swapaxes(x, 0, 1) if batch_first else x
        ends = []
        for k in range(2):
            names = (f"weight_ih_l{k}", f"weight_hh_l{k}", f"bias_ih_l{k}", f"bias_hh_l{k}")
            x, hn, cn = composed.lstm(x, h[k], c[k], *(getattr(net, name) for name in names))
            ends.append((hn, cn))
        hs, cs = zip(*ends)
        return np.swapaxes(x, 0, 1) if batch_first else x, np.stack(hs), np.stack(cs)

    shape = (2, 4, 3) if batch_first else (4, 2, 3)
    arrays = [rng.standard_normal(s) for s in (shape, (2, 2, 2), (2, 2, 2))]
    composed.check_three(run, composition, *arrays)


def test_gradients_of_the_parameters_of_stacked_layers():
    net = LSTM(2, 2, num_layers=2, rng=np.random.default_rng(0)).double()
    x = np.random.default_rng(1).standard_normal((3, 2, 2))
    names = [name for name, _ in net.named_parameters()]

    def run(*parameters):
        below, above = parameters[:4], parameters[4:]
        h, _, _ = F.lstm(x, None, *below)
        return F.lstm(h, None, *above)

    values = [net.state_dict()[name] for name in names]
    check_gradient(run, *values, second=False)
    output, (h, _) = net(x)
    np.testing.assert_array_equal(output.data, run(*values)[0].data)
    np.testing.assert_array_equal(output.data[-1], h.data[1])


def test_the_cell_step_by_step_is_the_layer_over_the_sequence():
    cell = LSTMCell(3, 2, rng=np.random.default_rng(0))
    layer = LSTM(3, 2)
    layer.load_state_dict({f"{name}_l0": array for name, array in cell.state_dict().items()})
    x = np.random.default_rng(1).standard_normal((5, 4, 3)).astype(np.float32)
    upstream = np.random.default_rng(2).standard_normal((5, 4, 2)).astype(np.float32)
    state, outputs = None, []
    for step in x:
        state = cell(step, state)
        outputs.append(state[0])
    np.stack(outputs).backward(upstream)
    output, (h, c) = layer(x)
    output.backward(upstream)
    np.testing.assert_allclose(np.stack(outputs).data, output.data, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(state[1].data, c.data[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(output.data[-1], h.data[0])
    for name, parameter in cell.named_parameters():
        other = getattr(layer, f"{name}_l0")
        np.testing.assert_allclose(parameter.grad, other.grad, rtol=1e-4, atol=1e-5)


def test_the_state_carries_gradients_from_one_sequence_to_the_next():
    net = LSTM(2, 3, num_layers=2, rng=np.random.default_rng(0)).double()
    x = np.random.default_rng(1).standard_normal((6, 2, 2))

    def whole(x):
        return net(x)[0]

    def halves(x):
        first, state = net(x[:3])
        second, _ = net(x[3:], state)
        return np.concatenate([first, second])

    composed.check_two(halves, whole, x)


def test_only_the_states_used_still_give_every_gradient():
    net = LSTM(2, 3)
    _, (_, c) = net(np.ones((4, 2, 2), np.float32))
    c.backward(np.ones((1, 2, 3)))
    assert all(np.any(p.grad != 0) for p in net.parameters())
    assert {p.grad.dtype for p in net.parameters()} == {np.dtype(np.float32)}


def test_names_shapes_bounds_and_missing_biases():
    net = LSTM(5, 4, num_layers=2, rng=np.random.default_rng(0))
    assert {name: p.shape for name, p in net.named_parameters()} == {
        "weight_ih_l0": (16, 5), "weight_hh_l0": (16, 4), "bias_ih_l0": (16,), "bias_hh_l0": (16,),
        "weight_ih_l1": (16, 4), "weight_hh_l1": (16, 4), "bias_ih_l1": (16,), "bias_hh_l1": (16,),
    }  # fmt: skip
    highest = max(np.abs(p.data).max() for p in net.parameters())
    assert 0.48 < highest <= 0.5
    bare = LSTM(5, 4, bias=False)
    assert list(bare.state_dict()) == ["weight_ih_l0", "weight_hh_l0"]
    bare(np.ones((2, 1, 5), np.float32))[0].backward(np.ones((2, 1, 4)))
    assert bare.weight_ih_l0.grad.shape == (16, 5)
    assert repr(net) == "LSTM(5, 4, num_layers=2)"
    assert repr(LSTMCell(5, 4)) == "LSTMCell(5, 4)"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_threads_share_the_examples(count, monkeypatch):
    monkeypatch.setattr(lstm, "WORTH_SHARING", 0)
    before = threads.get_num_threads()
    arrays = (draw_array(0, (4, 5, 3)), *(draw_array(k, (5, 2)) for k in (1, 2)))
    arrays += (*_parameters(3, 3, 2),)
    try:
        threads.set_num_threads(count)
        composed.check_two(
            lambda x, h, c, *parameters: F.lstm(x, (h, c), *parameters), composed.lstm, *arrays
        )
        output, _, c = F.lstm(minigrad.tensor(arrays[0]), None, *_parameters(3, 3, 2)[:2])
        assert output.shape == (4, 5, 2)
        assert c.shape == (5, 2)
    finally:
        threads.set_num_threads(before)


def test_an_empty_batch_has_an_empty_output():
    output, (h, c) = LSTM(2, 3)(np.zeros((4, 0, 2), np.float32))
    assert output.shape == (4, 0, 3)
    assert h.shape == c.shape == (1, 0, 3)


def test_nan_passes_on_to_later_steps_only():
    x = np.zeros((3, 1, 2), np.float32)
    x[1] = np.nan
    output, _ = LSTM(2, 3)(x)
    assert np.isnan(output.data).all(axis=(1, 2)).tolist() == [False, True, True]


def test_wrong_input_is_refused():
    net, x = LSTM(2, 3, num_layers=2), np.zeros((4, 5, 2), np.float32)
    with pytest.raises(ShapeError, match=r"\(T, N, I\)"):
        net(x[0])
    with pytest.raises(ShapeError, match=r"\(N, T, I\)"):
        LSTM(2, 3, batch_first=True)(x[0])
    with pytest.raises(ShapeError, match=r"\(4, 5, 3\).*\(T, N, 2\)"):
        net(np.zeros((4, 5, 3), np.float32))
    with pytest.raises(ShapeError, match="T at least 1"):
        net(x[:0])
    with pytest.raises(ShapeError, match=r"both must be \(2, 5, 3\)"):
        net(x, (np.zeros((1, 5, 3)), np.zeros((1, 5, 3))))
    with pytest.raises(ShapeError, match=r"tuple \(h0, c0\), not a ndarray"):
        net(x, np.zeros((2, 5, 3)))
    with pytest.raises(DtypeError, match="state c0 has dtype int64"):
        net(x, (np.zeros((2, 5, 3)), np.zeros((2, 5, 3), int)))
    with pytest.raises(DtypeError, match="int64"):
        net(np.zeros((4, 5, 2), int))
    with pytest.raises(ShapeError, match=r"LSTMCell: .*\(N, 2\)"):
        LSTMCell(2, 3)(x)
    with pytest.raises(ShapeError, match=r"LSTMCell: .*shape \(5, 3\).*\(N, 2\)"):
        LSTMCell(2, 3)(np.zeros((5, 3), np.float32))
    with pytest.raises(ShapeError, match=r"a tuple \(h0, c0\), not a tuple of 3"):
        net(x, (None, None, None))
    with pytest.raises(OptionError, match="num_layers"):
        LSTM(2, 3, num_layers=0)


def test_parameters_that_do_not_fit_are_refused():
    x, good = np.zeros((4, 5, 2)), _parameters(0, 2, 3)
    for place, shape in [(0, (9, 2)), (1, (9, 3)), (1, (12, 4)), (2, (9,)), (3, (1,))]:
        parameters = [np.zeros(shape) if k == place else p for k, p in enumerate(good)]
        with pytest.raises(ShapeError, match="4H = "):
            F.lstm(x, None, *parameters)


def test_gates_saturate_without_overflow():
    w_ih = np.full((4, 1), 500.0)
    output, h, c = F.lstm(np.ones((3, 1, 1)), None, w_ih, np.zeros((4, 1)))
    np.testing.assert_allclose(c.data, 3)
    np.testing.assert_allclose(output.data.ravel(), np.tanh([1, 2, 3]))
    low = minigrad.tensor(-w_ih, requires_grad=True, dtype=np.float64)
    F.lstm(np.ones((3, 1, 1)), None, low, np.zeros((4, 1)))[0].backward(np.ones((3, 1, 1)))
    assert np.isfinite(low.grad).all()
