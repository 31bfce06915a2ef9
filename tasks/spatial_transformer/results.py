"""The published runs of the spatial transformer.

python -m tasks.spatial_transformer.results                 rewrites RESULTS.md from results.json
python -m tasks.spatial_transformer.results --run 2         first runs what is missing, two at a time

The full MNIST must be in the cache (`python -m tasks.data fetch mnist`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tasks.published import Published
from tasks.spatial_transformer.results_table import page

STEPS = 15_000

Planned = tuple[str, list[str]]  # its name, and what follows `python -m tasks`


def planned() -> Iterator[Planned]:
    """Every published run, the most telling first."""
    for seed in (0, 1, 2):
        for net in ("st-cnn", "fcn", "st-fcn", "cnn"):
            yield _digits("RTS", net, seed=seed)
    for net in ("fcn", "2st-fcn", "st-fcn", "cnn"):
        yield _addition(net)
    for seed in (0, 1, 2):
        yield _digits("RTS", "st-cnn", "tps", seed)
    for net in ("fcn", "cnn", "st-fcn", "st-cnn"):
        yield _digits("R", net)
    yield _digits("R", "st-cnn", "tps")
    for setting in ("T", "TC"):
        yield _command(
            f"colocalise {setting}", ["colocalise", "--setting", setting, "--preset", "paper"]
        )
    for seed in (1, 2):
        for net in ("fcn", "2st-fcn", "st-fcn", "cnn"):
            yield _addition(net, seed=seed)
    for distortion in ("P", "E", "TC"):
        for net in ("fcn", "cnn", "st-fcn", "st-cnn"):
            yield _digits(distortion, net)
    for distortion in ("R", "RTS", "P", "E"):
        for transform in ("projective", "tps"):
            yield _digits(distortion, "st-fcn", transform)
    for transform in ("projective", "tps"):
        for net in ("st-fcn", "2st-fcn"):
            yield _addition(net, transform)
    for distortion in ("P", "E"):
        for transform in ("projective", "tps"):
            yield _digits(distortion, "st-cnn", transform)
    for transform in ("projective", "attention"):
        for distortion in ("R", "RTS"):
            yield _digits(distortion, "st-cnn", transform)


def _digits(distortion: str, net: str, transform: str = "affine", seed: int = 0) -> Planned:
    words = ["distorted_mnist", "--distortion", distortion, "--nets", net]
    return _command(*_with_transform(f"{distortion} {net}", words, net, transform, seed))


def _addition(net: str, transform: str = "affine", seed: int = 0) -> Planned:
    words = ["mnist_addition", "--nets", net]
    return _command(*_with_transform(f"addition {net}", words, net, transform, seed))


def _with_transform(name: str, words: list[str], net: str, transform: str, seed: int) -> Planned:
    if "st" in net:
        name, words = f"{name} {transform}", [*words, "--transform", transform]
    words += ["--steps", str(STEPS), "--evaluate-every", "1000", "--data", "full"]
    return f"{name} seed{seed}", [*words, "--seed", str(seed)]


def _command(name: str, words: list[str]) -> Planned:
    return name, [*words, "--threads", "1"]


PUBLISHED = Published(
    record=Path(__file__).with_name("results.json"),
    table=Path(__file__).with_name("RESULTS.md"),
    planned=dict(planned()),
    page=page,
)

if __name__ == "__main__":
    PUBLISHED.main("tasks.spatial_transformer.results")
