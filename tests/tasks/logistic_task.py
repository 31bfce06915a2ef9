"""A small task for the tests of the runner: logistic regressions on random points, side by side."""

import os
import sys
import time
from dataclasses import dataclass
from typing import Literal

import numpy as np

import minigrad.random
from tasks.config import Config as CommonConfig
from tasks.config import option
from tasks.data.errors import DataError

PRESETS = {
    "quick": {"steps": 6, "evaluate_every": 2},
    "default": {},
    "paper": {"steps": 500, "nets": ("plain", "st-plain")},
}


@dataclass(frozen=True)
class Config(CommonConfig):
    steps: int = option(40, "training steps", minimum=1)
    evaluate_every: int = option(5, "steps between two evaluations", minimum=1)
    rate: float = option(0.5, "learning rate", minimum=0)
    nets: tuple[Literal["plain", "st-plain"], ...] = option(("plain",), "what is trained")
    distortion: Literal["R", "RTS", "P"] = option("RTS", "how the points are turned")
    noisy: bool = option(False, "add noise to the gradient")
    limit: int | None = option(None, "points used")
    die_at: int = option(0, "step at which the process dies without a word")
    linger: float = option(0.0, "seconds that a step takes beside")
    fine_tune: bool = option(False, "train in a second loop")
    picture: bool = option(True, "draw")


class Logistic:
    """Weights and momentum under one roof: it has the two methods that a loop asks for."""

    def __init__(self, rng):
        self.w, self.momentum, self.count = rng.normal(size=3), np.zeros(3), 0

    def step(self, x, y, rate):
        gradient = x.T @ (1 / (1 + np.exp(-x @ self.w)) - y) / len(x)
        self.momentum = 0.9 * self.momentum + gradient
        self.w = self.w - rate * self.momentum
        self.count += 1

    def error(self, x, y):
        return 100 * np.mean((x @ self.w > 0) != y)

    def state_dict(self):
        return {"w": self.w, "optimiser": {0: [self.momentum], "count": self.count, "none": None}}

    def load_state_dict(self, state):
        self.w, self.momentum = state["w"], state["optimiser"][0][0]
        self.count = state["optimiser"]["count"]


def main(run):
    config = run.config
    if config.data != "embedded":
        raise DataError(f"there is no file {config.data}")
    test_x, test_y = points(run.rng("test"), 200)
    nets = {name: Logistic(run.rng("init")) for name in config.nets}
    train(run, nets, config.rate, "train", test_x, test_y)
    if config.fine_tune:
        nets["late"] = Logistic(run.rng("init"))
        train(run, nets, config.rate / 10, "fine-tune", test_x, test_y)
    run.metrics["error"] = {name: net.error(test_x, test_y) for name, net in nets.items()}
    run.metrics["count"] = {name: net.count for name, net in nets.items()}
    run.metrics["draw"] = run.rng("after").random() + minigrad.random.default_rng().random()


def train(run, nets, rate, name, test_x, test_y):
    config = run.config
    for step in run.steps(config.steps, {"nets": nets}, name):
        x, y = points(run.rng("batches"), 16)
        x = x + (minigrad.random.default_rng().normal(size=x.shape) if config.noisy else 0)
        for net in nets.values():
            net.step(x, y, rate)
        if config.linger >= 1:
            (run.folder.path / "lingering").touch()
        time.sleep(config.linger)
        if step % config.evaluate_every == 0:
            run.log(step, error={n: net.error(test_x, test_y) for n, net in nets.items()})
            run.metrics["best"] = np.min(run.history("error.plain")[1])
            if config.picture:
                run.figure("curve", draw(*run.history("error.plain")))
        if config.die_at and step == config.die_at and name == list(config_loops(config))[-1]:
            sys.stdout.flush()
            os._exit(9)


def config_loops(config):
    return ("train", "fine-tune") if config.fine_tune else ("train",)


def points(rng, n):
    x = np.column_stack([rng.normal(size=(n, 2)), np.ones(n)])
    return x, (x[:, 0] + 0.5 * x[:, 1] > 0.1).astype(float)


def draw(steps, values):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 1))
    figure.subplots().plot(steps, values)
    return figure
