"""The page, in a real browser: every number in it is that of Tensor.grad, and every control works."""

import time
from functools import partial

import numpy as np
import pytest

import layers
import minigrad
from layers.functional import cross_entropy
from minigrad import Function
from minigrad.errors import CheckpointError, GraphError, PageError
from minigrad.stepping.folded import Folded
from minigrad.stepping.page import page
from minigrad.stepping.tables import array_html, as_board, picture
from minigrad.stepping.text import short
from tests.minigrad.stepping.browser import play

READ_ALL = """
const rows = () => [...document.querySelectorAll("#panel .rows > tbody > tr")].map(row => ({
  kind: row.className, name: row.querySelector("th").textContent, box: row.dataset.box ?? null,
  text: [...row.querySelectorAll(".array td, .number")].map(cell => cell.textContent),
  exact: [...row.querySelectorAll(".array td, .number")].map(cell => cell.title),
  words: row.querySelector(".instead")?.textContent ?? null }));
const box = n => document.querySelector(`#boxes [data-box="${n}"]`);
const states = () => data.boxes.map((_, n) => box(n)).map(g => g && ({
  kind: g.getAttribute("class").trim().split(/ +/), text: g.querySelector(".state").textContent }));
const place = () => document.getElementById("place").textContent;
const click = id => document.getElementById(id).click();
"""


def small_net():
    """A small network of every kind of step, its tensors that are to be compared, and its stepper."""
    rng = np.random.default_rng(0)
    net = layers.Sequential(layers.Linear(3, 4), layers.ReLU(), layers.Linear(4, 2)).double()
    x = minigrad.tensor(rng.standard_normal((2, 3)), requires_grad=True, dtype=np.float64)
    with minigrad.recording():
        hidden = net[0](x)
        h = net[2](net[1](hidden))
        y = h * h + h
        loss = cross_entropy(y, np.array([1, 0])) + np.mean(y) * 0.5
    tensors = [x, *net.parameters(), hidden, h, y, loss]
    for t in tensors:
        t.retain_grad()
    return tensors, minigrad.step(loss), loss


class Digits(layers.Module):
    """Convolution, pooling, a linear layer."""

    def __init__(self, rng):
        self.conv, self.pool = layers.Conv2d(1, 2, 2, rng=rng), layers.MaxPool2d(2)
        self.head = layers.Linear(8, 3, rng=rng)

    def forward(self, x):
        return self.head(self.pool(layers.functional.relu(self.conv(x))).reshape(len(x), -1))


class Transformed(layers.Module):
    """A spatial transformer before a linear layer."""

    def __init__(self, rng):
        inner = [layers.Conv2d(1, 1, 2, rng=rng), layers.MaxPool2d(2), layers.ReLU()]
        self.stn = layers.SpatialTransformer(layers.Sequential(*inner, layers.Flatten()), 4, size=2)
        self.stn.regression.weight.data = rng.uniform(-0.2, 0.2, (6, 4))
        self.head = layers.Linear(4, 3, rng=rng)

    def forward(self, x):
        return self.head(self.stn(x).reshape(len(x), -1))


class Recurrent(layers.Module):
    """Two steps of an LSTM cell on the rows of an image."""

    def __init__(self, rng):
        self.cell, self.head = layers.LSTMCell(5, 2, rng=rng), layers.Linear(2, 3, rng=rng)

    def forward(self, x):
        h, c = self.cell(x[:, 0, 0])
        h, c = self.cell(x[:, 0, 1], (h, c))
        return self.head(h)


def net_of(kind):
    """As `small_net`, a network of layers, with cross-entropy."""
    rng = np.random.default_rng(1)
    net = kind(rng).double()
    x = minigrad.tensor(rng.standard_normal((1, 1, 5, 5)), requires_grad=True, dtype=np.float64)
    with minigrad.recording():
        y = net(x)
        loss = cross_entropy(y, np.array([2]))
    tensors = [x, *net.parameters(), y, loss]
    for t in tensors:
        t.retain_grad()
    return tensors, minigrad.step(loss), loss


