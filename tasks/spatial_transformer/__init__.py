"""Spatial transformer networks: the lecture's end-to-end case study."""

from tasks.registry import Task

TASKS = (
    Task(
        name="distorted_mnist",
        summary="a net that straightens distorted digits before it reads them, against nets that do not",
        duration="quick 15 s, default 2 min, paper days",
        headline="error of a default run: cnn 7.5 %, st-cnn 3.9 %",
        slide="End-to-end learning: the Spatial Transformer Net",
        module="tasks.spatial_transformer.distorted_mnist",
    ),
    Task(
        name="mnist_addition",
        summary="two digits and only their sum is told: two transformers divide the work",
        duration="quick 15 s, default 3 min, paper days",
        headline="error of a default run: fcn 77.8 %, 2st-fcn 42.4 %; each transformer follows one digit",
        slide="MNIST Addition",
        module="tasks.spatial_transformer.mnist_addition",
    ),
    Task(
        name="colocalise",
        summary="find what a hundred pictures have in common, without being told what or where",
        duration="quick 15 s, default 1 min, paper ten minutes",
        headline="boxes right (IoU > 0.5) in a default run: 100 % of the 3s and of the 7s",
        slide="Co-localization",
        module="tasks.spatial_transformer.colocalise",
    ),
    Task(
        name="invariance",
        summary="how far a net's features stay put when a digit is moved, turned or scaled, by layer",
        duration="quick 10 s, default 1 min, paper hours",
        headline="half changed after: cnn pool2 3.8 px, 35 degrees; st-cnn crop over 8 px, 19 degrees",
        slide="Convolutional nets have pooling layers to accommodate spatial translations",
        module="tasks.spatial_transformer.invariance",
    ),
)
