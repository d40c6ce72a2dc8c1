// The policy drawn: boxes and arrows that can be moved, zoomed and walked through. Only what is in sight is in the page.

import { h } from "./dom.js";
import { s } from "./svg.js";
import { count } from "./words.js";

const LIMITS = [0.04, 3]; // of the zoom
const FAR = 0.42; // below this zoom small print cannot be read, so it is left out
const MARGIN = 60;
const PADDING = 10;
const LINE = 15;

const KINDS = ["overrides", "requires", "requires_any", "entails", "exclusive_with", "disambiguates", "goes to", "starts at"];
const slug = (kind) => kind.replace(/[ _]/g, "-");

export class Drawing {
  // `choose(id)` is called when somebody picks a box.
  constructor(policy, choose) {
    this.policy = policy;
    this.choose = choose;
    this.boxes = new Map(policy.boxes.map((box) => [box.id, box]));
    this.made = new Map();
    this.drawn = new Map(); // of arrows
    this.current = null;
    this.matching = null;
    this.view = { x: 0, y: 0, zoom: 1 };
    this.pointers = new Map();
    this.arrows = s("g");
    this.nodes = s("g");
    this.scene = s("g", this.arrows, this.nodes);
    this.svg = s("svg", { "aria-hidden": "true", focusable: "false" }, markers(policy.arrows), this.scene);
    this.said = h("p.away", { role: "status" });
    this.canvas = h("div.canvas", { tabindex: "0", role: "application", "aria-label": this.summary(), "aria-describedby": "drawing-keys" }, this.svg);
    this.element = h("div.drawing", this.canvas, this.tools(), legend(policy.arrows), this.said,
      h("p.away", { id: "drawing-keys" }, "Arrow keys go to the next box in that direction, Enter opens it, plus and minus zoom, 0 shows all, arrow keys with Shift move the picture."));
    this.listen();
  }

  summary() {
    const faulty = this.policy.boxes.filter((box) => box.faults.length).length;
    return `The policy ${this.policy.title} drawn: ${count(this.policy.boxes.length, "box", "boxes")}, ${count(this.policy.arrows.length, "arrow")}${faulty ? `, ${faulty} with findings` : ""}`;
  }

  tools() {
    const button = (words, sign, work) => h("button.plain", { type: "button", "aria-label": words, title: words, click: work }, sign);
    return h("div.tools", button("Zoom in", "+", () => this.zoom(1.3)), button("Zoom out", "−", () => this.zoom(1 / 1.3)), button("Show all", "Fit", () => this.fit()));
  }

