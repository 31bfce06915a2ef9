"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const WIDTH = 124, HEIGHT = 42, GAP = 44, ROW = 60, HEAD = 26, PAD = 14;
// So many times smaller the drawing's text, of 10 to 13 pixels, can still be read.
const READABLE = 1.15;
const by = id => document.getElementById(id);
const graph = by("graph"), count = data.steps.length, scenes = data.scenes;
let present = 0, timer = null;

// -- which modules are folded: a scene that is open stands in the one around it --------------------

const first = data.folded.length ? data.folded
  : scenes.flatMap((scene, k) => scene.around === 0 ? [k] : []);
let folded = new Set(data.folded);
const homes = [];
scenes.forEach((scene, k) => scene.items.forEach(item => { if ("box" in item) homes[item.box] = k; }));

// The scenes around a box, the innermost first, without that of all.
function around(box) {
  const found = [];
  for (let k = homes[box]; k; k = scenes[k].around) found.push(k);
  return found;
}
// What stands for a box in the drawing: "b" and its number, or "c" and that of the folded call.
function shown(box) {
  const outermost = around(box).findLast(k => folded.has(k));
  return outermost ? "c" + outermost : "b" + box;
}
const callOf = key => key?.[0] === "c" ? +key.slice(1) : null;

function refold(change) {
  const from = firstOf(current()) ?? 0;
  change(folded);
  draw();
  land(from);
}
const toggle = k => refold(() => folded.delete(k) || folded.add(k));
function reveal(step) {
  refold(() => around(data.steps[step - 1].box).forEach(k => folded.delete(k)));
  land(step);
}

// -- where things go ---------------------------------------------------------------------------

const escaped = text => text.replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);
const clipped = (text, most = 17) => text.length > most ? "…" + text.slice(1 - most) : text;
// A path as it reads inside of a scene.
const relative = (path, k) => k && path.startsWith(scenes[k].path + ".") ? path.slice(scenes[k].path.length + 1) : path;
let shapes, lines, lit, linesTo, extent, view;

// A scene with all that is open in it. What is open makes its column wide, and moves down what is below.
function arrange(k) {
  const [head, pad] = k ? [HEAD, PAD] : [0, 0];
  const items = scenes[k].items.map(item => {
    if ("call" in item && !folded.has(item.call)) return { ...item, ...arrange(item.call) };
    return { ...item, w: "end" in item ? 0 : WIDTH, h: HEIGHT };
  });
  const widths = Array(1 + Math.max(...items.map(item => item.column))).fill(0);
  for (const { column, w } of items) widths[column] = Math.max(widths[column], w);
  const lefts = [];
  let w = pad;
  for (const width of widths) { lefts.push(w); w += width + GAP; }
  const opened = new Map();
  for (const { row, h } of items)
    if (h > HEIGHT) opened.set(row, Math.max(opened.get(row) ?? 0, h - HEIGHT));
  const level = row => {
    let y = head + row * ROW;
    for (const [other, more] of opened) y += more * Math.min(1, Math.max(0, (row - other) / 0.65));
    return y;
  };
  for (const item of items) { item.x = lefts[item.column]; item.y = level(item.row); }
  const port = end => (items.find(item => item.end === end)?.y ?? 0) + HEIGHT / 2;
  return { items, widths, lefts, level, w: w - GAP + pad, entry: port("entry"), exit: port("exit"),
    h: Math.max(...items.map(item => item.y + item.h)) + pad };
}

function draw() {
  const all = arrange(0), frames = [], boxes = [], paths = [];
  paintScene(0, all, 0, 0, frames, boxes, paths);
  by("frames").innerHTML = frames.join("");
  by("boxes").innerHTML = boxes.join("");
  by("edges").innerHTML = paths.map(([html]) => html).join("");
  shapes = new Map([...by("boxes").children].map(shape => [shape.dataset.key, shape]));
  lines = [...by("edges").children];
  lit = [];
  linesTo = new Map();
  paths.forEach(([, pairs], n) => pairs.forEach(([, to]) => {
    const key = shown(to);
    if (!linesTo.has(key)) linesTo.set(key, []);
    linesTo.get(key).push(n);
  }));
  extent = { x: -20, y: -20, w: all.w + 40, h: all.h + 40 };
  begin();
  for (const key of shapes.keys()) paint(key);
}

