// The mouse, the finger and the keys on the chart: draw, select, move, reshape, delete, undo.
import { fresh } from "./board.js";
import { snapped } from "./places.js";
import { hit, made, moved, reshaped } from "./shapes.js";

const SNAP = 10;
const SLIP = 4; // a press that moves no farther is a click
const KEYS = { h: "level", t: "line", z: "zone", a: "note" };

export class Hands {
  constructor(root, chart, board, layer, tools, writer) {
    Object.assign(this, { root, chart, board, layer, tools, writer });
    this.tool = null;
    this.points = [];
    this.drag = null;
    this.magnet = true;
    const host = chart.host;
    host.addEventListener("pointerdown", (event) => this.press(event), true);
    host.addEventListener("pointermove", (event) => this.move(event), true);
    host.addEventListener("pointerleave", () => this.hint(null));
    host.addEventListener("dblclick", (event) => this.rewrite(event), true);
    this.release = (event) => this.lift(event);
    window.addEventListener("pointerup", this.release, true);
    window.addEventListener("pointercancel", this.release, true);
    root.addEventListener("keydown", (event) => this.key(event));
  }

  /** Where an event is on the pane; null off it. */
  at(event) {
    const box = this.chart.host.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const { width, height } = this.chart.pane;
    return x >= 0 && y >= 0 && x < width && y < height ? { x, y } : null;
  }

  /** The place on a bar and at a price that is meant, snapped to open, high, low or close where one is near. */
  anchor({ x, y }, free) {
    const { chart } = this;
    const rows = chart.rows;
    const row = rows[Math.round(chart.placeAt(x))];
    const near = this.magnet && !free ? snapped(row, y, (price) => chart.yOf(price), SNAP) : null;
    const price = near ? near.price : Number(chart.priceAt(y).toFixed(chart.places));
    return { at: chart.timeAt(x), price, name: near?.name ?? "" };
  }

  choose(tool) {
    this.tool = this.tool === tool ? null : tool;
    this.points = [];
    this.layer.draft = null;
    if (this.tool) this.board.select(null);
    this.show();
  }

  show() {
    this.tools.update(this);
    this.root.toggleAttribute("data-lm-suppress-shortcuts", Boolean(this.tool || this.board.selected));
    this.chart.host.classList.toggle("drawing", Boolean(this.tool));
    if (!this.tool) this.hint(null);
    this.layer.update();
  }

  hint(anchor) {
    const was = this.layer.hint;
    this.layer.hint = anchor && { x: this.chart.xOf(anchor.at), y: this.chart.yOf(anchor.price), name: anchor.name };
    if (was || this.layer.hint) this.layer.update();
  }

  press(event) {
    const at = this.at(event);
    if (!at || event.button > 0 || this.writer.open) return;
    this.root.focus({ preventScroll: true });
    if (this.tool) this.begin(at, event);
    else this.take(at, event);
  }

  begin(at, event) {
    this.chart.still(true);
    const point = this.anchor(at, event.altKey);
    this.points.push(point);
    this.drag = { kind: "draw", from: at, first: this.points.length === 1 };
    this.sketch(point);
  }

  /** Select what lies here and hold it; nothing there lets the chart pan. */
  take(at, event) {
    const { board, layer } = this;
    const view = layer.view();
    const order = [...board.items.values()].reverse().sort((a, b) => (b.id === board.selected) - (a.id === board.selected));
    for (const drawing of order) {
      const part = hit(drawing, view, at.x, at.y, drawing.id === board.selected);
      if (part === null) continue;
      board.select(drawing.id);
      if (board.own(drawing)) {
        this.chart.still(true);
        this.drag = { kind: "edit", from: at, part, drawing, place: this.chart.placeAt(at.x), price: this.chart.priceAt(at.y) };
      }
      this.show();
      event.preventDefault();
      return;
    }
    board.select(null);
    this.show();
  }

  move(event) {
    const at = this.at(event);
    if (!at) return this.drag ? undefined : this.hint(null);
    if (this.tool) {
      const point = this.anchor(at, event.altKey);
      this.hint(point);
      this.sketch(point);
    } else if (this.drag?.kind === "edit") this.pull(at, event);
    else if (!event.buttons) this.hover(at);
  }

  hover(at) {
    const view = this.layer.view();
    const over = [...this.board.items.values()].some((d) => hit(d, view, at.x, at.y, d.id === this.board.selected) !== null);
    this.chart.host.classList.toggle("over", over);
  }

