"""The figure and the DOT text: what stands in them, and that it can be read."""

import itertools
import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import minigrad
from layers import Linear, Sequential, Tanh
from minigrad import recording
from minigrad.drawing import paint
from minigrad.drawing.bands import break_into_bands
from minigrad.drawing.boxes import LATER
from minigrad.drawing.dot import dot
from minigrad.drawing.figure import draw
from minigrad.drawing.layout import arrange
from minigrad.errors import GraphError


def _line():
    with recording():
        w, b = (minigrad.tensor(v, requires_grad=True) for v in (2.0, -1.0))
        x = minigrad.tensor([3.0, 1.0, 2.0])
        return {"w": w, "b": b, "x": x}, np.sum(w * x + b)


def _recurrence(steps):
    w = minigrad.tensor(np.full((3, 3), 0.3), requires_grad=True)
    h, losses = minigrad.tensor(np.ones((2, 3))), []
    for _ in range(steps):
        h = np.tanh(h @ w)
        losses.append(np.mean(h * h))
    return w, sum(losses)


def _texts(figure):
    axes = figure.axes[0]
    return [text.get_text() for text in (*axes.texts, *figure.texts)]


def test_the_figure_says_names_values_gradients_and_norms():
    names, loss = _line()
    texts = _texts(draw(loss, names))
    for expected in (
        "w",
        "b",
        "x",
        "[6  2  4]",
        "grad 6",
        "grad 3",
        "grad [1  1  1]",
        "9",
        "grad 1",
    ):
        assert expected in texts
    assert texts.count("1.7") == 2  # the norms of multiply - add and add - sum
    assert any(text.startswith("6 values") for text in texts)


def test_figure_and_dot_say_so_where_a_leaf_shows_its_value_of_now():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    for loss, is_said in ((np.sum(x * x), False), (np.sum(x + 1.0), True)):
        title = draw(loss).texts[0].get_text()
        assert (LATER in title.splitlines()[0]) == is_said
        assert (f'label="{LATER}"' in dot(loss)) == is_said


def test_kinds_of_boxes_differ_without_colour():
    names, loss = _line()
    collections = {c.get_label(): c for c in draw(loss, names).axes[0].collections}
    assert [len(collections[k].get_paths()) for k in ("leaf", "constant", "operation", "output")] == [
        2, 1, 2, 1,
    ]  # fmt: skip
    corners = {k: len(collections[k].get_paths()[0].vertices) for k in ("leaf", "operation")}
    assert corners["leaf"] < corners["operation"]  # square against round
    assert collections["constant"].get_linestyle() != collections["leaf"].get_linestyle()
    assert collections["output"].get_linewidth() > 2 * collections["operation"].get_linewidth()


def test_arrows_start_and_end_at_the_sides_of_their_boxes_and_grow_with_the_norm():
    x = minigrad.tensor([1.0], requires_grad=True)
    y = minigrad.tensor([1.0], requires_grad=True)
    figure = draw(np.sum(x * 100 + y))
    arrows = next(c for c in figure.axes[0].collections if c.get_label() == "gradient known")
    assert len(arrows.get_paths()) == 4
    for path in arrows.get_paths():
        assert path.vertices[-1][0] > path.vertices[0][0]
    widths = sorted(arrows.get_linewidths(), reverse=True)
    assert widths[0] == pytest.approx(2.5)
    assert widths[1:] == pytest.approx([2.5 - 4 / 3] * 3)
    norms = [text for text in figure.axes[0].texts if text.get_color() == paint.FLOW]
    assert sorted(text.get_text() for text in norms) == ["1", "1", "1", "100"]


def test_a_gradient_that_was_not_computed_is_neither_written_nor_drawn_as_one():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    figure = draw(x * x, {"x": x})
    assert not any(text.startswith("grad") for text in _texts(figure))
    collections = {c.get_label(): c for c in figure.axes[0].collections}
    assert len(collections["gradient known"].get_paths()) == 0
    assert len(collections["gradient not known"].get_paths()) == 1


