"""Loop closure on paths drawn by hand, and against the definition word for word."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import maze
from maze.constants import FRAME
from maze.players import RandomPlayer
from tasks.navigation.loop_closure import FAR, NEAR, LoopClosure


def walk(loop, velocities):
    """Labels (T,) of one agent that feels these (forward, right, turn)."""
    labels = []
    for forward, right, turn in velocities:
        labels.append(loop.step(np.array([[forward, right, 0, 0, turn, 0]])).item())
    return labels


def test_out_and_back():
    # 1 tile a step: five steps out (0 to 4 after the first), five back.
    loop = LoopClosure(1, 20, seconds=1.0)
    ahead = [(0, 0, 0)] + [(1, 0, 0)] * 5
    assert walk(loop, ahead) == [0] * 6  # never back
    # At 4, 3, 2 nothing that is near was left by more than 4 tiles; at 1 the start is near, and 5 lies between.
    assert walk(loop, [(-1, 0, 0)] * 5) == [0, 0, 0, 0, 1]


def test_a_short_way_is_no_loop():
    loop = LoopClosure(1, 20, seconds=1.0)
    assert walk(loop, [(1, 0, 0)] * 4 + [(-1, 0, 0)] * 4) == [0] * 8


def test_round_a_square_by_turning():
    loop = LoopClosure(1, 50, seconds=1.0)
    side = [(1, 0, 0)] * 5 + [(0, 0, np.pi / 2)]
    labels = walk(loop, side * 4)
    np.testing.assert_allclose(loop.pose[0, :2], 0, atol=1e-9)
    assert labels[-1] == 1
    assert labels[:18] == [0] * 18


def test_right_is_to_the_right_of_where_one_looks():
    loop = LoopClosure(1, 9, seconds=0.5)
    walk(loop, [(0, 0, np.pi), (2, 0, 0), (0, 2, 0)])  # a quarter turn to the right: along y
    np.testing.assert_allclose(loop.pose[0, :2], (-1, 1), atol=1e-12)


def test_a_teleport_clears_the_path():
    loop = LoopClosure(1, 30, seconds=1.0)
    walk(loop, [(1, 0, 0)] * 6)
    loop.begin(np.array([True]))
    assert walk(loop, [(-1, 0, 0)] * 4) == [0] * 4


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_definition_word_for_word(seed):
    rng = np.random.default_rng(seed)
    batch, steps = 3, 40
    loop = LoopClosure(batch, steps, seconds=2.0)
    paths = [[] for _ in range(batch)]
    for _ in range(steps):
        cleared = rng.random(batch) < 0.02
        loop.begin(cleared)
        labels = loop.step(rng.uniform(-1, 1, (batch, 6)))
        for n in range(batch):
            if cleared[n]:
                paths[n] = []
            here, path = loop.pose[n, :2].copy(), paths[n]
            gone = [np.hypot(*(p - here)) for p in path]
            closed = any(
                gone[a] < NEAR and gone[b] > FAR
                for a in range(len(path))
                for b in range(a + 1, len(path))
            )
            assert labels[n] == closed
            path.append(here)


def test_how_far_what_is_felt_agrees_with_the_truth():
    """The figure in loop_closure.py: F1 of the labels from velocity, beside those from true positions."""
    batch = 64
    mazes, player = maze.make("StaticSmall", batch, 0, size=1), RandomPlayer(0)
    felt = LoopClosure(batch, mazes.steps, mazes.repeat * FRAME)
    true = LoopClosure(batch, mazes.steps, seconds=1.0)  # is given ways for speeds, and no turns
    seen, goals, before, labels = mazes.reset(), np.zeros(batch), np.zeros((batch, 2)), []
    for _ in range(mazes.steps):
        teleported = mazes.agents["goals"] > goals
        goals, here = mazes.agents["goals"].copy(), mazes.info()["pose"][:, :2]
        for loop in (felt, true):
            loop.begin(teleported)
        ways = np.hstack([here - before, np.zeros((batch, 4))])
        labels.append((felt.step(seen.velocity), true.step(ways)))
        before = here
        seen, _, _ = mazes.step(player(mazes))
    one, other = np.array(labels, bool).transpose(1, 0, 2)
    f1 = 2 * np.sum(one & other) / (one.sum() + other.sum())
    assert f1 == pytest.approx(0.85, abs=0.05)