  /** The drawing as it would be if the next point were here. */
  sketch(point) {
    if (!this.points.length) return;
    this.layer.draft = made(this.tool, "draft", [this.points[0], point].slice(this.tool === "level" || this.tool === "note" ? 1 : 0));
    this.layer.update();
  }

  pull(at, event) {
    const { drag, chart } = this;
    if (!drag.moved && Math.hypot(at.x - drag.from.x, at.y - drag.from.y) <= SLIP) return;
    drag.moved = true;
    if (drag.part === "body") {
      const bars = Math.round(chart.placeAt(at.x) - drag.place);
      const rise = Number((chart.priceAt(at.y) - drag.price).toFixed(chart.places));
      const when = (ms) => chart.timeAt(chart.xOf(ms) + bars * chart.barWidth);
      const next = drag.drawing.shape.kind === "level"
        ? reshaped(drag.drawing, 0, this.anchor(at, event.altKey))
        : moved(drag.drawing, when, rise);
      this.layer.draft = next;
    } else {
      const point = this.anchor(at, event.altKey);
      this.hint(point);
      this.layer.draft = reshaped(drag.drawing, drag.part, { at: point.at, price: point.price }) ?? this.layer.draft;
    }
    this.layer.update();
  }

  lift(event) {
    const { drag } = this;
    if (!drag) return;
    this.drag = null;
    this.chart.still(false);
    if (drag.kind === "edit") this.drop(drag);
    else this.finish(drag, event);
  }

  drop(drag) {
    const changed = drag.moved ? this.layer.draft : null;
    this.layer.draft = null;
    this.hint(null);
    if (changed) this.board.put(clean(changed));
    this.show();
  }

  finish(drag, event) {
    const box = this.chart.host.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    const dragged = Math.hypot(at.x - drag.from.x, at.y - drag.from.y) > SLIP;
    if (drag.first && dragged && (this.tool === "line" || this.tool === "zone")) this.points.push(this.anchor(at, event.altKey));
    const drawing = made(this.tool, fresh(), this.points.map(({ at: ms, price }) => ({ at: ms, price })));
    if (!drawing) {
      if (this.points.length > 1) this.points.pop(); // twice the same place
      return;
    }
    this.points = [];
    this.layer.draft = null;
    if (drawing.shape.kind === "note") this.write(drawing);
    else this.board.put(drawing);
    this.show();
  }

  /** Ask for a text where the drawing is. */
  write(drawing) {
    this.layer.draft = drawing;
    const view = this.layer.view();
    const anchor = drawing.shape.where ?? drawing.shape.start;
    const [x, y] = anchor ? [view.xOf(anchor.at), view.yOf(anchor.price)] : [80, view.yOf(drawing.shape.price ?? drawing.shape.high)];
    this.writer.ask(x, y, drawing.text, (text) => {
      this.layer.draft = null;
      if (text !== null && (text || drawing.shape.kind !== "note")) this.board.put({ ...clean(drawing), text });
      this.show();
    });
  }

  /** A double click on a drawing changes its text; elsewhere it resets the chart. */
  rewrite(event) {
    const at = this.at(event);
    const view = this.layer.view();
    const found = at && [...this.board.items.values()].find((d) => hit(d, view, at.x, at.y, false) !== null);
    if (!found && !this.tool) return;
    event.preventDefault();
    event.stopPropagation();
    if (found && !this.tool && this.board.own(found)) this.write(found);
  }

  key(event) {
    if (event.target.closest("input, textarea") || this.tools.node.hidden) return;
    const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (undo) this.board.turnBack(event.shiftKey ? "redo" : "undo");
    else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "y") this.board.turnBack("redo");
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (Object.hasOwn(KEYS, event.key.toLowerCase())) this.choose(KEYS[event.key.toLowerCase()]);
    else if (event.key === "Escape") this.cancel();
    else if ((event.key === "Delete" || event.key === "Backspace") && this.board.selected) this.remove();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Step by step: what is being drawn, the tool, the selection. */
  cancel() {
    if (this.points.length) {
      this.points = [];
      this.layer.draft = null;
    } else if (this.tool) this.tool = null;
    else this.board.select(null);
    this.show();
  }

  remove() {
    const found = this.board.current;
    if (found && this.board.own(found)) this.board.drop(found.id);
    this.show();
  }

  destroy() {
    window.removeEventListener("pointerup", this.release, true);
    window.removeEventListener("pointercancel", this.release, true);
  }
}

/** What travels: whose it is and on which chart, the kernel knows. */
function clean({ id, shape, text, style }) {
  return { id, shape, text, style };
}
