"""The simulator: what it returns, that a seed decides all of it, and what it says to bad input."""

import copy
import pickle
import re

import numpy as np
import pytest

import maze
from maze import EpisodeError, LayoutError, MazeError
from maze.arguments import checked_seeds
from maze.kernels.records import AGENT, THING
from maze.topdown import wide_view


def play(mazes, steps, choose=0, resets=None):
    """All that a batch gives under some actions, maze by maze; the actions do not depend on the batch."""
    seen = [mazes.reset(seed=resets)]
    over = []
    rngs = [np.random.default_rng([choose, n]) for n in range(mazes.batch)]
    for _ in range(steps):
        observation, _, done = mazes.step(np.array([rng.integers(0, 8) for rng in rngs]))
        seen.append(observation)
        over.append(done)
        if done.any():
            seen.append(mazes.reset(done))
    return [np.stack([np.array(o[k]) for o in seen]) for k in range(5)], np.array(over)


def test_shapes_and_types():
    mazes = maze.make("StaticSmall", 3, size=(40, 60))
    for seen in (mazes.reset(), mazes.step(np.zeros(3, int))[0]):
        assert [(a.shape, a.dtype) for a in seen] == [
            ((3, 40, 60, 3), np.uint8),
            ((3, 40, 60), np.float32),
            ((3, 6), np.float32),
            ((3,), np.int64),
            ((3,), np.float64),
        ]
    _, reward, over = mazes.step(np.zeros(3, int))
    assert (reward.dtype, over.dtype, over.shape) == (np.float64, bool, (3,))


@pytest.mark.parametrize("name", ["RandomMazeSmall", "RandomGoalLarge", "StaticSmall"])
def test_a_maze_is_the_same_alone_and_in_a_batch_of_any_size(name):
    options = {"size": (24, 32), "frames": 60, "ring": 0}
    together, over = play(maze.make(name, 5, 7, **options), 40)
    for n in (0, 3):
        alone = maze.make(name, 1, 7 + n, **options)
        rng = np.random.default_rng([0, n])
        seen = [alone.reset()]
        for t in range(40):
            observation, _, done = alone.step(np.array([rng.integers(0, 8)]))
            seen.append(observation)
            assert done[0] == over[t, n]
            if done[0]:
                seen.append(alone.reset())
        for k, field in enumerate(together):
            np.testing.assert_array_equal([o[k][0] for o in seen], field[:, n])
    assert over.any(), "the comparison is to go across episodes"


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_change_nothing(threads):
    before = maze.get_num_threads()
    expected, _ = play(maze.make("RandomMazeSmall", 7, 0, size=16, ring=0), 10)
    try:
        maze.set_num_threads(threads)
        seen, _ = play(maze.make("RandomMazeSmall", 7, 0, size=16, ring=0), 10)
    finally:
        maze.set_num_threads(before)
    for one, other in zip(expected, seen):
        np.testing.assert_array_equal(one, other)


def test_the_seed_decides():
    def frames(seed):
        mazes = maze.make("RandomMazeSmall", 2, 3, size=16, ring=0)
        return play(mazes, 5, resets=seed)[0][0]

    assert np.array_equal(frames(None), frames(3))
    assert np.array_equal(frames([3, 4]), frames(3))
    assert not np.array_equal(frames(3), frames(5))
    mazes = maze.make("StaticSmall", 1, None)
    other = maze.make("StaticSmall", 1, None)
    assert not np.array_equal(mazes.reset().rgb, other.reset().rgb)


def test_a_reset_of_some_leaves_the_others():
    mazes = maze.make("RandomMazeSmall", 3, 0, ring=0, size=16)
    mazes.reset()
    for _ in range(5):
        before, _, _ = mazes.step(np.full(3, maze.Action.FORWARD_TURN_LEFT))
    episodes = list(mazes.episodes)
    after = mazes.reset(np.array([False, True, False]))
    for k in (0, 2):
        assert all(np.array_equal(one[k], other[k]) for one, other in zip(before, after))
        assert mazes.episodes[k] is episodes[k]
    assert not np.array_equal(before.rgb[1], after.rgb[1])
    assert after.action.tolist() == [6, -1, 6]
    assert mazes.agents["frame"].tolist() == [20, 0, 20]


