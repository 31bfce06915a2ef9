"""RESULTS.md of the navigation agent: a table a maze, and the command behind each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from maze.variants import VARIANTS
from tasks.published import Record, commands, markdown_table

HEAD = """\
# Results of the navigation agent

Written by `python -m tasks.navigation.results` from results.json beside it, which holds every finished run with
its command, versions, metrics and learning curve. The columns of the tables:

- *score*: points an episode, the mean over 100 test episodes in mazes drawn from other seeds than those of training,
  with actions drawn from the policy. The oracle and chance (random) play the same. The oracle knows the maze and
  takes the shortest way to the goal, past the fruit and in the middle of the corridors: an agent that eats, or cuts
  corners, may have more than it.
- *forgetful*: the same, if the agent's memory is emptied at each find of the goal. Later finds of an episode come
  sooner than the first without any memory, too, for goals that are easy to find are found more often. What it is
  worth to remember the goal is the difference between score and forgetful.
- *AUC*: the mean of the learning curve.
- *goals, %*: of the episodes, those in which the goal was found at all.
- *latency*: seconds of the game to the first goal of an episode, where there was one, and (*later*) from each goal to
  the next.
- *position, %*: of the steps, those in which a linear classifier tells the agent's cell from h, or, of ff, from f.
- *depth, %*: of the pixels, those whose band is told, one of 8, from f or from h; *constant*, those that would be by one
  who does not look, and tells of each pixel the band that is commonest there.
- *loops, %*: of the steps, those in which a loop is closed. *loop F1* is that of the head that should say so, *AUROC*
  the per cent of pairs of steps, with a loop and without, that it puts in the right order, beside that of a clock,
  which knows the time since the last teleport and nothing else.

Of several seeds there stands the mean, and in brackets each (a dash: not measured yet when that run was made). No run,
seed or step was chosen by its score; the settings were, see below.

## What came out

With seed 0 where no other is named. Every run was begun anew after two things had been found that slowed all agents:
how the encoder starts, and the weight of depth.

**How the encoder starts counts most.** As it is drawn now (see models.py), and as it was, drawn as layers are by default
(`git show b67131b:tasks/navigation/RESULTS.md` has that page, with all its commands):

| StaticSmall | score | it was | AUC | it was |
| --- | --- | --- | --- | --- |
| nav-d2 | 193 | 160 | 127 | 74 |
| nav-d2, seed 1 | 184 | 157 | 134 | 85 |
| lstm | 192 | 148 | 126 | 55 |

Agents without the depth target broke down again and again then, as units of f fell silent (`dead` in the log), and neither
shorter steps nor a larger eps helped. That is rarer now, and not gone. In StaticSmall nav falls from 119 points to 4 at
0.87 million steps, with 19 % of the units silent, by seed 1 from 88 to 2 at 0.69 and by seed 2 from 147 to 6 at 0.99, nav-l
from 110 to 3 at 0.85, with 26 %, lstm by seed 1 from 87 to 3 at 0.69 and by seed 2 from 163 to 7 at 1.07, nav-rgbd from 40
to 3 at 0.58, in TMaze lstm from 195 to 0 at 0.93; each comes back. In the I-maze nav plays by chance from 1.2 to 1.8
million steps, with 33 % of the units silent, and lstm by seed 2, which had 24 points at 0.58, from 0.97 to the end, with
no more than 16 %; in RandomGoalSmall ff falls from 23 to 1 at 0.73, with 54 %, and lstm from 27 to 3 at 1.27. No agent that
predicts bands of depth has fallen so; nav-d2 by regression falls from 173 to 17 at 1.11, with 6 %, and comes back.