NETS = [small_net, *(partial(net_of, kind) for kind in (Digits, Transformed, Recurrent))]


def same(texts, exacts, array):
    expected = np.ravel(array)
    assert texts == [short(v) for v in expected]
    np.testing.assert_allclose([float(e) for e in exacts], expected, rtol=1e-8, atol=1e-300)


def gradients_of(tensors, stepper, loss):
    """By box and output, Tensor.grad after a backward pass of the engine's."""
    loss.backward()
    gradients = {}
    for tensor in tensors:
        box, output = stepper._find(tensor)
        gradients[box.number, output] = tensor.grad
    return gradients


@pytest.mark.parametrize("make", NETS)
def test_clicking_through_shows_the_numbers_of_backward(make, tmp_path):
    tensors, stepper, loss = make()
    script = (
        READ_ALL
        + """
      if (folded.size) click("fold");
      const seen = [{ rows: rows(), states: states(), place: place() }];
      for (let k = 0; k < data.steps.length; k++) {
        click("next");
        seen.push({ rows: rows(), states: states(), place: place() });
      }
      return seen;"""
    )
    seen = play(page(stepper), script, tmp_path)
    gradients = gradients_of(tensors, stepper, loss)
    assert len(seen) == len(stepper) + 1
    compared = set()
    for number, shot in enumerate(seen):
        assert shot["place"] == f"step {number} of {len(stepper)}"
        for box, state in zip(stepper.boxes, shot["states"], strict=True):
            check_state(stepper, box, number, state, gradients)
        if number:
            compared |= check_rows(stepper.steps[number - 1], shot["rows"], gradients)
    assert compared == set(gradients), "some gradients were never shown"


@pytest.mark.parametrize("make", NETS)
def test_folded_modules_show_the_numbers_of_backward(make, tmp_path):
    tensors, stepper, loss = make()
    stepper.fold()
    script = (
        READ_ALL
        + """
      const seen = [];
      while (present < count) { click("next"); seen.push({ rows: rows(), place: place() }); }
      return seen;"""
    )
    seen = play(page(stepper), script, tmp_path)
    gradients = gradients_of(tensors, stepper, loss)
    turns = list(stepper)
    assert any(isinstance(turn, Folded) for turn in turns)
    compared = set()
    for turn, shot in zip(turns, seen, strict=True):
        which = f"step {turn.number}" if turn.first == turn.number else None
        which = which or f"steps {turn.first} to {turn.number}"
        assert shot["place"] == f"{which} of {len(stepper)}"
        compared |= check_rows(turn, shot["rows"], gradients)
    parameters = [t for t in tensors if isinstance(t, layers.Parameter)]
    assert compared > {(stepper._find(p)[0].number, None) for p in parameters}


def check_rows(step, shown, gradients):
    """Hold all numbers of a step to Tensor.grad, and to the record; return what was compared."""
    compared = set()
    for number, output in enumerate(step.outputs):
        value, gradient = shown[2 * number : 2 * number + 2]
        assert (value["kind"], gradient["kind"]) == ("output", "in")
        same(value["text"], value["exact"], output.value)
        if output.gradient is None:
            assert "nothing depends on it" in gradient["words"]
            continue
        same(gradient["text"], gradient["exact"], output.gradient)
        key = step.box.number, number if len(step.outputs) > 1 else None
        if key in gradients and step.first == step.number:
            same(gradient["text"], gradient["exact"], gradients[key])
            compared.add(key)
    operands = iter(step.operands)
    for row in shown[2 * len(step.outputs) :]:
        if row["kind"] == "operand":
            operand = next(operands)
            assert row["name"] == operand.name
            same(row["text"], row["exact"], operand.value)
            continue
        assert int(row["box"]) == operand.source.number
        key = operand.source.number, operand.output
        if row["kind"] == "local" and operand.local.array is not None and row["text"]:
            same(row["text"], row["exact"], operand.local.array)
        if row["kind"] == "out":
            same(row["text"], row["exact"], operand.gradient)
        complete = operand.arrival == operand.arrivals
        if complete and row["kind"] == ("out" if operand.arrivals == 1 else "sum"):
            if key in gradients:
                same(row["text"], row["exact"], gradients[key])
                compared.add(key)
    assert next(operands, None) is None
    return compared