def test_the_time_is_up_after_so_many_frames():
    for name, steps in (("IMaze", 900), ("StaticLarge", 2_700)):
        assert maze.make(name).steps == steps
    mazes = maze.make("StaticSmall", 2, frames=10, size=8)  # three actions of four frames
    mazes.reset()
    over = [mazes.step(np.zeros(2, int))[2].tolist() for _ in range(3)]
    assert over == [[False, False], [False, False], [True, True]]
    with pytest.raises(EpisodeError, match=r"time of maze 0 is up, and of 1 more.*reset\(over\)"):
        mazes.step(np.zeros(2, int))
    mazes.reset(np.array([True, False]))
    with pytest.raises(EpisodeError, match="time of maze 1 is up:"):
        mazes.step(np.zeros(2, int))


def test_looking_takes_no_time():
    mazes = maze.make("StaticSmall", 2, frames=8, size=8)
    mazes.reset()
    for _ in range(5):
        mazes.look()
    assert not mazes.step(np.zeros(2, int))[2].any()
    assert mazes.step(np.zeros(2, int))[2].all()


@pytest.mark.parametrize("name", ["RandomMazeSmall", "IMaze"])
def test_one_can_stop_and_go_on(name, tmp_path):
    """From a file, in a simulator that was elsewhere before, across the end of the episodes."""
    options = {"size": 16, "frames": 80, "ring": 0}
    mazes = maze.make(name, 3, 0, **options)
    mazes.reset()
    rng = np.random.default_rng(0)
    for _ in range(12):
        mazes.step(rng.integers(0, 8, 3))
    np.savez(tmp_path / "state.npz", **mazes.state())
    other = maze.make(name, 3, 99, **options)
    other.reset()
    with np.load(tmp_path / "state.npz") as state:
        other.load_state(state)
    for _ in range(20):
        actions = rng.integers(0, 8, 3)
        ours, theirs = mazes.step(actions), other.step(actions)
        for one, another in zip([*ours[0], ours[2]], [*theirs[0], theirs[2]]):
            np.testing.assert_array_equal(one, another)
        if ours[2].any():
            mazes.reset(ours[2])
            other.reset(ours[2])


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"name": "RandomGoalSmall"}, "moves_goal False there, True here"),
        ({"name": "StaticLarge"}, "another layout; frames 3600 there, 10800 here"),
        ({"fruit": False}, "fruit True there, False here"),
        ({"frames": 8}, "frames 3600 there, 8 here"),
        ({"repeat": 2}, "repeat 4 there, 2 here"),
        ({"batch": 3}, "batch 2 there, 3 here"),
    ],
)
def test_a_state_of_other_mazes_is_refused(other, said):
    mazes = maze.make("StaticSmall", 2)
    mazes.reset()
    with pytest.raises(MazeError, match=f"^this state is of other mazes: {said}"):
        maze.make(**{"name": "StaticSmall", "batch": 2} | other).load_state(mazes.state())
    with pytest.raises(MazeError, match="not of these 2 mazes"):
        mazes.load_state({})


@pytest.mark.parametrize("n", [-1, 2, 1.0, None])
def test_one_maze_of_a_batch_is_asked_for_by_its_number(n):
    mazes = maze.make("StaticSmall", 2)
    for ask in (mazes.view, mazes.things, mazes.info, lambda n: wide_view(mazes, n)):
        with pytest.raises(EpisodeError, match="call reset"):
            ask(0)
    mazes.reset()
    for ask in (mazes.view, mazes.things, mazes.info, lambda n: wide_view(mazes, n)):
        with pytest.raises(MazeError, match=f"n={n}: this takes a whole number from 0 to 1"):
            ask(n)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda mazes: pickle.loads(pickle.dumps(mazes))])
