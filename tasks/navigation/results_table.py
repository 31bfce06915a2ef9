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

What came out so far, with seed 0 where no other is named:

- Depth as a target speeds learning, if it is weighed right. In StaticSmall nav-d2 has by `--depth2 0.1` an AUC of 74, 85
  and 109 (three seeds); nav, which is the same net without the target, 43 and 20; nav-rgbd, which has depth as an input,
  32 and 36; lstm, which is not told how it moves, 55, 56 and 36. By 0.33, the weight of all other runs in the tables,
  nav-d2 has 91, 53 and 44, and so beats lstm clearly with seed 0 only, by which that weight was found. 0.1 and 0.03
  were tried with seeds 1 and 2: by 0.03 it has an AUC of 68, and of 9, where it ends with 6 points. Seed 0 by 0.1 came
  after that.
- Without the target, agents with a memory break down again and again: lstm falls from 119 points to 8 at 1.25 million
  steps, nav from 93 to 14 at 1.5 (seed 1: from 73 to 19 at 1.9), nav-rgbd from 45 to 12 at 1.3; lstm with seed 2,
  nav-d2 (all six runs) and nav-d1d2l never lose more than 29. What happens then can be seen in the log of lstm, seed 1,
  made again: units of f fall silent, 0 for all that is seen (`dead`: 16 % at 0.73 million steps, with 94 points; 71 %
  at 0.79, with 5), and wake again. Shorter steps do not help: by `--lr 0.0003` it has an AUC of 38, and still falls, from 94 points to 4 at 1.7
  million steps, with few more units silent (17 and 24 %). Nor do gradients of nearly one length (`--max-norm 0.05`: from
  48 points to 10 at 1.0 million, where it was stopped), nor a larger eps, see below.
- An agent can learn to remember where the goal is where a find and the next lie within the steps that it learns from
  at a time. In TMaze goals can be found two seconds apart, and lstm by `--unroll 50`, 3.3 s, needs 4.2 s to the first
  goal of an episode, 2.3 s to later ones, and 4.0 s to those if its memory is emptied at each find; it has 249 points,
  and 145. lstm with seed 1 and nav-d2 with seed 0 are alike (249 and 256 points, 148 and 145), and nav-d2 learns faster
  (AUC 211; lstm 159, 175 and 131). lstm with seed 2 does not remember, nor with seed 0 by 20 steps at a time: both look
  into the same arm first every time, and have 194 and 192 points with their memory and 192 and 191 without.
- Elsewhere nobody does. RandomGoalSmall nav-d2 after 6 million steps has the lecture's figures, 14.4 s to the first
  goal and 8.0 s to later ones (the lecture: 14.0 and 7.2), and 7.8 s with its memory emptied at each find, and as many
  points. So it is in TinyRandomGoal and IMaze, for nav-d2 and lstm. What these agents have learned is a round through
  the maze, and to go to the goal where they see it. They learn from 20 steps at a time, 1.3 s, and goals are some
  seven seconds apart: what is worth remembering brings its reward too late to be learned from. By longer unrolls and
  twice the steps, nav-d2 comes to 107 points in TinyRandomGoal (50 steps, 3.3 s, a find each 6.5), and forgetful to 104,
  which is within the error (2.3 each); in IMaze to 54 (100 steps, 6.7 s, a find each 11.6), and forgetful to 55.
- nav-d2 learns faster than lstm where the goal moves, too (AUC in TinyRandomGoal 47, seed 1 48, and 24; in IMaze 42 and
  10).
- Position is told best from h of nav-d2 where the goal moves (TinyRandomGoal: 60 %, seed 1 44 %; ff 28 %, lstm 27 %;
  IMaze: 60 %, lstm 37 %).
- Seeds differ much: nav-d2 in StaticSmall ends with 161, 110 and 99 points, by `--depth2 0.1` with 160, 157 and 183.
- Not as in the lecture: in StaticSmall, which never changes, ff is as fast as nav-d2 by `--depth2 0.1` (AUC 96 and 83),
  and its f tells the place nearly as well as h of nav-d2 (70 and 64 %; 73, 75 and 70 %), while h of lstm and nav tell
  it worse (43 %). Places look different there, so that a picture is enough. In tiny ff is slower (AUC 102 and 164), and tells the
  place worse (54 and 76 %).

![Seconds to each goal of an episode in TMaze, with memory and without](pictures/latency_TMaze.png)

This is latency.png of TMaze lstm by 50 steps at a time, seed 0: it seeks the goal once, and then knows where it is; with
its memory emptied at each find (crosses) it seeks it every time.

![Seconds to each goal of an episode in RandomGoalSmall, with memory and without](pictures/latency_RandomGoalSmall.png)

The same of RandomGoalSmall nav-d2 after 6 million steps: the later a goal in its episode, the sooner it is found, and
just as soon (crosses) by one whose memory is emptied at each find.

What was cut: the paper trains for 25 million agent steps, 64 times with hyper-parameters drawn anew, and takes
the best five. These have 2 million steps (the default run, in the tiny maze, 1.5) with one setting for all, found
by trials of nav-d2 in StaticSmall, seed 0 (a command below, with the options that are named), by the points of
training, means of five points of the log. So the setting may suit nav-d2 there better than the others. (The rows
`depth0.1` have a weight found later, with seeds 1 and 2, see the first point above.)

- How often it learns decides: nav-d2 ends with 37 points by `--unroll 50`, with 161 by 20. The steps are the same,
  the updates more. Where the goal moves in a small maze, 50 steps and half the mazes are no worse: in TinyRandomGoal
  it has 81 points after 2 million of 4 million steps, with 20 it ends with 63 and, seed 1, 89.
- The learning rate: by `--lr 0.002` nav-d2 stood at 5 points at 1.1 million steps, by 0.0003 at 8 at 0.8 million;
  by 0.0007 it had 108 and 75.
- A larger eps of RMSProp does not keep lstm from breaking down: by `--eps 1e-4` it falls from 57 points to 7 at 1.6
  million steps, and ends with 84 (147 by 1e-5); by 1e-3 it had 4 at 0.6 million, where it was stopped.
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