def check_state(stepper, box, number, state, gradients):
    """A box says 'not yet' until something has arrived, and its gradient when all has."""
    arrived = sum(
        operand.source is box and operand.gradient is not None
        for step in stepper.steps[:number]
        for operand in step.operands
    )
    total = sum(box.arrivals.values())
    if box is stepper.boxes[-1]:
        assert state["text"] == "grad 1"
    elif arrived == 0:
        assert state["text"] == "not yet"
        assert not {"some", "done"} & set(state["kind"])
    elif len(box.arrivals) == 1:
        assert ("done" if arrived == total else "some") in state["kind"]
        if arrived == total and (box.number, None) in gradients:
            gradient = gradients[box.number, None]
            told = gradient.item() if gradient.size == 1 else np.linalg.norm(gradient)
            assert state["text"].split()[-1] == short(told)
    is_now = number > 0 and stepper.steps[number - 1].box is box
    assert ("now" in state["kind"]) == is_now


def test_every_control_moves(tmp_path):
    _, stepper, _ = small_net()
    script = (
        READ_ALL
        + """
      const at = {};
      const key = name => document.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
      const clickBox = n => box(n).dispatchEvent(new MouseEvent("click", { bubbles: true }));
      const press = (name, act) => { act(); at[name] = place(); };
      document.body.focus();
      const arrow = name => document.body.dispatchEvent(
        new KeyboardEvent("keydown", { key: name, bubbles: true }));
      press("last", () => click("last"));
      press("beyond", () => click("next"));
      press("back", () => click("back"));
      press("first", () => click("first"));
      press("before", () => click("back"));
      press("right", () => { arrow("ArrowRight"); arrow("ArrowRight"); });
      press("left", () => arrow("ArrowLeft"));
      press("end", () => arrow("End"));
      press("home", () => arrow("Home"));
      const operation = data.boxes.findIndex(b => b.step === 4), leaf = data.boxes.findIndex(b => b.kind === "leaf");
      press("operation", () => clickBox(operation));
      press("leaf", () => clickBox(leaf));
      at.completes = data.steps.findLastIndex(s => s.sums.some(([b]) => b === leaf)) + 1;
      press("slider", () => { const s = document.getElementById("slider"); s.value = 3;
        s.dispatchEvent(new Event("input")); });
      click("first"); click("play");
      await wait(2500);
      at.playing = place();
      await wait(1000 * data.steps.length);
      at.played = place(); at.button = document.getElementById("play").textContent;
      const theme = () => document.documentElement.dataset.theme;
      at.themes = [theme(), (click("theme"), theme()), (click("theme"), theme())];
      at.back_of_page = getComputedStyle(document.body).backgroundColor;
      const before = document.getElementById("graph").getAttribute("viewBox");
      document.getElementById("graph").dispatchEvent(new WheelEvent("wheel",
        { deltaY: -100, clientX: 300, clientY: 100, bubbles: true, cancelable: true }));
      at.zoomed = document.getElementById("graph").getAttribute("viewBox") !== before;
      click("fit");
      at.whole = view.x <= extent.x && view.y <= extent.y
        && view.x + view.w >= extent.x + extent.w && view.y + view.h >= extent.y + extent.h;
      return at;"""
    )
    at = play(page(stepper), script, tmp_path, 60_000)
    n = len(stepper)
    where = {name: f"step {k} of {n}" for name, k in [
        ("last", n), ("beyond", n), ("back", n - 1), ("first", 0), ("before", 0), ("right", 2),
        ("left", 1), ("end", n), ("home", 0), ("operation", 4), ("leaf", at["completes"]),
        ("slider", 3), ("playing", 2), ("played", n),
    ]}  # fmt: skip
    assert {name: at[name] for name in where} == where
    assert at["button"] == "Play"
    assert at["themes"] in (["light", "dark", "light"], ["dark", "light", "dark"])
    assert at["zoomed"]
    assert at["whole"]