def test_a_copy_goes_its_own_way_from_the_same_place(copied):
    mazes = maze.make("RandomMazeSmall", 2, 0, size=12, frames=40)
    mazes.reset()
    mazes.step(np.array([2, 6]))
    other = copied(mazes)
    for k in range(12):
        actions = np.array([k % 8, 2])
        ours, theirs = mazes.step(actions), other.step(actions)
        for one, another in zip(ours[0], theirs[0]):
            np.testing.assert_array_equal(one, another)
            assert not np.shares_memory(one, another)
        for one, another in zip(mazes.info().values(), other.info().values()):
            np.testing.assert_array_equal(one, another)
        if ours[2].any():
            mazes.reset(ours[2])
            other.reset(theirs[2])
    before = other.agents.copy()
    mazes.step(np.array([2, 2]))
    np.testing.assert_array_equal(other.agents, before)


def test_a_view_is_what_the_agent_sees_in_another_size():
    mazes = maze.make("StaticSmall", 3, size=(84, 84))
    seen = mazes.reset()
    before = mazes.agents.copy()
    np.testing.assert_array_equal(mazes.view(2, 84), seen.rgb[2])
    assert mazes.view(0, (100, 60)).shape == (100, 60, 3)
    np.testing.assert_array_equal(mazes.agents, before)


def test_images_stay_for_the_length_of_the_ring():
    mazes = maze.make("StaticSmall", 2, ring=3, size=16)
    first = mazes.reset()
    kept = first.rgb.copy(), first.depth.copy()
    for _ in range(2):
        mazes.step(np.full(2, 2))
    assert np.array_equal(first.rgb, kept[0])
    assert np.array_equal(first.depth, kept[1])
    assert mazes.step(np.full(2, 2))[0].rgb.base is first.rgb.base
    free = maze.make("StaticSmall", 2, ring=0, size=16)
    assert not np.shares_memory(free.reset().rgb, free.step(np.zeros(2, int))[0].rgb)


def test_velocity_is_what_the_agent_feels():
    mazes = maze.make("StaticLarge", 16, size=8)
    mazes.reset()
    mazes.agents["speed_x"], mazes.agents["speed_y"] = np.cos([0.3]), np.sin([0.3])
    mazes.agents["angle"], mazes.agents["turn"] = 0.3, -2.0
    np.testing.assert_allclose(mazes.look().velocity, [[1, 0, 0, 0, -2, 0]] * 16, atol=1e-6)
    mazes.agents["angle"] = 0.3 - np.pi / 2  # moves to its right now
    np.testing.assert_allclose(mazes.look().velocity[:, :3], [[0, 1, 0]] * 16, atol=1e-6)


def test_speed_is_the_way_that_was_made():
    mazes = maze.make("RandomMazeLarge", 8, size=8, repeat=1)
    mazes.reset()
    rng = np.random.default_rng(0)
    for _ in range(200):
        before = mazes.info()["pose"]
        actions = rng.integers(0, 8, 8)
        seen, reward, _ = mazes.step(actions)
        pose = mazes.info()["pose"]
        free = reward < 10  # no teleport
        cos, sin = np.cos(pose[:, 2]), np.sin(pose[:, 2])
        way = (pose - before)[:, :2] * 60
        forward = way[:, 0] * cos + way[:, 1] * sin
        # In the frame in which it meets a wall it goes some of the way, and the speed is gone.
        free &= (mazes.agents["speed_x"] != 0) & (mazes.agents["speed_y"] != 0)
        np.testing.assert_allclose(seen.velocity[free, 0], forward[free], atol=1e-4)


