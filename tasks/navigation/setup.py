"""A network, its position decoder and its learner, as the settings say."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from maze import Simulator
from tasks.navigation.agents import ingredients
from tasks.navigation.decoder import PositionDecoder, grid
from tasks.navigation.models import NavigationNet
from tasks.navigation.train import Learner, LossWeights

if TYPE_CHECKING:
    from tasks.navigation.navigation import Config


def build(
    config: Config, mazes: Simulator, rng: Callable[[str], np.random.Generator]
) -> tuple[NavigationNet, PositionDecoder]:
    """The network of the settings, and its position decoder; `rng` gives a random stream by name."""
    net = NavigationNet(
        ingredients(config.agent), rng("init"), config.side, config.depth_form == "bands"
    )
    rows, columns = grid(mazes.maze_size)
    return net, PositionDecoder(rows * columns, rng("decoder"))


def make_learner(
    config: Config, net: NavigationNet, decoder: PositionDecoder, updates: int
) -> Learner:
    """The learner of the settings, for so many updates."""
    return Learner(
        net,
        decoder,
        LossWeights(config.value, config.entropy, config.depth1, config.depth2, config.loop),
        config.lr,
        updates,
        gamma=config.gamma,
        max_norm=config.max_norm,
        alpha=config.alpha,
        eps=config.eps,
        eps_inside=config.eps_inside,
    )
