// Drawings as data, and where they lie in pixels: measured, hit, moved, reshaped. Pure: `view` brings the scales.
//
// A drawing is what workbench/domain/drawings.py writes: {id, user, shape: {kind, …}, text, style}. `view` has xOf(ms),
// yOf(price), width, height.

export const REACH = 6;
export const GRIP = 11; // a handle is held within so many pixels

/** {points, handles} in pixels. Handles stand in the domain's order. */
export function measured(drawing, view) {
  const { shape } = drawing;
  if (shape.kind === "level") {
    const y = view.yOf(shape.price);
    return { points: [[0, y], [view.width, y]], handles: [[view.width - 96, y]] };
  }
  if (shape.kind === "line") {
    const ends = [shape.start, shape.end].map((end) => [view.xOf(end.at), view.yOf(end.price)]);
    return { points: shape.extended ? [ends[0], onward(ends, view.width)] : ends, handles: ends };
  }
  if (shape.kind === "zone") {
    const left = shape.since === null ? 0 : view.xOf(shape.since);
    const right = shape.until === null ? view.width : view.xOf(shape.until);
    const [low, high] = [view.yOf(shape.low), view.yOf(shape.high)];
    return { points: [[left, low], [right, high]], handles: [[left, low], [right, high]] };
  }
  const place = [view.xOf(shape.where.at), view.yOf(shape.where.price)];
  return { points: [place], handles: [place] };
}

/** Where the line through two points leaves the pane at the right. */
function onward([first, last], width) {
  if (last[0] <= first[0] || last[0] >= width) return last;
  return [width, last[1] + ((last[1] - first[1]) * (width - last[0])) / (last[0] - first[0])];
}

/** What of a drawing lies at (x, y): the number of a handle, "body" or null. `held`: it is selected, its handles show. */
export function hit(drawing, view, x, y, held) {
  const { points, handles } = measured(drawing, view);
  if (held) {
    const at = handles.findIndex(([hx, hy]) => Math.hypot(hx - x, hy - y) <= GRIP);
    if (at >= 0) return at;
  }
  const kind = drawing.shape.kind;
  if (kind === "zone") {
    const [[x1, y1], [x2, y2]] = points;
    const inside = x >= x1 - REACH && x <= x2 + REACH && y >= Math.min(y1, y2) - REACH && y <= Math.max(y1, y2) + REACH;
    return inside ? "body" : null;
  }
  if (kind === "note") {
    const [[nx, ny]] = points;
    const box = view.noteBox?.(drawing.id);
    const inBox = box && x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3];
    return inBox || Math.hypot(nx - x, ny - y) <= GRIP ? "body" : null;
  }
  return offSegment(points[0], points[1], x, y) <= REACH ? "body" : null;
}

function offSegment([x1, y1], [x2, y2], x, y) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = dx * dx + dy * dy;
  const share = length ? Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / length)) : 0;
  return Math.hypot(x1 + share * dx - x, y1 + share * dy - y);
}

/** The whole drawing elsewhere: `when` takes an old time to the new one, `rise` is added to prices. */
export function moved(drawing, when, rise) {
  const { shape } = drawing;
  const later = (ms) => (ms === null ? null : when(ms));
  const end = ({ at, price }) => ({ at: later(at), price: price + rise });
  if (shape.kind === "level") return { ...drawing, shape: { ...shape, price: shape.price + rise } };
  if (shape.kind === "line") return { ...drawing, shape: { ...shape, start: end(shape.start), end: end(shape.end) } };
  if (shape.kind === "note") return { ...drawing, shape: { ...shape, where: end(shape.where) } };
  const zone = { low: shape.low + rise, high: shape.high + rise, since: later(shape.since), until: later(shape.until) };
  return { ...drawing, shape: { ...shape, ...zone } };
}

/** One handle taken to {at, price}; null where that makes no shape (two points in one place). */
export function reshaped(drawing, handle, to) {
  const { shape } = drawing;
  if (shape.kind === "level") return { ...drawing, shape: { ...shape, price: to.price } };
  if (shape.kind === "note") return { ...drawing, shape: { ...shape, where: to } };
  if (shape.kind === "line") {
    const ends = [shape.start, shape.end];
    ends[handle] = to;
    return lineOf(drawing, ...ends);
  }
  const corners = [{ at: shape.since, price: shape.low }, { at: shape.until, price: shape.high }];
  corners[handle] = { at: corners[handle].at === null ? null : to.at, price: to.price };
  return zoneOf(drawing, ...corners);
}

export function lineOf(drawing, one, other) {
  if (one.at === other.at) return null;
  const [start, end] = one.at < other.at ? [one, other] : [other, one];
  return { ...drawing, shape: { kind: "line", start, end, extended: drawing.shape?.extended ?? false } };
}

export function zoneOf(drawing, one, other) {
  if (one.price === other.price || (one.at !== null && one.at === other.at)) return null;
  const times = [one.at, other.at];
  const [since, until] = times.includes(null) ? times : times.toSorted((a, b) => a - b);
  const [low, high] = [one.price, other.price].toSorted((a, b) => a - b);
  return { ...drawing, shape: { kind: "zone", low, high, since, until } };
}

/** The drawing that a tool makes of its points; null while it is none. */
export function made(tool, id, points, text = "") {
  const drawing = { id, text, style: { ink: tool === "note" ? "warning" : "accent", width: 1.5, dash: "solid" } };
  if (tool === "level") return { ...drawing, shape: { kind: "level", price: points[0].price } };
  if (tool === "note") return { ...drawing, shape: { kind: "note", where: points[0] } };
  if (points.length < 2) return null;
  return tool === "line" ? lineOf(drawing, ...points) : zoneOf(drawing, ...points);
}
