// Trades over the candles: signs where bots went in and out, lines between them, stops and targets of what is open.
import { faded } from "./look.js";
import { indexAt } from "./places.js";
import { between, label, marksOf, nearest, signsOf, single } from "./trade_marks.js";
import { Paint } from "./underlay.js";

const SIZE = 9;
const WORDED = 30; // with more marks in sight none has words beside it
const JOINED = 200; // with more, entries and exits are not joined
const STYLES = { stop: 2, target: 1 }; // dashed, dotted

export class TradeLayer {
  constructor(chart) {
    this.chart = chart;
    this.on = true;
    this.hidden = new Set(); // names of bots
    this.signs = [];
    this.marks = []; // as painted last
    this.inSight = 0;
    this.held = null; // a mark that is looked at
    this.waits = new Map(); // price lines by name
    this.paint = new Paint("top", (context, size) => this.draw(context, size));
    this.paint.autoscaleInfo = (from, to) => this.reach(from, to);
    chart.candles.attachPrimitive(this.paint);
  }

  get feed() {
    return this.chart.feed;
  }

  get open() {
    return this.feed.parts.trading?.open ?? [];
  }

  /** Every trade of the chart, finished ones first. */
  get all() {
    return [...this.feed.trades.values(), ...this.open];
  }

  get shown() {
    return this.on ? this.all.filter((trade) => !this.hidden.has(trade.by)) : [];
  }

  /** Trades came or went, or others are wanted. */
  news() {
    this.signs = signsOf(this.shown, this.on ? this.feed.crowds : []);
    this.held = null;
    this.line();
    this.paint.requestUpdate?.();
  }

  inkOf(by) {
    const colour = this.feed.parts.trading?.bots?.[by];
    return (this.chart.look.dark ? colour?.dark : colour?.light) ?? this.chart.look.accent;
  }

  /** Stops and targets as price lines: those that stay are moved, not made anew. */
  line() {
    const { candles, look, narrow } = this.chart;
    const wanted = new Map();
    for (const trade of this.on ? this.open.filter((one) => !this.hidden.has(one.by)) : []) {
      const late = trade.told !== null;
      const add = (kind, price, at, named = true) => {
        const colour = late ? look.muted : kind === "stop" ? look.down : look.up;
        const title = narrow ? kind : `${kind} ${trade.by.length > 18 ? `${trade.by.slice(0, 17)}…` : trade.by}`;
        wanted.set(`${trade.id} ${kind} ${at}`, {
          price, color: colour, lineWidth: 1, lineStyle: STYLES[kind], axisLabelVisible: named, title: !named ? "" : late ? `◷ ${title}` : title,
          axisLabelTextColor: late ? look.panel : look.dark ? look.ground : look.text, // 5:1 on both colours
        });
      };
      if (trade.stop !== null) add("stop", trade.stop, 0);
      const ahead = trade.targets.filter((price) => !this.reached(trade, price));
      ahead.forEach((price, at) => add("target", price, price, at === 0)); // the next one by name
    }
    for (const [name, line] of this.waits) {
      if (wanted.has(name)) continue;
      candles.removePriceLine(line);
      this.waits.delete(name);
    }
    for (const [name, options] of wanted) {
      if (this.waits.has(name)) this.waits.get(name).applyOptions(options);
      else this.waits.set(name, candles.createPriceLine(options));
    }
  }

  /** Whether a bar since a trade was opened has been at one of its targets. */
  reached(trade, price) {
    const { rows } = this.chart;
    const short = trade.amount < 0;
    for (let at = rows.length - 1; at >= 0 && rows[at][0] >= trade.in[0]; at -= 1) {
      if (short ? rows[at][3] <= price : rows[at][2] >= price) return true;
    }
    return false;
  }

  /** Stops and targets that are not far from the candles in sight belong on the price axis. */
  reach(from, to) {
    const rows = this.chart.rows.slice(Math.max(0, Math.floor(from)), Math.max(0, Math.ceil(to)) + 1);
    if (!rows.length || !this.waits.size) return null;
    const low = Math.min(...rows.map((row) => row[3]));
    const high = Math.max(...rows.map((row) => row[2]));
    const room = 0.5 * (high - low);
    const near = [...this.waits.values()].map((line) => line.options().price).filter((price) => price >= low - room && price <= high + room);
    return near.length ? { priceRange: { minValue: Math.min(low, ...near), maxValue: Math.max(high, ...near) } } : null;
  }

  draw(context, size) {
    const { chart } = this;
    const rows = chart.rows;
    this.marks = [];
    this.inSight = 0;
    if (!rows.length || !this.signs.length) return;
    const { step } = chart.feed.about;
    const [base, wide, end] = [chart.time.logicalToCoordinate(0), chart.barWidth, rows[rows.length - 1][0] + 2 * step];
    const xOf = (ms) => {
      const at = indexAt(rows, ms);
      return at < 0 || ms >= end ? NaN : base + at * wide;
    };
    const yOf = (price) => chart.yOf(price);
    const seen = between(this.signs, chart.timeAt(-SIZE) - step, chart.timeAt(size.width + SIZE) + step);
    this.marks = marksOf(seen, xOf, yOf);
    this.inSight = seen.reduce((sum, sign) => sum + (sign.count ?? 1), 0);
    this.join(context, size, xOf, yOf);
    for (const mark of this.marks) this.sign(context, mark);
    if (this.marks.length <= WORDED && wide >= 3) this.words(context, size);
  }

