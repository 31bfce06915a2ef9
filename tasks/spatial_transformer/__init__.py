"""Spatial transformer networks: the lecture's end-to-end case study."""

from tasks.registry import Task

TASKS = (
    Task(
        name="distorted_mnist",
        summary="a net that straightens distorted digits before it reads them, against nets that do not",
        duration="quick 15 s, default 2 min, paper days",
        headline="not measured yet",
        slide="End-to-end learning: the Spatial Transformer Net",
        module="tasks.spatial_transformer.distorted_mnist",
    ),
    Task(
        name="invariance",
        summary="how far a net's features stay put when a digit is moved, turned or scaled, by layer",
        duration="quick 10 s, default 2 min, paper hours",
        headline="half changed after: cnn pool2 3.8 px, 33 degrees; st-cnn crop over 8 px, 19 degrees",
        slide="Convolutional nets have pooling layers to accommodate spatial translations",
        module="tasks.spatial_transformer.invariance",
    ),
)
