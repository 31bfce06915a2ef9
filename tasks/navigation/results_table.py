"""RESULTS.md of the navigation agent: a table a maze, and the command behind each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from maze.variants import VARIANTS

HEAD = """\
# Results of the navigation agent

Written by `python -m tasks.navigation.results` from results.json beside it, which holds every finished run with
its command, versions, metrics and learning curve. Scores are points an episode, means over 100 test episodes in
mazes drawn from other seeds than those of training, with actions drawn from the policy; chance and the oracle,
which knows the maze and takes the shortest way to the goal (not to the fruit), play the same. The oracle keeps to the
middle of the corridors, so that an agent which cuts corners may do better. AUC is the mean of the learning curve.
Latency is seconds of the game to the first goal of an episode, and from each goal to the next.
Accuracies are per cent of steps (position, by a linear classifier of cells) or of pixels (depth in 8 bands).
Loops are the per cent of steps in which one is closed, F1 is that of the head that should say so, and AUROC the per
cent of pairs of steps, with and without, that it puts in the right order, beside that of a clock, which knows the
time since the last teleport and nothing else. Where there are several seeds, their mean and in brackets each (a dash, or
nothing: not measured yet when that run was made, or of a part that the agent has not). Episodes without a find have no
latency to the first goal: where few find it, the figure is of those who do. No run,
seed or step was chosen by its score; the setting was, see below.

Later finds of an episode come sooner than the first, with and without a memory: goals that are easy to find are found
more often. So each agent that has a memory plays the test once more, forgetful: its memory is emptied at each find.
What remembering the goal is worth is the difference.

All runs were begun anew when two things were changed that had slowed every agent: how the encoder starts, and the
weight of depth. What came out so far, with seed 0 where no other is named:

- How the encoder starts (see models.py) counts most. In StaticSmall nav-d2 comes to the oracle's points: 193, seed 1
  184, and had 160 and 157 with an encoder as layers are drawn by default, lstm 192, and had 148; AUC is 127 and 134, and
  was 74 and 85, for lstm 126, and was 55. Agents without the target broke down again and again then, as units of f fell
  silent, and neither shorter steps nor a larger eps helped: lstm fell from 119 points to 8 at 1.25 million steps. It does
  not now; nav still falls once, from 119 to 4 at 0.87 million, with 19 % of the units silent (`dead` in the log), and is
  back at 105 by 0.95. (git show b67131b:tasks/navigation/RESULTS.md has the page of that time, with all its commands.)
- Depth as a target speeds learning in StaticSmall, and by less than it did: nav-d2 first has 100 points after 0.67 million
  steps, seed 1 after 0.48, nav, the same net without the target, after 0.83 (AUC 127 and 134; 103). lstm, which is not
  told how it moves, and ff are as fast as nav-d2 (0.65; AUC 126 and 118). More than 193 can hardly be had, the oracle has
  194: nav and lstm come to 192, ff to 181. With the encoder as it was, nav-d2 by this weight had an AUC of 74, 85 and 109 (three seeds), nav of 43 and 20, lstm
  of 55, 56 and 36: the target made up for a poor start.
- Position is told in StaticSmall from h of nav-d2 in 74 and 78 % of the steps, of lstm in 66, of nav in 60, and from f of
  ff in 74: places look different there, so that a picture is enough.
- RandomGoalSmall is far from learned after 2 million steps: nav-d2 has 33 points (18 with the encoder as it was), lstm
  30, which is within the error (2.3 each), the oracle 119. Nothing is remembered there: with their memory emptied at each
  find they have as many.
- An agent can learn to remember where the goal is where a find and the next lie within the steps that it learns from
  at a time. In TMaze goals can be found two seconds apart, and lstm by `--unroll 50`, 3.3 s, needs 3.8 s to the first
  goal of an episode, 2.2 s to later ones, and 3.6 s to those if its memory is emptied at each find; it has 256 points,
  and 160.

![Seconds to each goal of an episode in TMaze, with memory and without](pictures/latency_TMaze.png)

This is latency.png of TMaze lstm: it seeks the goal once, and then knows where it is; with its memory emptied at each
find (crosses) it seeks it every time.

What was cut: the paper trains for 25 million agent steps, 64 times with hyper-parameters drawn anew, and takes
the best five. These have 2 million steps (the default run, in the tiny maze, 1.5) with one setting for all, found by
trials of nav-d2 (a command below, with the options that are named), by the points of training, means of five points of
the log. So the setting may suit nav-d2 better than the others.

