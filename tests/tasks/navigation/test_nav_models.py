"""The networks: which parts an agent has, what goes where, and where an episode's memory ends."""

import numpy as np
import pytest

import maze
from layers import Conv2d, Flatten, Linear, ReLU, Sequential
from minigrad import no_grad
from tasks.config import UsageError
from tasks.navigation import models
from tasks.navigation.acting import empty_senses, perceive
from tasks.navigation.agents import AGENTS, ingredients
from tasks.navigation.decoder import PositionDecoder
from tasks.navigation.models import NavigationNet, Senses

F, H, L = 256, 256, 64
ENCODER = {
    channels: (channels * 64 + 1) * 16 + (16 * 16 + 1) * 32 + (32 * 81 + 1) * F
    for channels in (3, 4)
}
HEAD = (256 + 1) * 128 + (128 + 1) * 512


def lstm_size(inputs, units):
    return 4 * units * (inputs + units + 2)


def net_of(agent, side=84, **options):
    return NavigationNet(ingredients(agent), np.random.default_rng(0), side, **options)


def senses(steps=3, batch=2, channels=3, side=84, seed=0):
    rng = np.random.default_rng(seed)
    shape = steps, batch
    return Senses(
        rng.random((*shape, channels, side, side), dtype=np.float32),
        rng.standard_normal((*shape, 6)).astype(np.float32),
        rng.integers(-1, 8, shape),
        rng.standard_normal(shape).astype(np.float32),
        np.zeros(shape, bool),
    )


@pytest.mark.parametrize("agent", AGENTS)
def test_sizes_are_the_paper_s(agent):
    net = net_of(agent)
    kind, _, tasks = agent.partition("-")
    expected = ENCODER[4 if tasks == "rgbd" else 3] + (H + 1) * 8 + H + 1
    if kind == "lstm":
        expected += lstm_size(F, H)
    if kind == "nav":
        expected += lstm_size(F + 1, L) + lstm_size(F + L + 6 + 8, H)
    expected += HEAD * (("d1" in tasks) + ("d2" in tasks))
    expected += ((256 + 1) * 128 + (128 + 1) * 2) if tasks.endswith("l") else 0
    assert sum(p.size for p in net.parameters()) == expected


def test_the_upper_lstm_is_given_what_was_done_and_how_one_moves(monkeypatch):
    net, seen, given = net_of("nav", side=36), senses(steps=9, side=36), []
    unroll = models.unrolled

    def noting(cell, x, *rest):
        given.append(np.asarray(getattr(x, "data", x)))
        return unroll(cell, x, *rest)

    monkeypatch.setattr(models, "unrolled", noting)
    net(seen, net.empty(2))
    lower, upper = given
    np.testing.assert_array_equal(lower[..., F], seen.reward)
    np.testing.assert_array_equal(upper[..., F + L : F + L + 6], seen.velocity)
    done = np.vstack([np.eye(8), np.zeros(8)])[seen.action]  # -1, nothing yet, is the last row
    assert {-1, 0, 7} <= {*seen.action.ravel().tolist()}
    np.testing.assert_array_equal(upper[..., F + L + 6 :], done)


@pytest.mark.parametrize("agent", AGENTS)
def test_shapes(agent):
    net = net_of(agent, side=36)
    seen = senses(channels=net.parts.channels, side=36)
    output = net(seen, net.empty(2))
    assert output.f.shape == (6, F)
    assert output.h.shape == (3, 2, H)
    assert output.logits.shape == (6, 8)
    assert output.value.shape == (6,)
    assert [part.shape[1] for part in output.state] == [part.shape[1] for part in net.empty(2)]
    heads = net.depth_logits(output)
    assert [*heads] == [name for name in ("d1", "d2") if name in agent]
    assert all(said.shape == (6, 8, 64) for said in heads.values())
    looped = net.loop_logits(output)
    assert (looped is None) == (not agent.endswith(("-l", "1l", "2l")))
    assert looped is None or looped.shape == (6, 2)


def test_regressed_depth_is_a_number_a_pixel():
    net = net_of("nav-d1d2", side=36, classify=False)
    heads = net.depth_logits(net(senses(side=36), net.empty(2)))
    assert [said.shape for said in heads.values()] == [(6, 64)] * 2


def test_an_unknown_agent_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="Did you mean nav-d1d2l"):
        ingredients("nav-d1d2lx")


def test_pictures_too_small_for_the_encoder_are_refused():
    with pytest.raises(ValueError, match="19 pixels are too small"):
        net_of("ff", side=19)
    net_of("ff", side=20)


