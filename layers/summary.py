"""A table of a module: of each layer its output's shape, its parameters and its multiply-adds.

The module is run once on an input, with a hook before and behind each module inside of it, so that
each operation is laid at the innermost module that runs it.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from layers.evaluating import evaluating
from layers.multiply_adds import multiply_adds
from minigrad import tensor
from minigrad.debugging.observer import Observer

if TYPE_CHECKING:
    from layers.module import Module


@dataclass
class Row:
    """A module: its own parameters and multiply-adds, without those of the modules inside of it.

    Attributes
    ----------
    path, kind : str
        Its name, '' for the outermost, and its class.
    parameters, trained : int
        How many numbers, and how many of them require a gradient; a shared one counts where it comes
        first.
    calls : int
    shapes : list of tuple
        Of the outputs of the last call.
    multiply_adds : int
        Of all calls.
    """

    path: str
    kind: str
    parameters: int = 0
    trained: int = 0
    calls: int = 0
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    multiply_adds: int = 0


class Summary:
    """The rows of a module and all inside of it; printed, a table.

    Attributes
    ----------
    rows : list of Row
    parameters, trained, multiply_adds : int
        In all.
    """

    def __init__(self, rows: list[Row]):
        self.rows = rows
        self.parameters = sum(row.parameters for row in rows)
        self.trained = sum(row.trained for row in rows)
        self.multiply_adds = sum(row.multiply_adds for row in rows)

    def __str__(self) -> str:
        head = ("layer", "output shape", "parameters", "multiply-adds")
        total = ("total", "", f"{self.parameters:,}", f"{self.multiply_adds:,}")
        cells = [head, *map(_cells, self.rows), total]
        widths = [max(len(row[k]) for row in cells) for k in range(4)]
        lines = [
            f"{a:{widths[0]}}  {b:{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}".rstrip()
            for a, b, c, d in cells
        ]
        rule = "-" * (sum(widths) + 6)
        frozen = self.parameters - self.trained
        note = [f"{frozen:,} of the parameters are frozen"] if frozen else []
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], *note])

    __repr__ = __str__


def _cells(row: Row) -> tuple[str, str, str, str]:
    name = row.path.rpartition(".")[2]
    indent = "  " * (row.path.count(".") + 1 if row.path else 0)
    times = f" ×{row.calls}" if row.calls > 1 else ""
    shapes = " ".join(map(str, row.shapes)) if row.calls else "not called"
    return (
        f"{indent}{name}{': ' if name else ''}{row.kind}{times}",
        shapes,
        f"{row.parameters:,}" if row.parameters else "-",
        f"{row.multiply_adds:,}" if row.multiply_adds else "-",
    )


class _Counter(Observer):
    """Lays the multiply-adds of each operation at the module that runs."""

    def __init__(self, rows: dict[int, Row]):
        self._rows = rows
        self._running: list[Row] = []

    def forward(self, rule: Any, ctx: Any, arrays: list[Any], options: dict[str, Any]) -> Any:
        y = super().forward(rule, ctx, arrays, options)
        self._running[-1].multiply_adds += multiply_adds(rule.name, arrays, options, y)
        return y

    def enter(self, module: Module, _inputs: Any) -> None:
        """Before a module runs."""
        self._running.append(self._rows[id(module)])

    def leave(self, _module: Module, _inputs: Any, output: Any) -> None:
        """After it ran."""
        row = self._running.pop()
        row.calls += 1
        row.shapes = _shapes(output)


def _shapes(output: Any) -> list[tuple[int, ...]]:
    if isinstance(output, (tuple, list)):
        return [shape for part in output for shape in _shapes(part)]
    return [] if output is None else [np.shape(output)]


def summarise(module: Module, *inputs: Any) -> Summary:
    """Run `module` once and count; see `Module.summary`."""
    rows = _rows(module)
    counter = _Counter(rows)
    with ExitStack() as stack:
        for inner in module.modules():
            stack.enter_context(inner.register_forward_pre_hook(counter.enter))
            stack.enter_context(inner.register_forward_hook(counter.leave))
        stack.enter_context(evaluating(module))
        stack.enter_context(counter)
        module(*map(_input, inputs))
    return Summary(list(rows.values()))


def _input(given: Any) -> Any:
    """An input, or zeros of a shape; a Tensor, so that operators on it are operations too."""
    if isinstance(given, tuple) and all(isinstance(n, int) for n in given):
        return tensor(np.zeros(given))
    is_float = isinstance(given, np.ndarray) and given.dtype in (np.float32, np.float64)
    return tensor(given, dtype=given.dtype) if is_float else given


def _rows(module: Module) -> dict[int, Row]:
    """A row for each module, by its identity, with its own parameters."""
    owners = {path: id(inner) for path, inner in module.named_modules()}
    rows = {id(m): Row(path, type(m).__name__) for path, m in module.named_modules()}
    for name, parameter in module.named_parameters():
        row = rows[owners[name.rpartition(".")[0]]]
        row.parameters += parameter.size
        row.trained += parameter.size if parameter.requires_grad else 0
    return rows
