"""What is measured: whole episodes in mazes of their own, and what the agent knew meanwhile.

score       points an episode
auc         mean of the learning curve: the area under it, over its length
goals       per cent of the episodes in which the goal was found
latency     seconds of the game to the first goal of an episode, and from each goal to the next
forgetful   the same agent's score and latency from goal to goal, if its memory is emptied at each find. Later
            finds come sooner than the first also without any memory, for goals that are easy to find are
            found more often; what remembering is worth is the difference to these
accuracy    per cent of steps, or of depth pixels, told rightly. `depth_constant` is that of one who does not look,
            and tells of each pixel the band that is commonest there: much of the picture is near floor and wall
f1          of loop closure: 2 right / (2 right + false alarms + missed)
loops       per cent of steps in which a loop is closed: the straighter the ways, the fewer
auroc       per cent of all pairs of steps, one that closes a loop and one that does not, in which the head
            thinks a loop likelier in the first. `path_length` is the same for the steps since the path began,
            in its place: a head that only knows the time would do as well
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from layers.functional import softmax
from maze import Simulator
from maze.constants import FRAME
from maze.players import PLAYERS, Rollout, rollout
from tasks.navigation import depth
from tasks.navigation.acting import Player
from tasks.navigation.decoder import PositionDecoder, cells
from tasks.navigation.loop_closure import LoopClosure

SHOWN = 4  # steps of the first maze of which they show picture and depth


@dataclass
class Evaluation:
    """What an agent did and knew in M episodes of T steps.

    Attributes
    ----------
    played : maze.players.Rollout
        Poses, rewards and goal finds.
    values : (T, M)
        What the agent expected.
    position : float
        Accuracy in per cent.
    loop : dict
        What was measured of the head of loop closure, by the names of metrics.json; empty without one.
    depth : dict from head to per cent
        First "constant", of one who does not look, then the heads; empty without a head.
    likelihoods : (T, cells)
        Of the position in the first maze, by the decoder.
    pictures, tiles : (SHOWN, 3, height, width) uint8 and (SHOWN, 4, 16)
        What was seen in the first maze, at equal distances to the end, and its true coarse depths.
    told : (SHOWN, 4, 16)
        The depth that the last head predicts, in bands or tiles; empty without one.
    """

    played: Rollout
    values: np.ndarray
    position: float
    loop: dict[str, object]
    depth: dict[str, float]
    likelihoods: np.ndarray
    pictures: np.ndarray
    tiles: np.ndarray
    told: np.ndarray

    @property
    def metrics(self) -> dict[str, object]:
        """The figures, nested, by the names of metrics.json."""
        return {
            "score": float(self.played.scores.mean()),
            "score_error": self.played.score_error,
            "goals": 100 * float(self.played.found.any(axis=0).mean()),
            "latency": _latencies(self.played),
            "accuracy": {"position": self.position}
            | {f"depth_{name}": share for name, share in self.depth.items()},
        } | self.loop


def without_memory(played: Rollout) -> dict[str, object]:
    """What is told of the episodes of one who is `Forgetful`."""
    latencies = _latencies(played)
    latencies.pop("first", None)  # which is that of one who remembers
    return {"score": float(played.scores.mean()), "latency": latencies}


def _latencies(played: Rollout) -> dict[str, float]:
    waits = dict(zip(("first", "later"), played.latencies()))
    return {name: float(seconds.mean()) for name, seconds in waits.items() if len(seconds)}


class _Observer:
    """A player that keeps what it needs to judge itself; each step is one call."""

    def __init__(self, player: Player, decoder: PositionDecoder, simulator: Simulator):
        self.player, self.decoder = player, decoder
        self.loop = LoopClosure(simulator.batch, simulator.steps, simulator.repeat * FRAME)
        self.goals = np.zeros(simulator.batch, np.int64)
        self.values: list[np.ndarray] = []
        self.likelihoods: list[np.ndarray] = []
        self.shown: list[tuple[np.ndarray, ...]] = []
        self.showing = np.linspace(0, simulator.steps, SHOWN + 1).astype(int)[1:] - 1
        self.right = 0
        self.depth_right: dict[str, float] = {}
        self.bands_seen = np.zeros((depth.BANDS, depth.PIXELS), np.int64)
        #: How likely a loop is, whether it is one, the length of the path; a step an entry.
        self.loops: list[tuple[np.ndarray, ...]] = []

    def __call__(self, simulator: Simulator) -> np.ndarray:
        actions = self.player(simulator)
        net, decision, seen = self.player.net, self.player.decision, self.player.seen
        output = decision.output
        self.values.append(decision.values)
        likelihood = self.decoder.likelihood(output.h.data[0])
        self.right += int((likelihood.argmax(axis=1) == cells(simulator)).sum())
        tiles, told = depth.coarse(seen.depth), np.zeros((0,))
        true = depth.bands(tiles).reshape(len(tiles), -1)
        self.bands_seen += (true == np.arange(depth.BANDS)[:, None, None]).sum(axis=1)
        for name, logits in net.depth_logits(output).items():
            told = logits.data.argmax(axis=1) if net.classify else logits.data * depth.FAR
            bands = told if net.classify else depth.bands(told)
            self.depth_right[name] = self.depth_right.get(name, 0.0) + float(np.mean(bands == true))
        self._judge_loop(simulator, seen.velocity, net.loop_logits(output))
        if len(self.likelihoods) in self.showing:
            self.shown.append((seen.rgb[0].copy(), tiles[0], told[:1].reshape(-1).copy()))
        self.likelihoods.append(likelihood[0])
        return actions

    def _judge_loop(self, simulator: Simulator, velocity: np.ndarray, logits) -> None:
        goals = simulator.agents["goals"]
        self.loop.begin(goals != self.goals)
        self.goals = goals.copy()
        true = self.loop.step(velocity) == 1
        if logits is not None:
            self.loops.append((softmax(logits, 1).data[:, 1], true, self.loop.length.copy()))


def evaluate(player: Player, decoder: PositionDecoder, simulator: Simulator) -> Evaluation:
    """Let the player play one episode in each maze of a simulator, and judge it."""
    observer = _Observer(player, decoder, simulator)
    played = rollout(simulator, observer)
    steps, batch = played.rewards.shape
    pictures, tiles, told = (np.array(part) for part in zip(*observer.shown))
    return Evaluation(
        played=played,
        values=np.array(observer.values),
        position=100 * observer.right / (steps * batch),
        loop=_loop_metrics(*map(np.concatenate, zip(*observer.loops))) if observer.loops else {},
        depth=_depth_metrics(observer.depth_right, observer.bands_seen, steps),
        likelihoods=np.array(observer.likelihoods),
        pictures=pictures,
        tiles=tiles,
        told=told.reshape(-1, depth.ROWS, depth.COLUMNS),
    )


def _depth_metrics(right: dict[str, float], seen: np.ndarray, steps: int) -> dict[str, float]:
    """Per cent of pixels told rightly: `right` has sums over the steps, `seen` counts bands (8, 64)."""
    if not right:
        return {}
    constant = 100 * float(seen.max(axis=0).sum() / seen.sum())
    return {"constant": constant} | {name: 100 * share / steps for name, share in right.items()}


def _loop_metrics(likely: np.ndarray, true: np.ndarray, length: np.ndarray) -> dict[str, object]:
    told = likely > 0.5
    found: dict[str, object] = {"loops": 100 * float(true.mean())}
    either = told.sum() + true.sum()
    if either:
        found |= {"f1": {"loop": float(2 * np.sum(told & true) / either)}}
    if 0 < true.sum() < len(true):
        ways = {"loop": likely, "path_length": length}
        found |= {"auroc": {name: 100 * auroc(way, true) for name, way in ways.items()}}
    return found


def auroc(scores: np.ndarray, true: np.ndarray) -> float:
    """The area under the ROC curve of scores (M,) for labels (M,) bool, of both of which there are some.

    It is the share of pairs, one true and one not, in which the true one has the higher score, a tie
    counting half: from the mean rank of the true ones.
    """
    _, which, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[which]  # from 1; those that tie have their mean
    positive = int(true.sum())
    above = ranks[true].sum() - positive * (positive + 1) / 2
    return float(above / (positive * (len(true) - positive)))


def scale(make: Callable[[], Simulator]) -> dict[str, float]:
    """Mean scores of the oracle and of chance in a simulator's mazes, a new one for each."""
    return {name: float(rollout(make(), kind(0)).scores.mean()) for name, kind in PLAYERS.items()}


def area(steps: np.ndarray, scores: np.ndarray) -> float:
    """The area under a learning curve, over its length."""
    if len(scores) < 2:
        return float(scores.mean()) if len(scores) else 0.0
    return float(np.trapezoid(scores, steps) / (steps[-1] - steps[0]))
