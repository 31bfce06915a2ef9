"""The graph of a page as it is drawn: a scene for each call of a module, put into that around it.

Where a call is open the page puts its scene in the place of its box. A line that comes from outside
enters a scene at its entry, and one that leaves it does so at its exit.
"""

from collections.abc import Iterable
from typing import Any

from minigrad.drawing.layout import Layout, arrange
from minigrad.stepping.calls import LARGE, Call, upwards
from minigrad.stepping.graph import Box

#: Columns that a line of a large scene crosses; one that would cross more is drawn on demand.
FAR = 12

ENTRY, EXIT = "entry", "exit"
#: In a scene: from, to, and the lines between boxes that run along there.
Edges = dict[tuple[Any, Any], list[tuple[int, int]]]


def scenes(root: Call) -> list[dict[str, Any]]:
    """One scene for each call, the whole graph first, with the number of the scene around it."""
    calls = list(root.all())
    number = {call: k for k, call in enumerate(calls)}
    edges: list[Edges] = [{} for _ in calls]
    homes = {box: call for call in calls for box in call.boxes}
    for target, home in sorted(homes.items(), key=lambda item: item[0].number):
        for source in dict.fromkeys(target.sources):
            for call, ends in _along(source, homes[source], target, home):
                pairs = edges[number[call]].setdefault(ends, [])
                pairs.append((source.number, target.number))
    return [_scene(call, edges[k], number) for k, call in enumerate(calls)]


def _along(source: Box, start: Call, target: Box, end: Call) -> Iterable[tuple[Call, Any]]:
    """The scenes that a line between two boxes runs through, and from where to where in each."""
    out, into = upwards(start), upwards(end)
    common = next(call for call in out if call in into)
    leaving: Any = source
    for call in out[: out.index(common)]:
        yield call, (leaving, EXIT)
        leaving = call
    arriving: Any = target
    for call in into[: into.index(common)]:
        yield call, (ENTRY, arriving)
        arriving = call
    yield common, (leaving, arriving)


def _scene(call: Call, edges: Edges, number: dict[Call, int]) -> dict[str, Any]:
    inside: list[Box | Call] = sorted([*call.boxes, *call.calls], key=_first)
    sources: dict[Any, list[Any]] = {item: [] for item in inside}
    if any(start == ENTRY for start, _ in edges):
        sources = {ENTRY: [], **sources}
    for start, end in edges:
        sources.setdefault(end, []).append(start)
    large = len(sources) > LARGE
    layout = arrange(_near(sources) if large else sources)
    items = list(layout.places)
    place = {item: k for k, item in enumerate(items)}
    return {
        "around": number[call.parent] if call.parent else None,
        "path": call.path,
        "kind": call.kind,
        "title": call.title,
        "members": [box.number for box in call.members()],
        "items": [
            {**_item_data(item, number), "column": column, "row": round(row, 2)}
            for item, (column, row) in layout.places.items()
        ],
        "edges": [_edge_data(ends, pairs, layout, place, large) for ends, pairs in edges.items()],
    }


def _first(item: Box | Call) -> int:
    return item.members()[0].number if isinstance(item, Call) else item.number


def _item_data(item: Any, number: dict[Call, int]) -> dict[str, Any]:
    if isinstance(item, Call):
        return {"call": number[item]}
    return {"box": item.number} if isinstance(item, Box) else {"end": item}


def _near(sources: dict[Any, list[Any]]) -> dict[Any, list[Any]]:
    """The edges without those from a leaf to all but the first that uses it: a leaf has one place."""
    placed: set[Any] = set()
    near = {}
    for item, own in sources.items():
        near[item] = [s for s in own if sources.get(s) or s not in placed]
        placed.update(own)
    return near


def _edge_data(
    ends: tuple[Any, Any], pairs: list[tuple[int, int]], layout: Layout, place: Any, large: bool
) -> Any:
    """From, to, the bends of the line, whether it is drawn on demand, and the lines between boxes."""
    start, end = ends
    columns = layout.places[end][0] - layout.places[start][0]
    far = large and not 0 < columns <= FAR
    bends = () if far else layout.bends.get(ends, ())
    return place[start], place[end], [(c, round(r, 2)) for c, r in bends], int(far), pairs


def box_data(box: Box) -> dict[str, Any]:
    """What a page says of a box, in whatever scene it stands."""
    return {
        "name": box.name,
        "title": box.title,
        "kind": "leaf" if box.is_leaf else "",
        "step": box.step,
        "reached": bool(box.step or box.arrivals),
    }