function paintScene(k, scene, x, y, frames, boxes, paths) {
  for (const edge of scenes[k].edges) paths.push([path(scene, edge, x, y), edge[4]]);
  for (const item of scene.items) {
    const at = `transform="translate(${x + item.x},${y + item.y})"`;
    if (item.items) {
      const { title } = scenes[item.call];
      frames.push(`<g data-call="${item.call}" ${at}><title>${escaped(title)}</title>` +
        `<rect width="${item.w}" height="${item.h}" rx="10"/><text class="fold" data-fold="${item.call}" ` +
        `x="10" y="17">− ${escaped(clipped(relative(title, k), Math.floor(item.w / 8)))}</text></g>`);
      paintScene(item.call, item, x + item.x, y + item.y, frames, boxes, paths);
    } else if ("call" in item) boxes.push(foldedHtml(item.call, k, at));
    else if ("box" in item) boxes.push(boxHtml(item.box, k, at));
  }
}

function boxHtml(number, k, at) {
  const box = data.boxes[number];
  return `<g data-key="b${number}" data-box="${number}" ${at}><title>${escaped(box.title)}</title>` +
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="6"/>` +
    `<text x="${WIDTH / 2}" y="17">${escaped(clipped(relative(box.name, k)))}</text>` +
    `<text class="state" x="${WIDTH / 2}" y="33"></text></g>`;
}

function foldedHtml(k, around, at) {
  const { path, kind, title, members } = scenes[k];
  return `<g data-key="c${k}" data-call="${k}" ${at}><title>${escaped(title)}, ${members.length} boxes</title>` +
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="6"/>` +
    `<text class="path" x="8" y="11">${escaped(path === kind ? "" : clipped(relative(path, around)))}</text>` +
    `<text class="kind" x="${WIDTH / 2}" y="24">${escaped(clipped(kind, 19))}</text>` +
    `<text class="state" x="${WIDTH / 2}" y="37"></text>` +
    `<g class="fold" data-fold="${k}"><rect x="${WIDTH - 20}" width="20" height="18"/>` +
    `<text x="${WIDTH - 10}" y="13">+</text></g></g>`;
}

// A line swings from box to box, and runs level where it passes a column. Where it enters or leaves a
// scene it begins or ends on the frame.
function path({ items, widths, lefts, level }, [from, to, bends, far], dx, dy) {
  const a = items[from], b = items[to];
  const end = column => dx + lefts[column] + widths[column];
  let x = end(a.column), y = dy + a.y + (a.exit ?? HEIGHT / 2);
  let way = `M${a.end ? dx : dx + a.x + a.w} ${y}H${x}`;
  const swing = (x1, y1) => {
    const middle = (x + x1) / 2;
    way += `C${middle} ${y} ${middle} ${y1} ${x1} ${y1}`;
    y = y1;
  };
  for (const [column, row] of bends) {
    swing(dx + lefts[column], dy + level(row) + HEIGHT / 2);
    x = end(column);
    way += `H${x}`;
  }
  swing(dx + b.x, dy + b.y + (b.entry ?? HEIGHT / 2));
  if (b.end) way += `h${PAD}`;
  return `<path class="${far ? "far" : ""}" d="${way}"/>`;
}

function look(next) {
  view = next;
  graph.setAttribute("viewBox", `${view.x} ${view.y} ${view.w} ${view.h}`);
}
// All of it, but no larger than twice its size.
function whole() {
  const w = Math.max(extent.w, (graph.clientWidth || 1000) / 2), h = Math.max(extent.h, (graph.clientHeight || 300) / 2);
  look({ x: extent.x - (w - extent.w) / 2, y: extent.y - (h - extent.h) / 2, w, h });
}
// A graph is shown whole where it can be read so; else the part around the present box.
function begin() {
  const w = READABLE * (graph.clientWidth || 1000), h = READABLE * (graph.clientHeight || 300);
  if (extent.w <= w && extent.h <= h) whole();
  else look({ x: extent.x, y: extent.y, w, h });
}
function bring(shape) {
  const { e: left, f: top_ } = shape.transform.baseVal.consolidate().matrix;
  const x = left + WIDTH / 2, y = top_ + HEIGHT / 2;
  const inside = x > view.x + WIDTH / 2 && x < view.x + view.w - WIDTH / 2
    && y > view.y + HEIGHT / 2 && y < view.y + view.h - HEIGHT / 2;
  if (inside) return;
  const kept = (centre, start, all, size) => all < size ? start - (size - all) / 2
    : Math.min(Math.max(centre - size / 2, start), start + all - size);
  look({ ...view, x: kept(x, extent.x, extent.w, view.w), y: kept(y, extent.y, extent.h, view.h) });
}

