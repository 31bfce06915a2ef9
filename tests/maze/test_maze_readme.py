"""What maze/README.md says runs, and is so."""

import re
from pathlib import Path

import numpy as np
import pytest

import maze
from maze.variants import VARIANTS

FOLDER = Path(maze.__file__).parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_the_first_program_is_an_episode():
    names = {}
    exec(PROGRAMS[0].replace("mazes.steps", "3").replace("reset(over)", "reset(~over)"), names)
    for name, shape in re.findall(r"\.(\w+) \(([\d, ]+)\)", PROGRAMS[0]):
        assert getattr(names["seen"], name).shape == tuple(map(int, shape.split(",")))
    assert np.array_equal(names["seen"].action, np.full(16, maze.Action.FORWARD_TURN_LEFT))


def test_the_second_is_gymnasiums():
    pytest.importorskip("gymnasium")
    names = {}
    exec(PROGRAMS[1], names)
    assert names["env"].reset(seed=0)[0]["rgb"].shape == (84, 84, 3)
    assert names["envs"].num_envs == 16


def test_the_layout_is_one():
    (drawn,) = re.findall(r"```\n(#.*?)```", README, flags=re.DOTALL)
    layout = maze.from_text(drawn)
    assert (layout.goals, layout.apples, layout.starts) == ([(1, 7)], [(3, 7)], [(1, 1)])


def test_the_table_tells_of_all_mazes_and_their_lengths():
    told = {}
    for line in README.splitlines():
        if line.startswith(tuple(f"| {name}" for name in VARIANTS)):
            mazes, decisions = (cell.split(", ") for cell in line.strip("| ").split(" | ")[:2])
            told |= zip(mazes, (int(d.replace(",", "")) for d in decisions), strict=True)
    assert told == {name: variant.frames // 4 for name, variant in VARIANTS.items()}


def test_links_lead_to_files():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert not [link for link in links if not (FOLDER / link).exists()]