  listen() {
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.canvas.addEventListener("pointerdown", (event) => this.down(event));
    this.canvas.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) this.canvas.addEventListener(end, (event) => this.up(event));
    new ResizeObserver(() => (this.placed ? this.render() : this.start())).observe(this.canvas);
  }

  size() {
    return [this.canvas.clientWidth, this.canvas.clientHeight];
  }

  // When the canvas has its size for the first time: all of it where it can be read so, else its beginning.
  start() {
    const [width, height] = this.size();
    if (!width || !height) return;
    this.placed = true;
    if (this.current) return this.show(this.current);
    this.fit();
    if (this.view.zoom < FAR && this.boxes.size) {
      const first = this.policy.boxes.reduce((one, other) => (other.y + other.x < one.y + one.x ? other : one));
      this.view = { zoom: 0.75, x: 24 - first.x * 0.75, y: 24 - first.y * 0.75 };
      this.render();
    }
  }

  fit() {
    const [width, height] = this.size();
    const zoom = clamp(Math.min(width / (this.policy.width + 2 * MARGIN), height / (this.policy.height + 2 * MARGIN), 1));
    this.view = { zoom, x: (width - this.policy.width * zoom) / 2, y: (height - this.policy.height * zoom) / 2 };
    this.render();
  }

  zoom(factor, at = this.size().map((each) => each / 2)) {
    const zoom = clamp(this.view.zoom * factor);
    const real = zoom / this.view.zoom;
    this.view = { zoom, x: at[0] - (at[0] - this.view.x) * real, y: at[1] - (at[1] - this.view.y) * real };
    this.render();
  }

  move(x, y) {
    this.view = { ...this.view, x: this.view.x + x, y: this.view.y + y };
    this.render();
  }

  // Brings a box to the middle, at a size that can be read.
  show(id) {
    const box = this.boxes.get(id);
    if (!box) return;
    this.current = id;
    const [width, height] = this.size();
    const zoom = Math.max(this.view.zoom, 0.8);
    this.view = { zoom, x: width / 2 - (box.x + this.policy.box_width / 2) * zoom, y: height / 2 - (box.y + box.height / 2) * zoom };
    if (this.placed) this.render();
  }

  // The boxes that a search has found; null is no search.
  highlight(ids) {
    this.matching = ids;
    this.render();
  }

  render() {
    this.asked ??= requestAnimationFrame(() => {
      this.asked = null;
      this.draw();
    });
  }

  draw() {
    const { x, y, zoom } = this.view;
    this.scene.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${zoom.toFixed(4)})`);
    const far = zoom < FAR;
    if (far !== this.far) for (const id of [...this.made.keys()]) this.drop(id);
    this.far = far;
    const seen = this.sight();
    for (const id of this.made.keys()) if (!seen.has(id)) this.drop(id);
    for (const id of seen) this.drawBox(id);
    this.drawArrows(seen);
  }

  sight() {
    const [width, height] = this.size();
    const { x, y, zoom } = this.view;
    const seen = new Set();
    for (const [id, box] of this.boxes) {
      const [left, top] = [box.x * zoom + x, box.y * zoom + y];
      if (left < width + MARGIN && top < height + MARGIN && left + this.policy.box_width * zoom > -MARGIN && top + box.height * zoom > -MARGIN) seen.add(id);
    }
    return seen;
  }

  drop(id) {
    this.made.get(id).remove();
    this.made.delete(id);
  }

  drawBox(id) {
    if (!this.made.has(id)) {
      const element = boxElement(this.boxes.get(id), this.policy.box_width, this.far);
      this.made.set(id, element);
      this.nodes.append(element);
    }
    const { classList } = this.made.get(id);
    classList.toggle("current", id === this.current);
    classList.toggle("faint", this.matching !== null && !this.matching.has(id));
  }

  drawArrows(seen) {
    for (const [arrow, element] of this.drawn) {
      if (!seen.has(arrow.source) && !seen.has(arrow.target)) {
        element.remove();
        this.drawn.delete(arrow);
      }
    }
    for (const arrow of this.policy.arrows) {
      if (!seen.has(arrow.source) && !seen.has(arrow.target)) continue;
      if (!this.drawn.has(arrow)) this.drawn.set(arrow, arrowElement(arrow));
      const element = this.drawn.get(arrow);
      if (!element.isConnected) this.arrows.append(element);
      const mine = arrow.source === this.current || arrow.target === this.current;
      element.classList.toggle("on", mine);
      element.classList.toggle("faint", this.current !== null && !mine);
    }
  }

  // -- with the keyboard ---------------------------------------------------------------------------------------

  key(event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const works = { "+": () => this.zoom(1.3), "=": () => this.zoom(1.3), "-": () => this.zoom(1 / 1.3), 0: () => this.fit(), Enter: () => this.current && this.choose(this.current) };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const direction = arrows[event.key];
    if (!direction && !works[event.key]) return;
    event.preventDefault();
    if (!direction) return works[event.key]();
    if (event.shiftKey) return this.move(-80 * direction[0], -80 * direction[1]);
    this.step(direction);
  }

  step([dx, dy]) {
    const next = this.current ? this.nearest(this.boxes.get(this.current), dx, dy) : this.policy.boxes[0];
    if (!next) return;
    this.show(next.id);
    this.said.textContent = this.spoken(next);
  }

  // The next box in a direction: what lies aside counts more than what lies ahead.
  nearest(from, dx, dy) {
    const middle = (box) => [box.x + this.policy.box_width / 2, box.y + box.height / 2];
    const [x, y] = middle(from);
    let best = [Infinity, null];
    for (const box of this.policy.boxes) {
      const [ahead, aside] = dx ? [(middle(box)[0] - x) * dx, middle(box)[1] - y] : [(middle(box)[1] - y) * dy, middle(box)[0] - x];
      const cost = ahead + 2 * Math.abs(aside);
      if (box !== from && ahead > 1 && cost < best[0]) best = [cost, box];
    }
    return best[1];
  }

  spoken(box) {
    const out = this.policy.arrows.filter((arrow) => arrow.source === box.id).map((arrow) => `${arrow.kind.replace("_", " ")} ${arrow.target}`);
    return [`${box.kind} ${box.id}`, box.condition && `when ${box.condition}`, ...box.actions, ...out, box.faults.length ? "has findings" : ""].filter(Boolean).join(". ");
  }

  // -- with mouse and finger -----------------------------------------------------------------------------------

  wheel(event) {
    event.preventDefault();
    const frame = this.canvas.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), [event.clientX - frame.left, event.clientY - frame.top]);
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    this.moved = this.pointers.size > 1;
    this.picked = event.target.closest?.("[data-id]")?.dataset.id ?? null;
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (!this.moved && Math.hypot(now[0] - before[0], now[1] - before[1]) < 5) return;
    this.moved = true;
    this.pointers.set(event.pointerId, now);
    if (other) return this.pinch(before, now, other);
    this.move(now[0] - before[0], now[1] - before[1]);
  }

  pinch(before, now, other) {
    const frame = this.canvas.getBoundingClientRect();
    const apart = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]) || 1;
    this.zoom(apart(now) / apart(before), [(now[0] + other[0]) / 2 - frame.left, (now[1] + other[1]) / 2 - frame.top]);
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    if (event.type === "pointerup" && !this.moved && this.picked) {
      this.current = this.picked;
      this.choose(this.picked);
    }
  }
}

const clamp = (zoom) => Math.min(LIMITS[1], Math.max(LIMITS[0], zoom));

function boxElement(box, width, far) {
  const tip = [box.id, box.condition, ...box.actions].filter(Boolean).join("\n");
  const lines = far ? [] : box.lines.map((line, place) =>
    s(`text.${line.style}`, { x: PADDING, y: PADDING + LINE * (place + 1) + 11 }, line.text));
  const fault = box.faults.length ? s("text.flag", { x: width - 22, y: PADDING + 12 }, "▲") : null;
  return s(`g.box-of.${box.kind}${box.faults.length ? ".faulty" : ""}`, { "data-id": box.id, transform: `translate(${box.x} ${box.y})` },
    s("title", tip), s("rect.box", { width, height: box.height, rx: box.kind === "state" ? 12 : 4 }),
    s("text.title", { x: PADDING, y: PADDING + 11 }, box.name), lines, fault);
}

function arrowElement(arrow) {
  const tip = `${arrow.source} ${arrow.kind.replace(/_/g, " ")} ${arrow.target}${arrow.label ? `: ${arrow.label}` : ""}`;
  const end = arrow.kind === "exclusive_with" ? null : `url(#end-${slug(arrow.kind)})`;
  return s(`path.arrow.${slug(arrow.kind)}`, { d: arrow.path, "marker-end": end }, s("title", tip));
}

const used = (arrows) => KINDS.filter((kind) => arrows.some((arrow) => arrow.kind === kind));

function markers(arrows) {
  return s("defs", used(arrows).map((kind) => s("marker", { id: `end-${slug(kind)}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
    s(`path.end.${slug(kind)}`, { d: "M0 0L8 4L0 8z" }))));
}

function legend(arrows) {
  return h("ul.key", used(arrows).map((kind) => h("li", s("svg", { width: 34, height: 10, "aria-hidden": "true" }, s(`path.arrow.${slug(kind)}`, { d: "M1 5h30" })), kind.replace(/_/g, " "))));
}
