"""The navigation agent: it learns from what it finds, and auxiliary tasks teach it to see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import maze
from tasks.config import Config as CommonConfig
from tasks.config import option
from tasks.navigation.agents import AgentName, ingredients
from tasks.navigation.decoder import PositionDecoder, grid
from tasks.navigation.mazes import SEEDS_A_RUN, make_mazes
from tasks.navigation.models import NavigationNet
from tasks.navigation.report import Means, Reports
from tasks.navigation.rollout import Actor
from tasks.navigation.train import Learner, Weights
from tasks.run import Run


@dataclass(frozen=True)
class Config(CommonConfig):
    """The settings of navigation."""

    maze: str = option(
        "tiny", "tiny (5x5 cells, static), a maze of `python -m maze`, or a layout's path (.txt)"
    )
    agent: AgentName = option("nav-d2", "its ingredients; d1, d2: depth from f, h; l: loop closure")
    steps: int = option(1_500_000, "agent steps, over all mazes", minimum=1)
    mazes: int = option(16, "mazes side by side", minimum=1)
    unroll: int = option(50, "agent steps from one update to the next", minimum=1)
    lr: float = option(7e-4, "first learning rate; it falls to 0 along a line", minimum=0)
    entropy: float = option(1e-3, "weight of the policy's entropy", minimum=0)
    value: float = option(0.5, "weight of the value loss", minimum=0)
    depth1: float = option(0.33, "weight of depth from f", minimum=0)
    depth2: float = option(0.33, "weight of depth from h", minimum=0)
    loop: float = option(0.33, "weight of loop closure", minimum=0)
    depth_form: Literal["bands", "regression"] = option(
        "bands", "depth by classification into 8 bands, or as a number"
    )
    gamma: float = option(0.99, "what a reward is worth one step later", minimum=0)
    reward_scale: float = option(0.1, "rewards times this, then clipped to 1", minimum=0)
    max_norm: float = option(0.5, "length to which the gradient is clipped", minimum=0)
    alpha: float = option(0.99, "RMSProp: what the mean of squares keeps", minimum=0)
    eps: float = option(1e-5, "RMSProp: the small number in the denominator", minimum=0)
    eps_inside: bool = option(False, "RMSProp: add eps under the root, as A3C does, not beside it")
    side: int = option(84, "pixels of the picture's side", minimum=20)
    fruit: bool = option(True, "apples and strawberries, or the goal alone (sparse)")
    frames: int | None = option(None, "frames of an episode; none: the maze's own", minimum=4)
    log_every: int = option(20_000, "agent steps between two points of the curve", minimum=1)
    draw_every: int = option(200_000, "agent steps between two pictures of the map", minimum=1)
    test_episodes: int = option(100, "episodes of the final test", minimum=1)


PRESETS: dict[str, dict[str, Any]] = {
    "quick": {
        "steps": 3_200,
        "mazes": 4,
        "unroll": 20,
        "frames": 600,
        "log_every": 800,
        "draw_every": 1_600,
        "test_episodes": 4,
    },
    "default": {},
    "paper": {
        "maze": "StaticSmall",
        "agent": "nav-d1d2l",
        "steps": 25_000_000,
        "reward_scale": 0.3,
        "eps_inside": True,
    },
}


def main(run: Run[Config]) -> None:
    """Train an agent in a batch of mazes, and test it."""
    config = run.config
    mazes = make_mazes(config, config.mazes, config.seed * SEEDS_A_RUN)
    net, decoder = build(config, mazes, run.rng)
    batch = config.mazes * config.unroll
    updates = max(config.steps // batch, 1)
    learner = Learner(
        net,
        decoder,
        Weights(config.value, config.entropy, config.depth1, config.depth2, config.loop),
        config.lr,
        updates,
        config.gamma,
        config.max_norm,
        config.alpha,
        config.eps,
        config.eps_inside,
    )
    actor = Actor(net, mazes, config.unroll, config.reward_scale, run.rng("actions"))
    measured = Means()
    reports = Reports(run, net, decoder)

    for step in run.steps(updates, {"learner": learner, "actor": actor, "means": measured}):
        measured.add(learner.learn(actor.unroll()))
        last = step == updates
        if last or step % max(config.log_every // batch, 1) == 0:
            reports.log(step, step * batch, actor.take_finished(), measured.take())
        if last or step % max(config.draw_every // batch, 1) == 0:
            reports.draw()
    reports.test()


def build(
    config: Config, mazes: maze.Simulator, rng: Callable[[str], np.random.Generator]
) -> tuple[NavigationNet, PositionDecoder]:
    """The network of the settings, and its position decoder."""
    net = NavigationNet(
        ingredients(config.agent), rng("init"), config.side, config.depth_form == "bands"
    )
    rows, columns = grid(mazes.maze_size)
    return net, PositionDecoder(rows * columns, rng("decoder"))
