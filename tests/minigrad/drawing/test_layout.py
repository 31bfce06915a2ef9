"""The layout: columns, bends, crossings and rows, of known and of random graphs."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.drawing import layout
from minigrad.drawing.layout import arrange, layered
from minigrad.drawing.rows import ascending
from minigrad.errors import GraphError


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 25))
    return {n: draw(st.lists(st.integers(0, n - 1), max_size=3)) if n else [] for n in range(count)}


def test_a_node_stands_right_of_its_longest_path_and_a_leaf_beside_its_user():
    places = layered({"y": ["h", "w2"], "h": ["x", "w1"], "loss": ["y", "x"]})
    assert {node: column for node, (column, _) in places.items()} == {
        "x": 0, "w1": 0, "h": 1, "w2": 1, "y": 2, "loss": 3,
    }  # fmt: skip


def test_what_hangs_on_the_longest_path_stays_beside_it_and_what_does_not_waits_at_the_end():
    edges = {k: [k - 1] for k in range(1, 10)}
    edges |= {"read": [2], "error": ["read"], "penalty": ["w"], 4: [3, "w"]}
    edges["loss"] = [9, "error", "penalty"]
    columns = {node: column for node, (column, _) in layered(edges).items()}
    assert (columns["read"], columns["error"]) == (3, 4)
    assert (columns["w"], columns["penalty"], columns["loss"]) == (3, 9, 10)


def test_a_line_that_passes_columns_bends_in_each_of_them():
    edges = {"b": ["a"], "c": ["b"], "d": ["c", "a"]}
    places, bends = arrange(edges)
    assert list(bends) == [("a", "d")]
    assert [column for column, _ in bends["a", "d"]] == [1, 2]
    for column, row in bends["a", "d"]:
        for other, own in places.values():
            assert other != column or abs(row - own) >= (1 + layout.BEND) / 2 - 1e-9


@given(graphs())
def test_lines_lead_right_and_boxes_of_a_column_do_not_touch(edges):
    places, bends = arrange(edges)
    assert places.keys() == edges.keys()
    assert all(places[s][0] < places[n][0] for n, sources in edges.items() for s in sources)
    assert min(column for column, _ in places.values()) == 0
    points = [*places.values()]
    for (one, row), (two, other) in itertools.combinations(points, 2):
        assert one != two or abs(row - other) >= 1 - 1e-9
    for (source, node), way in bends.items():
        assert [c for c, _ in way] == list(range(places[source][0] + 1, places[node][0]))


def test_a_tree_is_drawn_without_a_crossing():
    # Leaves are named in an order that would cross everything.
    edges = {"root": ["l", "r"], "r": ["1", "3"], "l": ["0", "2"]}
    edges |= {"3": ["h"], "0": ["e"], "2": ["g"], "1": ["f"]}
    places = layered(edges)
    assert _crossing_lines(places, edges) == 0


def _crossing_lines(places, edges):
    lines = [(places[s], places[n]) for n, sources in edges.items() for s in sources]
    return sum(
        (a[1] - c[1]) * (b[1] - d[1]) < 0
        for (a, b), (c, d) in itertools.combinations(lines, 2)
        if a[0] == c[0] and b[0] == d[0]
    )


def test_sweeps_leave_far_fewer_crossings_than_the_order_given():
    rng = np.random.default_rng(0)
    edges = {(0, k): [] for k in range(20)}
    for column in range(1, 5):
        shuffled = rng.permutation(20)
        # Each column is joined to the one before in a permuted order: a drawing without crossings exists.
        edges |= {(column, k): [(column - 1, int(shuffled[k]))] for k in range(20)}
    edges["end"] = [(4, k) for k in range(20)]
    assert _crossing_lines(layered(edges), edges) == 0


def test_a_chain_is_a_straight_line():
    places = layered({n: [n - 1] for n in range(1, 3000)})
    assert places == {n: (n, 0.0) for n in range(3000)}


def test_lines_from_one_node_share_their_bends_so_that_a_shared_weight_does_not_grow_with_the_square():
    steps = 1000
    edges = {("h", t): [("h", t - 1), "w", ("x", t)] for t in range(1, steps)}
    places, bends = arrange(edges)
    assert len(places) == 2 * steps
    assert len({place for way in bends.values() for place in way}) == steps - 2


def test_long_lines_from_a_named_node_take_no_room():
    edges = {f"h{k}": [f"h{k - 1}", "w"] for k in range(1, 9)}
    places, bends = arrange(edges, {"w"})
    assert bends == {}
    assert len({places[f"h{k}"][1] for k in range(1, 9)}) == 1
    assert places["w"][0] == 0
    assert ("w", "h8") in arrange(edges).bends


def test_a_cycle_is_an_error_that_names_a_node_of_it():
    with pytest.raises(GraphError, match="cycle, in or before 'b'"):
        layered({"a": [], "b": ["a", "c"], "c": ["b"]})


def test_no_node_and_one_node():
    assert layered({}) == {}
    assert layered({"a": []}) == {"a": (0, 0.0)}


def test_numbers_out_of_order_share_their_mean():
    assert ascending([1, 3, 2, 5], [1, 1, 1, 1]) == [1, 2.5, 2.5, 5]
    assert ascending([3, 2, 1], [1, 1, 1]) == [2, 2, 2]
    assert ascending([4, 0], [1, 3]) == [1, 1]
    assert ascending([], []) == []


def test_what_leads_from_layer_to_layer_stays_level_whatever_leaves_stand_beside_it():
    edges = {("y", k): [("y", k - 1), ("w", k), ("b", k), ("g", k)] for k in range(1, 60)}
    rows = [layered(edges)["y", k][1] for k in range(1, 60)]
    assert max(rows) - min(rows) < 1.5


def _unrolled(steps):
    """A cell with four weights, its reading and the sum of all readings, step by step in time."""
    edges, weights = {"sum -1": []}, ["w1", "w2", "w3", "w4"]
    for t in range(steps):
        before = [f"h {t - 1}", f"c {t - 1}"] if t else []
        edges[f"cell {t}"] = [*weights, f"x {t}", *before]
        edges[f"h {t}"], edges[f"c {t}"] = [f"cell {t}"], [f"cell {t}"]
        edges[f"read {t}"] = ["v", f"h {t}"]
        edges[f"error {t}"] = [f"read {t}"]
        edges[f"sum {t}"] = [f"sum {t - 1}", f"error {t}"]
    return edges


def test_what_is_unrolled_in_time_does_not_climb():
    short, long = (layered(_unrolled(steps)) for steps in (10, 60))
    heights = [np.ptp([row for _, row in places.values()]) for places in (short, long)]
    assert heights[1] < heights[0] + 2
    rows = [row for _, row in long.values()]
    assert min(rows) > -1e-9


def test_a_graph_that_climbs_by_less_than_a_column_is_left_as_it_is():
    assert layout._sheared([0.0, 1.0, 1.5], [0, 0, 1]) == [0.0, 1.0, 1.5]
    assert layout._sheared([0.0, 1.0, 5.0, 10.0], [0, 0, 1, 2])[-1] < 2
    assert layout._sheared([], []) == []