**Depth as a target speeds learning**, in the I-maze by far. Told by means of five points of the log, nav-d2 first has 20,
30 and 40 points there after 0.20, 0.32 and 0.48 million steps (by seed 1 after 0.18, 0.22 and 0.30, by seed 2 after 0.38,
0.52 and 0.58), nav, the same net without the target, after 0.46, 0.54 and 1.11 (0.52, 0.73 and never; 0.73, 0.77 and 0.95),
and they end with 46, 52 and 53 points, and with 45, 35 and 46; lstm has 30 after 1.05 by seed 0 alone, and ends with 33, 27
and 3. (ff has 30 after 0.52, 1.17 and 1.01, and finds the goal in little more than half of the episodes.) In StaticSmall
nav-d2 has 100 points after 0.71, 0.52 and 0.62 million steps (three seeds), nav after 1.03, 0.93 and 0.83; in the end both
come near what the oracle has. lstm (0.71, 0.87, 0.89) lies between them; ff (0.69, 0.62, 0.65), which has no memory to
learn with, is as fast as nav-d2. In StaticLarge nav-d2 has 50 and 100 points after 2.22 and 2.74 million steps, and ends
with 205 at 4 million (the oracle has 300), lstm after 2.68 and 3.35, and ends with 122. In RandomGoalLarge nav-d2 has 10
and 20 points after 0.93 and 2.32 million steps, and ends with 24 at 4 million, lstm has 10 after 2.28 and never 20, and
ends with 14: both have only begun to learn there (the oracle has 227). In RandomGoalSmall depth helps at first only: nav-d2
has 10 points after 0.30, 0.44 and 0.26 million steps (three seeds), nav after 0.62, 0.54 and 0.56, but at 2 million nav has
48, 25 and 48 points, with an AUC of 22, 15 and 22, and nav-d2 33, 38 and 34, with an AUC of 19, 20 and 19; ff, with neither
memory nor depth, ends with 32, 31 and 45. They have learned to play differently: nav-d2 finds the goal in 88, 85 and 90 %
of the episodes, and needs 12.1, 10.7 and 12.3 s from one find to the next; nav finds it in 76, 63 and 71 %, and then again
every 8.6, 11.3 and 7.9 s. So plays who searches all of the maze, and so who runs around the part of it that brings most
points; within 2 million steps that is worth more. By 6 million steps of 50 at a time nav-d2 does as they do (71 %, every
6.7 s), and is ahead again, of lstm at least: it has 30, 40 and 50 points after 2.72, 3.90 and 4.62 million and ends with
59, lstm after 3.88, 4.14 and 5.74, and ends with 52 (one seed each).

It is best predicted from h: by depth from f, nav-d1 has 100 points in StaticSmall after 0.89 million steps, by loop closure
nav-l after 1.01, by both nav-d1l after 1.09, one seed each, which is as nav does, whose seeds differ by as much. And better
as one of 8 bands than as a number: by regression nav-d2 has an AUC of 112 there and ends with 179 points (one seed), by
bands with 127, 134 and 130, and with 193, 184 and 184.

**More targets** are no better. In the I-maze nav-d1d2l ends with 56, 49 and 44 points, nav-d2 with 46, 52 and 53; it has 30
after 0.46, 0.14 and 0.85 million steps, nav-d2 after 0.32, 0.22 and 0.52. In StaticSmall nav-d1d2 needs 0.93 million steps
for its 100 points, nav-d1d2l 1.09, 0.93 and 0.81 (three seeds), and ends with 166, 171 and 158. It is not loop closure that
slows them: nav-d2l, without depth from f (D1), is as fast as nav-d2 (0.65) and ends with 197, more than any other. Nor is
it the weight of D1 alone: by a third of it, `--depth1 0.03`, nav-d1d2 has 100 points after 0.67, but nav-d1d2l after 1.45
only. Most of these are single seeds, and why one learns so much later was not found. In RandomGoalSmall nav-d1d2l ends with
30, 25 and 35, nav-d2 with 33, 38 and 34.

**Depth is better a target than an input.** In StaticSmall nav-rgbd, which sees depth as a fourth channel of the picture,
has by three seeds an AUC of 105, 113 and 103; nav-d2, which has to predict it, has 127, 134 and 130. They end with 169, 178
and 193 points, and with 193, 184 and 184.

