"""Motion: inertia by its formula, sliding, and never through a wall, however fast."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze import Action
from maze.constants import FRAME, FRAME_RATE, RADIUS, SPEED, SPEED_TIME, TURN_RATE, TURN_TIME
from maze.generator import random_layout
from maze.kernels.motion import move, sweep
from maze.kernels.records import AGENT

HALL = np.pad(np.zeros((60, 60), np.uint8), 1, constant_values=1)


def standing(x, y, angle=0.0, **speeds):
    agent = np.zeros(1, AGENT)
    agent["x"], agent["y"], agent["angle"] = x, y, angle
    for name, speed in speeds.items():
        agent[name] = speed
    return agent


def touched(agent):
    """The tiles (row, column) in which the agent's square has a corner."""
    x, y = agent["x"][0], agent["y"][0]
    return {(int(y + v), int(x + u)) for v in (-RADIUS, RADIUS) for u in (-RADIUS, RADIUS)}


@given(frames=st.integers(1, 60), angle=st.floats(0, 6.28))
def test_speed_comes_exponentially(frames, angle):
    agent = standing(30, 30, angle)
    for _ in range(frames):
        move(agent[0], HALL, int(Action.FORWARD))
    expected = SPEED * (1 - math.exp(-frames * FRAME / SPEED_TIME))
    np.testing.assert_allclose(agent["speed_x"], expected * math.cos(angle), atol=1e-9)
    np.testing.assert_allclose(agent["speed_y"], expected * math.sin(angle), atol=1e-9)


def test_each_action_does_what_it_is_called():
    moved = {}
    for action in Action:
        agent = standing(30, 30)  # looks along x; y, to the right, grows downwards
        for _ in range(4):
            move(agent[0], HALL, int(action))
        turned = (agent["angle"][0] + math.pi) % (2 * math.pi) - math.pi
        moved[action.name] = np.sign(np.round([agent["x"][0] - 30, agent["y"][0] - 30, turned], 4))
    assert moved["TURN_LEFT"].tolist() == [0, 0, -1]
    assert moved["TURN_RIGHT"].tolist() == [0, 0, 1]
    assert moved["FORWARD"].tolist() == [1, 0, 0]
    assert moved["BACKWARD"].tolist() == [-1, 0, 0]
    assert moved["STRAFE_LEFT"].tolist() == [0, -1, 0]
    assert moved["STRAFE_RIGHT"].tolist() == [0, 1, 0]
    assert moved["FORWARD_TURN_LEFT"].tolist() == [1, -1, -1]
    assert moved["FORWARD_TURN_RIGHT"].tolist() == [1, 1, 1]


def test_a_turn_comes_to_its_rate_and_stops_again():
    agent = standing(30, 30)
    for _ in range(FRAME_RATE):
        move(agent[0], HALL, int(Action.TURN_RIGHT))
    np.testing.assert_allclose(agent["turn"], TURN_RATE, rtol=1e-6)
    move(agent[0], HALL, int(Action.FORWARD))
    np.testing.assert_allclose(agent["turn"], TURN_RATE * math.exp(-FRAME / TURN_TIME), rtol=1e-6)


def test_a_cell_takes_about_half_a_second():
    agent, frames = standing(5, 30, speed_x=SPEED), 0
    while agent["x"] < 7:
        move(agent[0], HALL, int(Action.FORWARD))
        frames += 1
    assert 0.45 < frames / FRAME_RATE < 0.55


@given(
    seed=st.integers(0, 500),
    speed=st.sampled_from([0.0, 4.0, 50.0, 1e3, 1e6]),
    data=st.data(),
)
def test_never_through_a_wall(seed, speed, data):
    """In halves of a maze that nothing joins, and with speeds beyond all reason."""
    rng = np.random.default_rng(seed)
    half = random_layout(3, 3, rng).walls
    walls = np.hstack([half, half[:, 1:]])
    walls[:, half.shape[1] - 1] = 1
    row, column = data.draw(st.sampled_from([*zip(*np.nonzero(half == 0))]))
    agent = standing(column + 0.5, row + 0.5, rng.uniform(0, 6.28))
    for _ in range(12):
        agent["speed_x"], agent["speed_y"] = rng.normal(0, 1, 2) * speed
        move(agent[0], walls, int(rng.integers(8)))
        assert not any(walls[tile] for tile in touched(agent))
        assert agent["x"] < half.shape[1] - 1, "it came through to the other half"


@pytest.mark.parametrize("wanted", [2.2, 9.0, 1e6, -1e6, 0.4])
def test_a_sweep_stops_at_the_wall(wanted):
    walls = np.array([[1, 1, 1, 1, 1, 1], [1, 0, 0, 0, 1, 1], [1, 1, 1, 1, 1, 1]], np.uint8)
    at = sweep(walls, 2.0, 1.5, wanted)
    assert at == pytest.approx(min(max(wanted, 1 + RADIUS), 4 - RADIUS), abs=1e-6)


def test_a_corner_is_seen_from_both_rows():
    walls = np.pad(np.zeros((2, 6), np.uint8), 1, constant_values=1)
    walls[2, 4] = 1
    assert sweep(walls, 2.0, 1.9, 6.0) == pytest.approx(4 - RADIUS)
    assert sweep(walls, 2.0, 1.7, 6.0) == 6.0


def test_it_slides_along_a_wall():
    walls = np.pad(np.zeros((1, 20), np.uint8), 1, constant_values=1)
    agent = standing(1.5, 1.5, math.pi / 4)  # obliquely into the wall on its right
    for _ in range(FRAME_RATE):
        move(agent[0], walls, int(Action.FORWARD))
    assert agent["y"] == pytest.approx(2 - RADIUS, abs=1e-6)
    assert agent["speed_y"] == 0
    assert agent["x"][0] > 1.5 + 0.8 * SPEED * math.cos(math.pi / 4)
