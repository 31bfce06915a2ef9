"""The rules: what is found is worth what the slides say, once, until the goal brings all back."""

import numpy as np
import pytest

import maze
from maze import Action
from maze.constants import REACH, START_DISTANCE
from maze.kernels.records import APPLE, GOAL, STRAWBERRY
from maze.paths import path_distances
from maze.variants import Variant

CORRIDOR = "#############\n#P.A...S...G#\n#############"


@pytest.fixture
def corridor():
    """One agent at the left end of a corridor, looking along it."""
    mazes = maze.make(maze.from_text(CORRIDOR), 1, 0, size=8)
    mazes.reset()
    mazes.agents["angle"] = 0.0
    return mazes


def walk(mazes, steps):
    """What forward brings in so many steps: the rewards that are not 0, with their steps."""
    found = {}
    for k in range(steps):
        mazes.agents["angle"] = 0.0  # a new start looks anywhere
        _, (reward,), _ = mazes.step(np.array([Action.FORWARD]))
        if reward:
            found[k] = reward
    return found


def test_fruit_once_then_the_goal(corridor):
    assert list(walk(corridor, 38).values()) == [1.0, 2.0, 10.0]


def test_the_goal_brings_back_the_fruit_and_the_agent(corridor):
    found = walk(corridor, 76)
    assert list(found.values()) == [1.0, 2.0, 10.0] * 2
    assert corridor.agents["goals"] == 2
    assert corridor.agents["score"] == 26


def test_eaten_fruit_is_gone_until_then(corridor):
    walk(corridor, 15)
    kinds = corridor.things()
    assert kinds["kind"].tolist() == [GOAL, APPLE, STRAWBERRY]
    assert kinds["present"].tolist() == [1, 0, 1]
    corridor.agents["x"] = 1.5
    assert list(walk(corridor, 24).values()) == [2.0], "the apple was eaten"


def test_things_are_looked_for_each_frame():
    """In one decision of 200 frames one passes the apple and the strawberry, and comes to the goal."""
    mazes = maze.make(maze.from_text(CORRIDOR), 1, 0, size=8, repeat=200)
    mazes.reset()
    mazes.agents["angle"] = 0.0
    _, (reward,), _ = mazes.step(np.array([Action.FORWARD]))
    assert reward >= 13


def test_who_is_teleported_stands_still(corridor):
    corridor.agents["x"] = corridor.things()["x"][0] - REACH - 0.01
    corridor.agents["speed_x"], corridor.agents["turn"] = 3.0, 2.0
    seen, (reward,), _ = corridor.step(np.array([Action.BACKWARD]))
    assert reward == 10
    assert corridor.agents["x"][0] == pytest.approx(1.5, abs=0.5)
    assert seen.velocity[0, 4] == 0, "it does not turn on as it did before"


def test_there_is_never_fruit_under_the_goal_nor_where_there_was_none():
    """A goal anywhere among fruit: where it lies on some, that is left out, and does not come with the next find."""
    mazes = maze.make(maze.from_text("######\n#AAA.#\n#AAA.#\n######"), 64, 0, size=1)
    fewer = 0
    for _ in range(3):
        mazes.reset()
        for n, episode in enumerate(mazes.episodes):
            places = [(thing["x"], thing["y"]) for thing in episode.things]
            assert len(set(places)) == len(places)
            fewer += len(places) < 7
        mazes.agents["y"], mazes.agents["x"] = mazes.info()["goal_tile"].T + 0.5
        mazes.step(np.zeros(64, int))
        assert (mazes.agents["goals"] == 1).all()
        things = mazes._things
        assert not things["present"][things["kind"] == 0].any()
    assert fewer > 50


def test_reach_ends_where_it_says(corridor):
    goal_x = corridor.things()["x"][0]
    for away, reached in ((REACH + 0.2, 0), (REACH - 0.1, 1)):
        corridor.agents["x"], corridor.agents["goals"] = goal_x - away, 0
        corridor.agents["speed_x"] = 0
        corridor.step(np.array([Action.TURN_LEFT]))
        assert corridor.agents["goals"] == reached


def test_no_corridor_lets_one_pass_by():
    text = "###########\n#P...A...G#\n###########"
    mazes = maze.make(maze.from_text(text), 1, 0, size=8)
    for y in (1.26, 1.74):
        mazes.reset()
        mazes.agents["y"] = y
        assert list(walk(mazes, 40).values())[:2] == [1.0, 10.0]