def changes(net, field):
    """Which of f, the lower LSTM's output and h change with one of the inputs."""
    seen = senses(steps=1, side=36)
    other = seen._replace(**{field: getattr(senses(steps=1, side=36, seed=1), field)})
    with no_grad():
        one, two = (net(s, net.empty(2)) for s in (seen, other))
    pairs = [(one.f, two.f), *zip(one.state[:1], two.state[:1]), (one.h, two.h)]
    return [not np.array_equal(a.data, b.data) for a, b in pairs]


def test_reward_goes_to_the_lower_lstm_velocity_and_action_to_the_upper_alone():
    net = net_of("nav", side=36)
    assert changes(net, "pixels") == [True, True, True]
    assert changes(net, "reward") == [False, True, True]
    assert changes(net, "velocity") == [False, False, True]
    assert changes(net, "action") == [False, False, True]


@pytest.mark.parametrize("agent", ["ff", "lstm"])
def test_the_baselines_see_pictures_alone(agent):
    net = net_of(agent, side=36)
    for field in ("reward", "velocity", "action"):
        assert not any(changes(net, field))


@pytest.mark.parametrize("agent", ["lstm", "nav"])
def test_memory_goes_on_between_steps_and_ends_with_an_episode(agent):
    net = net_of(agent, side=36)
    seen = senses(steps=6, side=36)
    seen.first[2, 1] = seen.first[4, 0] = True
    rng = np.random.default_rng(2)
    start = tuple(rng.standard_normal(part.shape).astype(np.float32) for part in net.empty(2))
    with no_grad():
        whole = net(seen, start)
        state, steps = start, []
        for t in range(6):  # by hand: one step, one agent at a time
            fresh = [
                tuple(np.where(seen.first[t][:, None], 0, np.asarray(part)).astype(np.float32)
                      for part in state)
            ]  # fmt: skip
            one = net(
                Senses(*(part[t : t + 1] for part in seen))._replace(first=np.zeros((1, 2), bool)),
                fresh[0],
            )
            state = tuple(part.data for part in one.state)
            steps.append(one.h.data[0])
    np.testing.assert_allclose(whole.h.data, np.array(steps), atol=1e-5)
    for a, b in zip(whole.state, state, strict=True):
        np.testing.assert_allclose(a.data, b, atol=1e-5)


def test_no_gradient_flows_across_the_beginning_of_an_episode():
    net = net_of("lstm", side=20)
    seen = senses(steps=4, batch=2, side=20)
    seen.first[2, 0] = True
    output = net(seen, net.empty(2))
    output.f.retain_grad()
    np.sum(output.h[3]).backward()
    gradient = np.abs(output.f.grad.reshape(4, 2, F)).sum(axis=2)
    assert (gradient[:2, 0] == 0).all()
    assert (gradient[2:, 0] > 0).all()
    assert (gradient[:, 1] > 0).all()


def test_the_position_decoder_learns_and_sends_no_gradient_into_the_agent():
    net = net_of("nav", side=20)
    output = net(senses(side=20), net.empty(2))
    decoder = PositionDecoder(9, np.random.default_rng(1))
    cells = np.arange(6).reshape(3, 2)
    right = [decoder.learn(output.h, cells) for _ in range(400)]
    assert all(p.grad is None for p in net.parameters())
    assert right[0] < 0.5
    assert right[-1] > 0.9
    likelihood = decoder.likelihood(output.h.detach().data)
    np.testing.assert_allclose(likelihood.sum(axis=-1), 1, atol=1e-5)


def test_places_of_a_maze_differ_in_f_from_the_start():
    """The two figures of the module's docstring, and what makes the difference."""
    mazes = maze.make("StaticSmall", 128, order="CHW")  # random starts, in one maze
    mazes.reset()
    net = net_of("ff")
    seen = empty_senses(net, 1, 128, mazes.size)
    perceive(seen, 0, mazes.look(), np.ones(128, bool), 1.0)
    pictures = seen.pixels[0]

    def spread(encoder, pictures):
        with no_grad():
            return encoder(pictures).data.std(axis=0).mean()

    rng = np.random.default_rng(0)
    as_usual = Sequential(
        Conv2d(3, 16, 8, stride=4, rng=rng),
        ReLU(),
        Conv2d(16, 32, 4, stride=2, rng=rng),
        ReLU(),
        Flatten(),
        Linear(2592, F, rng=rng),
        ReLU(),
    )
    assert 0.006 < spread(as_usual, pictures + 0.5) < 0.014
    assert spread(net.encoder, pictures) > 0.07
