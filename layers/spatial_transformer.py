"""The spatial transformer: a layer that looks, decides how to look, and looks again.

    U ──────────────────────────────────────────┐
    └─ localisation ─ regression ─ θ ─ grid ─ sampler ─ V

The localisation net, of any kind, reads the input U and a linear regression turns its features into
the parameters θ of a transformation; the grid generator turns θ into the places at which the output
reads the input; the sampler reads. Each is a layer of its own with its own gradient, and the module
only chains them: dV goes back through the sampler (grid_sample.py) to U and to the grid, from the
grid through its generator (affine_grid.py, projective_grid.py, thin_plate_spline.py) to θ, and from
θ through the localisation net. So no one tells the net where to look: the loss of whatever follows
does.

The regression starts with zero weights and the bias that is the identity, so that the net starts as
the one without a transformer. (At first, then, no gradient passes the regression's weights into the
localisation net; it comes with the weights' first step.)

A transformer may stand anywhere, on images or on feature maps in the middle of a net; all channels
are read at the same places. An output smaller than the input samples it sparsely, which can alias.

Source: M. Jaderberg et al., Spatial Transformer Networks, 2015, section 3.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from layers.checks import check_size
from layers.container import ModuleList
from layers.errors import OptionError
from layers.grid_sample import grid_sample
from layers.image_checks import Pair, as_image, as_pair, check_choice
from layers.linear import Linear
from layers.module import Module
from layers.transforms import TRANSFORMS, Transform
from minigrad import Tensor
from minigrad.errors import ShapeError


def identity_(linear: Linear, transform: str | Transform) -> Linear:
    """Set a regression layer so that it answers the identity whatever it is given; return it."""
    if isinstance(transform, str):
        transform = TRANSFORMS[check_choice("identity_", "transform", transform, tuple(TRANSFORMS))]
    if linear.bias is None:
        raise OptionError("identity_: this layer has no bias, and the identity would stand in it.")
    linear.weight.data = np.zeros(linear.weight.shape)
    linear.bias.data = transform.identity
    return linear


class SpatialTransformer(Module):
    """Localisation net, grid generator and sampler in one module: V = U read at T_θ(U).

    Parameters
    ----------
    localisation : Module
        From the input (N, C, H, W) to features (N, features). The regression comes on top of it.
    features : int
    transform : 'affine', 'attention', 'projective' or 'tps'
        What the transformer may do; see `layers.transforms`.
    size : int or (H', W'), optional
        The size of the output; the input's own when not given.
    mode : 'bilinear' or 'nearest'
        Of the sampler. With 'nearest' no gradient reaches the localisation net.
    padding_mode : 'zeros' or 'border'
    align_corners : bool
        As in `grid_sample`.

    Attributes
    ----------
    localisation : Module
    regression : Linear
        From the features to θ; made here, as the identity.
    theta, grid, output : ndarray
        Of the last call, for figures: (N, P) parameters, (N, H', W', 2) places, (N, C, H', W').
        None before the first.
    """

    def __init__(
        self,
        localisation: Module,
        features: int,
        transform: str = "affine",
        size: int | Pair | None = None,
        mode: str = "bilinear",
        padding_mode: str = "zeros",
        align_corners: bool = False,
    ):
        name = "SpatialTransformer"
        check_choice(name, "transform", transform, tuple(TRANSFORMS))
        self.transform = TRANSFORMS[transform]
        self.features = check_size(name, "features", features)
        self.size = None if size is None else as_pair(name, "size", size, 1)
        self.mode = check_choice(name, "mode", mode, ("bilinear", "nearest"))
        self.padding_mode = check_choice(name, "padding_mode", padding_mode, ("zeros", "border"))
        self.align_corners = bool(align_corners)
        if not callable(localisation):
            raise OptionError(f"{name}: localisation must be a module, not {localisation!r}.")
        self.localisation = localisation
        # What this draws is replaced at once, so it must not move the shared generator.
        regression = Linear(features, self.transform.parameters, rng=np.random.default_rng(0))
        self.regression = identity_(regression, self.transform)
        self.theta: Any = None
        self.grid: Any = None
        self.output: Any = None

    def forward(self, u: Any) -> Tensor:
        u = as_image("SpatialTransformer", u)
        theta = self.regression(self._localise(u))
        size = (*u.shape[:2], *(self.size or u.shape[2:]))
        grid = self.transform.grid(theta, size, self.align_corners)
        v = grid_sample(u, grid, self.mode, self.padding_mode, self.align_corners)
        self.theta, self.grid, self.output = (t.detach().numpy() for t in (theta, grid, v))
        return v

    def _localise(self, u: Any) -> Any:
        features = self.localisation(u)
        if features.shape != (len(u), self.features):
            raise ShapeError(
                f"SpatialTransformer: the localisation net made {features.shape} of an input of shape "
                f"{u.shape}; with features={self.features} it must make {(len(u), self.features)}. "
                "Does it end in Flatten() or Linear(...)?"
            )
        return features

    def extra_repr(self) -> str:
        return (
            f"transform={self.transform.name!r}, size={self.size}, mode={self.mode!r}, "
            f"padding_mode={self.padding_mode!r}, align_corners={self.align_corners}"
        )


class ParallelSpatialTransformers(Module):
    """Transformers side by side: each reads all channels and transforms all of them.

    Their outputs, of the same size, are concatenated along the channels: k transformers make k·C
    channels of C. As many objects can be followed as there are transformers.

    Parameters
    ----------
    transformers : iterable of SpatialTransformer

    Attributes
    ----------
    transformers : ModuleList
    """

    def __init__(self, transformers: Iterable[Module]):
        self.transformers = ModuleList(transformers)
        if not len(self.transformers):
            raise OptionError("ParallelSpatialTransformers: there must be one transformer or more.")

    def forward(self, u: Any) -> Any:
        return np.concatenate([transformer(u) for transformer in self.transformers], axis=1)
