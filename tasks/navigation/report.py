"""What a run says and draws while it trains, and its test at the end."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from maze import MazeError, Simulator
from maze.constants import FRAME_RATE
from maze.players import Rollout, rollout
from maze.recording import film, save_film
from tasks.navigation import figures
from tasks.navigation.acting import Forgetful, Player
from tasks.navigation.decoder import PositionDecoder
from tasks.navigation.evaluate import Evaluation, area, evaluate, scale, without_memory
from tasks.navigation.mazes import TEST_SEED, make_mazes
from tasks.navigation.models import NavigationNet
from tasks.run import Run

if TYPE_CHECKING:
    from tasks.navigation.navigation import Config

FILM_SECONDS = 20


class Means:
    """Measurements that come with each update, averaged from one line of the log to the next."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.count = 0

    def add(self, measures: dict[str, float]) -> None:
        """Add those of one update."""
        for name, value in measures.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1

    def take(self) -> dict[str, float]:
        """The means since the last call."""
        means = {name: total / self.count for name, total in self.sums.items()}
        self.sums, self.count = {}, 0
        return means

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"sums": dict(self.sums), "count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        self.sums, self.count = dict(state["sums"]), state["count"]


class Reports:
    """Log, figures and test of a run.

    Parameters
    ----------
    run : Run
    net : NavigationNet
    decoder : PositionDecoder
    batch : int
        Agent steps of an update.
    updates : int
        Of the whole training.
    """

    def __init__(
        self,
        run: Run[Config],
        net: NavigationNet,
        decoder: PositionDecoder,
        batch: int,
        updates: int,
    ):
        self.run, self.config = run, run.config
        self.net, self.decoder = net, decoder
        self.batch, self.updates = batch, updates

    def log_is_due(self, step: int) -> bool:
        """Whether a line of the log follows update number `step`."""
        return self._is_due(step, self.config.log_every)

    def drawing_is_due(self, step: int) -> bool:
        """Whether figures follow update number `step`."""
        return self._is_due(step, self.config.draw_every)

    def _is_due(self, step: int, every: int) -> bool:
        return step == self.updates or step % max(every // self.batch, 1) == 0

    @cached_property
    def scale(self) -> dict[str, float]:
        """What the oracle and chance score in the mazes of the test."""
        config = self.config
        return scale(lambda: make_mazes(config, config.test_episodes, TEST_SEED, size=1))

    def log(
        self,
        step: int,
        episodes: list[tuple[float, int]],
        measures: dict[str, float],
    ) -> None:
        """Add a line to the log, with the scores of the episodes that have ended since the last one."""
        found = {}
        if episodes:
            scores, goals = np.mean(episodes, axis=0)
            found = {"score": float(scores), "finds": float(goals)}
        self.run.log(step, agent_steps=step * self.batch, **found, **measures)

    def curve(self) -> np.ndarray:
        """The learning curve (points, 2): agent steps, and points an episode."""
        steps, scores = self.run.history("score")
        return np.stack([steps * self.batch, scores], axis=1)

    def draw(self) -> None:
        """Draw the learning curve, and an agent's ways through the maze."""
        config = self.config
        self.run.figure(
            "curve", figures.curves({config.agent: [self.curve()]}, self.scale, config.maze)
        )
        mazes = make_mazes(config, figures.WAYS, TEST_SEED)
        test = evaluate(self._player(), self.decoder, mazes)
        self.run.figure("map", figures.trajectories(test, mazes))

    def test(self) -> None:
        """Play the test episodes, and write the final figures, pictures and film."""
        config, run = self.config, self.run
        run.say(f"testing on {config.test_episodes} episodes")
        mazes = make_mazes(config, config.test_episodes, TEST_SEED)
        test = evaluate(self._player(), self.decoder, mazes)
        found = test.metrics
        run.metrics["score"] = found.pop("score")
        run.metrics |= found
        forgetful = self._play_forgetfully()
        if forgetful:
            run.metrics["forgetful"] = without_memory(forgetful)
        run.metrics |= {f"score.{name}": points for name, points in self.scale.items()}
        run.metrics["auc"] = area(*self.curve().T)
        self._draw_test(test, forgetful, mazes)
        self._film()

    def _play_forgetfully(self) -> Rollout | None:
        """The episodes of the test once more, without memory from one find to the next; None if there is none anyway."""
        if not self.net.parts.lstms:
            return None
        mazes = make_mazes(self.config, self.config.test_episodes, TEST_SEED)
        return rollout(mazes, self._player(Forgetful))

    def _draw_test(self, test: Evaluation, forgetful: Rollout | None, mazes: Simulator) -> None:
        self.run.figure("map", figures.trajectories(test, mazes))
        self.run.figure("position", figures.positions(test, mazes))
        self.run.figure("latency", figures.latency(test.played, forgetful))
        if test.told.size:
            self.run.figure("depth", figures.depths(test, self.net.classify))

    def _film(self) -> None:
        mazes = make_mazes(self.config, 1, TEST_SEED)
        seconds = min(FILM_SECONDS, mazes.frames / FRAME_RATE)
        path = self.run.folder.path / "agent.gif"
        try:
            save_film(film(mazes, self._player(), seconds), path, FRAME_RATE / mazes.repeat)
        except MazeError as error:  # the run is whole without it
            self.run.say(f"no film: {error}")
        else:
            self.run.say(f"film: {path}")

    def _player(self, kind: type[Player] = Player) -> Player:
        return kind(self.net, np.random.default_rng(0), self.config.reward_scale)
