"""The published runs of the navigation agent.

python -m tasks.navigation.results              rewrites RESULTS.md from results.json
python -m tasks.navigation.results --run 2      first runs what is missing, two at a time
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from minigrad.serialize import whole_file
from tasks.navigation import figures
from tasks.navigation.agents import AGENTS
from tasks.navigation.results_table import by_agent, page
from tasks.published import Published, Record

STEPS, LARGE, LONGER, PAPER = 2_000_000, 4_000_000, 6_000_000, 25_000_000
MAIN = ("nav-d2", "lstm", "ff", "nav", "nav-d1d2l")


def planned() -> Iterator[tuple[str, list[str]]]:
    """Every run, the most telling first: its name, and what follows `python -m tasks`."""
    default = ["navigation", "--seed", "0"]
    yield "tiny nav-d2 seed0", default
    for seed in (0, 1, 2):
        for agent in (*MAIN, "nav-rgbd"):
            yield _run("StaticSmall", agent, seed)
        for agent in ("lstm", "nav-d2", "ff"):
            yield _unrolled(50, 8, *_run("TMaze", agent, seed))
            yield _run("TinyRandomGoal", agent, seed)
        for agent in MAIN:
            yield _run("RandomGoalSmall", agent, seed)
            yield _run("IMaze", agent, seed)
    yield _run("TMaze", "lstm", 0)
    for steps, mazes in ((50, 8), (100, 4)):
        yield _unrolled(steps, mazes, *_run("TinyRandomGoal", "nav-d2", 0, 4_000_000))
    for agent, steps in (("nav-d2", LONGER), ("lstm", LONGER), ("nav-d2", PAPER)):
        yield _unrolled(50, 8, *_run("RandomGoalSmall", agent, 0, steps))
    for steps in (100, 200):
        yield _unrolled(steps, 4, *_run("IMaze", "nav-d2", 0, 4_000_000))
    yield "tiny nav-d2 seed0 a3c", [*default, "--method", "a3c", "--workers", "2", "--threads", "2"]
    for agent in AGENTS:
        if agent not in (*MAIN, "nav-rgbd"):
            yield _run("StaticSmall", agent, 0)
    name, words = _run("StaticSmall", "nav-d2", 0)
    yield f"{name} regression", [*words, "--depth-form", "regression"]
    for agent in ("nav-d1d2", "nav-d1d2l"):
        name, words = _run("StaticSmall", agent, 0)
        yield f"{name} depth1-0.03", [*words, "--depth1", "0.03"]
    for maze in ("StaticLarge", "RandomGoalLarge"):
        for agent in ("nav-d2", "lstm"):
            yield _run(maze, agent, 0, LARGE)
    for agent in ("ff", "nav-d2"):
        yield _run("PlainSmall", agent, 0)
    for agent in MAIN[1:]:
        yield f"tiny {agent} seed0", [*default, "--agent", agent, "--threads", "1"]


def _run(maze: str, agent: str, seed: int, steps: int = STEPS) -> tuple[str, list[str]]:
    words = ["navigation", "--maze", maze, "--agent", agent, "--steps", str(steps)]
    name = f"{maze} {agent} seed{seed}" + (f" {steps // 1_000_000}M" if steps != STEPS else "")
    return name, [*words, "--seed", str(seed), "--threads", "1"]


def _unrolled(steps: int, mazes: int, name: str, words: list[str]) -> tuple[str, list[str]]:
    """That run, learning from so many steps at a time of so many mazes."""
    return f"{name} unroll{steps}", [*words, "--unroll", str(steps), "--mazes", str(mazes)]


def draw(record: Record, folder: Path) -> None:
    """Draw the learning curves of each maze: a line an agent, the mean over its seeds."""
    for maze in dict.fromkeys(name.split()[0] for name in record):
        runs = {name: run for name, run in record.items() if name.split()[0] == maze}
        curves = {
            agent: [np.array(run["curve"]) for run in seeds]
            for agent, seeds in by_agent(runs).items()
        }
        metrics = next(iter(runs.values()))["metrics"]
        scale = {name: metrics[f"score.{name}"] for name in ("oracle", "random")}
        folder.mkdir(exist_ok=True)
        with whole_file(folder / f"curves_{maze}.png") as file:
            figures.curves(curves, scale, maze).savefig(file, format="png", dpi=110)


PUBLISHED = Published(
    record=Path(__file__).with_name("results.json"),
    table=Path(__file__).with_name("RESULTS.md"),
    planned=dict(planned()),
    page=page,
    curve=("agent_steps", "score"),
    draw=draw,
)

if __name__ == "__main__":
    PUBLISHED.main("tasks.navigation.results")
