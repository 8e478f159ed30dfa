// What lies beneath the candles: the tints of the regimes and the forecast's fan.
import { faded } from "./look.js";
import { placeOf } from "./places.js";

const STRIP = 4;

/** Shared shape of what is painted on the pane: `paint(context, size, chart)` in pixels. */
export class Paint {
  constructor(order, paint) {
    const renderer = {
      draw: (target) => target.useMediaCoordinateSpace(({ context, mediaSize }) => this.run(context, mediaSize)),
    };
    this.views = [{ zOrder: () => order, renderer: () => renderer }];
    this.paint = paint;
  }

  run(context, size) {
    context.save();
    this.paint(context, size);
    context.restore();
  }

  attached({ requestUpdate }) {
    this.requestUpdate = requestUpdate;
  }

  paneViews() {
    return this.views;
  }
}

/** Regimes as quiet tints behind everything, with a firmer strip at the foot. */
export function ribbon(chart) {
  return new Paint("bottom", (context, size) => {
    const spans = chart.feed.parts.ribbon ?? [];
    for (const [from, to, name] of spans) {
      const left = chart.xOf(from) - chart.barWidth / 2;
      const right = chart.xOf(to) + chart.barWidth / 2;
      if (!(right > 0 && left < size.width)) continue;
      const tint = chart.tintOf(name);
      context.fillStyle = faded(tint, 0.34);
      context.fillRect(left, 0, right - left, size.height);
      context.fillStyle = tint;
      context.fillRect(left, size.height - STRIP, right - left, STRIP);
    }
  });
}

/** The forecast: bands around a dashed middle, from the close it was made at. */
export function fan(chart) {
  const paint = new Paint("bottom", (context) => {
    const seen = chart.feed.parts.overlay;
    if (!seen) return;
    const points = corners(chart, seen);
    const last = seen.levels.length - 1;
    const colour = chart.look.accent;
    for (let low = 0; low < Math.floor(seen.levels.length / 2); low += 1) {
      context.fillStyle = faded(colour, 0.13);
      context.beginPath();
      for (const [x, ys] of points) context.lineTo(x, ys[low]);
      for (const [x, ys] of [...points].reverse()) context.lineTo(x, ys[last - low]);
      context.fill();
    }
    for (const [level, dash, opacity] of [[0, [2, 3], 0.5], [last, [2, 3], 0.5], [(last / 2) | 0, [5, 4], 0.95]]) {
      context.strokeStyle = faded(colour, opacity);
      context.lineWidth = 1.25;
      context.setLineDash(dash);
      context.beginPath();
      for (const [x, ys] of points) context.lineTo(x, ys[level]);
      context.stroke();
    }
  });
  paint.autoscaleInfo = (_, to) => {
    const seen = chart.feed.parts.overlay;
    if (!seen || !chart.feed.rows.length) return null;
    const place = placeOf(chart.feed.rows, chart.feed.about.step, seen.seen - seen.step);
    if (place === null || place > to) return null; // out of sight
    const end = seen.fan[seen.fan.length - 1];
    return { priceRange: { minValue: end[0], maxValue: end[end.length - 1] } };
  };
  return paint;
}

/** The fan's corners in pixels: the close of step k belongs to the bar that opens one step earlier. */
function corners(chart, seen) {
  return seen.steps.map((step, i) => [
    chart.xOf(seen.seen + (step - 1) * seen.step),
    seen.fan[i].map((price) => chart.yOf(price)),
  ]);
}