def test_modules_stand_on_ground_with_their_name():
    net = Linear(2, 3)
    figure = draw(net(np.ones((4, 2))).sum(), {"net": net})
    ground = next(c for c in figure.axes[0].collections if c.get_label() == "net")
    assert len(ground.get_paths()) == 3  # weight, bias, linear
    assert "net" in _texts(figure)


def test_a_module_that_is_left_and_entered_again_is_named_at_both_places():
    axes = Figure().add_subplot()
    column, row = paint.COLUMN, paint.ROW
    paint.ground(axes, [(1, 1), (1, 1 - row), (1 + column, 1), (1 + 3 * column, 1)], "cell", 0)
    assert [text.get_text() for text in axes.texts] == ["cell", "cell"]
    assert axes.texts[0].get_position()[1] < 1 - row  # above the topmost of its column


def test_a_wide_graph_is_broken_into_bands_that_do_not_overlap_and_say_how_they_go_on():
    w, loss = _recurrence(30)
    figure = draw(loss, {"w": w})
    width, height = figure.get_size_inches()
    assert 0.5 < width / height < 2
    texts = [text for text in figure.axes[0].texts if text.get_color() == paint.SOFT]
    assert {"w", "add"} < {text.get_text() for text in texts}
    boxes = [
        path.get_extents()
        for c in figure.axes[0].collections
        if c.get_label() in paint.LOOKS
        for path in c.get_paths()
    ]
    assert len(boxes) > 120
    for one, two in itertools.combinations(boxes, 2):
        assert not one.overlaps(two)


def test_every_text_of_a_box_fits_into_it():
    names, loss = _line()
    long = minigrad.tensor(np.random.default_rng(0).normal(0, 1e-9, (12, 34)), requires_grad=True)
    figure = draw(loss + np.sum(long * 1e-7), {**names, "a.rather.long.path.of.a.parameter": long})
    renderer = FigureCanvasAgg(figure).get_renderer()
    for text in figure.axes[0].texts:
        if text.get_fontsize() == 6:
            assert text.get_window_extent(renderer).width <= (paint.WIDTH + 0.05) * figure.dpi


def test_500_boxes_are_all_drawn_without_norms_beside_their_arrows():
    w, loss = _recurrence(110)
    figure = draw(loss, {"w": w})
    drawn = {c.get_label(): len(c.get_paths()) for c in figure.axes[0].collections}
    assert drawn["operation"] + drawn["leaf"] + drawn["output"] + drawn.get("constant", 0) > 500
    assert not [t for t in figure.axes[0].texts if t.get_color() == paint.FLOW]


def test_in_a_large_picture_a_shared_leaf_is_told_by_its_name_beside_those_who_use_it():
    drawn = {}
    for steps in (12, 60):
        w, loss = _recurrence(steps)
        texts = [t for t in draw(loss, {"cell.weight_hh": w}).axes[0].texts]
        drawn[steps] = [t for t in texts if t.get_text() == "…eight_hh"]
    assert len(drawn[60]) == 59  # all but the one that it stands beside
    assert len(drawn[12]) < 11
    w, loss = _recurrence(60)
    unnamed = draw(loss, {"h": np.ones(1)})
    assert [t.get_text() for t in unnamed.axes[0].texts].count("leaf") > 1
    nameless = draw(loss * minigrad.tensor(1.0, requires_grad=True), {"h": np.ones(1)})
    tags = [t for t in nameless.axes[0].texts if t.get_color() == paint.SOFT]
    assert sum(t.get_text() == "leaf" for t in tags) < 20, (
        "two are called so: lines tell them apart"
    )


def test_a_picture_that_is_no_wider_than_a_slide_is_one_band():
    for columns, bands in ((7, 1), (8, 2)):
        edges = {k: [k - 1] for k in range(1, columns)}
        made = break_into_bands(*arrange(edges))
        assert made.band(columns - 1) == bands - 1
        assert made.width < 13.33


def test_rows_that_hold_nothing_in_a_band_are_left_out():
    places, bends = arrange({"b": ["a"], "c": ["b"]})
    near = break_into_bands(places, bends)
    far = break_into_bands({**places, "c": (2, 50.0)}, bends)
    assert far.height < near.height + 1
    assert far.point(2, 50.0)[1] > far.point(1, places["b"][1])[1]


