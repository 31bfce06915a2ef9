"""Pictures to look at while a net is trained: gradient flow, saturation of activations, filters."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from layers.activation import LeakyReLU, ReLU, Sigmoid, Softplus, Tanh
from layers.errors import ParameterError
from layers.evaluating import evaluating
from layers.module import Module
from minigrad.errors import ShapeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DARK, LIGHT, MARK = "#0072B2", "#9CC9E6", "#D55E00"

#: Of an activation its slope, as a share of the steepest, from what it returned.
SLOPES: dict[type[Module], Callable[[Any, np.ndarray], np.ndarray]] = {
    Sigmoid: lambda module, y: 4 * y * (1 - y),
    Tanh: lambda module, y: 1 - y * y,
    ReLU: lambda module, y: (y > 0).astype(y.dtype),
    LeakyReLU: lambda module, y: np.where(y > 0, 1, module.negative_slope),
    Softplus: lambda module, y: -np.expm1(-module.beta * y),
}
#: An entry is saturated where its slope is below this share of the steepest.
FLAT = 0.05
MOST_FILTERS, MOST_CHANNELS = 64, 16


def gradient_flow(module: Module) -> Figure:
    """How large the gradients of the parameters are, layer by layer, on a logarithmic scale.

    A bar is the mean absolute gradient of a parameter, a mark the largest. Bars that shrink towards the
    first layers say that gradients vanish on their way back. Call it between backward() and the next
    zero_grad().

    Parameters
    ----------
    module : Module

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ParameterError
        No parameter has a gradient yet.
    """
    from matplotlib.figure import Figure

    named = list(module.named_parameters())
    known = {name: np.abs(p.grad) for name, p in named if p.grad is not None and p.size}
    if not known:
        raise ParameterError(
            f"gradient_flow: no parameter of this {type(module).__name__} has a gradient yet; call "
            "loss.backward() first, and zero_grad() only afterwards."
        )
    figure = Figure(figsize=(7, 1.3 + 0.22 * len(named)), layout="constrained")
    axes = figure.subplots()
    positive = {name: g for name, g in known.items() if np.isfinite(g).all() and g.max() > 0}
    rows = {name: k for k, (name, _) in enumerate(named)}
    at = [rows[name] for name in positive]
    axes.barh(at, [g.mean() for g in positive.values()], color=LIGHT, edgecolor=DARK, label="mean")
    axes.plot([g.max() for g in positive.values()], at, "d", color=MARK, label="largest")
    for name, _ in named:
        if name not in positive:
            _say_why(axes, rows[name], known.get(name))
    axes.set(
        xscale="log",
        xlabel="absolute gradient",
        yticks=list(rows.values()),
        yticklabels=list(rows),
        ylim=(len(rows) - 0.4, -0.6),
        title="Gradient flow, from the first layer (above) to the last",
    )
    axes.grid(True, axis="x", linewidth=0.3)
    axes.legend()
    return figure


def _say_why(axes: Axes, row: int, gradient: np.ndarray | None) -> None:
    """In place of a bar that a logarithmic scale cannot show."""
    text = "not computed" if gradient is None else "all 0" if not gradient.any() else "not finite"
    axes.text(0.01, row, text, transform=axes.get_yaxis_transform(), va="center", color=MARK)


def saturation(module: Module, *inputs: Any) -> Figure:
    """What the activations of a module return for `inputs`, and how many of them are saturated.

    A row for each call of a ReLU, LeakyReLU, Sigmoid, Tanh or Softplus inside of the module: the
    distribution of its outputs, and the share of entries whose slope is below a twentieth of the
    steepest, through which hardly any gradient flows. A dead unit is saturated for every example. The
    module runs as after `eval()`, without recording.

    Parameters
    ----------
    module : Module
    *inputs : Tensor or array
        A batch: examples on the first axis.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ParameterError
        No such activation is inside.
    """
    from matplotlib.figure import Figure

    seen = _activations(module, inputs)
    if not seen:
        raise ParameterError(
            f"saturation: no ReLU, LeakyReLU, Sigmoid, Tanh or Softplus module was called inside of this "
            f"{type(module).__name__}. Functions (functional.relu) leave no module to look at."
        )
    figure = Figure(figsize=(7, 0.8 + 1.1 * len(seen)), layout="constrained")
    figure.suptitle("Outputs of the activations, and how many are saturated")
    for axes, (path, inner, y) in zip(figure.subplots(len(seen), squeeze=False)[:, 0], seen):
        flat = SLOPES[type(inner)](inner, y) < FLAT
        dead = flat.all(axis=0)
        axes.hist(y.ravel(), bins=40, color=LIGHT, edgecolor=DARK, linewidth=0.4)
        axes.set(yticks=[], ylabel=f"{path}\n{type(inner).__name__}")
        text = f"{flat.mean():.0%} saturated\n{dead.sum()} of {dead.size} units dead"
        axes.text(1.01, 0.5, text, transform=axes.transAxes, va="center")
    return figure


def _activations(module: Module, inputs: tuple[Any, ...]) -> list[tuple[str, Module, np.ndarray]]:
    """Path, module and output of each call of an activation, in order."""
    seen: list[tuple[str, Module, np.ndarray]] = []
    paths = {id(inner): path for path, inner in module.named_modules()}

    def keep(inner: Module, _: Any, y: Any) -> None:
        seen.append((paths[id(inner)], inner, np.array(y.data)))

    with ExitStack() as stack:
        for inner in module.modules():
            if type(inner) in SLOPES:
                stack.enter_context(inner.register_forward_hook(keep))
        stack.enter_context(evaluating(module))
        module(*inputs)
    return seen


def filters(weight: Any) -> Figure:
    """The filters of a convolution as pictures, all on one scale: dark is negative, light positive.

    Filters of 1 channel stand side by side; else a row is a filter and a column a channel. Of many the
    first are shown, and the title says how many.

    Parameters
    ----------
    weight : Conv2d, or an (O, C, kh, kw) Tensor or array

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ShapeError
        No four axes.
    """
    from matplotlib.figure import Figure

    values = weight.weight if isinstance(weight, Module) and hasattr(weight, "weight") else weight
    values = np.asarray(getattr(values, "data", values))
    if values.ndim != 4 or values.size == 0:
        raise ShapeError(
            f"filters: a weight of shape {values.shape} holds no pictures; give a Conv2d, or an array "
            "(filters, channels, height, width)."
        )
    tiles = _tiles(values)
    rows, columns = tiles.shape[:2]
    figure = Figure(figsize=(1.5 + 0.5 * columns, 1 + 0.5 * rows), layout="constrained")
    limit = float(np.nanmax(np.abs(values))) or 1.0
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, tile in zip(grid.flat, tiles.reshape(-1, *tiles.shape[2:])):
        axes.set(xticks=[], yticks=[])
        if np.isnan(tile).all():
            axes.set_axis_off()
        else:
            image = axes.imshow(tile, cmap="gray", vmin=-limit, vmax=limit)
    figure.colorbar(image, ax=grid, shrink=0.8, label="weight")
    count, channels = values.shape[:2]
    most = MOST_FILTERS if channels == 1 else MOST_CHANNELS
    title = f"{_of(most, count, 'filter')}, {_of(MOST_CHANNELS, channels, 'channel')}"
    figure.suptitle(title, fontsize=9)
    return figure


def _tiles(values: np.ndarray) -> np.ndarray:
    """(rows, columns, kh, kw) pictures; NaN where there is none."""
    if values.shape[1] > 1:
        return values[:MOST_CHANNELS, :MOST_CHANNELS]
    shown = values[:MOST_FILTERS, 0]
    columns = int(np.ceil(np.sqrt(len(shown))))
    rows = -(-len(shown) // columns)
    tiles = np.full((rows * columns, *shown.shape[1:]), np.nan)
    tiles[: len(shown)] = shown
    return tiles.reshape(rows, columns, *shown.shape[1:])


def _of(most: int, count: int, what: str) -> str:
    return f"{f'{most} of ' if count > most else ''}{count} {what}{'s' * (count > 1)}"