def test_a_layer_opens_and_its_frames_change(tmp_path):
    x = minigrad.tensor(np.random.default_rng(0).standard_normal((1, 1, 4, 4)), requires_grad=True)
    w = minigrad.tensor(np.ones((1, 1, 2, 2)), requires_grad=True)
    with minigrad.recording():
        loss = np.sum(layers.functional.conv2d(x, w) * 2.0)
    stepper = minigrad.step(loss)
    view = stepper.until("conv2d").view
    script = """
      const words = () => document.querySelector(".view pre").textContent;
      const found = [words()];
      document.querySelector('.view [data-frame="7"]').dispatchEvent(new MouseEvent("click", { bubbles: true }));
      found.push(words());
      const slider = document.querySelector(".view input");
      found.push(slider.value);
      slider.value = 2;
      slider.dispatchEvent(new Event("input"));
      found.push(words(), document.querySelector(".view .overlay").innerHTML !== "");
      document.querySelector(".view button").click();
      await wait(650);
      found.push(slider.value);
      await wait(5000);
      found.push(slider.value, document.querySelector(".view button").textContent);
      return found;"""
    assert play(page(stepper), script, tmp_path) == [
        view.frames[view.start].words,
        view.frames[7].words,
        "7",
        view.frames[2].words,
        True,
        "4",
        "8",
        "Play",
    ]


def test_one_turns_from_example_to_example(tmp_path):
    x = minigrad.tensor(np.random.default_rng(0).standard_normal((5, 1, 4, 4)), requires_grad=True)
    w = minigrad.tensor(np.ones((2, 1, 2, 2)), requires_grad=True)
    with minigrad.recording():
        loss = np.sum(layers.functional.conv2d(x, w) * 2.0)
    stepper = minigrad.step(loss)
    step = stepper.until("conv2d")
    stepper.html(tmp_path / "steps.html", example=1, filter=1)
    script = """
      const words = () => document.querySelector(".view pre").textContent;
      const buttons = () => [...document.querySelectorAll("[data-turn]")];
      const found = [];
      for (let k = 0; k < 3; k++) {
        found.push([words(), ...buttons().map(button => button.disabled)]);
        buttons()[1].click();
      }
      buttons()[0].click();
      found.push([words()]);
      return found;"""
    said = []
    for example in (1, 2, 3):
        view = step.inside(example, filter=1)
        said.append(view.frames[view.start].words)
    text = (tmp_path / "steps.html").read_text(encoding="utf-8")
    assert play(text, script, tmp_path) == [
        [said[0], True, False],
        [said[1], False, False],
        [said[2], False, True],
        [said[1]],
    ]


def test_a_small_graph_is_not_drawn_giant(tmp_path):
    stepper = minigrad.step(np.sum(minigrad.tensor([1.0, 2.0], requires_grad=True)))
    script = """
      const box = document.querySelector("#boxes rect").getBoundingClientRect();
      return [box.width, document.title];"""
    width, title = play(page(stepper), script, tmp_path)
    assert width <= 2 * 124
    assert title == "stepper: sum, 1 step"


class Nested(layers.Module):
    """Modules in modules, two beside each other in each, four deep."""

    def __init__(self, depth):
        inner = (Nested(depth - 1), Nested(depth - 1)) if depth else ()
        self.inner, self.linear = layers.Sequential(*inner), layers.Linear(3, 3)

    def forward(self, x):
        return self.linear(x) + sum((part(x) for part in self.inner), x)