@pytest.mark.parametrize("name", maze.names())
def test_one_starts_away_from_the_goal_and_at_rest(name):
    mazes = maze.make(name, 20, 0, size=8)
    for _ in range(3):
        mazes.reset()
        info = mazes.info()
        least = START_DISTANCE if name.startswith("Random") else 1
        assert (info["distance"] >= least).all()
        assert (mazes.agents["speed_x"] == 0).all()
        assert len({tuple(tile) for tile in info["tile"].tolist()}) > 5
        assert np.ptp(info["pose"][:, 2]) > 3


@pytest.mark.parametrize("goal", ["G", "."])
def test_only_a_goal_that_is_drawn_is_far_from_the_start(goal):
    mazes = maze.make(maze.from_text(f"{'#' * 33}\n#{goal}{'.' * 30}#\n{'#' * 33}"), 64, 0, size=1)
    mazes.reset()
    near = (mazes.info()["distance"] < START_DISTANCE).mean()
    assert near == 0 if goal == "." else 0.1 < near < 0.5


def test_a_goal_that_moves_leaves_the_only_start_free():
    mazes = maze.make(maze.from_text("#####\n#P..#\n#####"), 64, 0, size=1)
    mazes.reset()
    info = mazes.info()
    assert info["tile"].tolist() == [[1, 1]] * 64
    assert (info["distance"] > 0).all()


def test_the_distance_is_that_of_the_shortest_path():
    mazes = maze.make("RandomMazeSmall", 5, 0, size=8)
    mazes.reset()
    for _ in range(30):
        mazes.step(np.random.default_rng(0).integers(0, 8, 5))
    info = mazes.info()
    for n, episode in enumerate(mazes.episodes):
        around = path_distances(episode.layout.walls, tuple(info["goal_tile"][n]))
        assert info["distance"][n] == around[tuple(info["tile"][n])]


def places(name, episodes, seed=0, **options):
    """Goals and fruit of some episodes of one maze."""
    mazes = maze.make(name, 1, seed, size=4, **options)
    found = []
    for _ in range(episodes):
        mazes.reset()
        things = mazes.things()
        tiles = [(int(y), int(x)) for x, y in zip(things["x"], things["y"])]
        walls = mazes.episodes[0].walls.tobytes()
        found.append((tiles[0], frozenset(tiles[1:]), walls))
    return found


@pytest.mark.parametrize(
    ("name", "goals", "fruit", "layouts"),
    [
        ("StaticSmall", 1, "stays", "stays"),
        ("StaticLarge", 1, "stays", "stays"),
        ("IMaze", 4, "stays", "stays"),
        ("RandomGoalSmall", "moves", "moves", "stays"),
        ("RandomGoalLarge", "moves", "moves", "stays"),
        ("RandomMazeSmall", "moves", "moves", "moves"),
        ("RandomMazeLarge", "moves", "moves", "moves"),
    ],
)
def test_what_an_episode_draws_anew(name, goals, fruit, layouts):
    episodes = places(name, 30)
    expected = (goals, fruit, layouts)
    for seen, told in zip(zip(*episodes), expected):
        different = len({str(sorted(s)) if isinstance(s, frozenset) else str(s) for s in seen})
        if told == "moves":
            assert different >= 18
        else:
            assert different == {"stays": 1}.get(told, told)
    assert len({len(e[1]) for e in episodes}) == 1, "there is always as much fruit"


@pytest.mark.parametrize("cells", [(1, 2), (2, 1), (4, 5), (5, 10), (9, 15)])
@pytest.mark.parametrize("moves", [False, True])
def test_a_random_maze_has_room_for_its_things_and_no_more(cells, moves):
    mazes = maze.make(Variant("own", "", cells, moves, moves), 10, 0, size=1)
    mazes.reset()
    assert max(len(episode.things) for episode in mazes.episodes) == mazes._things.shape[1]


def test_sparse_has_no_fruit():
    for name in maze.names():
        assert all(not fruit for _, fruit, _ in places(name, 2, fruit=False))


def test_a_layout_that_names_no_place_for_the_goal_moves_it():
    assert len({e[0] for e in places(maze.from_text("#######\n#.....#\n#######"), 30)}) == 5
