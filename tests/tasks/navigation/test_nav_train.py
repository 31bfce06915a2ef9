"""Rollouts, and the learner that learns from them."""

import warnings

import numpy as np
import pytest

import maze
from minigrad.errors import NotFiniteError
from tasks.config import make_config
from tasks.navigation.acting import Player, draw_actions, empty_senses, perceive
from tasks.navigation.agents import ingredients
from tasks.navigation.decoder import PositionDecoder, cells, grid
from tasks.navigation.depth import coarse
from tasks.navigation.loop_closure import LoopClosure
from tasks.navigation.models import NavigationNet, Senses
from tasks.navigation.navigation import PRESETS, Config
from tasks.navigation.rollout import Actor
from tasks.navigation.setup import make_learner
from tasks.navigation.train import Learner, LossWeights, dead

HALL = """
#####
#...#
#.G.#
#...#
#####
"""


def actor_of(agent="nav-d1d2l", batch=2, steps=7, side=20, frames=120, seed=0, text=HALL):
    mazes = maze.make(maze.from_text(text), batch, seed, size=side, order="CHW", frames=frames)
    net = NavigationNet(ingredients(agent), np.random.default_rng(0), side)
    actor = Actor(net, mazes, steps, 0.1, np.random.default_rng(1))
    return net, actor


def learner_of(net, actor, updates=100, **options):
    rows, columns = grid(actor.simulator.maze_size)
    decoder = PositionDecoder(rows * columns, np.random.default_rng(2))
    settings = {"rate": 7e-4, "gamma": 0.99, "max_norm": 0.5, "alpha": 0.99, "eps": 1e-5}
    settings |= {"eps_inside": False} | options
    return Learner(net, decoder, LossWeights(), updates=updates, **settings)


# -- rollouts ----------------------------------------------------------------------------------------


def test_an_unroll_is_what_happened():
    net, actor = actor_of(batch=3, frames=240)  # the first of the three is cut after 20 steps
    for _ in range(2):
        unroll = actor.unroll()
    seen, simulator = unroll.senses, actor.simulator
    assert not unroll.ended.any()
    np.testing.assert_array_equal(seen.action[1:], unroll.actions[:-1])
    np.testing.assert_array_equal(seen.reward[1:], unroll.rewards[:-1])
    np.testing.assert_array_equal(simulator.agents["action"], unroll.actions[-1])
    assert -0.5 <= seen.pixels.min() < 0 < seen.pixels.max() <= 0.5
    look = simulator.look()
    np.testing.assert_allclose(actor._seen.rgb, look.rgb)
    assert (unroll.cells < 4).all()
    # The same senses and memory give the same values again, in one call for all steps.
    output = net(seen, unroll.state)
    for mine, again in zip(actor.policy.state, output.state, strict=True):
        np.testing.assert_allclose(mine, again.data, atol=1e-5)


GARDEN = """
#########
#...A...#
#.......#
#...G...#
#.......#
#...S...#
#########
"""


class Recording:
    """Notes what the mazes of an actor held before each decision, and the points that it brought."""

    def __init__(self, actor):
        self.step, self.actor = actor.simulator.step, actor
        self.cells, self.points, self.found = [], [], []
        actor.simulator.step = self

    def __call__(self, actions):
        simulator = self.actor.simulator
        self.cells.append(cells(simulator).copy())
        goals = simulator.agents["goals"].copy()
        answer = self.step(actions)
        self.points.append(answer[1].copy())
        self.found.append(simulator.agents["goals"] > goals)
        return answer


def recorded(agent, batch=6, steps=400):
    """An unroll by one who likes to go forward and to the left, and what it was about."""
    _, actor = actor_of(agent, batch, steps, frames=2_400, text=GARDEN)
    actor.reward_scale = 0.2
    actor.policy.net.policy.bias.data[[2, 6]] = 2.5
    noted = Recording(actor)
    unroll = actor.unroll()
    return actor, unroll, [np.array(notes) for notes in (noted.cells, noted.points, noted.found)]


def test_points_are_scaled_and_cut_at_one():
    _, unroll, (_, points, _) = recorded("ff")
    assert {0, 1, 2, 10} <= {*points.ravel().tolist()}
    expected = np.minimum(0.2 * points, 1)
    np.testing.assert_allclose(unroll.rewards, expected, rtol=1e-6)
    later = ~unroll.senses.first[1:]
    np.testing.assert_allclose(unroll.senses.reward[1:][later], expected[:-1][later], rtol=1e-6)


