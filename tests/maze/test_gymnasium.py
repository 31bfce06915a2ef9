"""The maze through Gymnasium: its own checker, autoreset in all modes, and a stranger's agent that learns."""

import re
from pathlib import Path

import numpy as np
import pytest

import maze
from maze import EpisodeError, MazeError

gymnasium = pytest.importorskip("gymnasium")
from gymnasium.utils.env_checker import check_env  # noqa: E402
from gymnasium.vector import AutoresetMode  # noqa: E402

from maze.gymnasium_env import MazeEnv, MazeVectorEnv  # noqa: E402

SMALL = {"size": (20, 24), "max_episode_steps": 6}


def actions(steps, n, seed=0):
    return np.random.default_rng(seed).integers(0, 8, (steps, n))


@pytest.mark.parametrize("name", maze.names())
def test_gymnasiums_own_checker_is_content(name):
    check_env(gymnasium.make(f"maze/{name}-v0").unwrapped)


@pytest.mark.parametrize(
    "options",
    [
        {"last": True},
        {"order": "CHW", "size": 30},
        {"render_mode": "rgb_array"},
        {"fruit": False, "repeat": 1},
    ],
)
def test_and_so_with_options(options):
    check_env(gymnasium.make("maze/RandomGoalSmall-v0", **options).unwrapped)


@pytest.mark.parametrize(("name", "steps"), [("IMaze", 900), ("RandomMazeLarge", 2_700)])
def test_the_time_limit_truncates(name, steps):
    assert gymnasium.spec(f"maze/{name}-v0").max_episode_steps == steps
    env = gymnasium.make(f"maze/{name}-v0", size=4)
    env.reset(seed=0)
    ends = [env.step(int(a))[2:4] for a in actions(steps, 1)[:, 0]]
    assert not any(terminated for terminated, _ in ends), (
        "reaching the goal, or the time limit, is no terminal state"
    )
    assert [truncated for _, truncated in ends].index(True) == steps - 1


def test_info_tells_the_truth():
    env = gymnasium.make("maze/RandomGoalSmall-v0")
    _, info = env.reset(seed=3)
    assert list(info) == ["pose", "tile", "goal_tile", "goals", "distance"]
    x, y, _ = info["pose"]
    assert info["tile"].tolist() == [int(y), int(x)]
    assert info["distance"] > 0
    assert info["goals"] == 0
    _, _, _, _, following = env.step(2)
    assert info["pose"] is not following["pose"]
    assert not np.array_equal(info["pose"], following["pose"])


def test_last_action_and_reward_can_be_seen():
    env = gymnasium.make("maze/StaticSmall-v0", last=True)
    seen, _ = env.reset(seed=0)
    assert (seen["action"], seen["reward"].tolist()) == (8, [0.0])
    seen, reward, *_ = env.step(5)
    assert (seen["action"], seen["reward"][0]) == (5, reward)


@pytest.mark.parametrize("action", [2, np.int64(2), np.uint8(2), np.array(2)])
def test_actions_are_what_the_space_contains(action):
    """And so an array without an axis, as stable-baselines3's predict returns it."""
    env = gymnasium.make("maze/StaticSmall-v0", last=True)
    env.reset(seed=0)
    assert env.action_space.contains(action)
    assert env.step(action)[0]["action"] == 2


@pytest.mark.parametrize(
    "action", [8, -1, 1.5, "left", None, True, np.True_, np.array(9), np.array([1])]
)
def test_actions_that_are_none(action):
    env = gymnasium.make("maze/StaticSmall-v0", disable_env_checker=True).unwrapped
    env.reset(seed=0)
    with pytest.raises(MazeError, match="whole numbers from 0 to 7"):
        env.step(action)


def test_no_step_before_the_first_reset():
    with pytest.raises(EpisodeError, match=r"call reset\(\)"):
        gymnasium.make("maze/StaticSmall-v0").unwrapped.step(0)
    vector = gymnasium.make_vec("maze/StaticSmall-v0", num_envs=2)
    with pytest.raises(EpisodeError, match=r"call reset\(\)"):
        vector.step(np.zeros(2, int))


@pytest.mark.parametrize("options", [{"frames": 100}, {"batch": 3}, {"seed": 0}, {"sizes": 3}])
def test_options_that_are_not_an_environments(options):
    (name,) = options
    said = f"{name}={options[name]}.*size, order, fruit, repeat.*max_episode_steps"
    with pytest.raises(MazeError, match=said):
        gymnasium.make("maze/StaticSmall-v0", **options)
    with pytest.raises(MazeError, match=said):
        gymnasium.make_vec("maze/StaticSmall-v0", num_envs=2, **options)