  /** An entry and its exit by a line in the colour of the outcome; an open one's entry price onward. */
  join(context, size, xOf, yOf) {
    if (this.marks.length > JOINED) return;
    const alone = this.marks.filter(single).map((mark) => mark.signs[0].trade);
    context.lineWidth = 1.5;
    context.setLineDash([2, 3]);
    for (const trade of new Set(alone)) {
      const from = [xOf(trade.in[0]), yOf(trade.in[1])];
      const to = trade.out ? [xOf(trade.out[0]), yOf(trade.out[1])] : [size.width, from[1]];
      const late = trade.told !== null;
      context.strokeStyle = late ? this.chart.look.muted : trade.out ? this.result(trade) : faded(this.inkOf(trade.by), 0.7);
      context.beginPath();
      context.moveTo(Number.isFinite(from[0]) ? from[0] : 0, from[1]);
      context.lineTo(...to);
      context.stroke();
    }
    context.setLineDash([]);
  }

  result(trade) {
    const { look } = this.chart;
    return trade.pnl === null ? look.muted : trade.pnl >= 0 ? look.up : look.down;
  }

  sign(context, mark) {
    const { look } = this.chart;
    if (!single(mark)) {
      this.badge(context, mark);
      return;
    }
    const [{ way, buys, trade }] = mark.signs;
    const down = buys ? SIZE : -SIZE; // the tip is at the price, the body on the side it came from
    const tip = mark.y + (buys ? 2 : -2);
    const ink = way === "in" ? this.inkOf(trade.by) : this.result(trade);
    context.beginPath();
    context.moveTo(mark.x, tip);
    context.lineTo(mark.x - 6.5, tip + down);
    context.lineTo(mark.x + 6.5, tip + down);
    context.closePath();
    context.lineJoin = "round";
    context.strokeStyle = look.panel;
    context.lineWidth = mark === this.held ? 7 : 4;
    context.stroke();
    context.fillStyle = way === "in" ? ink : look.panel;
    context.strokeStyle = mark === this.held ? look.text : ink;
    context.lineWidth = 2;
    context.fill();
    context.stroke();
  }

  /** Several in one place: how many. */
  badge(context, mark) {
    const { look } = this.chart;
    const text = String(mark.count);
    context.font = `600 10px ${look.sans}`;
    const wide = Math.max(16, context.measureText(text).width + 8);
    context.fillStyle = look.raised;
    context.strokeStyle = mark === this.held ? look.text : look.muted;
    context.lineWidth = 1.5;
    context.beginPath();
    context.roundRect(mark.x - wide / 2, mark.y - 8, wide, 16, 8);
    context.fill();
    context.stroke();
    context.fillStyle = look.text;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, mark.x, mark.y + 0.5);
    context.textAlign = "left";
  }

  /** Words beside signs, the newest first; where two would lie on each other the older one has none. */
  words(context, size) {
    const { look, narrow, places } = this.chart;
    context.font = `11px ${look.sans}`;
    context.textBaseline = "middle";
    const edge = size.width - (narrow ? 60 : 150); // where stops and targets have their names
    const taken = this.marks.map((mark) => [mark.x - 7, mark.y - 11, mark.x + 7, mark.y + 11]);
    for (const line of this.waits.values()) {
      const y = this.chart.yOf(line.options().price);
      taken.push([edge, y - 9, size.width, y + 9]);
    }
    for (const mark of [...this.marks].reverse()) {
      if (!single(mark)) continue;
      const [sign] = mark.signs;
      const text = label(sign, places, narrow);
      const wide = context.measureText(text).width + 8;
      const top = mark.y + (sign.buys ? SIZE + 4 : -SIZE - 20);
      const left = [mark.x - wide / 2, mark.x - wide + 10, mark.x - 10]
        .map((x) => Math.min(Math.max(x, 2), size.width - wide - 2))
        .find((x) => !taken.some((other) => meet([x, top, x + wide, top + 16], other)));
      if (left === undefined || top < 0 || top + 16 > size.height) continue;
      taken.push([left, top, left + wide, top + 16]);
      context.fillStyle = faded(look.panel, 0.82);
      context.beginPath();
      context.roundRect(left, top, wide, 16, 3);
      context.fill();
      const good = sign.trade.pnl >= 0 ? look.upText : look.downText;
      context.fillStyle = sign.way === "out" && sign.trade.pnl !== null ? good : look.text;
      context.fillText(text, left + 4, top + 8.5);
    }
  }

  /** The mark at a place; null where none is. */
  at(x, y, reach) {
    return nearest(this.marks, x, y, reach);
  }

  hold(mark) {
    if (mark === this.held) return;
    this.held = mark;
    this.paint.requestUpdate?.();
  }
}

function meet(one, other) {
  return one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];
}
