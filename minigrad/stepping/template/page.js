"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const WIDTH = 124, HEIGHT = 42, COLUMN = 168, ROW = 60;
const by = id => document.getElementById(id);
const graph = by("graph"), count = data.steps.length;
let present = 0, timer = null;

// -- the graph: all of it, or with modules folded ----------------------------------------------

const left = box => box.column * COLUMN, top_ = box => box.row * ROW;
const escaped = text => text.replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);
const clipped = text => text.length > 17 ? "…" + text.slice(-16) : text;
let scene, shapes, lines, extent, view;

function draw(next) {
  scene = next;
  by("boxes").innerHTML = scene.boxes.map((box, number) =>
    `<g data-box="${number}" transform="translate(${left(box)},${top_(box)})">` +
    `<title>${escaped(box.title)}</title><rect width="${WIDTH}" height="${HEIGHT}" rx="6"/>` +
    `<text x="${WIDTH / 2}" y="17">${escaped(clipped(box.name))}</text>` +
    `<text class="state" x="${WIDTH / 2}" y="33"></text></g>`).join("");
  by("edges").innerHTML = scene.edges.map(path).join("");
  shapes = [...by("boxes").children];
  lines = [...by("edges").children];
  extent = { x: -20, y: -20, w: Math.max(...scene.boxes.map(left)) + WIDTH + 40,
    h: Math.max(...scene.boxes.map(top_)) + HEIGHT + 40 };
  begin();
  scene.boxes.forEach((_, number) => paint(number));
}

// A line swings from box to box, and runs level where it passes a column.
function path([from, to, bends, far]) {
  const a = scene.boxes[from], b = scene.boxes[to];
  let x = left(a) + WIDTH, y = top_(a) + HEIGHT / 2, way = `M${x} ${y}`;
  for (const [column, row] of [...bends, [b.column, b.row]]) {
    const x1 = column * COLUMN, y1 = row * ROW + HEIGHT / 2, middle = (x + x1) / 2;
    way += `C${middle} ${y} ${middle} ${y1} ${x1} ${y1}H${x1 + WIDTH}`;
    x = x1 + WIDTH; y = y1;
  }
  return `<path class="${far ? "far" : ""}" d="${way.slice(0, way.lastIndexOf("H"))}"/>`;
}

function look(next) {
  view = next;
  graph.setAttribute("viewBox", `${view.x} ${view.y} ${view.w} ${view.h}`);
}
function whole() { look({ ...extent }); }
// A small graph is shown whole; of a large one the part around the present box.
function begin() {
  const width = graph.clientWidth || 1000, height = graph.clientHeight || 300;
  if (extent.w <= 2 * width && extent.h <= 2 * height) return whole();
  const scale = Math.min(2.5, Math.max(1.2, extent.h / height));
  look({ x: extent.x, y: extent.y, w: width * scale, h: height * scale });
}
function bring(box) {
  const x = left(box) + WIDTH / 2, y = top_(box) + HEIGHT / 2;
  const inside = x > view.x + WIDTH / 2 && x < view.x + view.w - WIDTH / 2
    && y > view.y + HEIGHT / 2 && y < view.y + view.h - HEIGHT / 2;
  if (!inside) look({ ...view, x: x - view.w / 2, y: y - view.h / 2 });
}

// -- stepping ----------------------------------------------------------------------------------

// What has arrived where after each step: only what a step changes is drawn anew.
const states = data.scenes.at(-1).boxes.map(() => [[0, "not yet", ""]]);
data.steps.forEach((step, k) => step.sums.forEach(([box, text, complete]) =>
  states[box].push([k + 1, text, complete ? "done" : "some"])));
states[data.root][0] = [0, data.seed, "done"];

function state(box) {
  if (!box.reached) return ["no gradient", ""];
  if (box.members.length === 1)
    return states[box.members[0]].findLast(([when]) => when <= present).slice(1);
  const done = box.steps.filter(step => step <= present).length, all = box.steps.length;
  return [done ? `${done} of ${all} steps` : "not yet", done === all ? "done" : done ? "some" : ""];
}

function current() { return present ? scene.home[data.steps[present - 1].box] : null; }

function paint(number) {
  const box = scene.boxes[number], [text, kind] = state(box);
  shapes[number].setAttribute("class", [box.kind, kind, number === current() ? "now" : ""].join(" "));
  shapes[number].querySelector(".state").textContent = text;
}

function goto(number) {
  const before = present, touched = new Set();
  present = Math.min(count, Math.max(0, number));
  for (let k = Math.max(1, Math.min(before, present)); k <= Math.max(before, present); k++) {
    const step = data.steps[k - 1];
    [step.box, ...step.sums.map(([box]) => box)].forEach(box => touched.add(scene.home[box]));
  }
  touched.forEach(paint);
  show();
}

function show() {
  const now = current();
  scene.edges.forEach(([, to], k) => {
    const lit = to === now;
    if (lit !== lines[k].classList.contains("now")) lines[k].classList.toggle("now", lit);
  });
  bring(scene.boxes[now ?? scene.home[data.root]]);
  const panel = by("panel");
  panel.innerHTML = present ? data.steps[present - 1].html : data.opening;
  panel.querySelectorAll("[data-array]").forEach(place => {
    place.innerHTML = data.arrays[place.dataset.array];
  });
  panel.scrollTop = 0;
  panel.querySelectorAll(".view").forEach(open);
  by("slider").value = present;
  by("place").textContent = `step ${present} of ${count}`;
}

function play() {
  if (timer) { clearInterval(timer); timer = null; }
  else {
    if (present === count) goto(0);
    timer = setInterval(() => { goto(present + 1); if (present === count) play(); }, 1000);
  }
  by("play").textContent = timer ? "Pause" : "Play";
}

// -- the inside of a layer ---------------------------------------------------------------------

function open(element) {
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

by("first").onclick = () => goto(0);
by("back").onclick = () => goto(present - 1);
by("next").onclick = () => goto(present + 1);
by("last").onclick = () => goto(count);
by("play").onclick = play;
by("fit").onclick = whole;
by("slider").max = count;
by("slider").oninput = () => goto(+by("slider").value);
document.addEventListener("keydown", event => {
  const inField = event.target.matches("input, summary");
  const keys = { ArrowRight: present + 1, ArrowLeft: present - 1, Home: 0, End: count };
  if (event.key in keys && !inField) { event.preventDefault(); goto(keys[event.key]); }
  if (event.key === " " && !inField && event.target.tagName !== "BUTTON") { event.preventDefault(); play(); }
});

by("boxes").addEventListener("click", event => {
  const shape = event.target.closest("[data-box]");
  if (!shape || dragged) return;
  const box = scene.boxes[+shape.dataset.box];
  // A leaf has no step of its own: go to the one that completes its gradient.
  const step = box.steps[0] ?? states[box.members[0]].at(-1)[0];
  if (step) goto(step);
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

by("fold").hidden = data.scenes.length === 1;
by("fold").onclick = () => { draw(data.scenes.find(other => other !== scene)); show(); };
draw(data.scenes[0]);
goto(+location.hash.slice(1) || data.start);
