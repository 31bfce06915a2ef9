"""RESULTS.md: our figures beside the paper's, and the command behind each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tasks.published import Record, commands, markdown_table

NAMES = {
    ("fcn", ""): "FCN",
    ("cnn", ""): "CNN",
    ("st-fcn", "affine"): "ST-FCN affine",
    ("st-fcn", "projective"): "ST-FCN projective",
    ("st-fcn", "tps"): "ST-FCN TPS",
    ("st-cnn", "attention"): "ST-CNN attention",
    ("st-cnn", "affine"): "ST-CNN affine",
    ("st-cnn", "projective"): "ST-CNN projective",
    ("st-cnn", "tps"): "ST-CNN TPS",
    ("2st-fcn", "affine"): "2×ST-FCN affine",
    ("2st-fcn", "projective"): "2×ST-FCN projective",
    ("2st-fcn", "tps"): "2×ST-FCN TPS",
}
DISTORTIONS = ("R", "RTS", "P", "E", "TC")

# Per cent, from tables 1 and 4 of the paper.
PAPER = {
    "R": {"FCN": 2.1, "CNN": 1.2, "ST-FCN affine": 1.2, "ST-FCN projective": 1.3, "ST-FCN TPS": 1.1,
          "ST-CNN affine": 0.7, "ST-CNN projective": 0.8, "ST-CNN TPS": 0.7},
    "RTS": {"FCN": 5.2, "CNN": 0.8, "ST-FCN affine": 0.8, "ST-FCN projective": 0.9, "ST-FCN TPS": 0.8,
            "ST-CNN affine": 0.5, "ST-CNN projective": 0.6, "ST-CNN TPS": 0.5},
    "P": {"FCN": 3.1, "CNN": 1.5, "ST-FCN affine": 1.5, "ST-FCN projective": 1.4, "ST-FCN TPS": 1.4,
          "ST-CNN affine": 0.8, "ST-CNN projective": 0.8, "ST-CNN TPS": 0.8},
    "E": {"FCN": 3.2, "CNN": 1.4, "ST-FCN affine": 2.7, "ST-FCN projective": 2.6, "ST-FCN TPS": 2.4,
          "ST-CNN affine": 1.2, "ST-CNN projective": 1.3, "ST-CNN TPS": 1.1},
    "TC": {"FCN": 13.2, "CNN": 3.5, "ST-FCN affine": 2.0, "ST-CNN affine": 1.7},
    "addition": {"FCN": 47.7, "CNN": 14.7,
                 "ST-FCN affine": 22.6, "ST-FCN projective": 18.5, "ST-FCN TPS": 19.1,
                 "2×ST-FCN affine": 9.0, "2×ST-FCN projective": 5.9, "2×ST-FCN TPS": 5.8},
}  # fmt: skip
PAPER_COLOCALISE = {"T": "100", "TC": "75-93"}

DIVISION_NOTE = """\
How far the ink of each digit wanders in the crops of each transformer of the 2×ST-FCN, in pixels. Where the
two have divided the digits, each holds one still and loses the other. Where both follow something between
the two digits, the second adds little, and the error is near that of the net with one transformer.
"""

COLOCALISE_NOTE = """\
The size of the crops is led to the digits' own, 28 pixels, so that only their place is found; the paper's
transformer learns its scale too. The margin, the weight of the random crops and each layer's share in the
embedding were chosen by the overlap that they gave in some of these classes.
"""

HEAD = """\
# Results of the spatial transformer tasks

Written by `python -m tasks.spatial_transformer.results` from results.json beside it, which holds every
finished run with its command, versions and metrics. Test errors in per cent on the 10,000 test digits of
MNIST, each distorted once in the same way for all nets; where there are several seeds, their mean and in
brackets each. The last step counts: no run, seed or step was chosen by its test error.

