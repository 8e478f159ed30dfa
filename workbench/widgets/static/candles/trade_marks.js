// Trades as signs on the chart: which lie in sight, which share a place, what each says. Pure.
//
// A trade is a row of workbench/visual/trade_rows.py: {id, by, amount, in: [ms, price], out, pnl, fees, reason, stop, targets, told}.
// `told`: when the bot of an open one was last heard of, where that is too long ago.
import * as show from "../desk/format.js";

export const ROOM = 14; // pixels that a sign wants for itself
const FEW = 2; // so many may share that room
const [WIDE, TALL] = [30, 16]; // pixels that a mark with a number takes

/** Entries and exits in the order of time: {ms, price, way: "in" or "out", buys, trade}. A short goes in by selling.
 *  crowds: [[ms, price, count]] of those that are only counted: {ms, price, count}. */
export function signsOf(trades, crowds = []) {
  const signs = crowds.map(([ms, price, count]) => ({ ms, price, count }));
  for (const trade of trades) {
    const short = trade.amount < 0;
    for (const [way, place, buys] of [["in", trade.in, !short], ["out", trade.out, short]]) {
      if (place && Number.isFinite(place[1])) signs.push({ ms: place[0], price: place[1], way, buys, trade });
    }
  }
  return signs.sort((a, b) => a.ms - b.ms);
}

/** Those from `since` to `until`, both included. */
export function between(signs, since, until) {
  return signs.slice(firstAt(signs, since), firstAt(signs, until + 1));
}

function firstAt(signs, ms) {
  let low = 0;
  let high = signs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (signs[middle].ms < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** [{x, y, signs, count}] from left to right. More than a few in ROOM pixels are one mark that counts them, and such
 *  marks take in each other where they would overlap. */
export function marksOf(signs, xOf, yOf) {
  const columns = new Map();
  for (const sign of signs) {
    const x = xOf(sign.ms);
    if (!Number.isFinite(x)) continue;
    const column = Math.floor(x / ROOM);
    if (!columns.has(column)) columns.set(column, []);
    columns.get(column).push({ x, sign });
  }
  const marks = [];
  for (const found of columns.values()) {
    const alone = found.length <= FEW && found.every(({ sign }) => sign.trade);
    const made = alone ? found.map(({ x, sign }) => ({ x, y: yOf(sign.price), signs: [sign], count: 1 })) : [together(found, yOf)];
    for (const mark of made) if (Number.isFinite(mark.y)) place(marks, mark);
  }
  return marks;
}

/** One mark in the middle of what it stands for. */
function together(found, yOf) {
  const count = found.reduce((sum, { sign }) => sum + (sign.count ?? 1), 0);
  const mean = (value) => found.reduce((sum, one) => sum + value(one) * (one.sign.count ?? 1), 0) / count;
  return { x: mean(({ x }) => x), y: yOf(mean(({ sign }) => sign.price)), signs: found.map(({ sign }) => sign), count };
}

function place(marks, mark) {
  const last = marks.at(-1);
  const meets = last && !single(last) && !single(mark) && mark.x - last.x < WIDE && Math.abs(mark.y - last.y) < TALL;
  if (!meets) {
    marks.push(mark);
    return;
  }
  const count = last.count + mark.count;
  const mean = (name) => (last[name] * last.count + mark[name] * mark.count) / count;
  Object.assign(last, { x: mean("x"), y: mean("y"), count });
  for (const sign of mark.signs) last.signs.push(sign);
}

/** Whether a mark is one trade's sign, not a number. */
export const single = (mark) => mark.signs.length === 1 && Boolean(mark.signs[0].trade);

/** The mark nearest to a place, within `reach` pixels; null where none is. */
export function nearest(marks, x, y, reach) {
  let best = null;
  for (const mark of marks) {
    const off = Math.hypot(mark.x - x, mark.y - y);
    if (off <= reach && (best === null || off < best.off)) best = { mark, off };
  }
  return best?.mark ?? null;
}

/** "BTC/USDT:USDT" → ["BTC", "USDT"]. */
export function coins(symbol) {
  const [base, quote = ""] = symbol.split(":")[0].split("/");
  return [base, quote];
}

export const side = (trade) => (trade.amount < 0 ? "short" : "long");

/** What an open trade has gained at a price, in quote currency, fees not counted. */
export function gained(trade, price) {
  return trade.amount === null || !Number.isFinite(price) ? null : trade.amount * (price - trade.in[1]);
}

/** A quantity: six digits that matter, no zeros after them. */
export function quantity(value) {
  if (!Number.isFinite(value)) return show.UNKNOWN;
  const size = Math.abs(value);
  return size >= 1000 ? show.fixed(size, 0) : String(Number(size.toPrecision(5)));
}

/** The label beside a sign. */
export function label(sign, places, narrow) {
  const { trade } = sign;
  const price = show.fixed(sign.price, places);
  if (sign.way === "out") return narrow ? show.signed(trade.pnl) : `${trade.by} ${show.signed(trade.pnl)} @ ${price}`;
  return narrow ? trade.by : `${trade.by} ${side(trade)} ${quantity(trade.amount)} @ ${price}`;
}

/** All that is known of a trade, in lines. `now`: the newest price; `reached(price)`: has the market been at a target? */
export function lines(trade, symbol, places, now, reached) {
  const [base, quote] = coins(symbol);
  const price = (value) => show.fixed(value, places);
  const told = [`${trade.by} · ${side(trade)} ${quantity(trade.amount)} ${base}`, `in ${price(trade.in[1])} · ${show.time(trade.in[0])}`];
  if (trade.out) {
    const reason = trade.reason ? ` · ${trade.reason}` : "";
    told.push(`out ${price(trade.out[1])} · ${show.time(trade.out[0])}${reason}`, `P&L ${outcome(trade, trade.pnl)} ${quote}, fees ${show.fixed(trade.fees)}`);
    return told;
  }
  const waits = [trade.stop === null ? "no stop told" : `stop ${price(trade.stop)}`, ...trade.targets.map((target) => `target ${price(target)}${reached(target) ? " reached" : ""}`)];
  if (trade.told !== null) told.push(`◷ stale: last heard of ${show.time(trade.told)}`);
  told.push(waits.join(" · "), `open, now ${outcome(trade, gained(trade, now))} ${quote} before fees`);
  return told;
}

function outcome(trade, pnl) {
  const paid = Math.abs(trade.amount * trade.in[1]);
  return `${show.signed(pnl)}${pnl !== null && paid > 0 ? ` (${show.percent(pnl / paid)})` : ""}`;
}

/** Sums over trades: {closed, pnl, open, short}; pnl null where one is unknown. */
export function sums(trades) {
  const closed = trades.filter((trade) => trade.out);
  const known = closed.every((trade) => trade.pnl !== null);
  return { closed: closed.length, open: trades.length - closed.length, pnl: known ? closed.reduce((sum, trade) => sum + trade.pnl, 0) : null };
}