def test_what_is_told_of_one_maze_is_its_row_of_what_is_told_of_all():
    mazes = maze.make("RandomMazeSmall", 3, size=8)
    mazes.reset()
    rng = np.random.default_rng(0)
    for _ in range(20):
        mazes.step(rng.integers(0, 8, 3))
    everywhere = mazes.info()
    for n in range(3):
        here = mazes.info(n)
        assert list(here) == list(everywhere)
        for name, value in here.items():
            np.testing.assert_array_equal(value, everywhere[name][n])
            assert value.dtype == everywhere[name].dtype
    kept = here["pose"].copy()
    mazes.step(np.array([2, 2, 0]))
    np.testing.assert_array_equal(here["pose"], kept)  # a copy, no view


def test_the_last_action_and_reward_come_along():
    mazes = maze.make("StaticSmall", 2, size=8)
    assert mazes.reset().action.tolist() == [-1, -1]
    seen, reward, _ = mazes.step(np.array([3, 5]))
    assert seen.action.tolist() == [3, 5]
    assert np.array_equal(seen.reward, reward)


@pytest.mark.parametrize("name", ["StaticSmall", "static-small", "static_small", "STATICSMALL"])
def test_names_in_any_spelling(name):
    assert maze.make(name).variant.name == "StaticSmall"


def test_a_maze_from_a_text_file(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text("#####\n#P.G#\n#####\n")
    for name in (path, str(path)):
        mazes = maze.make(name, size=8)
        mazes.reset()
        assert mazes.info()["goal_tile"].tolist() == [[1, 3]]
    path.write_text("#####\n#P.G.\n#####\n")
    with pytest.raises(LayoutError, match=re.escape(str(path))):
        maze.make(path)


# -- bad input --------------------------------------------------------------------------------------


def test_an_unknown_maze_lists_those_there_are():
    with pytest.raises(MazeError, match=r"no maze 'Labyrinth'.*StaticSmall.*\.txt"):
        maze.make("Labyrinth")


def test_an_option_that_there_is_not():
    with pytest.raises(MazeError, match="no option 'wrong'.*fruit.*ring"):
        maze.make("StaticSmall", wrong=1)


@pytest.mark.parametrize(
    "size", [0, -1, 10_000, (84, 0), (84, 84, 3), "84x84", 8.5, float("inf"), True, None]
)
def test_sizes_that_are_none(size):
    with pytest.raises(MazeError, match=r"no size of an image.*2,048"):
        maze.make("StaticSmall", size=size)


@pytest.mark.parametrize(
    "options",
    [
        {"batch": 0},
        {"batch": 1.5},
        {"batch": "two"},
        {"batch": True},
        {"seed": True},
        {"fruit": "no"},
        {"seed": -1},
        {"seed": 0.5},
        {"seed": [1, 2, 3], "batch": 2},
        {"repeat": 0},
        {"frames": -4},
        {"ring": -1},
        {"order": "BGR"},
    ],
)
def test_options_that_cannot_be_had(options):
    with pytest.raises(MazeError, match=f"{[*options][0]}="):
        maze.make("StaticSmall", **options)


def test_a_seed_of_few_bits_goes_on_counting():
    assert checked_seeds(np.uint8(250), 8) == [*range(250, 258)]


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        (np.array([0, 8]), r"actions\[1\] is 8; actions go from 0 to 7: 0 turn_left"),
        (np.array([-1, 0]), r"actions\[0\] is -1"),
        (np.array([0]), r"takes 2 whole numbers.*shape \(1,\)"),
        (0, r"shape \(\)"),
        (np.zeros((2, 1), int), r"shape \(2, 1\)"),
        (np.array([0.0, 1.0]), "float64"),
        (np.array([True, False]), "bool"),
        (["left", "right"], "takes 2 whole numbers"),
    ],
)
def test_actions_that_are_none(actions, said):
    mazes = maze.make("StaticSmall", 2, size=8)
    mazes.reset()
    before = mazes.agents.copy()
    with pytest.raises(MazeError, match=said):
        mazes.step(actions)
    np.testing.assert_array_equal(mazes.agents, before, err_msg="a refused step changes nothing")


