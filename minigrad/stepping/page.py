"""A step as HTML, and the page that steps: one file, which needs no network.

The page's structure, style and script lie in `template`; here they are filled with the record.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from minigrad.errors import GraphError
from minigrad.stepping.folded import Folded, norm
from minigrad.stepping.rows import Row, rows
from minigrad.stepping.scenes import box_data, scenes
from minigrad.stepping.steps import Step
from minigrad.stepping.tables import array_html
from minigrad.stepping.text import counted, short
from minigrad.stepping.views import FIRST, Shown, View, opens, view_of

Show = Callable[[np.ndarray], str]

#: Parts of a folded step that are named.
PARTS = 40
#: Views in a page, of which more would make it heavy, and examples of the batch that a layer is shown with.
VIEWS, EXAMPLES = 24, 3


def step_html(step: Step, inside: str = "", show: Show = array_html) -> str:
    """A step as an element of a page; `inside` is its view, `show` turns an array into HTML."""
    groups: list[str] = []
    for row in rows(step):
        if row.kind in ("output", "operand"):
            groups.append("")
        groups[-1] += _row_html(row, show)
    tables = "".join(f"<table class=rows><tbody>{group}</tbody></table>" for group in groups)
    return (
        f"<article class=step><h2>{escape(step.heading)}</h2>"
        f"<div class=formula>{escape(step.formula)}</div>"
        f"{''.join(f'<code class=line>{escape(line)}</code>' for line in (step.line, step.inner) if line)}"
        f"{inside}<div class=groups>{tables}</div></article>"
    )


def _row_html(row: Row, show: Show) -> str:
    content = (
        f"<span class=instead>{escape(row.instead)}</span>"
        if row.array is None
        else show(row.array)
    )
    box = "" if row.box is None else f" data-box={row.box}"
    return (
        f"<tr class={row.kind}{box}><th>{escape(row.name)}</th>"
        f"<td class=words>{escape(row.words)}</td><td>{content}</td></tr>"
    )


def _parts_html(step: Folded) -> str:
    """The parts of a folded step, to click."""
    parts = "".join(
        f"<button data-step={part.number}>{part.number}: {escape(part.name)}</button>"
        for part in step.parts[:PARTS]
    )
    more = f" and {len(step.parts) - PARTS} more" if len(step.parts) > PARTS else ""
    return f"<nav class=parts><button data-open>Open</button> {parts}{more}</nav>"


def _view_html(view: View) -> str:
    """A layer's inside: a drawing, a slider over its frames, the words of the one that is shown."""
    frames = [{"overlay": frame.overlay, "words": frame.words} for frame in view.frames]
    shown, (width, height) = view.frames[view.start], view.size
    return (
        f"<details class=view open><summary>{escape(view.title)}</summary>"
        f"<button>Play</button> <input type=range min=0 max={len(frames) - 1} value={view.start} "
        f"aria-label=frame>{_shown_html(view)}"
        f"<div class=body><svg width={width} height={height} viewBox='0 0 {width} {height}'>"
        f"{view.drawing}<g class=overlay>{shown.overlay}</g></svg><pre>{escape(shown.words)}</pre></div>"
        f"<script type='application/json'>{_json(frames)}</script></details>"
    )


def _shown_html(view: View) -> str:
    """Which example, channel and filter a view shows, and how to come to others."""
    if not view.shown:
        return ""
    return (
        " <button data-turn=-1>&lt; Example</button> <button data-turn=1>Example &gt;</button>"
        f"<div class=summary>{escape(view.shown)}; others: stepper.html(path, example=0, channel=0, "
        "filter=0)</div>"
    )


def step_alone(step: Step) -> str:
    """A step for a notebook: with the style, without the graph and without its inside."""
    return f"<style>{_scoped_style()}</style>{step_html(step)}"


def _scoped_style() -> str:
    """The style of steps alone: a notebook has its own for all else."""
    style = _template("page.css")
    start, end = style.index(":root {"), style.index("* {")
    return style[start:end].replace(":root", ".step") + style[style.index(".step {") :]


def page(stepper: Any, shown: Shown = FIRST) -> str:
    """All of the page; layers open at what is `shown` of them."""
    title = f"stepper: {stepper.boxes[-1].name}, {counted(len(stepper), 'step')}"
    parts = {
        "%title%": escape(title),
        "%style%": _template("page.css"),
        "%script%": _template("page.js"),
        "%data%": _json(_data(stepper, shown)),
    }
    text = _template("page.html")
    for mark, part in parts.items():
        text = text.replace(mark, part, 1)
    return text


def in_frame(stepper: Any) -> str:
    """The page inside of a notebook."""
    return f'<iframe srcdoc="{escape(page(stepper))}" style="width:100%;height:720px;border:0"></iframe>'


