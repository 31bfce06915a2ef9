"""The learner and the run: from rollouts to a checkpoint, and what is refused or stopped."""

import json
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import maze
from minigrad.errors import NotFiniteError
from tasks.__main__ import main
from tasks.config import UsageError, make_config
from tasks.execute import resume, start
from tasks.navigation import figures
from tasks.navigation.acting import Player, draw_actions, empty_senses, perceive
from tasks.navigation.agents import ingredients
from tasks.navigation.decoder import PositionDecoder, cells, grid
from tasks.navigation.depth import coarse
from tasks.navigation.models import NavigationNet, Senses
from tasks.navigation.navigation import PRESETS, Config
from tasks.navigation.report import Reports
from tasks.navigation.rollout import Actor
from tasks.navigation.setup import make_learner
from tasks.navigation.train import Learner, Weights
from tasks.registry import find_task
from tasks.run_folder import RunFolder

TASK = find_task("navigation")
SMALL = {
    "side": "20",
    "mazes": "2",
    "unroll": "7",
    "steps": "280",
    "frames": "120",
    "log_every": "70",
    "draw_every": "280",
    "test_episodes": "2",
    "checkpoint_seconds": "0",
    "threads": "1",
}
HALL = """
#####
#...#
#.G.#
#...#
#####
"""


def config_of(**texts):
    return make_config(Config, PRESETS, "default", SMALL | texts)


def actor_of(agent="nav-d1d2l", batch=2, steps=7, side=20, frames=120, seed=0, text=HALL):
    mazes = maze.make(maze.from_text(text), batch, seed, size=side, order="CHW", frames=frames)
    net = NavigationNet(ingredients(agent), np.random.default_rng(0), side)
    actor = Actor(net, mazes, steps, 0.1, np.random.default_rng(1))
    return net, actor


def learner_of(net, actor, updates=100, **options):
    rows, columns = grid(actor.simulator.maze_size)
    decoder = PositionDecoder(rows * columns, np.random.default_rng(2))
    return Learner(net, decoder, Weights(), options.pop("rate", 7e-4), updates, **options)


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
    assert 0 <= seen.pixels.min() < seen.pixels.max() <= 1
    look = simulator.look()
    np.testing.assert_allclose(actor._seen.rgb, look.rgb)
    assert (unroll.cells < 4).all()
    # The same senses and memory give the same values again, in one call for all steps.
    thoughts = net(seen, unroll.state)
    after = net(
        Senses(*(part[-1:] for part in seen)), tuple(p.data for p in thoughts.state)
    )  # of the same shapes
    assert after.h.shape == (1, 3, 256)
    for mine, again in zip(actor.mind.state, thoughts.state, strict=True):
        np.testing.assert_allclose(mine, again.data, atol=1e-5)


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
    thoughts = net(Senses(*(part[:1] for part in unroll.senses)), unroll.state)
    np.testing.assert_allclose(bootstrap, thoughts.value.data, rtol=1e-5)


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
    for _ in range(250):
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
        began = player.thought.values.copy()
        while not mazes.over.any():
            mazes.step(player(mazes))
    fresh = Player(net, np.random.default_rng(0))
    mazes.reset(seed=3)
    fresh(mazes)
    np.testing.assert_array_equal(began, fresh.thought.values)


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
    assert {*measures} == {"policy", "value", "entropy", *heads, "position", "gradient"}


def test_the_gradient_is_of_the_weighted_sum():
    net, actor = actor_of("nav-d1d2l")
    unroll = actor.unroll()
    learner = learner_of(net, actor)
    loss, _, measures = learner.loss(unroll)
    w = learner.weights
    expected = measures["policy"] + w.value * measures["value"] - w.entropy * measures["entropy"]
    expected += w.d1 * measures["d1"] + w.d2 * measures["d2"] + w.loop * measures["loop"]
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_the_rate_falls_to_zero():
    net, actor = actor_of("ff")
    learner = learner_of(net, actor, updates=4, rate=0.4)
    rates = []
    for _ in range(5):
        rates.append(learner.optimiser.lr)
        learner.schedule.step()
    np.testing.assert_allclose(rates, [0.4, 0.3, 0.2, 0.1, 0.0])


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
    fifth = len(scores) // 5
    assert np.mean(scores[-fifth:]) > 1.6 * np.mean(scores[:fifth])


# -- runs --------------------------------------------------------------------------------------------


@pytest.fixture
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(folder):
    records = [json.loads(line) for line in folder.log.read_text().splitlines()]
    return [{k: v for k, v in record.items() if k != "seconds"} for record in records]


def test_a_run_logs_draws_tests_and_films(in_a_folder, capsys):
    folder = RunFolder("run")
    metrics = start(TASK, config_of(agent="nav-d1d2l"), folder)
    names = {"score", "score.oracle", "score.random", "score_error", "auc", "goals"}
    names |= {"accuracy.position", "accuracy.depth_d1", "accuracy.depth_d2", "seconds"}
    assert names <= {*metrics}
    assert {path.stem for path in folder.figures()} == {
        "curve",
        "map",
        "position",
        "latency",
        "depth",
    }
    assert (folder.path / "agent.gif").read_bytes()[:3] == b"GIF"
    assert [line["agent_steps"] for line in lines(folder)] == [70, 140, 210, 280]
    said = capsys.readouterr().out
    assert said.startswith("nav-d1d2l learns in tiny for 280 steps"), "before anything is compiled"
    assert "testing on 2 episodes" in said


def test_where_no_film_can_be_written_the_run_is_whole(in_a_folder, monkeypatch, capsys):
    def full(*_):
        raise maze.MazeError("no space left on device")

    monkeypatch.setattr("tasks.navigation.report.save_film", full)
    assert "score" in start(TASK, config_of(), RunFolder("run"))
    assert "no film: no space" in capsys.readouterr().out