def test_cells_and_loops_are_those_of_the_step_they_stand_beside():
    actor, unroll, (cells_, _, found) = recorded("nav-l")
    np.testing.assert_array_equal(unroll.cells, cells_)
    felt, labels = LoopClosure(6, 600, seconds=4 / 60), []
    begins = unroll.senses.first | np.vstack([np.zeros((1, 6), bool), found[:-1]])
    for velocity, begin in zip(unroll.senses.velocity, begins):
        felt.begin(begin)
        labels.append(felt.step(velocity))
    np.testing.assert_array_equal(unroll.loops, labels)
    assert 0.05 < unroll.loops.mean() < 0.95
    assert begins.sum() > 10


def test_who_has_depth_as_an_input_sees_how_near_things_are():
    net, actor = actor_of("nav-rgbd")
    seen = actor.simulator.look()
    assert np.ptp(seen.depth) > 0.5
    senses = empty_senses(net, 1, 2, actor.simulator.size)
    perceive(senses, 0, seen, np.ones(2, bool), 1.0)
    np.testing.assert_allclose(senses.pixels[0, :, 3], 1 / (1 + seen.depth) - 0.5, rtol=1e-5)
    np.testing.assert_allclose(senses.pixels[0, :, :3], seen.rgb / 255 - 0.5, atol=1e-6)


def test_episodes_end_at_different_times_and_are_counted_when_whole():
    _, actor = actor_of("ff", batch=3, steps=10, frames=120)  # 30 steps an episode
    ends = [np.argwhere(actor.unroll().ended).tolist() for _ in range(6)]
    assert ends == [[[9, 0]], [[9, 1]], [[9, 2]]] * 2
    assert len(actor.take_finished()) == 1 + 3  # two of the first three were cut short
    assert actor.take_finished() == []


def test_more_mazes_than_steps_of_an_episode():
    _, actor = actor_of("ff", batch=16, steps=25, frames=40)  # 10 steps an episode
    ended = actor.unroll().ended
    assert ended[:10].any(axis=1).all(), "the first are cut, each maze's at its own time"
    assert (ended.sum(axis=0) >= 2).all()
    assert len(actor.take_finished()) == ended.sum() - 15, "one of the first was whole"


def test_at_the_end_of_an_episode_the_value_of_its_end_is_kept_and_memory_emptied():
    net, actor = actor_of("nav", batch=1, steps=30, frames=120)
    unroll = actor.unroll()
    assert unroll.ended[:, 0].tolist() == [False] * 29 + [True]
    assert unroll.final_values[29, 0] != 0
    assert actor.first.all()
    second = actor.unroll()
    assert second.senses.first[:, 0].tolist() == [True] + [False] * 29
    assert second.senses.action[0, 0] == -1


def test_the_targets_are_of_what_is_seen():
    """Depths and values of an unroll are of the pictures it holds, and its bootstrap of the next one."""
    net, actor = actor_of("nav-d2", batch=3, steps=5, frames=240)
    actor.unroll()
    depth = coarse(actor.simulator.look().depth).reshape(3, -1)
    bootstrap = actor._unroll.bootstrap.copy()
    unroll = actor.unroll()
    np.testing.assert_array_equal(unroll.depths[0], depth)
    output = net(Senses(*(part[:1] for part in unroll.senses)), unroll.state)
    np.testing.assert_allclose(bootstrap, output.value.data, rtol=1e-5)


def test_the_value_of_an_episodes_end_is_of_its_last_picture_with_the_memory_of_it(monkeypatch):
    net, actor = actor_of("nav", batch=1, steps=30, frames=120)
    last, begin = [], actor._begin
    monkeypatch.setattr(actor, "_begin", lambda which: (last.append(actor._seen), begin(which)))
    unroll = actor.unroll()
    senses = empty_senses(net, 31, 1, actor.simulator.size)
    for whole, part in zip(senses, unroll.senses, strict=True):
        whole[:30] = part
    perceive(senses, 30, last[0], np.zeros(1, bool), actor.reward_scale)
    value = net(senses, net.empty(1)).value.data[30]
    np.testing.assert_allclose(unroll.final_values[29, 0], value, rtol=1e-5)


