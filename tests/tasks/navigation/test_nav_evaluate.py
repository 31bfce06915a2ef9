"""What is measured of loop closure, and the area under the ROC curve."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import maze
from layers import Parameter
from tasks.navigation.acting import Player
from tasks.navigation.agents import ingredients
from tasks.navigation.decoder import PositionDecoder, grid
from tasks.navigation.evaluate import auroc, evaluate
from tasks.navigation.mazes import TINY
from tasks.navigation.models import NavigationNet


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30).filter(
        lambda rows: len({true for _, true in rows}) == 2
    )
)
def test_the_auroc_is_the_share_of_pairs_in_the_right_order(rows):
    scores, true = (np.array(column) for column in zip(*rows))
    ahead = scores[true][:, None] - scores[~true]
    share = np.mean((ahead > 0) + (ahead == 0) / 2)
    assert auroc(scores, true) == pytest.approx(share)


def found_by(agent, bias):
    """What is measured of an untrained agent whose head of loop closure tells the same at every step."""
    rng = np.random.default_rng(0)
    mazes = maze.make(TINY, 4, seed=0, size=20, order="CHW")
    net = NavigationNet(ingredients(agent), rng, side=20)
    if bias is not None:
        last = net.loop[-1]
        last.weight, last.bias = Parameter(0 * last.weight.data), Parameter(np.array(bias))
    rows, columns = grid(mazes.maze_size)
    player = Player(net, np.random.default_rng(0), 0.2)
    return evaluate(player, PositionDecoder(rows * columns, rng), mazes).metrics


def test_a_head_that_always_says_the_same():
    """Saying yes always is right as often as there are loops, and ranks nothing."""
    yes, no = found_by("nav-l", [0.0, 1.0]), found_by("nav-l", [1.0, 0.0])
    share = yes["loops"] / 100
    assert 0.05 < share < 0.5
    assert yes["f1"]["loop"] == pytest.approx(2 * share / (1 + share))
    assert no["f1"]["loop"] == 0
    assert yes["auroc"]["loop"] == no["auroc"]["loop"] == 50
    assert yes["auroc"]["path_length"] > 60


def test_an_agent_without_the_head():
    assert not {"loops", "f1", "auroc"} & {*found_by("nav", None)}