def test_where_no_goal_was_found_the_figure_of_latency_says_so():
    played = SimpleNamespace(found=np.zeros((9, 3), bool), seconds=1 / 15)
    (axes,) = figures.latency(SimpleNamespace(played=played)).axes
    assert [text.get_text() for text in axes.texts] == ["no goal was found"]
    played.found[4, 1] = True
    (axes,) = figures.latency(SimpleNamespace(played=played)).axes
    assert not axes.texts
    assert axes.lines


@pytest.mark.parametrize("agent", ["ff", "nav-d2"])
def test_a_resumed_run_gives_the_same_numbers(agent, in_a_folder, monkeypatch):
    config = config_of(agent=agent)
    whole = start(TASK, config, RunFolder("whole"))
    broken = RunFolder("broken")

    learn, count = Learner.learn, iter(range(100))

    def die(self, unroll):
        if next(count) == 12:
            raise RuntimeError("the lights went out")
        return learn(self, unroll)

    monkeypatch.setattr(Learner, "learn", die)
    with pytest.raises(RuntimeError, match="lights"):
        start(TASK, config, broken)
    monkeypatch.setattr(Learner, "learn", learn)
    resumed = resume(TASK, broken, {})
    assert lines(RunFolder("whole")) == lines(broken)
    assert {k: v for k, v in whole.items() if k != "seconds"} == {
        k: v for k, v in resumed.items() if k != "seconds"
    }


def test_a_run_does_not_go_on_in_a_layout_that_was_changed(in_a_folder, monkeypatch, capsys):
    def die(self):
        raise KeyboardInterrupt

    layout = in_a_folder / "own.txt"
    layout.write_text(HALL)
    monkeypatch.setattr(Reports, "test", die)
    words = ["navigation", "--out", "run", "--maze", "own.txt"]
    for name, value in SMALL.items():
        words += ["--" + name.replace("_", "-"), value]
    assert main(words) == 130
    layout.write_text(HALL.replace(".G.", "..G"))
    assert main(["navigation", "--resume", "run"]) == 2
    assert "this state is of other mazes: another layout" in capsys.readouterr().err


def test_a_run_that_meets_no_number_says_where_and_keeps_its_checkpoint(
    in_a_folder, monkeypatch, capsys
):
    learn, count = Learner.learn, iter(range(100))

    def poison(self, unroll):
        if next(count) == 9:
            unroll.rewards[0, 0] = np.nan
        return learn(self, unroll)

    monkeypatch.setattr(Learner, "learn", poison)
    words = ["navigation", "--out", "run"]
    for name, value in SMALL.items():
        words += ["--" + name.replace("_", "-"), value]
    assert main(words) == 2
    assert "the loss 'policy' is nan" in capsys.readouterr().err
    monkeypatch.setattr(Learner, "learn", learn)
    assert resume(TASK, RunFolder("run"), {})["score"] >= 0


@pytest.mark.parametrize("method", ["sync", "a3c"])
def test_parameters_that_an_update_has_broken_are_not_kept(method, in_a_folder, capsys):
    words = ["navigation", "--out", "run", "--lr", "1e38", "--method", method]
    for name, value in SMALL.items():
        words += ["--" + name.replace("_", "-"), value]
    assert main(words) == 2
    assert "are not finite" in capsys.readouterr().err
    path = RunFolder("run").checkpoint
    if path.exists():
        with np.load(path) as saved:
            numbers = [saved[name] for name in saved.files if saved[name].dtype.kind == "f"]
        assert all(np.isfinite(array).all() for array in numbers)


def test_mazes_are_drawn_by_the_threads_that_were_asked_for(in_a_folder, monkeypatch):
    monkeypatch.setattr("tasks.execute.usable_cores", lambda: 3)  # wherever this runs
    before, counts = maze.get_num_threads(), set()
    learn = Learner.learn

    def count(self, unroll):
        counts.add(maze.get_num_threads())
        return learn(self, unroll)

    monkeypatch.setattr(Learner, "learn", count)
    start(TASK, config_of(threads="3", steps="28"), RunFolder("run"))
    assert counts == {3}
    assert maze.get_num_threads() == before


def test_resuming_with_other_settings_is_refused_with_the_difference(in_a_folder):
    folder = RunFolder("run")
    start(TASK, config_of(), folder)
    with pytest.raises(UsageError, match=r"--agent: nav-d2 in the run, lstm asked for"):
        resume(TASK, folder, {"agent": "lstm"})


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"maze": "StaticSmal"}, "there is no maze 'StaticSmal'"),
        ({"maze": "nowhere.txt"}, "cannot read the layout"),
        ({"agent": "nav-d3"}, "--agent has no choice 'nav-d3'. Did you mean nav-d"),
        ({"side": "10"}, "--side 10 must be at least 20"),
        ({"side": "9999"}, "must be below 2049"),
        ({"gamma": "1"}, "--gamma 1.0 must be below 1"),
        ({"alpha": "1.5"}, "--alpha 1.5 must be below 1"),
    ],
)
def test_bad_settings_are_answered(in_a_folder, texts, words):
    with pytest.raises(UsageError, match=words):
        start(TASK, config_of(**texts), RunFolder("run"))


def test_a_layout_with_a_hole_is_drawn(in_a_folder):
    path = in_a_folder / "hole.txt"
    path.write_text("####\n#..#\n#.G.\n####\n")
    with pytest.raises(UsageError, match="is open at line 3, column 4"):
        start(TASK, config_of(maze=str(path)), RunFolder("run"))
