"""What chance and knowledge of the maze score in each: the scale for an agent's score.

``python -m maze scores`` plays and prints the table, ``--out maze/RESULTS.md`` writes that beside this file.
"""

from maze.players import PLAYERS, Rollout, rollout
from maze.simulator import make
from maze.variants import VARIANTS

__all__ = ["report"]

HEAD = """\
# Scores of an oracle and of chance

    python -m maze scores --episodes {episodes} --seed {seed} --out maze/RESULTS.md

The oracle knows the maze and takes the shortest way to the goal, again and again; what fruit lies on it,
it eats. Chance draws each of the eight actions as often. Means over {episodes} episodes, ± the standard
error; mazes are seeded from {seed} on. An episode has 900 decisions, 60 seconds, in the small mazes and in the
I-maze, and 2,700, 180 seconds, in the large ones. Latency is the time to the first goal, and from a goal to
the next, in seconds of the game; chance often ends without one. The goal is worth 10, an apple 1, a
strawberry 2.
"""


def report(episodes: int = 100, seed: int = 0) -> str:
    """Play all mazes by all players, and return the table as Markdown."""
    header = ["maze", "player", "score", "goals", "latency, first", "later"]
    rows = []
    for name in VARIANTS:
        for player in PLAYERS:
            simulator = make(name, episodes, seed, size=1)
            played = rollout(simulator, PLAYERS[player](seed))
            rows.append([name, player, *_figures(played)])
    return HEAD.format(episodes=episodes, seed=seed) + "\n" + _table(header, rows) + "\n"


def _figures(played: Rollout) -> list[str]:
    seconds = [f"{times.mean():.1f}" if len(times) else "" for times in played.latencies()]
    return [
        f"{played.scores.mean():.1f} ± {played.score_error:.1f}",
        f"{played.found.sum(axis=0).mean():.2f}",
        *seconds,
    ]


def _table(header: list[str], rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    rule = ["-" * width if k < 2 else "-" * (width - 1) + ":" for k, width in enumerate(widths)]
    lines = [
        [cell.ljust(w) if k < 2 else cell.rjust(w) for k, (cell, w) in enumerate(zip(row, widths))]
        for row in (header, rule, *rows)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
