"""Layouts: what is read is what is written, and what nobody could play in is refused with a drawing."""

import re

import numpy as np
import pytest

from maze import LayoutError, from_file, from_text
from maze.layout import LARGEST, Layout
from maze.paths import UNREACHED, path_distances
from maze.variants import VARIANTS

OWN = """
#########
#G.A#..P#
#...3..S#
#.......#
#########
"""


def test_a_text_says_where_everything_is():
    layout = from_text(OWN)
    assert layout.walls.shape == (5, 9)
    assert (layout.goals, layout.apples) == ([(1, 1)], [(1, 3)])
    assert (layout.strawberries, layout.starts) == ([(2, 7)], [(1, 7)])
    assert layout.walls[2, 4] == 4, "1 + the style"
    assert layout.free[0] == (1, 1)
    assert len(layout.free) == 19


def test_a_layout_with_a_hole_is_drawn_as_it_was_read():
    with pytest.raises(LayoutError, match=r"#P\.#\n> +3 \| #A\.S\n"):
        from_text("####\n#P.#\n#A.S\n#.G#\n####\n")


def test_a_layout_is_written_as_it_was_read():
    assert str(from_text(OWN)) == OWN.strip()
    for variant in VARIANTS.values():
        if layout := variant.fixed_layout():
            assert str(layout) == variant.layout.read_text(encoding="utf-8").strip()


def test_spaces_are_floor_and_ends_of_lines_do_not_matter():
    assert str(from_text("#####\r\n#   #  \r\n#####\r\n\r\n")) == "#####\n#...#\n#####"


@pytest.mark.parametrize(
    ("variant", "cells"), [("StaticSmall", (5, 10)), ("StaticLarge", (9, 15)), ("IMaze", (5, 10))]
)
def test_our_own_have_the_sizes_of_the_paper(variant, cells):
    layout = VARIANTS[variant].fixed_layout()
    assert layout.walls.shape == (2 * cells[0] + 1, 2 * cells[1] + 1)
    assert len(layout.goals) == (4 if variant == "IMaze" else 1)
    assert layout.apples


def test_the_arms_of_the_i_maze_are_equally_far_and_out_of_sight():
    layout = VARIANTS["IMaze"].fixed_layout()
    far = {
        max(path_distances(layout.walls, goal)[start] for start in layout.starts)
        for goal in layout.goals
    }
    assert len(far) == 1
    for row, column in layout.goals:  # from the arm itself one looks round a corner
        assert row not in {start[0] for start in layout.starts}
        assert layout.walls[row + 1, column] == layout.walls[row - 1, column] == 1


@pytest.mark.parametrize(
    ("text", "said", "line", "column"),
    [
        ("#####\n#..\n#####", "open", 2, 5),
        ("#.###\n#...#\n#####", "open", 1, 2),
        ("#####\n#...#\n##.##", "open", 3, 3),
        ("#####\n#...#\n####", "open", 3, 5),
        ("#####\n#.#.#\n#####", "falls apart", 2, 4),
        ("#######\n#..x..#\n#######", "means nothing", 2, 4),
    ],
)
def test_what_is_wrong_is_drawn_where_it_is(text, said, line, column):
    with pytest.raises(LayoutError, match=said) as error:
        from_text(text, "my maze")
    message = str(error.value)
    assert message.startswith("my maze")
    assert f"line {line}, column {column}" in message
    lines = message.split("\n")
    (marked,) = (k for k, drawn in enumerate(lines) if drawn.startswith(">"))
    assert lines[marked].split("|")[0].strip(" >") == str(line)
    at = lines[marked + 1].index("^")
    assert at - (lines[marked].index("|") + 2) == column - 1, "the arrow stands under the place"


@pytest.mark.parametrize(
    "text",
    [
        "\n  \n#####\n#..x#\n#####",
        "\n\t\n#####\n#....\n#####\n \n",
        "\r\n \r\n#####\n#.#.#\n#####",
    ],
)
def test_lines_have_the_numbers_that_they_have_in_the_text(text):
    with pytest.raises(LayoutError, match=r"(?s)line 4, column.*\n    3 \| #####.*\n>   4 \| #"):
        from_text(text)


def test_empty_lines_around_a_maze_may_have_spaces():
    assert str(from_text("  \n####\n#..#\n####\n  \n")) == "####\n#..#\n####"


