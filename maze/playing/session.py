"""One game of a person: which keys mean what, the clock, and where scores are kept."""

import json
import math
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import numpy as np

from maze.constants import FRAME_RATE, IDLE, Action
from maze.errors import MazeError
from maze.simulator import Simulator, make
from maze.topdown import top_down

__all__ = ["HELP", "KEYS", "Session", "action_of", "best", "check_scores", "keep_score"]

HELP = "arrows or w and s: walk and turn · a and d: sideways · q: quit"
FORWARD, BACKWARD, TURN_LEFT, TURN_RIGHT, LEFT, RIGHT = "forward", "backward", "tl", "tr", "l", "r"
KEYS = {
    "up": FORWARD,
    "w": FORWARD,
    "down": BACKWARD,
    "s": BACKWARD,
    "left": TURN_LEFT,
    "right": TURN_RIGHT,
    "a": LEFT,
    "d": RIGHT,
}


def action_of(keys: Collection[str]) -> int:
    """Return the action that the pressed keys ask for; of several that do not go together, one. None: IDLE."""
    wishes = {KEYS[key] for key in keys if key in KEYS}
    if FORWARD in wishes and TURN_LEFT in wishes:
        return Action.FORWARD_TURN_LEFT
    if FORWARD in wishes and TURN_RIGHT in wishes:
        return Action.FORWARD_TURN_RIGHT
    for wish, action in (
        (FORWARD, Action.FORWARD),
        (TURN_LEFT, Action.TURN_LEFT),
        (TURN_RIGHT, Action.TURN_RIGHT),
        (BACKWARD, Action.BACKWARD),
        (LEFT, Action.STRAFE_LEFT),
        (RIGHT, Action.STRAFE_RIGHT),
    ):
        if wish in wishes:
            return action
    return IDLE


class Session:
    """A game of one episode, as agents play it, but that who presses no key comes to rest."""

    def __init__(self, name: str, seed: int | None = None, seconds: float | None = None) -> None:
        frames = None if seconds is None else max(round(seconds * FRAME_RATE), 1)
        self.simulator: Simulator = make(name, 1, seed, frames=frames)
        self.simulator.reset()
        self.name = self.simulator.variant.name
        self.pause = self.simulator.repeat / FRAME_RATE  # seconds between two steps

    def step(self, keys: Collection[str]) -> bool:
        """Act as the keys say; return whether the time is up."""
        self.simulator.advance(np.array([action_of(keys)]))
        return bool(self.simulator.over[0])

    def image(self, height: int) -> np.ndarray:
        """What the player sees (height, 4/3 height, 3)."""
        return self.simulator.view(0, (height, height * 4 // 3))

    def map(self, tile: int) -> np.ndarray:
        """The maze from above."""
        return top_down(self.simulator, 0, tile)

    @property
    def status(self) -> str:
        """A line on how it stands."""
        agent = self.simulator.agents[0]
        frames = max(self.simulator.frames - int(agent["frame"]), 0)  # the last step may be cut
        return f"{frames / FRAME_RATE:3.0f} s left   points {agent['score']:.0f}   goals {agent['goals']}   {self.name}"

    def result(self, player: str) -> dict[str, object]:
        """What is kept of it."""
        agent = self.simulator.agents[0]
        own = self.name.endswith(".txt")  # one file, however its path was typed
        return {
            "maze": str(Path(self.name).resolve()) if own else self.name,
            "player": player,
            "score": float(agent["score"]),
            "goals": int(agent["goals"]),
            "seconds": int(agent["frame"]) / FRAME_RATE,
            "date": time.strftime("%Y-%m-%d %H:%M"),
        }


def check_scores(path: Path) -> None:
    """See that scores can be kept there, before a game is played.

    Raises
    ------
    MazeError
        Where it cannot be written.
    """
    with _scores(path):
        pass


def keep_score(result: dict[str, object], path: Path) -> None:
    """Add a game to the file of scores, a line of JSON each.

    Raises
    ------
    MazeError
        Where it cannot be written.
    """
    with _scores(path) as file:
        cut_short = path.read_bytes()[-1:] not in (b"", b"\n")  # a line that a full disk left
        file.write("\n" * cut_short + json.dumps(result) + "\n")


@contextmanager
def _scores(path: Path) -> Iterator[TextIO]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise MazeError(f"cannot keep the score in {path}: {error.strerror}.") from error


def best(path: Path, like: dict[str, object], most: int = 5) -> list[dict[str, object]]:
    """Return the best games of that one's maze and length, with a map or without, the best first.

    Lines that are no games are left out.
    """
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    games = []
    for line in text.splitlines():
        try:
            game = json.loads(line)
            alike = all(game.get(key) == like[key] for key in ("maze", "seconds", "map"))
            if alike and math.isfinite(game["score"]):
                games.append((float(game["score"]), game))
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
    return [game for _, game in sorted(games, key=lambda pair: -pair[0])[:most]]