def _template(name: str) -> str:
    return files("minigrad.stepping").joinpath("template", name).read_text(encoding="utf-8")


def _json(value: Any) -> str:
    """JSON that may stand in an element <script>."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _data(stepper: Any, shown: Shown) -> dict[str, Any]:
    """All that the page's script works with."""
    boxes, arrays = stepper.boxes, _Arrays()
    views = _Views(shown, sum(map(opens, stepper.steps)))
    calls = list(stepper.calls.all())
    scene_data = scenes(stepper.calls)
    for call, scene in zip(calls[1:], scene_data[1:]):
        scene["steps"] = sorted(box.step for box in call.members() if box.step)
        if scene["steps"]:
            step = stepper.as_step(call)
            scene["html"] = step_html(step, _parts_html(step) + views.of_folded(step), arrays.show)
    steps = [_step_data(step, views.of(step), arrays) for step in stepper.steps]
    views.check()
    return {
        "scenes": scene_data,
        "folded": [number for number, call in enumerate(calls) if call in stepper.folded],
        "boxes": [box_data(box) for box in boxes],
        "steps": steps,
        "arrays": arrays.html,
        "views": views.html,
        "root": boxes[-1].number,
        "seed": _in_short(stepper.seed),
        "start": stepper.position,
        "opening": (
            "<p>Before the first step: the gradient of the loss by itself, dy = "
            f"{array_html(stepper.seed)}. Next runs the rule of the last operation.</p>"
        ),
    }


class _Views:
    """The insides of `count` layers, each once, though a layer may stand in a folded step as well.

    Where there is room for it, the examples of the batch after the one that is `shown` are there, too.
    """

    def __init__(self, shown: Shown, count: int) -> None:
        self.html: list[str] = []
        self._shown, self._examples = shown, max(1, min(EXAMPLES, VIEWS // max(1, count)))
        self._numbers: dict[int, list[int]] = {}
        self._counts: dict[str, int] = {}

    def check(self) -> None:
        """Refuse what no layer could show: a layer that has fewer shows its last, but some layer must have it."""
        for axis, number in asdict(self._shown).items():
            count = self._counts.get(axis, 1)
            if number >= count:
                raise GraphError(
                    f"stepper.html: {axis}={number}, but no layer that opens here has more than "
                    f"{counted(count, axis)}, numbered from 0."
                )

    def of(self, step: Step) -> str:
        """A place that the page's script fills with the inside of a step, if it has one."""
        if step.number not in self._numbers:
            if opens(step) and len(self.html) >= VIEWS:
                return f"<p class=instead>Of the layers {VIEWS} open here. For this one: print(stepper.goto({step.number}).view)</p>"
            numbers = [self._add(view) for view in self._views(step)]
            if not numbers:
                return ""
            self._numbers[step.number] = numbers
        return f"<div data-views='{' '.join(map(str, self._numbers[step.number]))}'></div>"

    def _views(self, step: Step) -> Iterator[View]:
        """The views of some examples in turn, each once."""
        seen = set()
        for more in range(self._examples):
            view = view_of(step, replace(self._shown, example=self._shown.example + more))
            if view is not None and view.shown not in seen:
                seen.add(view.shown)
                yield view

    def _add(self, view: View) -> int:
        for axis, (_, count) in view.picked.items():
            self._counts[axis] = max(count, self._counts.get(axis, 1))
        self.html.append(_view_html(view))
        return len(self.html) - 1

    def of_folded(self, step: Folded) -> str:
        """The inside of the only part that opens."""
        parts = [part for part in step.parts if opens(part)]
        return self.of(parts[0]) if len(parts) == 1 else ""


class _Arrays:
    """The arrays of a page, each once: the sum that goes out of one step comes into another."""

    def __init__(self) -> None:
        self.html: list[str] = []
        self._numbers: dict[Any, int] = {}

    def show(self, array: np.ndarray) -> str:
        """A place that the page's script fills with the array."""
        key = (array.shape, array.dtype, array.tobytes())
        if key not in self._numbers:
            self._numbers[key] = len(self.html)
            self.html.append(array_html(array))
        return f"<div data-array={self._numbers[key]}></div>"


def _step_data(step: Step, inside: str, arrays: _Arrays) -> dict[str, Any]:
    sums = []
    for operand in step.operands:
        if operand.total is not None and operand.source is not None:
            complete = operand.arrival == operand.arrivals
            sums.append((operand.source.number, _in_short(operand.total), complete))
    return {"box": step.box.number, "html": step_html(step, inside, arrays.show), "sums": sums}


def _in_short(gradient: np.ndarray) -> str:
    """A gradient in the few letters that a box has room for."""
    if gradient.size == 1:
        return f"grad {short(gradient.ravel()[0])}"
    return f"|grad| {short(norm(gradient))}"
