"""Distorted MNIST: a net that straightens its input against nets that must learn every pose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tasks.config import Config as CommonConfig
from tasks.config import option
from tasks.data import load_mnist
from tasks.run import Run
from tasks.spatial_transformer import figures
from tasks.spatial_transformer.data import DISTORTIONS, TrainingBatches, test_set
from tasks.spatial_transformer.evaluate import error
from tasks.spatial_transformer.models import build
from tasks.spatial_transformer.train import ADAM_RATES, Trainer

Net = Literal["fcn", "cnn", "st-fcn", "st-cnn"]


@dataclass(frozen=True)
class Config(CommonConfig):
    """The settings of distorted_mnist."""

    distortion: Literal["R", "RTS", "P", "E", "TC"] = option(
        "RTS", "how digits are put out of place"
    )
    nets: tuple[Net, ...] = option(("cnn", "st-cnn"), "networks, trained side by side")
    transform: Literal["attention", "affine", "projective", "tps"] = option(
        "affine", "what the transformers may do"
    )
    steps: int = option(1000, "training steps", minimum=1)
    batch: int = option(128, "digits a step", minimum=1)
    method: Literal["adam", "sgd"] = option("adam", "adam: cosine; sgd: the paper's, by thirds")
    lr: float | None = option(
        None, "learning rate; none: Adam's best for each kind of net", minimum=0
    )
    localisation_lr: float = option(1.0, "the localisation net's share of the rate", minimum=0)
    filters: int = option(
        64, "filters of the cnn's second convolution; the first has half", minimum=2
    )
    hidden: int = option(128, "units of each hidden layer of the fcn", minimum=1)
    evaluate_every: int = option(200, "steps between two evaluations", minimum=1)
    test_size: int | None = option(None, "test digits; none: each one once", minimum=1)


PRESETS = {
    "quick": {"steps": 20, "evaluate_every": 10, "batch": 64, "test_size": 500},
    "default": {},
    "paper": {
        "data": "full",
        "nets": ("fcn", "cnn", "st-fcn", "st-cnn"),
        "steps": 150_000,
        "batch": 256,
        "method": "sgd",
        "lr": 0.01,
        "hidden": 256,
        "evaluate_every": 1000,
    },
}
FIRST_LOOK = 30  # steps to the first evaluation and picture


def main(run: Run[Config]) -> None:
    """Train the nets on the same batches, and compare them on the same test pictures."""
    config = run.config
    mnist = load_mnist(config.data)
    distortion = DISTORTIONS[config.distortion]
    batches = TrainingBatches(
        mnist.x_train, mnist.y_train, distortion, config.batch, run.rng("batches")
    )
    x_test, y_test = test_set(mnist.x_test, mnist.y_test, distortion, seed=0, size=config.test_size)

    trainers = {}
    for name in config.nets:
        net = build(
            name,
            distortion.canvas,
            run.rng(f"init {name}"),
            transform=config.transform,
            filters=config.filters,
            hidden=(config.hidden, config.hidden),
        )
        rate = ADAM_RATES[name] if config.lr is None else config.lr
        trainers[name] = Trainer(
            net, config.method, rate, config.steps, config.localisation_lr, name
        )

    for step in run.steps(config.steps, {"nets": trainers, "batches": batches}):
        x, y = next(batches)
        loss = {name: trainer.step(x, y) for name, trainer in trainers.items()}
        if step % config.evaluate_every == 0 or step in (FIRST_LOOK, config.steps):
            errors = {
                name: error(trainer.net, x_test, y_test) for name, trainer in trainers.items()
            }
            run.log(step, loss=loss, error=errors)
            run.metrics["error"] = errors
            run.figure(
                "distorted_mnist",
                figures.distorted_mnist(
                    {name: trainer.net for name, trainer in trainers.items()},
                    x_test,
                    y_test,
                    {name: run.history(f"error.{name.replace('-', '_')}") for name in trainers},
                    f"{config.distortion}, {config.transform}",
                ),
            )
