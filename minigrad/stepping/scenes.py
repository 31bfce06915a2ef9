"""The graph of a page as it is drawn: all of it, and, where it is large, with modules folded.

A scene puts the boxes of the graph into drawn ones, each of a single box, or of all that one call of a
module made. A call's operations follow each other without a gap in the order in which they were
recorded, and an operation follows its operands, so that folding never closes a circle.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Any, NamedTuple

from minigrad.drawing.layout import Layout, arrange
from minigrad.stepping.graph import Box

#: Drawn boxes from which on a scene is large: lines that would cross much of it are drawn on demand.
LARGE = 300
#: Columns that such a line crosses.
FAR = 12

Edges = dict[int, list[int]]


class Drawn(NamedTuple):
    """A drawn box: what it is called, and the boxes in it, the first made first."""

    name: str
    title: str
    members: list[Box]


def scenes(boxes: list[Box]) -> list[dict[str, Any]]:
    """All of the graph; before it, where it is large and modules are known, the folded one."""
    found = [_scene(boxes, [Drawn(box.name, box.title, [box]) for box in boxes])]
    folded = _folded(boxes) if len(boxes) > LARGE else []
    if 0 < len(folded) < len(boxes):
        found.insert(0, _scene(boxes, folded))
    return found


def _scopes(box: Box) -> tuple[Any, ...]:
    values = None if box.is_leaf else box.origin.values
    return values.scopes if values else ()


def _folded(boxes: list[Box]) -> list[Drawn]:
    """Boxes, those of a call in one; as deep a call as leaves the scene small, else the outermost."""
    drawn: list[Drawn] = []
    for depth in range(max(len(_scopes(box)) for box in boxes), 0, -1):
        drawn = _folded_at(boxes, depth)
        if len(drawn) <= LARGE:
            break
    return drawn


def _folded_at(boxes: list[Box], depth: int) -> list[Drawn]:
    """The calls of modules at a depth in one box each; what lies in none stays alone."""
    calls = {box.number: _scopes(box)[depth - 1 : depth] for box in boxes}
    users: dict[int, set[Any]] = {}
    for box in boxes:
        for source in box.sources:
            users.setdefault(source.number, set()).add(calls[box.number])
    for box in boxes:  # a parameter that one call alone uses belongs to it
        if box.is_leaf and len(users.get(box.number, ())) == 1:
            calls[box.number] = next(iter(users[box.number]))
    drawn = []
    inside = sorted((box for box in boxes if calls[box.number]), key=lambda b: calls[b.number])
    for (call,), members in groupby(inside, key=lambda box: calls[box.number]):
        together = list(members)
        drawn.append(Drawn(call.name, f"{call.name}, call {call.number}", together))
    drawn += [Drawn(box.name, box.title, [box]) for box in boxes if not calls[box.number]]
    return sorted(drawn, key=lambda d: d.members[0].number)


def _scene(boxes: list[Box], drawn: list[Drawn]) -> dict[str, Any]:
    home = {box.number: number for number, d in enumerate(drawn) for box in d.members}
    edges: Edges = {}
    for number, d in enumerate(drawn):
        sources = [home[source.number] for box in d.members for source in box.sources]
        edges[number] = [s for s in dict.fromkeys(sources) if s != number]
    large = len(drawn) > LARGE
    leaves = {n for n, d in enumerate(drawn) if not edges[n]}
    layout = arrange(_near(edges, leaves) if large else edges)
    return {
        "boxes": [_box_data(d, layout.places[n]) for n, d in enumerate(drawn)],
        "edges": list(_edge_data(edges, layout, large)),
        "home": [home[box.number] for box in boxes],
    }


def _near(edges: Edges, leaves: set[int]) -> Edges:
    """The edges without those from a leaf to all but the first that uses it: a leaf has one place."""
    placed: set[int] = set()
    near = {}
    for number, sources in edges.items():
        near[number] = [s for s in sources if s not in leaves or s not in placed]
        placed.update(sources)
    return near


def _edge_data(edges: Edges, layout: Layout, large: bool) -> Iterable[Any]:
    """From, to, the bends of the line, and whether it is drawn on demand."""
    for box, sources in edges.items():
        for source in sources:
            columns = layout.places[box][0] - layout.places[source][0]
            far = large and not 0 < columns <= FAR
            bends = () if far else layout.bends.get((source, box), ())
            yield source, box, [(c, round(r, 2)) for c, r in bends], int(far)


def _box_data(drawn: Drawn, place: tuple[int, float]) -> dict[str, Any]:
    alone = len(drawn.members) == 1
    return {
        "name": drawn.name,
        "title": drawn.title if alone else f"{drawn.title}: {len(drawn.members)} boxes",
        "kind": "fold" if not alone else "leaf" if drawn.members[0].is_leaf else "",
        "members": [box.number for box in drawn.members],
        "steps": sorted(box.step for box in drawn.members if box.step),
        "reached": any(box.step or box.arrivals for box in drawn.members),
        "column": place[0],
        "row": round(place[1], 2),
    }