@pytest.mark.parametrize("call", ["step", "info", "things", "look"])
def test_nothing_before_the_first_reset(call):
    mazes = maze.make("StaticSmall", 2)
    arguments = [np.zeros(2, int)] if call == "step" else []
    with pytest.raises(EpisodeError, match=r"call reset\(\) first"):
        getattr(mazes, call)(*arguments)


@pytest.mark.parametrize("which", [np.array([True]), np.array([0, 1]), True, np.ones((2, 1), bool)])
def test_masks_that_are_none(which):
    mazes = maze.make("StaticSmall", 2)
    mazes.reset()
    with pytest.raises(MazeError, match="a mask of 2 bool"):
        mazes.reset(which)
    before = [rng.bit_generator.state for rng in mazes.rngs]
    with pytest.raises(MazeError, match="a mask of 2 bool"):
        mazes.reset(which, seed=5)
    assert [rng.bit_generator.state for rng in mazes.rngs] == before, "it changes nothing"


def test_a_seed_is_for_the_mazes_that_are_reset():
    mazes = maze.make("RandomMazeSmall", 2, size=1)
    mazes.reset()
    mazes.reset(np.array([True, False]), seed=100)
    state = mazes.state()
    mazes.reset()
    again = maze.make("RandomMazeSmall", 2, size=1)
    again.load_state(state)
    again.reset()
    for mine, theirs in zip(mazes.episodes, again.episodes, strict=True):
        np.testing.assert_array_equal(mine.walls, theirs.walls)


def test_time_that_was_changed_by_hand_counts_after_a_look():
    mazes = maze.make("StaticSmall", 2, size=8)
    mazes.reset()
    mazes.agents["frame"][1] = mazes.frames - mazes.repeat
    mazes.look()
    assert mazes.step(np.zeros(2, int))[2].tolist() == [False, True]


IMPOSSIBLE = [
    ("x", np.nan, "x=nan"),
    ("y", 1e7, "y=10000000.0"),
    ("x", 0.5, "no floor"),
    ("y", -1.5, "no floor"),
    ("angle", np.inf, "angle=inf"),
    ("speed_x", np.nan, "speed_x=nan"),
    ("starts", 10**6, "starts="),
    ("starts", 0, "starts="),
]


@pytest.mark.parametrize(("name", "value", "said"), IMPOSSIBLE)
def test_records_that_cannot_be_so_are_not_looked_at(name, value, said):
    mazes = maze.make("StaticSmall", 3, size=8)
    mazes.reset()
    mazes.agents[name][1] = value
    with pytest.raises(MazeError, match=f"the agent of maze 1 of the batch.*{said}"):
        mazes.look()


def as_bytes(text):
    return np.frombuffer(text.encode(), np.uint8)


def damaged(state):
    """That state with one of its parts damaged, each in turn."""
    for name, value, _ in IMPOSSIBLE:
        agents = state["agents"].copy()
        agents.view(AGENT)[name] = value
        yield state | {"agents": agents}
    for name, value in (("x", np.nan), ("y", -1.0), ("kind", 9)):
        things = state["things"].copy()
        things.view(THING)[name] = value
        yield state | {"things": things}
    for origins in ("[]", "[null, null]", "5", '[{"state": 1}, {}]', "x"):
        yield state | {"origins": as_bytes(origins)}
    for making in ("[]", "null", "x"):
        yield state | {"making": as_bytes(making)}


def test_a_damaged_state_is_refused_and_changes_nothing():
    other, mazes = (maze.make("RandomMazeSmall", 2, seed, size=8) for seed in (0, 7))
    other.reset()
    mazes.reset()
    before = mazes.state()
    for state in damaged(other.state()):
        with pytest.raises(MazeError):
            mazes.load_state(state)
        for name, value in mazes.state().items():
            np.testing.assert_array_equal(value, before[name])


def test_the_first_reset_is_of_all():
    with pytest.raises(EpisodeError, match="all mazes"):
        maze.make("StaticSmall", 2).reset(np.array([True, False]))
