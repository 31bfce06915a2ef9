"""What is measured: position, depth and loop closure, and the areas under the two kinds of curve."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import maze
from layers import Parameter
from maze.players import rollout
from tasks.navigation import figures
from tasks.navigation.acting import Forgetful, Player, RecurrentPolicy
from tasks.navigation.agents import ingredients
from tasks.navigation.decoder import PositionDecoder, grid
from tasks.navigation.depth import BANDS, PIXELS, bands, coarse
from tasks.navigation.evaluate import SHOWN, _Observer, area, auroc, evaluate, without_memory
from tasks.navigation.mazes import make_mazes
from tasks.navigation.models import NavigationNet
from tasks.navigation.navigation import Config

ROOM = """
#####
#...#
#.G.#
#...#
#####
"""


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


def test_the_area_counts_distances():
    steps, scores = np.array([0, 10, 40]), np.array([0.0, 2.0, 4.0])
    assert area(steps, scores) == pytest.approx((10 * 1 + 30 * 3) / 40)
    assert area(steps[:1], scores[1:2]) == 2


def certain_of(head, answers):
    """Make a linear layer say the same, whatever it is given."""
    head.weight = Parameter(0 * head.weight.data)
    head.bias = Parameter(answers.astype(np.float32))


class Noting(Player):
    """It notes all that it sees."""

    def __call__(self, simulator):
        actions = super().__call__(simulator)
        self.notes = [*getattr(self, "notes", []), (self.seen.rgb.copy(), self.seen.depth.copy())]
        return actions


def tiny(frames):
    """Four mazes of the default run, and small pictures."""
    return make_mazes(Config(frames=frames, side=20), 4, 0)


def played_by_one_who_is_certain(cell, band):
    """An untrained agent that is sure of its cell, and of that depth everywhere: what is measured, what it saw."""
    mazes = tiny(frames=600)
    rng = np.random.default_rng(0)
    net, decoder = NavigationNet(ingredients("nav-d2"), rng, side=20), PositionDecoder(25, rng)
    certain_of(decoder.linear, np.arange(25) == cell)
    certain_of(net.depth_from_h[-1], np.repeat(np.arange(BANDS) == band, PIXELS))
    player = Noting(net, rng, 0.2)
    return evaluate(player, decoder, mazes), *(np.array(part) for part in zip(*player.notes))


def test_position_and_depth_are_judged_by_what_is_true():
    test, _, depths = played_by_one_who_is_certain(0, 0)
    played = test.played
    x, y = ((played.poses[..., k] - 0.5) // 2 for k in (0, 1))
    cells = (x + 5 * y).astype(int)  # after each step; what is judged is known before it
    cell = int(np.bincount(cells.ravel()).argmax())
    counts = np.bincount(bands(np.array([coarse(d) for d in depths])).ravel())
    band = 1 + int(counts[1:].argmax())
    test, pictures, depths = played_by_one_who_is_certain(cell, band)
    assert 10 < test.position < 90
    assert test.position == pytest.approx(100 * np.mean(cells == cell), abs=100 / len(cells))
    assert 5 < test.depth["d2"] < 95
    tiles = np.array([coarse(d) for d in depths])
    assert test.depth["d2"] == pytest.approx(100 * np.mean(bands(tiles) == band))
    shown = np.arange(1, SHOWN + 1) * len(tiles) // SHOWN - 1
    np.testing.assert_array_equal(test.pictures, pictures[shown, 0])
    np.testing.assert_array_equal(test.tiles, tiles[shown, 0])
    assert test.told.shape == test.tiles.shape
    assert (test.told == band).all()


def test_a_constant_guess_is_right_where_the_commonest_band_is():
    test, _, depths = played_by_one_who_is_certain(0, 0)
    seen = bands(np.array([coarse(d) for d in depths])).reshape(-1, PIXELS)
    right = [np.bincount(pixel).max() / len(seen) for pixel in seen.T]
    assert test.metrics["accuracy"]["depth_constant"] == pytest.approx(100 * np.mean(right))
    assert 30 < test.depth["constant"] < 95
    assert test.depth["d2"] <= test.depth["constant"], (
        "one who says a band everywhere is such a one"
    )


def test_the_place_in_the_figure_is_that_of_the_picture_by_which_it_was_decoded():
    mazes, places = tiny(frames=600), []

    class Placed(Player):
        def __call__(self, simulator):
            places.append(simulator.info()["pose"][0])
            return super().__call__(simulator)

    rng = np.random.default_rng(0)
    net = NavigationNet(ingredients("ff"), rng, side=20)
    test = evaluate(Placed(net, rng), PositionDecoder(25, rng), mazes)
    shown = [axes for axes in figures.positions(test, mazes).axes if axes.lines]
    assert [axes.get_title() for axes in shown] == ["0.1 s", "1.0 s", "3.0 s", "9.9 s"]
    for axes, step in zip(shown, (1, 15, 45, 149), strict=True):
        x, y, angle = places[step]
        point, arrow = (line.get_xydata() for line in axes.lines[-2:])
        np.testing.assert_allclose(point, [[x, y]])
        np.testing.assert_allclose(arrow, [[x, y], [x + np.cos(angle), y + np.sin(angle)]])


class Watched(Forgetful):
    """It notes the value of what it sees, and the value with an empty memory."""

    def __call__(self, simulator):
        actions = super().__call__(simulator)
        policy, senses = RecurrentPolicy(self.net, simulator.batch), self._senses
        note = self.decision.values, policy.step(senses).values
        self.notes = [*getattr(self, "notes", []), note]
        return actions


@pytest.mark.parametrize("agent", ["lstm", "nav"])
def test_who_is_forgetful_has_an_empty_memory_after_each_find(agent):
    def play(kind):
        net = NavigationNet(ingredients(agent), np.random.default_rng(0), side=20)
        player = kind(net, np.random.default_rng(0), 0.2)
        mazes = maze.make(maze.from_text(ROOM), 3, seed=0, size=20, order="CHW", frames=2_400)
        return player, rollout(mazes, player)

    (_, remembering), (player, forgetful) = play(Player), play(Watched)
    noted, with_nothing = np.array(player.notes).swapaxes(0, 1)
    empty = np.vstack([np.ones((1, 3), bool), forgetful.found[:-1]])
    assert empty.sum() > 3
    np.testing.assert_array_equal(np.isclose(noted, with_nothing, rtol=1e-7, atol=0), empty)
    first = int(np.flatnonzero(forgetful.found.any(axis=1))[0])
    np.testing.assert_array_equal(remembering.poses[: first + 1], forgetful.poses[: first + 1])
    told = without_memory(forgetful)
    assert told["score"] == forgetful.rewards.sum() / 3
    assert told["latency"] == {"later": forgetful.latencies()[1].mean()}


def test_the_path_of_loop_closure_begins_anew_at_each_find():
    mazes = maze.make(maze.from_text(ROOM), 12, seed=0, size=20, order="CHW", frames=2_400)
    rng = np.random.default_rng(0)
    player = Player(NavigationNet(ingredients("nav-l"), rng, 20), np.random.default_rng(0), 0.2)
    observer = _Observer(player, PositionDecoder(4, rng), mazes)
    found = rollout(mazes, observer).found
    lengths = np.array([length for _, _, length in observer.loops])
    expected = np.ones(12)
    for length, just_found in zip(lengths, np.vstack([np.zeros((1, 12), bool), found[:-1]])):
        expected = np.where(just_found, 1, expected)
        np.testing.assert_array_equal(length, expected)
        expected += 1
    assert found.sum() > 3


def found_by(agent, bias):
    """What is measured of an untrained agent whose head of loop closure tells the same at every step."""
    rng = np.random.default_rng(0)
    mazes = tiny(frames=1_800)
    net = NavigationNet(ingredients(agent), rng, side=20)
    if bias is not None:
        certain_of(net.loop[-1], np.array(bias))
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
