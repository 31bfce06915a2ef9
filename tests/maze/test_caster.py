"""What is seen: the compiled caster against its NumPy twin, and both against rays walked in small steps."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import maze
from maze.kernels.batch import advance
from maze.kernels.records import LOOK
from maze.textures import pictures

ROOM = """
#########
#.......#
#.......#
#...G.A.#
#.......#
#########
"""


def drawn(loop, mazes, actions):
    """rgb, depth and velocity of a batch, and its agents, things after it, by the loop or by the twin."""
    agents, things = mazes.agents.copy(), mazes._things.copy()
    images = mazes._empty_images()
    world = agents, things, mazes._walls, mazes._distances, mazes._starts
    loop(world, actions, 4, mazes._scenery, mazes._planar, images, 0, mazes.batch)
    return *images, agents, things


@given(
    seed=st.integers(0, 1_000),
    size=st.sampled_from([(84, 84), (1, 1), (5, 9), (33, 20), (60, 97), (7, 130)]),
    order=st.sampled_from(["HWC", "CHW"]),
    name=st.sampled_from(["RandomMazeSmall", "RandomMazeLarge", "IMaze"]),
)
@settings(max_examples=25, deadline=None)
def test_the_loop_is_its_twin(seed, size, order, name):
    mazes = maze.make(name, 3, seed, size=size, order=order)
    mazes.reset()
    actions = np.random.default_rng(seed).integers(LOOK, 8, 3)
    ours, theirs = (drawn(loop, mazes, actions) for loop in (advance, advance.twin))
    np.testing.assert_array_equal(ours[3], theirs[3], err_msg="the game")
    np.testing.assert_array_equal(ours[4], theirs[4], err_msg="the things")
    np.testing.assert_allclose(ours[2], theirs[2], atol=1e-6)
    # The same float32 arithmetic: where a machine's two cosines differ, a column may fall to either side.
    assert np.sum(ours[0] != theirs[0]) <= 3 * size[0]
    assert np.sum(~np.isclose(ours[1], theirs[1], rtol=1e-4)) <= size[0]


@pytest.mark.parametrize("name", ["StaticSmall", "RandomMazeLarge"])
def test_the_depth_is_where_a_ray_walked_in_small_steps_ends(name):
    mazes = maze.make(name, 6, 3, size=(21, 21), fruit=False)
    mazes.reset()
    mazes._things["present"] = 0  # no goal in the way
    depth = mazes.look().depth
    walls = mazes._walls != 0
    across = (np.arange(21) + 0.5) / 21 * 2 - 1
    for n, agent in enumerate(mazes.agents):
        x, y, angle = (float(agent[name]) for name in ("x", "y", "angle"))
        for c in range(21):
            ray_x = math.cos(angle) - math.sin(angle) * across[c]
            ray_y = math.sin(angle) + math.cos(angle) * across[c]
            t = 0.0
            while not walls[n, int(y + t * ray_y), int(x + t * ray_x)]:
                t += 1e-3
            # The middle row looks straight ahead and meets nothing before the wall.
            assert depth[n, 10, c] == pytest.approx(t, abs=0.02 + 0.01 * t), (n, c)


def facing(x, y, angle, things=(), **options):
    """A maze of one room, with its agent put there."""
    mazes = maze.make(maze.from_text(ROOM), 1, 0, **options)
    mazes.reset()
    mazes._things["present"] = 0
    for k, (kind, thing_x, thing_y) in enumerate(things):
        mazes._things[0, k] = (thing_x, thing_y, kind, 1)
    mazes.agents["x"], mazes.agents["y"], mazes.agents["angle"] = x, y, angle
    return mazes.look()


def test_depths_by_hand():
    depth = facing(2.5, 3.0, 0.0, size=(20, 40)).depth[0]
    # 5.5 tiles ahead is the wall, as wide as the image is at that distance; depth is not the ray's length.
    np.testing.assert_allclose(depth[10, 18:22], 5.5, rtol=1e-5)
    # The lowest row falls by (20 - 1/2 - 10) / 20 tiles a tile, and the eye is half a tile high.
    np.testing.assert_allclose(depth[-1, 20], 0.5 / (9.5 / 20), rtol=1e-3)
    np.testing.assert_allclose(depth[0], depth[-1], rtol=1e-5)
    assert depth.max() == pytest.approx(5.5, rel=1e-5)


def test_a_wall_across_x_is_lighter_than_one_across_y():
    """In a square room of one wall, from its middle: the same picture in another light."""
    room = "2222222\n" + 5 * "2.....2\n" + "2222222"
    mazes = maze.make(maze.from_text(room), 1, 0)
    mazes.reset()
    mazes._things["present"] = 0
    light = []
    for angle in (0.0, math.pi / 2):
        mazes.agents["x"], mazes.agents["y"], mazes.agents["angle"] = 3.5, 3.5, angle
        light.append(mazes.look().rgb[0, 36:48, 36:48].mean())
    assert light[1] / light[0] == pytest.approx(0.8, abs=0.01)


def test_it_gets_darker_with_the_distance():
    bright = [
        facing(x, 3.0, 0.0, size=(84, 84)).rgb[0, 40:44, 40:44].mean() for x in (7.5, 4.5, 1.5)
    ]
    assert bright[0] > bright[1] > bright[2]


def test_goal_and_fruit_are_seen_where_they_are():
    """And neither behind a wall, nor before a thing that is nearer."""
    empty = facing(2.5, 3.5, 0.0)
    for kind in (1, 2, 3):
        seen = facing(2.5, 3.5, 0.0, [(kind, 5.5, 3.5)])
        changed = (seen.rgb != empty.rgb).any(-1)[0]
        assert changed[:, 38:46].any()
        assert not changed[:, :20].any()
        np.testing.assert_allclose(seen.depth[0][changed], 3.0, rtol=1e-5)
        colors = seen.rgb[0][changed]
        picture = pictures()[kind]
        own = {tuple(int(c) >> k & 255 for k in (0, 8, 16)) for c in picture[picture > 0]}
        assert {tuple(map(int, color)) for color in colors} <= own
    assert np.array_equal(
        facing(2.5, 3.5, math.pi, [(1, 5.5, 3.5)]).depth, facing(2.5, 3.5, math.pi).depth
    )
    near = facing(2.5, 3.5, 0.0, [(1, 4.0, 3.5)])
    for things in ([(1, 5.5, 3.5), (1, 4.0, 3.5)], [(1, 4.0, 3.5), (1, 5.5, 3.5)]):
        np.testing.assert_array_equal(facing(2.5, 3.5, 0.0, things).rgb, near.rgb)


def test_a_thing_to_the_right_is_on_the_right():
    empty, seen = facing(2.5, 3.0, 0.0), facing(2.5, 3.0, 0.0, [(2, 5.5, 4.5)])
    columns = np.flatnonzero((seen.rgb != empty.rgb).any((0, 1, 3)))
    assert columns.min() > 42


def test_things_behind_walls_are_not_seen():
    text = "#######\n#..#.G#\n#..#..#\n#.....#\n#######"
    mazes = maze.make(maze.from_text(text), 1, 0)
    mazes.reset()
    mazes.agents["x"], mazes.agents["y"], mazes.agents["angle"] = 1.5, 1.5, 0.0
    seen = mazes.look()
    mazes._things["present"] = 0
    empty = mazes.look()
    np.testing.assert_array_equal(seen.rgb, empty.rgb)


def test_the_two_orders_hold_the_same_image():
    one, other = (maze.make("StaticLarge", 2, 5, order=order).reset() for order in ("HWC", "CHW"))
    np.testing.assert_array_equal(one.rgb.transpose(0, 3, 1, 2), other.rgb)


def test_regions_of_a_maze_differ():
    """Wherever one starts, it looks otherwise."""
    frames = maze.make("StaticLarge", 64, 0).reset().rgb
    assert len({frame.tobytes() for frame in frames}) > 60
    average = frames[:, 30:54].reshape(64, -1, 3).mean(1)
    assert average.std(0).min() > 15


def test_walls_show_the_style_that_a_text_asks_for():
    images = []
    for style in "1", "2":
        text = ROOM.replace("#", style)
        mazes = maze.make(maze.from_text(text), 1, 0)
        mazes.reset()
        mazes.agents["x"], mazes.agents["y"], mazes.agents["angle"] = 7.5, 3.0, 0.0
        images.append(mazes.look().rgb[0, 42].mean(0))
    assert images[0].argmax() == 0, "style 1 is brick red"
    assert images[1].argmax() == 2, "style 2 is blue"
