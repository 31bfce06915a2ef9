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
which knows the maze and takes the shortest way to the goal (not to the fruit), play the same. AUC is the mean of
the learning curve. Latency is seconds of the game to the first goal of an episode, and from each goal to the next.
Accuracies are per cent of steps (position, by a linear classifier of cells) or of pixels (depth in 8 bands).
Loops are the per cent of steps in which one is closed, F1 is that of the head that should say so, and AUROC the per
cent of pairs of steps, with and without, that it puts in the right order, beside that of a clock, which knows the
time since the last teleport and nothing else. Where there are several seeds, their mean and in brackets each (a dash, or
nothing: not measured yet when that run was made, or of a part that the agent has not). No run,
seed or step was chosen by its score; the setting was, see below.

Latencies are of what was found: where goals are rare, later ones, for which less time is left, seem to be found
sooner than they would be. So compare "soon": the per cent of starts, the first of an episode and those after a find,
from which the goal is found within a quarter of an episode, starts with less time left apart. Who remembers where
the goal is has more of the later ones; but these are of goals that were found once, the easier ones, and how much
that makes is seen in ff, which has no memory.

What came out so far, with seed 0 where no other is named:

- Depth as a target speeds learning: in StaticSmall nav-d2 has twice the AUC of nav, which is the same net without
  it (91 and 43), and three times that of nav-rgbd, which has depth as an input (32).
- Who has a memory finds the goal sooner once it has found it: in TinyRandomGoal lstm does so soon from 70 % of first
  starts and 81 % of later ones, nav-d2 from 78 % and 82 %, with seed 1 from 82 % and 90 %, and ff, which has none,
  from 52 % and 50 % (of a hundred first starts the error is 4 or 5 %). That ff's latency falls all the same, from 18 s to 14, is
  of what it did not find.
- Depth makes nav-d2 learn faster than lstm there too (AUC 47, seed 1 48; 24); where they end is not told apart (61 and 90; 71 points).
- Position is told best from h of nav-d2 where the goal moves (TinyRandomGoal: 60 %, seed 1 44 %; ff 28 %, lstm 27 %).
- Not as in the lecture: in StaticSmall, which never changes, ff is the fastest, and its f tells the place as well as
  h of nav-d2 (70 and 67 %); in tiny it is slower (AUC 102 and 164), and tells it worse (54 and 76 %). In RandomGoalSmall 2 million steps are too few: nav-d2 has learned to go to the
  goal where it sees it, and remembers nothing (found soon from 21 and 24 % of starts).

What was cut: the paper trains for 25 million agent steps, 64 times with hyper-parameters drawn anew, and takes
the best five. These have 2 million steps (the default run, in the tiny maze, 1.5) with one setting for all, found
by trials in StaticSmall, seed 0 (a command below, with the options that are named), by the points of training:

- How often it learns decides: nav-d2 ends with 37 points by `--unroll 50`, with 161 by 20. The steps are the same,
  the updates more. What is best for memory was not looked for.
- The learning rate: by `--lr 0.002` nav-d2 stood at 5 points at 1.1 million steps, by 0.0003 at 8 at 0.8 million;
  by 0.0007 it had 111 and 76.
- In RandomGoalSmall nothing was found that learns clearly faster. At 1.1 million steps nav-d2 has 15 points, by
  `--gamma 0.997` 18, by `--entropy 0.004` 6, by `--lr 0.002` 3; at 0.8 million it has 14, by `--lr 0.0003` 13, by
  `--unroll 50 --mazes 8` 6.
- The reward scale is from earlier trials of nav-d2, under other rules, of which no record was kept.
- The weight of loop closure: by `--loop 0.33`, as depth has, nav-d1d2l stood at 27 points from 1 to 1.65 million
  steps, where it was stopped; by 0.03 it had 105 at 1.2 million (that trial is the published run), and by a tenth
  for all three tasks 89.

Loop closure is hardly learned. Who walks straight to the goal closes no loop, and a teleport begins the path anew:
an agent that knows its way has few examples, and its head, which says yes from a probability of a half on, may
never say it (F1 0.00). What it thinks likely does rank steps (AUROC), but by less than a clock would. To know a
place again it would need a memory of hundreds of steps, and it learns from 20 at a time. (The paper's F1 of 0.83
is from episodes of 2,250 steps in the large maze.)

The mazes of the paper are those of DeepMind Lab, and ours are our own, so its scores are no yardstick for ours; the
oracle's are. Minutes are those of a machine that did other things meanwhile.
"""

MAZES = {
    variant.name: f"{variant.summary[0].upper()}{variant.summary[1:]}."
    for variant in VARIANTS.values()
} | {
    "tiny": "5 x 5 cells, goal and fruit fixed (tiny.txt), that of the default run.",
    "TinyRandomGoal": "5 x 5 cells, the fruit fixed, the goal anywhere, another each episode (tiny_random_goal.txt).",
}

COLUMNS = {
    "score": "score",
    "AUC": "auc",
    "goals, %": "goals",
    "latency, first": "latency.first",
    "later": "latency.later",
    "soon, first, %": "soon.first",
    "later, %": "soon.later",
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
    missing = [name for name in planned if name not in record]
    if missing:
        parts.append("## Not run yet\n\n" + ", ".join(missing) + "\n")
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
