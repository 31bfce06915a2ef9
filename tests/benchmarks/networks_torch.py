"""The same networks written in PyTorch, with the same names, so that a state_dict moves across."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.benchmarks.training import NETWORKS, SIDE, Step

CROP = 28


class SpatialTransformer(nn.Module):
    """An affine transformer that hands on a crop of 28x28."""

    def __init__(self, localisation: nn.Module, features: int):
        super().__init__()
        self.localisation = localisation
        self.regression = nn.Linear(features, 6)
        nn.init.zeros_(self.regression.weight)
        self.regression.bias.data = torch.eye(2, 3).ravel()

    def forward(self, u: torch.Tensor) -> torch.Tensor:
        """Read `u` (N, C, H, W) where the localisation net says."""
        theta = self.regression(self.localisation(u)).reshape(-1, 2, 3)
        grid = F.affine_grid(theta, [*u.shape[:2], CROP, CROP], align_corners=False)
        return F.grid_sample(u, grid, align_corners=False)


class ParallelSpatialTransformers(nn.Module):
    """Transformers side by side, their crops one after the other along the channels."""

    def __init__(self, transformers: list[nn.Module]):
        super().__init__()
        self.transformers = nn.ModuleList(transformers)

    def forward(self, u: torch.Tensor) -> torch.Tensor:
        """Crops (N, k C, 28, 28) of `u` (N, C, H, W)."""
        return torch.cat([transformer(u) for transformer in self.transformers], dim=1)


def network(name: str) -> nn.Module:
    """The twin of `networks_ours.network`, with parameters of its own."""
    channels, classes = NETWORKS[name]["channels"], NETWORKS[name]["classes"]
    if name == "ST-CNN":
        return nn.Sequential(
            SpatialTransformer(_convolutional(channels), 20),
            nn.Conv2d(channels, 32, 9),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Conv2d(32, 64, 7),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64 * 2 * 2, classes),
        )
    return nn.Sequential(
        ParallelSpatialTransformers([SpatialTransformer(_dense(channels), 32) for _ in range(2)]),
        nn.Flatten(),
        nn.Linear(2 * channels * CROP * CROP, 256),
        nn.ReLU(),
        nn.Linear(256, 128),
        nn.ReLU(),
        nn.Linear(128, classes),
    )


def step(name: str) -> Step:
    """A training step of that network."""
    return Step(name, torch, F.cross_entropy, network(name))


def _convolutional(channels: int) -> nn.Module:
    return nn.Sequential(
        nn.AvgPool2d(2),
        nn.Conv2d(channels, 20, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(20, 20, 5),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(20 * 4 * 4, 20),
        nn.ReLU(),
    )


def _dense(channels: int) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(channels * SIDE * SIDE, 32),
        nn.ReLU(),
        nn.Linear(32, 32),
        nn.ReLU(),
    )