def test_the_path_of_loop_closure_begins_anew_at_a_teleport():
    _, actor = actor_of("ff", batch=4, steps=1, frames=1_200)
    finds = 0
    for _ in range(600):
        goals = actor.simulator.agents["goals"].copy()
        length = np.where(actor.first, 0, actor.loop.length)
        actor.unroll()
        going_on = ~actor.first
        found = actor.simulator.agents["goals"] > goals
        finds += found.sum()
        expected = np.where(found, 0, length + 1)
        np.testing.assert_array_equal(actor.loop.length[going_on], expected[going_on])
    assert finds > 3


def test_a_player_forgets_between_episodes():
    net, actor = actor_of("nav-d2", frames=40)
    mazes, player = actor.simulator, Player(net, np.random.default_rng(0))
    for _ in range(2):
        mazes.reset(seed=3)
        player(mazes)
        began = player.decision.values.copy()
        while not mazes.over.any():
            mazes.step(player(mazes))
    fresh = Player(net, np.random.default_rng(0))
    mazes.reset(seed=3)
    fresh(mazes)
    np.testing.assert_array_equal(began, fresh.decision.values)


def test_actions_are_drawn_by_their_probabilities():
    p = np.array([0.1, 0.0, 0.6, 0.3])
    drawn = draw_actions(np.tile(p, (20_000, 1)), np.random.default_rng(0))
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 20_000, p, atol=0.02)
    assert not (drawn == 1).any()


def test_cells_are_where_the_agents_are():
    mazes = maze.make("StaticSmall", 4, size=1)
    mazes.reset()
    assert grid(mazes.maze_size) == (5, 10)
    mazes.agents["y"], mazes.agents["x"] = [1.5, 1.5, 3.4, 9.9], [1.5, 19.5, 2.6, 0.6]
    assert cells(mazes).tolist() == [0, 9, 11, 40]


def test_a_player_of_the_net_plays_in_maze_s_own_rollouts():
    net, actor = actor_of("nav-d2")
    played = maze.players.rollout(actor.simulator, Player(net, np.random.default_rng(0)))
    assert played.rewards.shape == (30, 2)


# -- learning ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("agent", ["ff", "lstm", "nav-d1d2l", "nav-rgbd"])
def test_every_parameter_learns(agent):
    net, actor = actor_of(agent)
    learner = learner_of(net, actor)
    before = net.state_dict()
    measures = learner.learn(actor.unroll())
    after = net.state_dict()
    assert not [name for name in before if np.array_equal(before[name], after[name])]
    heads = [name for name in ("d1", "d2") if name in agent]
    heads += ["loop"] if agent.endswith("l") else []
    assert {*measures} == {"policy", "value", "entropy", *heads, "position", "gradient", "dead"}


def test_units_that_are_never_awake_are_counted():
    f = np.zeros((5, 8))
    f[2, 1] = f[4, 1] = f[0, 7] = 0.5
    assert dead(f) == 75
    f[3] = np.nan
    assert dead(f) == 0, "no number is not 0"
    net, actor = actor_of("lstm")
    net.encoder[5].bias.data[:64] = -100
    assert 25 <= learner_of(net, actor).learn(actor.unroll())["dead"] < 80


def test_the_gradient_is_of_the_weighted_sum():
    net, actor = actor_of("nav-d1d2l")
    unroll = actor.unroll()
    learner = learner_of(net, actor)
    loss, _, measures = learner.loss(unroll)
    w = learner.weights
    expected = measures["policy"] + w.value * measures["value"] - w.entropy * measures["entropy"]
    expected += w.d1 * measures["d1"] + w.d2 * measures["d2"] + w.loop * measures["loop"]
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_policy_and_value_are_judged_by_what_followed():
    """Both losses from the returns of each step summed up by themselves, over the end of an episode and to the unroll's."""
    net, actor = actor_of("nav", batch=2, steps=20)  # the first episode is cut after 15 steps
    unroll = actor.unroll()
    assert unroll.ended.any()
    unroll.rewards[...] = np.random.default_rng(4).uniform(-1, 1, unroll.rewards.shape)
    unroll.final_values[...] = 3
    unroll.bootstrap[...] = -2
    returns = np.zeros((20, 2))
    for t in range(20):
        for n in range(2):
            share = 1.0
            for s in range(t, 20):
                returns[t, n] += share * unroll.rewards[s, n]
                share *= 0.9
                if unroll.ended[s, n]:
                    returns[t, n] += share * 3
                    break
            else:
                returns[t, n] += share * -2
    output = net(unroll.senses, unroll.state)
    values, logits = output.value.data.reshape(20, 2), output.logits.data.reshape(20, 2, 8)
    log_p = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
    taken = np.take_along_axis(log_p, unroll.actions[..., None], axis=2)[..., 0]
    measures = learner_of(net, actor, gamma=0.9).learn(unroll)
    assert measures["policy"] == pytest.approx(-np.mean(taken * (returns - values)), rel=1e-4)
    assert measures["value"] == pytest.approx(np.mean((returns - values) ** 2) / 2, rel=1e-4)


