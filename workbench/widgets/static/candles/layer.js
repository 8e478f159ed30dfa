// Paints drawings over the candles: strokes, zones, notes, handles, what is being drawn, and where a click would snap.
import { faded } from "./look.js";
import { measured } from "./shapes.js";
import { Paint } from "./underlay.js";

const DASH = { solid: [], dashed: [6, 4], dotted: [1.5, 3.5] };
const NOTE_WIDTH = 210;

export class DrawingLayer {
  constructor(chart, board) {
    this.chart = chart;
    this.board = board;
    this.draft = null; // being drawn or dragged
    this.hint = null; // {x, y, name}: where a click would snap
    this.boxes = new Map();
    this.zones = new Paint("bottom", (context, size) => this.each(size, (drawing, view) => this.zone(context, drawing, view)));
    this.strokes = new Paint("top", (context, size) => this.paint(context, size));
    for (const paint of [this.zones, this.strokes]) chart.candles.attachPrimitive(paint);
  }

  update() {
    this.strokes.requestUpdate?.();
  }

  view(size = this.chart.pane) {
    const { chart } = this;
    return {
      width: size.width, height: size.height, xOf: (ms) => chart.xOf(ms), yOf: (price) => chart.yOf(price),
      noteBox: (id) => this.boxes.get(id),
    };
  }

  each(size, paint) {
    const view = this.view(size);
    for (const drawing of this.board.items.values()) if (drawing.id !== this.draft?.id) paint(drawing, view);
    if (this.draft) paint(this.draft, view);
  }

  ink(drawing) {
    const { look } = this.chart;
    return look[drawing.style?.ink] ?? drawing.style?.ink ?? look.accent;
  }

  zone(context, drawing, view) {
    if (drawing.shape.kind !== "zone") return;
    const { points: [[x1, y1], [x2, y2]] } = measured(drawing, view);
    const colour = this.ink(drawing);
    context.fillStyle = faded(colour, this.board.selected === drawing.id ? 0.2 : 0.13);
    context.fillRect(x1, Math.min(y1, y2), x2 - x1, Math.abs(y2 - y1));
    context.strokeStyle = faded(colour, 0.55);
    context.lineWidth = 1;
    context.setLineDash(DASH[drawing.style?.dash] ?? []);
    for (const y of [y1, y2]) stroke(context, [x1, crisp(y)], [x2, crisp(y)]);
    context.setLineDash([]);
  }

  paint(context, size) {
    context.font = `12px ${this.chart.look.sans}`;
    context.textBaseline = "middle";
    this.boxes.clear();
    this.each(size, (drawing, view) => {
      const place = measured(drawing, view);
      if (drawing.shape.kind === "note") this.note(context, drawing, place, view);
      else if (drawing.shape.kind === "zone") this.words(context, drawing, [place.points[0][0], Math.min(place.points[0][1], place.points[1][1])], view);
      else this.line(context, drawing, place, view);
      if (drawing.id === this.board.selected || drawing === this.draft) this.handles(context, drawing, place.handles);
    });
    if (this.hint) this.target(context, this.hint, size);
  }

  line(context, drawing, { points: [from, to] }, view) {
    const level = drawing.shape.kind === "level";
    context.strokeStyle = this.ink(drawing);
    context.lineWidth = (drawing.style?.width ?? 1.5) + (this.board.selected === drawing.id ? 0.75 : 0);
    context.setLineDash(DASH[drawing.style?.dash] ?? []);
    stroke(context, level ? [from[0], crisp(from[1])] : from, level ? [to[0], crisp(to[1])] : to);
    context.setLineDash([]);
    if (level) this.tag(context, drawing, from[1], view);
    this.words(context, drawing, level ? [6, from[1]] : from, view);
  }

  /** A level's price at the edge of the pane. */
  tag(context, drawing, y, view) {
    const text = this.chart.price(drawing.shape.price);
    const width = context.measureText(text).width + 10;
    context.fillStyle = this.ink(drawing);
    context.beginPath();
    context.roundRect(view.width - width, y - 9, width, 18, 3);
    context.fill();
    context.fillStyle = this.chart.look.dark ? this.chart.look.panel : this.chart.look.text; // dark on the accent: 5:1
    context.fillText(text, view.width - width + 5, y + 0.5);
  }

  words(context, drawing, [x, y], view) {
    const text = [this.board.own(drawing) || !drawing.user ? "" : `${drawing.user}:`, drawing.text].filter(Boolean).join(" ");
    if (!text) return;
    context.fillStyle = this.chart.look.text;
    context.fillText(cut(context, text, view.width * 0.6), Math.max(x, 4) + 4, Math.max(y - 10, 8));
  }

  note(context, drawing, { points: [[x, y]] }, view) {
    const { look } = this.chart;
    const who = this.board.own(drawing) || !drawing.user ? "" : `${drawing.user}: `;
    const lines = wrap(context, who + (drawing.text || "…"), NOTE_WIDTH);
    const width = Math.max(...lines.map((line) => context.measureText(line).width)) + 16;
    const height = lines.length * 16 + 10;
    const left = Math.min(Math.max(x - width / 2, 2), Math.max(view.width - width - 2, 2));
    const top = y - height - 12 > 2 ? y - height - 12 : y + 12;
    this.boxes.set(drawing.id, [left, top, left + width, top + height]);
    context.strokeStyle = this.ink(drawing);
    context.fillStyle = look.raised;
    context.lineWidth = this.board.selected === drawing.id ? 1.75 : 1;
    stroke(context, [x, y], [x, top > y ? top : top + height]);
    context.beginPath();
    context.roundRect(left, top, width, height, 5);
    context.fill();
    context.stroke();
    context.fillStyle = this.ink(drawing);
    dot(context, x, y, 3.5);
    context.fillStyle = look.text;
    lines.forEach((line, i) => context.fillText(line, left + 8, top + 13 + i * 16));
  }

  handles(context, drawing, places) {
    for (const [x, y] of places) {
      context.fillStyle = this.chart.look.panel;
      context.strokeStyle = this.ink(drawing);
      context.lineWidth = 2;
      dot(context, x, y, 5, true);
    }
  }

  /** The ring that shows where a click will land. */
  target(context, { x, y, name }, size) {
    const { look } = this.chart;
    context.strokeStyle = look.accent;
    context.fillStyle = faded(look.accent, 0.25);
    context.lineWidth = 1.5;
    dot(context, x, y, 5, true);
    if (!name) return;
    context.font = `11px ${look.sans}`;
    context.fillStyle = look.text;
    const width = context.measureText(name).width;
    context.fillText(name, x + 10 + width > size.width ? x - 10 - width : x + 10, y - 10);
  }
}

const crisp = (y) => Math.round(y) + 0.5;

function stroke(context, from, to) {
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
}

function dot(context, x, y, radius, ring = false) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
  if (ring) context.stroke();
}

function cut(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let shown = text;
  while (shown.length > 1 && context.measureText(`${shown}…`).width > width) shown = shown.slice(0, -1);
  return `${shown}…`;
}

function wrap(context, text, width) {
  const lines = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      const longer = line ? `${line} ${word}` : word;
      if (line && context.measureText(longer).width > width) {
        lines.push(line);
        line = word;
      } else line = longer;
    }
    lines.push(cut(context, line, width));
  }
  return lines.slice(0, 8);
}