def test_a_leaf_alone_is_a_box():
    assert "grad 1" in _texts(draw(minigrad.tensor(2.0, requires_grad=True)))


def test_dot_has_each_box_once_each_arrow_and_each_module():
    net = Linear(2, 3)
    text = dot(net(np.ones((4, 2))).sum(), {"net": net})
    assert text.startswith("digraph {\nrankdir=LR\n")
    nodes = re.findall(r'^(n\d+) \[label="([^"\\]*)', text, re.MULTILINE)
    assert sorted(label for _, label in nodes) == [
        "constant", "linear", "net.bias", "net.weight", "sum",
    ]  # fmt: skip
    number = {label: n for n, label in nodes}
    assert f'{number["linear"]} -> {number["sum"]} [label="3.5"]' in text  # the norm of 12 ones
    assert f"{number['constant']} -> {number['linear']}\n" in text
    assert text.count("subgraph") == 1
    assert 'label="net"' in text
    assert text.count("{") == text.count("}")


def test_without_names_those_of_the_caller_serve():
    net = Linear(2, 1)
    weight = minigrad.tensor([[1.0, 2.0]], requires_grad=True)
    loss = net(weight * 2).sum()
    assert {"weight", "net.weight", "net.bias"} < set(_texts(draw(loss)))
    assert '[label="net.bias' in dot(loss)


def test_dot_escapes_what_its_strings_cannot_hold():
    x = minigrad.tensor(2.0, requires_grad=True)
    assert r'"a\"b\\c\n2\ngrad 4"' in dot(x * x, {'a"b\\c': x})


def _blocks(count):
    net = Sequential(*[Sequential(Linear(3, 3), Tanh(), Linear(3, 3)) for _ in range(count)])
    with recording():
        loss = np.sum(net(np.ones((2, 3), np.float32)))
    return net, loss


def test_a_large_picture_folds_modules_unless_all_is_asked_for():
    net, loss = _blocks(60)
    folded, whole = draw(loss, {"net": net}), draw(loss, {"net": net}, unfold=True)
    drawn = [
        {c.get_label(): len(c.get_paths()) for c in f.axes[0].collections} for f in (folded, whole)
    ]
    assert drawn[0]["operation"] == 60
    assert "leaf" not in drawn[0]
    assert (drawn[1]["operation"], drawn[1]["leaf"]) == (180, 240)
    assert "net.7" in _texts(folded)
    assert dot(loss, {"net": net}).count("Sequential") == 60
    assert "Sequential" not in dot(loss, {"net": net}, unfold=True)


def test_a_small_picture_shows_all():
    net, loss = _blocks(2)
    drawn = {
        c.get_label(): len(c.get_paths()) for c in draw(loss, {"net": net}).axes[0].collections
    }
    assert (drawn["operation"], drawn["leaf"]) == (6, 8)


def test_modules_beside_each_other_stand_on_different_ground_and_calls_are_counted():
    net, tanh = Linear(3, 3), Tanh()
    with recording():
        x = net(np.ones((2, 3), np.float32))
        for _ in range(2):
            x = net(tanh(x))
        loss = np.sum(x)
    figure = draw(loss, {"net": net, "tanh": tanh})
    grounds = {
        c.get_label(): tuple(c.get_facecolor()[0])
        for c in figure.axes[0].collections
        if c.get_zorder() == 0
    }
    calls = [f"net, call {k} of 3" for k in (1, 2, 3)]
    assert set(grounds) == {"net", *calls, *(f"tanh, call {k} of 2" for k in (1, 2))}
    assert grounds[calls[0]] != grounds["tanh, call 1 of 2"] != grounds[calls[1]]
    assert set(grounds) <= set(_texts(figure))


def test_errors_name_the_function_that_was_called():
    for function in (draw, dot):
        with pytest.raises(GraphError, match=f"^{function.__name__}: this float"):
            function(2.0)
        with pytest.raises(GraphError, match=f"^{function.__name__}: names is a int"):
            function(minigrad.tensor(2.0, requires_grad=True), names=3)