**Loop closure** is told where ways lead back, as in the I-maze, from arm to arm: there a loop is closed in 23 % of the
steps (24 and 31 by seeds 1 and 2), and the head of nav-d1d2l tells them with an F1 of 0.96 (0.93 and 0.91) and puts 99.8 %
of the pairs in the right order (99.5 and 98.6), a clock 81 (82 and 85). In StaticSmall, by an agent that takes the straight
way, it is in 2 % only: the head of nav-d2l puts 94 % in the right order, a clock 92. In RandomGoalSmall it is in 39 %, and
the head of nav-d1d2l knows hardly more than a clock, 86 and 85 % (by seed 1 84 and 81, by seed 2 89 and 88).

**Asynchronous or in step.** In the tiny maze two workers of A3C learn as much in as many steps as the synchronous learner:
they end with 232 points, it with 228, and the AUC is 183 and 174. They take longer for a step.

**Position** is told best, of the agents with memory, from one that has to predict depth: in StaticSmall from h of nav-d2 in
74, 78 and 78 % of the steps, of lstm in 66, 55 and 62, of nav in 60, 50 and 58. But from f of ff it is told as well or
better: in 74, 78 and 77 there, in the I-maze in 76, 75 and 73 (nav-d2 55, 57 and 57), in RandomGoalSmall in 35, 36 and 48
(27, 35 and 29). In the lecture it is told best from the agents with memory. In these mazes places look different, so that a
picture is enough. Where they do not, in PlainSmall, which is StaticSmall with all its walls alike, it is as in the lecture:
told from h of nav-d2 in 63 % of the steps, from f of ff in 51 (one seed).

**Memory of the search.** What an agent without memory lacks is seen in the I-maze. Its goal is in one of four arms, and ff
finds it in 53, 52 and 57 % of the episodes (three seeds): it goes to and fro between the two arms of one side, as if it had
not been there just now. nav-d2 finds it in 100 % by each seed, nav in 99, 92 and 99, lstm in 96, 58 and 1: by seed 1 it has
not learned to search within 2 million steps, by seed 2 it has broken down. Two episodes of ff, and the same of nav-d2
(map.png of their runs):

![ff stays between the arms to the left, and the goal is to the right](pictures/map_IMaze_ff.png)

![nav-d2 sees to the arms of both sides](pictures/map_IMaze_nav-d2.png)

**Memory of the goal.** A find and the next have to fit into one unroll, and that is not enough. In TMaze goals can be found
two seconds apart, and lstm by `--unroll 50`, 3.3 s, needs 3.8 s to the first goal of an episode, 2.2 s to later ones, and
3.6 s to those if its memory is emptied at each find; it has 256 points, and 160 (251 and 156, 248 and 141 by seeds 1 and
2). By unrolls of 20, 1.3 s, which hold no two finds, it learns nothing of the kind: it has 183 points, and 182.

![Seconds to each goal of an episode in TMaze, with memory and without](pictures/latency_TMaze.png)

Where finds lie farther apart nothing of the goal is remembered yet: in TinyRandomGoal, RandomGoalSmall and the I-maze
agents have as many points with their memory emptied at each find. They learn to search the maze, and to go straight to a
goal that they see. In the I-maze longer unrolls do not change that: by 4 million steps of 100 at a time, 6.7 s, nav-d2 has
57 points (57 forgetful), and its finds are 11 s apart; by 200, 13.3 s, which hold a find and the next, it has 55 (56). It
comes in TinyRandomGoal to 104 points by 4 million steps of 50 at a time (the oracle has 143; 101 forgetful, and the error
of the score is 4), and to 105 (103) by as many of 100, which hold a find and the next, 6.5 s apart there: it learns faster
by them, and remembers no more. In RandomGoalSmall it comes to 33 by 2 million of 20 (18 with the encoder as it was) and to
59 by 6 million of 50 (the oracle 119; 58 forgetful), lstm to 52 (51). By the measure of the lecture, whose agent needs 14.0
s to the first goal and 7.2 s to later ones, that one would remember, too: it needs 12.7 s and 6.7 s. Forgetful it needs 6.9
s: goals that it finds often are goals that are easy to find.

