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
)
