"""Co-localisation: find what a hundred pictures have in common, without being told what or where.

Each picture of 84x84 has a digit of one class somewhere; among clutter in the setting TC. An attention
transformer crops 28x28 out of each, and learns by one demand alone: that the crops be more like each
other than like a random crop of the same picture, in the eyes of a net that has learned to read
digits (see `embedding`). No box, and no label of these pictures, is used in training.

The loss, data and attention are the paper's, and so is the localisation net, but for 32 instead of 8
units in its hidden layers. Ours are these, without which it fails:

- An empty corner too is what all pictures have in common, and by the paper's loss most boxes flee
  there before any has found a digit: a box that holds half a digit is far from all others. So the
  distance to the random crop counts three times (`--repulsion 1` shows the flight), and the margin is
  2, for otherwise the loss is used up before the boxes are in place.
- The scale is led and not learned: from 0.8, where a box in the middle sees some of every digit, down
  to that of the random crops, 1/3, which is also the digits'. Left free at the end, boxes shrink onto
  a piece of one stroke, in which the pictures are more alike than in their digits.
- The first layer has nine tenths of the embedding.

Source: M. Jaderberg et al., Spatial Transformer Networks, 2015, appendix A.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tasks.config import Config as CommonConfig
from tasks.config import option
from tasks.data import Mnist, load_mnist
from tasks.run import Run
from tasks.spatial_transformer import colocalise_figures
from tasks.spatial_transformer.boxes import boxes_of, iou
from tasks.spatial_transformer.data import TrainingBatches, colocalisation
from tasks.spatial_transformer.distortions import Similarity, to_float
from tasks.spatial_transformer.embedding import Embedding
from tasks.spatial_transformer.evaluate import error
from tasks.spatial_transformer.localiser import Localiser
from tasks.spatial_transformer.models import CROP
from tasks.spatial_transformer.train import Trainer


@dataclass(frozen=True)
class Config(CommonConfig):
    """The settings of colocalise."""

    setting: Literal["T", "TC"] = option("T", "T: a digit anywhere; TC: and 16 patches of clutter")
    digits: tuple[Literal[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], ...] = option(
        (3, 7), "the classes, one after the other"
    )
    pictures: int = option(100, "pictures of each class", minimum=2)
    steps: int = option(400, "training steps a class, each on all its pictures", minimum=1)
    lr: float = option(1e-3, "Adam's learning rate, to 0 along a cosine", minimum=0)
    margin: float = option(2.0, "alpha of the loss; the paper's is 1", minimum=0)
    repulsion: float = option(
        3.0, "weight of the distance to random crops; the paper's is 1", minimum=0
    )
    embedding_steps: int = option(400, "training steps of the net that reads digits", minimum=1)
    filters: int = option(16, "filters of each of its convolutions", minimum=1)
    evaluate_every: int = option(20, "steps between two evaluations", minimum=1)


ALL = tuple(range(10))
PRESETS = {
    "quick": {"digits": (3,), "pictures": 20, "steps": 10, "embedding_steps": 10, "filters": 4,
              "evaluate_every": 5},
    "default": {},
    "paper": {"data": "full", "digits": ALL, "embedding_steps": 1000, "filters": 32},
}  # fmt: skip

PATCHES = {"T": 0, "TC": 16}
UPRIGHT = Similarity("upright", canvas=CROP, angle=0)


def main(run: Run[Config]) -> None:
    """Learn to read digits, then find those of each class in turn."""
    config = run.config
    mnist = load_mnist(config.data)
    samples = {
        digit: colocalisation(
            mnist.x_train,
            mnist.y_train,
            digit,
            run.rng(f"digit{digit}"),
            PATCHES[config.setting],
            config.pictures,
        )
        for digit in config.digits
    }
    embedding = train_embedding(run, mnist)
    localised, overlap = {}, {}
    for digit, (x, truth) in samples.items():
        name = f"digit{digit}"
        localised[name], overlap[name] = localise(run, embedding, digit, x, truth)
        run.metrics["localised"] = {**localised, "mean": np.mean([*localised.values()])}
        run.metrics["iou"] = {**overlap, "mean": np.mean([*overlap.values()])}


def train_embedding(run: Run[Config], mnist: Mnist) -> Embedding:
    """The net in whose eyes crops are compared: trained on upright digits, then frozen."""
    config = run.config
    embedding = Embedding(config.filters, run.rng("init embedding"))
    trainer = Trainer(embedding, "adam", 3e-3, config.embedding_steps, name="the embedding")
    batches = TrainingBatches(mnist.x_train, mnist.y_train, UPRIGHT, 128, run.rng("batches"))
    state = {"embedding": trainer, "batches": batches}
    for step in run.steps(config.embedding_steps, state, "embedding"):
        loss = trainer.step(*next(batches))
        if step == config.embedding_steps:
            test = error(embedding, to_float(mnist.x_test), mnist.y_test)
            run.log(step, embedding={"loss": loss, "error": test})
            run.metrics["embedding_error"] = test
    embedding.weigh(to_float(mnist.x_train[:500]))
    embedding.eval().requires_grad_(False)
    return embedding


def localise(
    run: Run[Config], embedding: Embedding, digit: int, x: np.ndarray, truth: np.ndarray
) -> tuple[float, float]:
    """Find the digits of one class: per cent of boxes with IoU > 0.5, and the mean IoU."""
    config = run.config
    name = f"digit{digit}"
    localiser = Localiser(
        config.steps, config.lr, config.margin, config.repulsion, run.rng(f"init {name}")
    )
    localiser.look(x, 0)
    for step in run.steps(config.steps, {"localiser": localiser}, name):
        loss = localiser.step(x, embedding, run.rng(name))
        if step % config.evaluate_every == 0 or step == config.steps:
            overlap = iou(boxes_of(localiser.look(x, step), x.shape[-1]), truth)
            run.log(
                step,
                loss={name: loss},
                localised={name: 100 * np.mean(overlap > 0.5)},
                iou={name: np.mean(overlap)},
            )
            if step in (config.evaluate_every, config.steps):
                run.figure(
                    "colocalise",
                    colocalise_figures.colocalise(
                        x,
                        truth,
                        localiser.diary,
                        {d: run.history(f"localised.digit{d}") for d in config.digits},
                        {d: run.history(f"iou.digit{d}") for d in config.digits},
                        config.setting,
                    ),
                )
    return run.history(f"localised.{name}")[1][-1], run.history(f"iou.{name}")[1][-1]