// -- stepping ----------------------------------------------------------------------------------

// What has arrived where after each step: only what a step changes is drawn anew.
const states = data.boxes.map(() => [[0, "not yet", ""]]);
data.steps.forEach((step, k) => step.sums.forEach(([box, text, complete]) =>
  states[box].push([k + 1, text, complete ? "done" : "some"])));
states[data.root][0] = [0, data.seed, "done"];

function state(key) {
  const call = callOf(key);
  if (call === null) {
    const box = +key.slice(1);
    if (!data.boxes[box].reached) return ["no gradient", ""];
    return states[box].findLast(([when]) => when <= present).slice(1);
  }
  const all = scenes[call].steps.length;
  if (!all) return ["no gradient", ""];
  const done = scenes[call].steps.filter(step => step <= present).length;
  return [done ? `${done} of ${all} step${all > 1 ? "s" : ""}` : "not yet", done === all ? "done" : done ? "some" : ""];
}

const current = () => present ? shown(data.steps[present - 1].box) : null;
// The first and the last of the steps that what is shown stands for.
const firstOf = key => callOf(key) === null ? (key && present) : scenes[callOf(key)].steps[0];

function paint(key) {
  const shape = shapes.get(key), [text, kind] = state(key), call = callOf(key);
  const is = call === null ? data.boxes[+key.slice(1)].kind : "folded";
  shape.setAttribute("class", [is, kind, key === current() ? "now" : ""].join(" "));
  shape.querySelector(".state").textContent = text;
}

// Go to a step; one that is folded stands at the end of all that its module did.
function land(number) {
  const before = present, touched = new Set();
  if (current()) touched.add(current());
  present = Math.min(count, Math.max(0, number));
  const call = callOf(current());
  if (call !== null) present = scenes[call].steps.at(-1);
  for (let k = Math.max(1, Math.min(before, present)); k <= Math.max(before, present); k++) {
    const step = data.steps[k - 1];
    [step.box, ...step.sums.map(([box]) => box)].forEach(box => touched.add(shown(box)));
  }
  touched.forEach(paint);
  show();
}
const next = () => land(present + 1);
const back = () => land((firstOf(current()) ?? 0) - 1);

function show() {
  const now = current(), call = callOf(now);
  lit.forEach(n => lines[n].classList.remove("now"));
  lit = linesTo.get(now) ?? [];
  lit.forEach(n => lines[n].classList.add("now"));
  bring(shapes.get(now ?? shown(data.root)));
  const panel = by("panel");
  panel.innerHTML = !present ? data.opening
    : call === null ? data.steps[present - 1].html : scenes[call].html;
  panel.querySelectorAll("[data-array]").forEach(place => {
    place.innerHTML = data.arrays[place.dataset.array];
  });
  panel.scrollTop = 0;
  panel.querySelectorAll("[data-views]").forEach(place => openView(place, 0));
  by("slider").value = present;
  const start = firstOf(now) ?? 0;
  by("place").textContent = (start < present ? `steps ${start} to ` : "step ") + `${present} of ${count}`;
  by("open").disabled = call === null;
  by("shut").disabled = innermost() === undefined;
}

// The innermost open module around the present step.
function innermost() {
  if (!present) return undefined;
  const call = callOf(current());
  return call === null ? homes[data.steps[present - 1].box] || undefined : scenes[call].around || undefined;
}
const openNow = () => { if (callOf(current()) !== null) toggle(callOf(current())); };
const shutNow = () => { if (innermost() !== undefined) toggle(innermost()); };

function play() {
  if (timer) { clearInterval(timer); timer = null; }
  else {
    if (present === count) land(0);
    timer = setInterval(() => { next(); if (present === count) play(); }, 1000);
  }
  by("play").textContent = timer ? "Pause" : "Play";
}

// -- the inside of a layer ---------------------------------------------------------------------