What was cut: the paper trains each of its nets for 150,000 steps of 256 by SGD, three times
(`--preset paper` does it once). These are 15,000 steps of 128 by Adam with a cosine schedule on one
core each, a twentieth of the pictures, and only RTS and addition were run three times. Pictures are
distorted anew every step. The sizes of the nets, which are not made equal as the paper's are: 32 and
64 filters, 128 units a hidden layer (256 in addition), 32 in a fully connected localisation net (128
and 64 in addition).

How strong the distortions are is taken from re-implementations of the paper, and by the errors of all nets
P is stronger here than in the paper, and E weaker.

So most nets err more than the paper's. The fcn and the cnn in addition had not learned all they could:
their loss on pictures never seen before was still above 1.8 and 1.3 in the last steps of seed 0.
"""


def page(record: Record, planned: Mapping[str, list[str]]) -> str:
    """RESULTS.md from the finished runs (`record`) of those that are planned."""
    parts = [HEAD, _distorted(record), _addition(record), _division(record), _colocalise(record)]
    missing = [name for name in planned if name not in record]
    if missing:
        parts.append("## Not run yet\n\n" + ", ".join(missing) + "\n")
    if record:
        parts.append(commands(record))
    return "\n".join(part for part in parts if part)


def _distorted(record: Record) -> str:
    rows = []
    for (net, transform), label in NAMES.items():
        cells = [
            _cell(_errors(record, distortion, net, transform), PAPER[distortion].get(label))
            for distortion in DISTORTIONS
        ]
        if any(cells):
            rows.append([label, *cells])
    head = ["", *(f"{name}: ours / paper" for name in DISTORTIONS)]
    return "## Distorted MNIST\n\n" + markdown_table(head, rows)


def _addition(record: Record) -> str:
    rows = []
    for (net, transform), label in NAMES.items():
        errors = _errors(record, "addition", net, transform)
        if errors or label in PAPER["addition"]:
            rows.append([label, _cell(errors, PAPER["addition"].get(label))])
    return "## MNIST addition\n\n" + markdown_table(["", "ours / paper"], rows)


def _division(record: Record) -> str:
    """Whether the two transformers of each run divided the two digits."""
    columns = [(f"st{k}", f"channel{c}") for k in (1, 2) for c in (1, 2)]
    rows = []
    for name, run in sorted(record.items()):
        if name.startswith("addition 2st-fcn"):
            metrics = run["metrics"]
            far = [f"{metrics[f'wander.2st_fcn.{st}.{channel}']:.1f}" for st, channel in columns]
            rows.append(
                [name.removeprefix("addition 2st-fcn "), f"{metrics['error.2st_fcn']:.2f}", *far]
            )
    if not rows:
        return ""
    head = ["run", "error", "ST1: digit 1", "ST1: digit 2", "ST2: digit 1", "ST2: digit 2"]
    return f"{DIVISION_NOTE}\n{markdown_table(head, rows)}"


def _colocalise(record: Record) -> str:
    rows = []
    for setting, paper in PAPER_COLOCALISE.items():
        run = record.get(f"colocalise {setting}")
        if run:
            found = {k: v for k, v in run["metrics"].items() if k.startswith("localised.")}
            each = ", ".join(f"{k.removeprefix('localised.')}: {v:.0f}" for k, v in found.items())
            rows.append([setting, each, paper])
    if not rows:
        return ""
    table = markdown_table(["", "ours, by digit", "paper"], rows)
    return f"## Co-localisation: per cent of boxes with IoU > 0.5\n\n{table}\n{COLOCALISE_NOTE}"


def _errors(record: Record, setting: str, net: str, transform: str) -> list[float]:
    start = " ".join(filter(None, (setting, net, transform))) + " seed"
    return [
        run["metrics"][f"error.{net.replace('-', '_')}"]
        for name, run in sorted(record.items())
        if name.startswith(start)
    ]


def _cell(errors: list[float], paper: float | None) -> str:
    if not errors:
        return f"- / {paper}" if paper is not None else ""
    ours = f"{np.mean(errors):.2f}"
    if len(errors) > 1:
        ours += " (" + " ".join(f"{e:.2f}" for e in errors) + ")"
    return f"{ours} / {paper if paper is not None else '-'}"