- The weight of depth, in StaticSmall, seed 1: at 0.69 million steps nav-d2 has by `--depth2 0.03` 57 points, by 0.1 139,
  by 0.33 34, where 0.03 and 0.33 were stopped soon after. By 0.1, the default now, it is the published run.
- The others are from trials with the encoder as it started before, see the first point above, in StaticSmall, seed 0,
  with depth weighed 0.33. How often it learns decided: nav-d2 ended with 37 points by `--unroll 50`, with 161 by 20. By
  `--lr 0.002` it stood at 5 points at 1.1 million steps, by 0.0003 at 8 at 0.8 million; by 0.0007 it had 108 and 75. By
  `--loop 0.33` nav-d1d2l stood at 27 points from 1 to 1.65 million steps, by 0.03 it had 105 at 1.2 million. The reward
  scale is older still, of which no record was kept.

The mazes of the paper are those of DeepMind Lab, and ours are our own, so its scores are no yardstick for ours; the
oracle's are. Minutes are those of a machine that did other things meanwhile.
"""

MAZES = {
    variant.name: f"{variant.summary[0].upper()}{variant.summary[1:]}."
    for variant in VARIANTS.values()
} | {
    "tiny": "5 x 5 cells, goal and fruit fixed (tiny.txt), that of the default run.",
    "TinyRandomGoal": "5 x 5 cells, the fruit fixed, the goal anywhere, another each episode (tiny_random_goal.txt).",
    "TMaze": "Two arms, the goal in one of them, drawn each episode, the start in the middle (t_maze.txt).",
}

COLUMNS = {
    "score": "score",
    "forgetful": "forgetful.score",
    "AUC": "auc",
    "goals, %": "goals",
    "latency, first": "latency.first",
    "later": "latency.later",
    "later, forgetful": "forgetful.latency.later",
    "position, %": "accuracy.position",
    "depth f, %": "accuracy.depth_d1",
    "depth h, %": "accuracy.depth_d2",
    "loops, %": "loops",
    "loop F1": "f1.loop",
    "loop AUROC": "auroc.loop",
    "a clock's": "auroc.path_length",
}


def page(record: Mapping[str, Mapping[str, Any]], planned: Mapping[str, list[str]]) -> str:
    """RESULTS.md from the finished runs of those that are planned."""
    parts = [HEAD]
    for maze in dict.fromkeys(name.split()[0] for name in planned):
        runs = {name: run for name, run in record.items() if name.split()[0] == maze}
        if runs:
            curves = f"![The learning curves in {maze}](pictures/curves_{maze}.png)"
            parts.append(f"## {maze}\n\n{MAZES[maze]}\n\n{_maze(runs)}\n{curves}\n")
    missing: dict[str, list[str]] = {}
    for name in planned:
        if name not in record:
            maze, run = name.split(maxsplit=1)
            missing.setdefault(maze, []).append(run)
    if missing:
        lines = (f"- {maze}: {', '.join(runs)}" for maze, runs in missing.items())
        parts.append("## Not run yet\n\n" + "\n".join(lines) + "\n")
    if record:
        rows = [
            [name, f"`{run['command']}`", f"{run['metrics']['seconds'] / 60:.0f}"]
            for name, run in sorted(record.items())
        ]
        parts.append("## Commands\n\n" + _table(["run", "command", "minutes"], rows))
    return "\n".join(parts)


def _maze(runs: Mapping[str, Mapping[str, Any]]) -> str:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for name, run in sorted(runs.items()):
        _, agent, _, *more = name.split()
        groups.setdefault(" ".join([agent, *more]), []).append(run["metrics"])
    rows = [
        [
            label,
            *(_cell([m.get(key) for m in metrics]) for key in COLUMNS.values()),
        ]
        for label, metrics in groups.items()
    ]
    rows.sort(key=lambda row: -float(row[1].split()[0]))
    first = next(iter(groups.values()))[0]
    for name in ("oracle", "random"):
        rows.append([name, _cell([first[f"score.{name}"]]), *[""] * (len(COLUMNS) - 1)])
    return _table(["agent", *COLUMNS], rows)


def _cell(numbers: list[float | None]) -> str:
    """The mean of a run each, and each; a dash for one that lacks it."""
    there = [n for n in numbers if n is not None]
    if not there:
        return ""
    digits = 2 if max(there) <= 1 else 1
    mean = f"{np.mean(there):.{digits}f}"
    if len(numbers) == 1:
        return mean
    return f"{mean} ({' '.join('–' if n is None else f'{n:.{digits}f}' for n in numbers)})"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