// A layer may be there for several examples; the buttons turn from one to the next.
function openView(place, k) {
  const numbers = place.dataset.views.split(" ");
  place.innerHTML = data.views[numbers[k]];
  enliven(place.querySelector(".view"));
  place.querySelectorAll("[data-turn]").forEach(button => {
    const to = k + +button.dataset.turn;
    button.hidden = numbers.length === 1;
    button.disabled = !(to in numbers);
    button.onclick = () => openView(place, to);
  });
}

function enliven(element) {
  const frames = JSON.parse(element.querySelector("script").textContent);
  const slider = element.querySelector("input");
  const show = number => {
    slider.value = number;
    element.querySelector(".overlay").innerHTML = frames[number].overlay;
    element.querySelector("pre").textContent = frames[number].words;
  };
  slider.addEventListener("input", () => show(+slider.value));
  // Plays once through all frames, for as long as the step is on the page.
  const button = element.querySelector("button");
  let playing = null;
  button.addEventListener("click", () => {
    if (playing === null && +slider.value === frames.length - 1) show(0);
    playing = playing === null ? setInterval(() => {
      const ended = +slider.value === frames.length - 1 || !element.isConnected;
      if (ended) button.click(); else show(+slider.value + 1);
    }, 300) : clearInterval(playing) ?? null;
    button.textContent = playing === null ? "Play" : "Pause";
  });
  element.addEventListener("click", event => {
    const target = event.target.closest("[data-frame]");
    if (target) show(+target.dataset.frame);
  });
}

// -- the reader's hands ------------------------------------------------------------------------

by("first").onclick = () => land(0);
by("back").onclick = back;
by("next").onclick = next;
by("last").onclick = () => land(count);
by("play").onclick = play;
by("fit").onclick = whole;
by("open").onclick = openNow;
by("shut").onclick = shutNow;
by("slider").max = count;
by("slider").oninput = () => land(+by("slider").value);
const KEYS = { ArrowRight: next, ArrowLeft: back, Home: () => land(0), End: () => land(count),
  o: openNow, f: shutNow };
document.addEventListener("keydown", event => {
  const inField = event.target.matches("input, summary"), modified = event.ctrlKey || event.metaKey || event.altKey;
  if (event.key in KEYS && !inField && !modified) { event.preventDefault(); KEYS[event.key](); }
  if (event.key === " " && !inField && event.target.tagName !== "BUTTON") { event.preventDefault(); play(); }
});

graph.addEventListener("click", event => {
  if (dragged) return;
  const fold = event.target.closest("[data-fold]"), shape = event.target.closest("#boxes > g");
  if (fold) return toggle(+fold.dataset.fold);
  if (!shape) return;
  const key = shape.dataset.key, call = callOf(key);
  if (call !== null) return key === current() ? openNow() : scenes[call].steps.length && land(scenes[call].steps[0]);
  // A leaf has no step of its own: go to the one that completes its gradient.
  const box = +key.slice(1), step = data.boxes[box].step ?? states[box].at(-1)[0];
  if (step) land(step);
});
by("panel").addEventListener("click", event => {
  if (event.target.closest("[data-open]")) openNow();
  const part = event.target.closest("[data-step]");
  if (part) reveal(+part.dataset.step);
});

let grip = null, dragged = false;
graph.addEventListener("pointerdown", event => {
  grip = { x: event.clientX, y: event.clientY, view };
  dragged = false;
});
window.addEventListener("pointermove", event => {
  if (!grip) return;
  const scale = Math.max(view.w / graph.clientWidth, view.h / graph.clientHeight);
  const dx = event.clientX - grip.x, dy = event.clientY - grip.y;
  dragged ||= Math.hypot(dx, dy) > 4;
  if (dragged) look({ ...view, x: grip.view.x - dx * scale, y: grip.view.y - dy * scale });
});
window.addEventListener("pointerup", () => { grip = null; });
graph.addEventListener("wheel", event => {
  event.preventDefault();
  const by_ = event.deltaY > 0 ? 1.2 : 1 / 1.2;
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(graph.getScreenCTM().inverse());
  look({ x: point.x - (point.x - view.x) * by_, y: point.y - (point.y - view.y) * by_,
    w: view.w * by_, h: view.h * by_ });
}, { passive: false });

const root = document.documentElement;
root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
by("theme").onclick = () => { root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark"; };

for (const id of ["fold", "open", "shut"]) by(id).hidden = scenes.length === 1;
by("fold").onclick = () => refold(() => { folded = new Set(folded.size ? [] : first); });
draw();
land(+location.hash.slice(1) || data.start);
