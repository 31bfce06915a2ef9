"""MNIST addition: two digits, each in a channel of its own, and all that is told is their sum.

A net without transformers must learn the sums of all pairs of poses. Two transformers side by side
can divide the work: each straightens one of the digits. Nobody tells them which; see what they took.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tasks.config import Config as CommonConfig
from tasks.config import option
from tasks.data import load_mnist
from tasks.run import Run
from tasks.spatial_transformer import addition_figures
from tasks.spatial_transformer.data import DISTORTIONS, TrainingBatches, test_set
from tasks.spatial_transformer.evaluate import error
from tasks.spatial_transformer.models import build, transformers
from tasks.spatial_transformer.train import ADAM_RATES, Trainer
from tasks.spatial_transformer.wander import wander

Net = Literal["fcn", "cnn", "st-fcn", "2st-fcn"]

DIGITS = 2
SUMS = 19  # 0 + 0 to 9 + 9


@dataclass(frozen=True)
class Config(CommonConfig):
    """The settings of mnist_addition."""

    nets: tuple[Net, ...] = option(("fcn", "2st-fcn"), "networks, trained side by side")
    transform: Literal["attention", "affine", "projective", "tps"] = option(
        "affine", "what the transformers may do"
    )
    steps: int = option(6000, "training steps", minimum=1)
    batch: int = option(128, "pairs of digits a step", minimum=1)
    method: Literal["adam", "sgd"] = option("adam", "adam: cosine; sgd: the paper's, by thirds")
    lr: float | None = option(
        None, "learning rate; none: Adam's best for each kind of net", minimum=0
    )
    localisation_lr: float = option(0.2, "the localisation nets' share of the rate", minimum=0)
    filters: int = option(
        64, "filters of the cnn's second convolution; the first has half", minimum=2
    )
    hidden: tuple[int, ...] = option((256, 256), "units of the hidden layers of the fcn", minimum=1)
    localisation: tuple[int, ...] = option(
        (128, 64), "units of the hidden layers of the localisation nets", minimum=1
    )
    evaluate_every: int = option(500, "steps between two evaluations", minimum=1)
    test_size: int | None = option(None, "test pairs; none: as many as test digits", minimum=1)


PRESETS = {
    "quick": {"steps": 20, "evaluate_every": 10, "batch": 32, "test_size": 200},
    "default": {},
    "paper": {
        "data": "full",
        "nets": ("fcn", "cnn", "st-fcn", "2st-fcn"),
        "steps": 150_000,
        "batch": 256,
        "method": "sgd",
        "lr": 0.01,
        "localisation_lr": 1.0,
        "evaluate_every": 1000,
    },
}


def main(run: Run[Config]) -> None:
    """Train the nets on the same pairs, and compare them on the same test pairs."""
    config = run.config
    mnist = load_mnist(config.data)
    distortion = DISTORTIONS["RTS"]
    batches = TrainingBatches(
        mnist.x_train, mnist.y_train, distortion, config.batch, run.rng("batches"), DIGITS
    )
    x_test, y_test = test_set(
        mnist.x_test, mnist.y_test, distortion, seed=0, size=config.test_size, digits=DIGITS
    )

    trainers: dict[str, Trainer] = {}
    for name in config.nets:
        net = build(
            name,
            distortion.canvas,
            run.rng(f"init {name}"),
            channels=DIGITS,
            classes=SUMS,
            transform=config.transform,
            filters=config.filters,
            hidden=config.hidden,
            localisation=config.localisation,
        )
        rate = ADAM_RATES[name] if config.lr is None else config.lr
        trainers[name] = Trainer(
            net, config.method, rate, config.steps, config.localisation_lr, name
        )

    nets = {name: trainer.net for name, trainer in trainers.items()}
    for step in run.steps(config.steps, {"nets": trainers, "batches": batches}):
        x, y = next(batches)
        loss = {name: trainer.step(x, y) for name, trainer in trainers.items()}
        if step % config.evaluate_every == 0 or step == config.steps:
            errors = {name: error(net, x_test, y_test) for name, net in nets.items()}
            run.log(step, loss=loss, error=errors)
            spread = {name: wander(net, x_test) for name, net in nets.items() if transformers(net)}
            run.metrics["error"] = errors
            run.metrics["wander"] = spread
            run.figure(
                "mnist_addition",
                addition_figures.mnist_addition(
                    nets,
                    x_test,
                    y_test,
                    spread,
                    {name: run.history("error." + name.replace("-", "_")) for name in nets},
                    config.transform,
                ),
            )