def test_an_unknown_way_to_render():
    with pytest.raises(MazeError, match="rgb_array"):
        MazeEnv("StaticSmall", render_mode="ansi")


def test_what_is_rendered_shows_both_views():
    env = gymnasium.make("maze/StaticSmall-v0", render_mode="rgb_array")
    env.reset(seed=0)
    frame = env.render()
    assert frame.dtype == np.uint8
    assert frame.shape[1] > 2 * frame.shape[0]
    assert frame.std() > 20
    assert gymnasium.make("maze/StaticSmall-v0").unwrapped.render() is None


# -- vector environments ----------------------------------------------------------------------------


def make_vec(n=3, name="RandomMazeSmall", **options):
    return gymnasium.make_vec(f"maze/{name}-v0", num_envs=n, **{**SMALL, **options})


def hold(one, other):
    """Nested results are the same."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            hold(one[key], other[key])
    else:
        np.testing.assert_array_equal(one, other)


def hold_reset(one, other):
    """What a reset of some returns is the same: all that is seen, and what is told of those that were reset."""
    hold(one[0], other[0])
    for name in other[1]:
        told = other[1][name if name.startswith("_") else f"_{name}"]
        same = slice(None) if name.startswith("_") else told
        np.testing.assert_array_equal(one[1][name][same], other[1][name][same])


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_ours_is_what_gymnasium_makes_of_single_ones(mode):
    """All that SyncVectorEnv returns in that mode, across the ends of episodes."""
    ours = make_vec(autoreset_mode=mode, copy=True)
    single = {"autoreset_mode": mode}
    theirs = make_vec(vectorization_mode="sync", vector_kwargs=single)
    assert ours.spec.vector_entry_point.endswith("MazeVectorEnv")
    assert type(theirs.unwrapped) is not type(ours.unwrapped)
    assert ours.metadata["autoreset_mode"] == theirs.metadata["autoreset_mode"] == mode
    assert ours.observation_space == theirs.observation_space
    assert ours.single_action_space == theirs.single_action_space

    one, other = (env.reset(seed=5) for env in (ours, theirs))
    hold(one[0], other[0])
    hold(one[1], other[1])
    some = {"seed": 99, "options": {"reset_mask": np.array([True, False, True])}}
    hold_reset(ours.reset(**some), theirs.reset(**some))
    ended = 0
    for a in actions(20, 3):
        one, other = ours.step(a), theirs.step(a)
        hold(one[0], other[0])
        for k in range(1, 4):
            np.testing.assert_array_equal(one[k], other[k])
            assert one[k].dtype == other[k].dtype
        over = one[3].copy()
        one[3][:] = False  # what was returned is the caller's, to do with it as it likes
        plain = [
            {k: v for k, v in infos.items() if "final" not in k} for infos in (one[4], other[4])
        ]
        hold(*plain)
        if over.any():
            ended += 1
            if mode is AutoresetMode.SAME_STEP:
                for n in range(3):
                    hold(one[4]["final_obs"][n], other[4]["final_obs"][n])
                    assert one[4]["_final_obs"][n] == over[n]
                hold(one[4]["final_info"], other[4]["final_info"])
            if mode is AutoresetMode.DISABLED:
                mask = {"reset_mask": over}
                hold_reset(ours.reset(options=mask), theirs.reset(options=mask))
    assert ended >= 2


def test_episodes_that_end_at_different_times():
    env = make_vec(autoreset_mode=AutoresetMode.DISABLED, copy=True)
    env.reset(seed=0)
    for a in actions(3, 3):
        env.step(a)
    env.reset(options={"reset_mask": np.array([False, True, False])})
    ends = []
    for a in actions(6, 3):
        _, _, _, over, _ = env.step(a)
        ends.append(over.tolist())
        if over.any():
            env.reset(options={"reset_mask": over})
    assert ends[2] == [True, False, True]
    assert ends[5] == [False, True, False]


def test_what_is_no_mode_and_no_flag():
    with pytest.raises(
        MazeError, match="'NEXT_STEP': .* one of 'NextStep', 'SameStep', 'Disabled'"
    ):
        make_vec(autoreset_mode="NEXT_STEP")
    with pytest.raises(MazeError, match="copy='no': this takes True or False"):
        make_vec(copy="no")
    with pytest.raises(MazeError, match="last='yes'"):
        gymnasium.make("maze/IMaze-v0", last="yes")


def test_a_finished_episode_is_not_stepped_on():
    env = make_vec(autoreset_mode="Disabled")
    env.reset(seed=0)
    for a in actions(6, 3):
        env.step(a)
    with pytest.raises(EpisodeError, match="time of maze 0 is up"):
        env.step(np.zeros(3, int))


def test_the_action_of_a_finished_episode_is_ignored():
    first = []
    for ignored in (0, 99):
        env = make_vec()
        env.reset(seed=0)
        for a in actions(6, 3):
            env.step(a)
        first.append(env.step(np.full(3, ignored))[0]["rgb"])
    np.testing.assert_array_equal(*first)
    for a in actions(6, 3):
        env.step(a)
    for wrong in (0, np.zeros(2, int), np.zeros(3), np.zeros(3, bool)):
        with pytest.raises(MazeError, match="takes 3 whole numbers"):
            env.step(wrong)


@pytest.mark.parametrize("repeat", [1, 4, 8])
def test_what_is_rendered_lasts_as_long_as_a_step(repeat):
    single = gymnasium.make("maze/StaticSmall-v0", repeat=repeat)
    for env in (single, make_vec(repeat=repeat)):
        assert env.metadata["render_fps"] == 60 / repeat


@pytest.mark.parametrize("count", [0, 1.5, None])
def test_a_number_of_mazes_that_is_none(count):
    with pytest.raises(MazeError, match=f"num_envs={count}: this takes a whole number from 1"):
        MazeVectorEnv("StaticSmall", num_envs=count)


def test_options_of_a_reset_that_are_none():
    with pytest.raises(MazeError, match=r"options=\[1\]: reset takes a dict"):
        make_vec().reset(options=[1])


def test_seeds_for_each():
    env = make_vec(copy=True)
    first = env.reset(seed=[7, 8, 9])[0]
    assert all(np.array_equal(a, b) for a, b in zip(first.values(), env.reset(seed=7)[0].values()))
    kept = env.reset(seed=[7, None, 9])[0]
    assert np.array_equal(kept["rgb"][0], first["rgb"][0])
    assert not np.array_equal(kept["rgb"][1], first["rgb"][1])
    with pytest.raises(MazeError, match=r"seed=\[1, 2\].*each of the 3 mazes"):
        env.reset(seed=[1, 2])


def test_a_seed_can_be_asked_for_as_gymnasiums_own_says_it():
    ours, theirs = (
        gymnasium.make_vec("maze/StaticSmall-v0", num_envs=3, vectorization_mode=mode)
        for mode in ("vector_entry_point", "sync")
    )
    for env in (ours, theirs):
        env.reset(seed=4)
    assert ours.unwrapped.np_random_seed == theirs.np_random_seed == (4, 5, 6)
    drawn = [[rng.random() for rng in env.unwrapped.np_random] for env in (ours, theirs)]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("none", [None, -1])
def test_without_a_limit_of_steps_there_is_no_end(none):
    env = MazeVectorEnv("StaticSmall", num_envs=1, max_episode_steps=none)
    env.reset(seed=0)
    assert not any(env.step(np.array([0]))[3].any() for _ in range(1_000))


@pytest.mark.parametrize("limit", [0, -2, 2.5, 10**9])
def test_a_limit_of_steps_that_is_none(limit):
    with pytest.raises(MazeError, match=f"max_episode_steps={limit}"):
        MazeVectorEnv("StaticSmall", max_episode_steps=limit)


@pytest.mark.parametrize("seed", ["a", -1, 1.5, ["a", 1, 2], [1, -1, None], [1, None], {1, 2, 3}])
def test_seeds_that_are_none(seed):
    with pytest.raises(MazeError, match="give one whole number from 0 up.*each of the 3 mazes"):
        make_vec().reset(seed=seed)


def test_a_mask_may_be_a_list():
    env = make_vec(copy=True)
    env.reset(seed=0)
    env.step(np.array([2, 2, 2]))
    before = env.unwrapped.simulator.agents["frame"].tolist()
    env.reset(options={"reset_mask": [True, False, True]})
    assert before == [4, 4, 4]
    assert env.unwrapped.simulator.agents["frame"].tolist() == [0, 4, 0]
    with pytest.raises(MazeError, match="a mask of 3 bool"):
        env.reset(options={"reset_mask": [1, 0, 1]})


def test_observations_last_as_long_as_is_said_where_episodes_end_at_once():
    env = make_vec(autoreset_mode=AutoresetMode.SAME_STEP, max_episode_steps=4)
    env.reset(seed=0)
    seen = []
    for turn in range(12):
        if turn in (1, 2):  # so that from here on episodes end at different times
            env.reset(options={"reset_mask": np.arange(3) == turn})
        observation, *_ = env.step(np.full(3, turn % 8))
        for earlier, kept in seen[-3:]:
            np.testing.assert_array_equal(earlier, kept)
        seen.append((observation["rgb"], observation["rgb"].copy()))


def test_the_last_observation_of_an_episode_is_the_callers_to_keep():
    env = make_vec(autoreset_mode=AutoresetMode.SAME_STEP, max_episode_steps=4)
    env.reset(seed=0)
    kept = []
    for turn in range(24):
        *_, over, infos = env.step(np.full(3, turn % 8))
        if over.any():
            last = infos["final_obs"][0]["rgb"]
            kept.append((last, last.copy()))
    assert len(kept) == 6
    for last, copy in kept:
        np.testing.assert_array_equal(last, copy)
    assert len({copy.tobytes() for _, copy in kept}) == 6


def test_observations_last_as_long_as_is_said():
    env = make_vec()
    first = env.reset(seed=0)[0]
    kept = first["rgb"].copy()
    for a in actions(3, 3):
        env.step(a)
    assert np.array_equal(first["rgb"], kept)
    seen, *_ = env.step(np.zeros(3, int))
    assert np.shares_memory(seen["rgb"], first["rgb"])
    copying = make_vec(copy=True)
    assert not np.shares_memory(copying.reset()[0]["rgb"], copying.step(np.zeros(3, int))[0]["rgb"])


def test_statistics_of_gymnasium_count_our_episodes():
    env = gymnasium.wrappers.vector.RecordEpisodeStatistics(make_vec())
    env.reset(seed=0)
    lengths = []
    for a in actions(20, 3):
        *_, over, infos = env.step(a)
        if over.any():
            lengths += infos["episode"]["l"].tolist()
    assert lengths
    assert set(lengths) == {6}


@pytest.fixture
def a_strangers_habits():
    """It seeds all of NumPy, and its small nets are many times slower on threads that share their cores."""
    torch = pytest.importorskip("torch")
    threads, state = torch.get_num_threads(), np.random.get_state()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    np.random.set_state(state)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of a stranger's libraries
def test_a_strangers_agent_learns(tmp_path, a_strangers_habits):
    """PPO of stable-baselines3 as it comes, in a maze of one corridor round a block: a minute."""
    sb3 = pytest.importorskip("stable_baselines3")
    own = tmp_path / "block.txt"
    own.write_text("#######\n#A...A#\n#.###.#\n#..G..#\n#######\n")
    options = {"maze": own, "size": 36, "max_episode_steps": 225}

    def score(policy, episodes=20):
        env, total = gymnasium.make("maze/StaticSmall-v0", **options), 0.0
        for k in range(episodes):
            (seen, _), over = env.reset(seed=1_000 + k), False
            while not over:
                seen, reward, _, over, _ = env.step(policy(seen))
                total += reward
        return total / episodes

    rng = np.random.default_rng(0)
    by_chance = score(lambda seen: int(rng.integers(8)))
    env = sb3.common.env_util.make_vec_env("maze/StaticSmall-v0", 16, seed=0, env_kwargs=options)
    agent = sb3.PPO("MultiInputPolicy", env, n_steps=64, batch_size=256, n_epochs=4, seed=0)
    agent.learn(40_000)
    learnt = score(lambda seen: agent.predict(seen)[0])
    print(f"by chance {by_chance:.1f}, learnt {learnt:.1f} points an episode of 15 seconds")
    assert learnt > 3 * by_chance


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_readmes_agent_of_a_stranger_trains(a_strangers_habits):
    pytest.importorskip("stable_baselines3")
    readme = Path(maze.__file__).with_name("README.md").read_text(encoding="utf-8")
    *_, program = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    names = {}
    exec(program.replace("16", "2").replace("1_000_000", "40"), names)
    assert names["agent"].num_timesteps >= 40