def test_boxes_in_nested_modules_can_be_read_and_the_toolbar_is_one_line(tmp_path):
    with minigrad.recording():
        loss = np.sum(Nested(3)(np.ones((2, 3), np.float32)))
    script = (
        READ_ALL
        + """
      document.body.style.cssText = "width: 1024px; height: 700px";
      draw();
      const seen = [];
      for (let k = 0; k < data.steps.length; k++) {
        click("next");
        const at = shapes.get(current()).getBoundingClientRect(), frame = graph.getBoundingClientRect();
        seen.push([at.width, at.left >= frame.left && at.right <= frame.right
          && at.top >= frame.top && at.bottom <= frame.bottom]);
      }
      const tops = [...document.querySelectorAll("header button")].map(b => b.getBoundingClientRect().top);
      return { seen, lines: new Set(tops).size };"""
    )
    answer = play(page(minigrad.step(loss)), script, tmp_path)
    assert all(width > 100 for width, _ in answer["seen"]), "124 wide, its text is 13 pixels high"
    assert all(is_inside for _, is_inside in answer["seen"])
    assert answer["lines"] == 1


def test_three_thousand_nodes_open_fast_and_can_be_stepped(tmp_path):
    w = minigrad.tensor(np.eye(4) * 0.9, requires_grad=True)
    h = minigrad.tensor(np.ones((2, 4)))
    loss = 0.0
    with minigrad.recording():
        for _ in range(500):
            h = np.tanh(h @ w) * 1.1
            loss = loss + np.sum(h * h)
    stepper = minigrad.step(loss)
    assert len(stepper) > 2900
    start = time.perf_counter()
    text = page(stepper)
    took = time.perf_counter() - start
    assert took < 30, "this took 1.5 s where it was measured"
    assert len(text) < 30e6
    script = (
        READ_ALL
        + """
      const start = performance.now();
      click("next"); click("next");
      const next = (performance.now() - start) / 2;
      click("last");
      return { next, place: place(), boxes: shapes.size, late: states().filter(s => s.text === "not yet").length,
        loaded: performance.timing.domInteractive - performance.timing.navigationStart };"""
    )
    answer = play(text, script, tmp_path)
    assert answer["place"] == f"step {len(stepper)} of {len(stepper)}"
    assert answer["boxes"] == len(stepper.boxes)
    assert answer["late"] == 0


def test_a_notebook_shows_the_page_and_single_steps(tmp_path):
    _, stepper, _ = small_net()
    stepper.goto(3)
    frame = stepper._repr_html_()
    assert frame.startswith("<iframe srcdoc=")
    outer = f"<!doctype html><html><body>{frame}</body></html>"
    script = """
      await wait(1000);
      const inside = document.querySelector("iframe").contentDocument;
      inside.getElementById("next").click();
      return [inside.getElementById("place").textContent, inside.querySelector("#panel h2").textContent];"""
    number = len(stepper)
    # The body's end inside of the frame is escaped, so that the script goes into the outer page.
    assert play(outer, script, tmp_path) == [
        f"step 4 of {number}",
        f"step 4 of {number}: {stepper.steps[3].name}",
    ]
    alone = stepper.now._repr_html_()
    assert "<script" not in alone
    assert "step 3 of" in alone


def test_a_page_needs_no_network_and_no_markup_gets_in(tmp_path):
    class Evil(Function):
        """y = <script>alert(1)</script> & %data%"""

        name = "</script><b>"

        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, dy):
            return dy

    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    stepper = minigrad.step(np.sum(Evil.apply(x)))
    text = page(stepper)
    assert "http" not in text
    assert text.count("</script>") == 2
    script = """document.getElementById("last").click();
      return [document.querySelector("#panel h2").textContent, document.querySelector("#panel .formula").textContent];"""
    assert play(text, script, tmp_path) == [
        "step 2 of 2: </script><b>",
        "y = <script>alert(1)</script> & %data%",
    ]