In RandomGoalSmall an agent may have 40 % more points in the test than by the last ten points of its log (ff 32 and 22), or
20 % less (nav by seed 1, 25 and 31): where goals are drawn anew, 100 episodes tell scores no better apart than that.

## What was cut

The paper trains for 1e8 frames, 25 million agent steps, 64 times with hyper-parameters drawn anew, and takes the best five.
These runs have 2 million steps (the default run, in the tiny maze, 1.5) where their names say no other number, and one
setting for all but what their names say, found by trials of nav-d2, by the points of training, means of five points of the
log. So the setting may suit nav-d2 better than the others. Of these trials, and of the units that fell silent, results.json
keeps nothing.

- The weight of depth, in StaticSmall, seed 1: at 0.69 million steps nav-d2 has by `--depth2 0.03` 57 points, by 0.1
  139, by 0.33 34; 0.03 and 0.33 were stopped soon after. The published run uses 0.1.
- Three changes of the code were tried with nav-d2, and left out, for they did not help: forget gates that begin open for
  1 to 100 steps (C. Tallec and Y. Ollivier, 2018), with `--unroll 100 --mazes 4` in TinyRandomGoal up to 2.3 million
  steps; smaller first steps, by the bias correction of Adam, in RandomGoalSmall up to 1.1 million; and a policy that
  begins with weights of a hundredth, in StaticSmall up to 0.8 million: once faster and once far slower, by two seeds.
- The other trials are older: with the encoder as it started before, in StaticSmall, seed 0, with depth weighed 0.33.
  How often it learns decided: nav-d2 ended with 37 points by `--unroll 50`, with 161 by 20. By
  `--lr 0.002` it stood at 5 points at 1.1 million steps, by 0.0003 at 8 at 0.8 million; by 0.0007 it had 108 and 75. By
  `--loop 0.33` nav-d1d2l stood at 27 points from 1 to 1.65 million steps, by 0.03 it had 105 at 1.2 million.

The mazes of the paper are those of DeepMind Lab, and ours are our own, so its scores are no yardstick for ours; the
oracle's are. Minutes are those of a machine that did other things meanwhile.
"""

MAZES = {
    variant.name: f"{variant.summary[0].upper()}{variant.summary[1:]}."
    for variant in VARIANTS.values()
} | {
    "tiny": "5 x 5 cells, goal and fruit fixed (tiny.txt), that of the default run.",
    "TinyRandomGoal": "5 x 5 cells, the fruit fixed, the goal anywhere, another each episode (tiny_random_goal.txt).",
    "PlainSmall": "StaticSmall with all walls alike (plain_small.txt).",
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
    "constant": "accuracy.depth_constant",
    "loops, %": "loops",
    "loop F1": "f1.loop",
    "loop AUROC": "auroc.loop",
    "a clock's": "auroc.path_length",
}


def page(record: Record, planned: Mapping[str, list[str]]) -> str:
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
        parts.append(commands(record))
    return "\n".join(parts)


def by_agent(runs: Record) -> dict[str, list[dict[str, Any]]]:
    """The runs of a maze by agent and what else their names say, in the order of their seeds."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for name, run in sorted(runs.items()):
        _, agent, _, *more = name.split()
        groups.setdefault(" ".join([agent, *more]), []).append(run)
    return groups


def _maze(runs: Record) -> str:
    groups = {agent: [run["metrics"] for run in seeds] for agent, seeds in by_agent(runs).items()}
    columns = {
        head: key
        for head, key in COLUMNS.items()
        if any(key in m for metrics in groups.values() for m in metrics)
    }
    rows = [
        [label, *(_cell([m.get(key) for m in metrics]) for key in columns.values())]
        for label, metrics in groups.items()
    ]
    rows.sort(key=lambda row: -float(row[1].split()[0]))
    first = next(iter(groups.values()))[0]
    for name in ("oracle", "random"):
        rows.append([name, _cell([first[f"score.{name}"]]), *[""] * (len(columns) - 1)])
    return markdown_table(["agent", *columns], rows)


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