def test_the_gradient_is_clipped_and_its_length_before_that_measured():
    net, actor = actor_of("nav-d2")
    _, measures = learner_of(net, actor, max_norm=1e-3).gradient(actor.unroll())
    length = np.sqrt(sum(np.square(p.grad).sum() for p in net.parameters()))
    assert length == pytest.approx(1e-3, rel=1e-3)
    assert measures["gradient"] > 2e-3


def test_the_rate_falls_to_zero():
    net, actor = actor_of("ff")
    learner = learner_of(net, actor, updates=4, rate=4e-4)
    rates = []
    for _ in range(5):
        rates.append(learner.optimiser.lr)
        learner.learn(actor.unroll())
    np.testing.assert_allclose(rates, [4e-4, 3e-4, 2e-4, 1e-4, 0.0])


def test_not_a_number_stops_before_anything_is_changed():
    net, actor = actor_of("nav-d2")
    learner = learner_of(net, actor)
    unroll = actor.unroll()
    unroll.rewards[3, 1] = np.nan
    before = net.state_dict()
    with pytest.raises(NotFiniteError, match="the loss 'policy' is nan"):
        learner.learn(unroll)
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    net.value.weight.data[0, 5] = np.inf
    with pytest.raises(NotFiniteError, match=r"parameters of value\.weight are not finite"):
        learner.learn(actor.unroll())


def test_the_gradient_that_is_not_finite_is_named(monkeypatch):
    net, actor = actor_of("nav-d2")
    learner = learner_of(net, actor)
    loss = learner.loss

    def steep(unroll):
        total, *rest = loss(unroll)
        return total + np.sqrt(0 * net.value.weight).sum(), *rest  # 0, and its slope is 0 · inf

    monkeypatch.setattr(learner, "loss", steep)
    with pytest.raises(NotFiniteError, match=r"gradients of value\.weight are not finite"):
        learner.learn(actor.unroll())


def test_acting_leaves_it_to_the_learner_to_say_what_is_not_finite():
    net, actor = actor_of("nav-d2")
    for p in net.parameters():
        p.data[...] = np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unroll = actor.unroll()
    with pytest.raises(NotFiniteError):
        learner_of(net, actor).learn(unroll)


def length_of_the_way(preset, **texts):
    """How far a few updates of that preset's learner move all weights."""
    net, actor = actor_of(batch=4, steps=20)
    rows, columns = grid(actor.simulator.maze_size)
    decoder = PositionDecoder(rows * columns, np.random.default_rng(2))
    learner = make_learner(make_config(Config, PRESETS, preset, texts), net, decoder, 10**6)
    before = net.state_dict()
    for _ in range(5):
        learner.learn(actor.unroll())
    return np.sqrt(sum(np.square(a - before[name]).sum() for name, a in net.state_dict().items()))


def test_with_the_papers_eps_weights_move_as_far_as_with_ours():
    ours = length_of_the_way("default")
    assert ours / 2 < length_of_the_way("paper") < 2 * ours
    assert length_of_the_way("paper", eps="1e-5") < ours / 5, "under the root it swamps gradients"


def test_it_learns_to_walk_to_the_goal():
    """A corridor with the goal at its end: far better than chance within seconds."""
    net, actor = actor_of("ff", batch=8, steps=10, frames=240, text="#####\n#G..#\n#####")
    learner = learner_of(net, actor, updates=10_000, rate=1e-3)
    scores = []
    for _ in range(300):
        learner.learn(actor.unroll())
        scores += [score for score, _ in actor.take_finished()]
    assert np.mean(scores[-80:]) > 1.8 * np.mean(scores[:16])