def test_the_page_is_written_whole_or_not_at_all(tmp_path):
    _, stepper, _ = small_net()
    path = tmp_path / "page.html"
    stepper.html(path)
    assert path.read_text(encoding="utf-8") == page(stepper)
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_a_page_that_cannot_be_written_is_told_as_a_page(tmp_path):
    _, stepper, _ = small_net()
    for path in (tmp_path / "no" / "page.html", tmp_path):
        with pytest.raises(PageError, match=r"stepper\.html: cannot write .*\nSee that") as caught:
            stepper.html(path)
        assert isinstance(caught.value, OSError)
        assert not isinstance(caught.value, CheckpointError)
        assert str(path) in str(caught.value)
    for path in ("", 3, None):
        with pytest.raises(PageError, match=rf"takes the path of a file, .*not {path!r}\."):
            stepper.html(path)


def test_a_page_of_an_example_channel_or_filter_that_no_layer_has_is_refused(tmp_path):
    x = minigrad.tensor(np.ones((3, 1, 5, 5)), requires_grad=True)
    small, large = layers.Conv2d(1, 2, 2).double(), layers.Conv2d(2, 4, 2).double()
    with minigrad.recording():
        loss = np.sum(large(small(x)))
    stepper, path = minigrad.step(loss), tmp_path / "page.html"
    for wrong in ({"example": "a"}, {"example": -1}, {"filter": 1.5}):
        with pytest.raises(GraphError, match=r"shows nothing; give the number of one \w+, from 0"):
            stepper.html(path, **wrong)
    for wrong, most in (({"example": 3}, "3 examples"), ({"filter": 4}, "4 filters")):
        with pytest.raises(
            GraphError, match=f"^stepper.html: .* more than {most}, numbered from 0"
        ):
            stepper.html(path, **wrong)
    with pytest.raises(GraphError, match="more than 1 channel,"):
        minigrad.step(np.sum(x * x)).html(path, channel=1)
    assert not path.exists()
    stepper.html(path, example=2, channel=1, filter=3)  # the last of those of the larger layer


def test_arrays_become_tables_or_pictures():
    assert array_html(np.array(0.5)) == "<b class=number title='0.5'>0.5</b>"
    table = array_html(np.array([[1.0, -2.0, np.nan]]))
    assert table.count("<td") == 3
    assert "class=low" in table
    assert "nan" in table
    assert array_html(np.zeros((2, 3, 2))).count("<caption>") == 2
    large = array_html(np.zeros((3, 5, 9, 9)))
    assert "<img" in large
    assert "3 x 5 x 9 x 9, 0 to 0" in large
    assert "empty" in array_html(np.zeros((0, 3)))
    assert "every 4. row, every 1. column" in array_html(np.zeros((200, 3)))
    assert "the first 16 of 30" in array_html(np.zeros((5, 6, 9, 9)))
    board = as_board(np.arange(60.0).reshape(5, 3, 4), across=2)
    assert board.shape == (3 * 4 - 1, 2 * 5 - 1)
    assert board.sum() == 59 * 60 / 2
    assert board[4:7, 5:9].tolist() == np.arange(36.0, 48).reshape(3, 4).tolist()
    assert board.mask[3].all()
    assert board.mask[8:, 5:].all()


def test_a_picture_is_a_png_of_the_right_pixels():
    pyplot = pytest.importorskip("matplotlib.image")
    import base64
    import io

    matrix = np.array([[-2.0, 0.0, 2.0], [1.0, np.nan, -1.0]])
    data = base64.b64decode(picture(matrix).split(",")[1])
    pixels = (pyplot.imread(io.BytesIO(data))[..., :3] * 255).round().astype(int)
    assert pixels.shape == (2, 3, 3)
    assert pixels[0].tolist() == [[33, 102, 172], [247, 247, 247], [178, 24, 43]]
    assert pixels[1, 1].tolist() == [0, 0, 0]
    grey = base64.b64decode(picture(np.array([[0.0, 5.0]]), signed=False).split(",")[1])
    assert (pyplot.imread(io.BytesIO(grey))[0, :, 0] * 255).tolist() == [0, 255]