@pytest.mark.parametrize(
    "text", ["", "   \n \n", "\n\n", "###\n#.#\n###", "###\n###", "#" * (LARGEST + 1)]
)
def test_where_nobody_could_play_is_refused(text):
    with pytest.raises(LayoutError, match=r"empty|free tile|at most"):
        from_text(text)


def test_one_cannot_start_only_on_the_goal():
    walls = from_text("####\n#..#\n####").walls
    with pytest.raises(LayoutError, match=r"(?s)it is the goal's.*>   2 .*Mark another with P"):
        type(from_text(OWN))(walls, goals=[(1, 1)], starts=[(1, 1)])


WALLS = from_text("#####\n#...#\n#####").walls


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"walls": WALLS.tolist()}, "an array"),
        ({"walls": WALLS.astype(int)}, "uint8"),
        ({"walls": WALLS[1]}, r"\(H, W\)"),
        ({"walls": WALLS[:0]}, "from 1 to"),
        ({"walls": WALLS * 11}, "from 0 to 10"),
        ({"walls": WALLS, "goals": [(0, 0)]}, "(?s)a goal at line 1, column 1.*>   1 "),
        ({"walls": WALLS, "apples": [(1, 1), (1, 4)]}, "an? apple at line 2, column 5"),
        (
            {"walls": WALLS, "strawberries": [(9, 9)]},
            "a strawberry in row 9, column 9.* 3 x 5 tiles",
        ),
        (
            {"walls": WALLS, "goals": [(-2, 1)]},
            r"(?s)a goal in row -2.*    1 \| #####\n.*    3 \| #####$",
        ),
        ({"walls": WALLS, "starts": [(1, 1), (1, 1)], "goals": [(1, 1)]}, "it is the goal's"),
        ({"walls": WALLS, "starts": [(1, 1)], "goals": [(1, 1), (1, 1)]}, "it is the goal's"),
        ({"walls": WALLS, "goals": [(1.0, 1.0)]}, r"layout: goals must be tiles \(row, column\)"),
        ({"walls": WALLS, "apples": (1, 1)}, "apples must be tiles"),
        ({"walls": WALLS, "starts": [(1, 1, 1)]}, "starts must be tiles"),
        ({"walls": WALLS, "strawberries": None}, "strawberries must be tiles"),
    ],
)
def test_one_made_of_arrays_is_checked_as_well(made, said):
    with pytest.raises(LayoutError, match=said):
        Layout(**made)


def test_tiles_may_be_of_any_whole_numbers_and_count_once():
    layout = Layout(WALLS, goals=np.array([[1, 1], [1, 3], [1, 1]]), starts=[[np.int64(1), 2]])
    assert (layout.goals, layout.starts) == ([(1, 1), (1, 3)], [(1, 2)])
    assert type(layout.goals[0][0]) is int


def test_walls_that_were_checked_stay_as_they_are():
    walls = WALLS.copy()
    layout = Layout(walls)
    walls[:] = 0
    assert np.array_equal(layout.walls, WALLS)
    with pytest.raises(ValueError, match="read-only"):
        layout.walls[0, 0] = 0


def test_files_that_are_none(tmp_path):
    with pytest.raises(LayoutError, match=re.escape(str(tmp_path / "none.txt"))):
        from_file(tmp_path / "none.txt")
    (tmp_path / "picture.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LayoutError, match="no text"):
        from_file(tmp_path / "picture.txt")


def test_a_file_may_begin_with_the_mark_of_its_encoding(tmp_path):
    (tmp_path / "own.txt").write_text("\ufeff#####\n#.G.#\n#####", encoding="utf-8")
    assert from_file(tmp_path / "own.txt").goals == [(1, 2)]


@pytest.mark.parametrize("given", [None, b"###"])
def test_what_is_no_text_is_refused(given):
    with pytest.raises(LayoutError, match="layout is text.*not (NoneType|bytes)"):
        from_text(given)


def test_distances_by_hand():
    layout = from_text("######\n#...##\n#.#..#\n#...##\n######")
    around = path_distances(layout.walls, (1, 1))
    assert around[1].tolist() == [-1, 0, 1, 2, -1, -1]
    assert around[2].tolist() == [-1, 1, UNREACHED, 3, 4, -1]
    assert np.array_equal(around == UNREACHED, layout.walls > 0)
