"""The published runs of the navigation agent.

python -m tasks.navigation.results              rewrites RESULTS.md from results.json
python -m tasks.navigation.results --run 2      first runs what is missing, two at a time
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tasks.navigation.agents import AGENTS
from tasks.navigation.results_table import page
from tasks.published import Published

STEPS, LONGER = 2_000_000, 10_000_000
MAIN = ("nav-d2", "lstm", "ff", "nav", "nav-d1d2l")
MAZES = ("StaticSmall", "RandomGoalSmall", "IMaze")
LARGE = ("StaticLarge", "RandomGoalLarge", "RandomMazeSmall", "RandomMazeLarge")


def planned() -> Iterator[tuple[str, list[str]]]:
    """Every run, the most telling first: its name, and what follows `python -m tasks`."""
    for maze in MAZES:
        for seed in (0, 1, 2):
            for agent in MAIN:
                yield _run(maze, agent, seed)
    for seed in (0, 1, 2):
        yield _run("StaticSmall", "nav-rgbd", seed)
    for agent in AGENTS:
        if agent not in (*MAIN, "nav-rgbd"):
            yield _run("StaticSmall", agent, 0)
    name, words = _run("StaticSmall", "nav-d2", 0)
    yield f"{name} regression", [*words, "--depth-form", "regression"]
    for maze in ("RandomGoalSmall", *LARGE):
        for agent in ("nav-d2", "lstm"):
            yield _run(maze, agent, 0, LONGER)


def _run(maze: str, agent: str, seed: int, steps: int = STEPS) -> tuple[str, list[str]]:
    words = ["navigation", "--maze", maze, "--agent", agent, "--steps", str(steps)]
    name = f"{maze} {agent} seed{seed}" + (f" {steps // 1_000_000}M" if steps != STEPS else "")
    return name, [*words, "--seed", str(seed), "--threads", "1"]


PUBLISHED = Published(
    record=Path(__file__).with_name("results.json"),
    table=Path(__file__).with_name("RESULTS.md"),
    planned=dict(planned()),
    page=page,
    curve="score",
)

if __name__ == "__main__":
    PUBLISHED.main("tasks.navigation.results")
