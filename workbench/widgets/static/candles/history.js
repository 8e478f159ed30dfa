// The past, however long: candles that have room; zoomed in, finer ones are asked for. Python side: history_panel.py.
import { CandlestickSeries, createChart, HistogramSeries } from "lightweight-charts";
import { el, setText } from "../desk/dom.js";
import * as show from "../desk/format.js";
import { candleOptions, chartOptions, faded, tokens } from "./look.js";
import { decimals, placeOf, timeAt } from "./places.js";
import { TradeBar } from "./trade_bar.js";
import { TradeLayer } from "./trades.js";

const ROOM = 4; // pixels for a candle
const CALM_MS = 80; // a zoom is over when it has paused for so long
const FIELDS = 6;
const NARROW = 560;

export function renderHistory({ model, host }) {
  const about = model.get("history");
  const root = el("div", { class: "wb candles history", tabindex: "0", role: "group", "aria-label": "Chart of the past" });
  for (const name of ["theme", "pair"]) if (model.get(name)) root.dataset[name] = model.get(name);
  const merged = el("span", { class: "figure" });
  const span = el("span", { class: "state figure" });
  const first = el("p", { class: "first" }, el("strong", { class: "symbol outside", text: about.symbol }),
    el("span", { class: "tf", text: about.timeframe }), merged, el("span", { class: "spring" }), span);
  const pane = el("div", { class: "pane", style: `height: ${model.get("height")}px` });
  host.style.cssText += "display: block; width: 100%; margin: 0;";
  const frame = el("div", { class: "frame" }, pane);
  root.append(el("header", { class: "head" }, first), frame);
  host.append(root);

  let look = tokens(root);
  let rows = [];
  let step = about.step;
  let asked = 0;
  let timer = null;
  let places = 2;
  const chart = createChart(pane, { autoSize: true, ...chartOptions(look, false, 2) });
  const candles = chart.addSeries(CandlestickSeries, candleOptions(look, 2));
  const volume = chart.addSeries(HistogramSeries, { priceScaleId: "volume", lastValueVisible: false, priceLineVisible: false });
  chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0.01 }, visible: false });
  const time = chart.timeScale();
  const told = model.get("trading");
  const feed = {
    about: { symbol: about.symbol, step }, parts: { trading: told?.bots ? told : null }, trades: new Map(), crowds: [],
    get newest() { return rows[rows.length - 1]; },
  };
  const trades = new TradeLayer(stage());
  const bar = new TradeBar(root, frame, trades, () => false);
  bar.onChange = () => edges() && ask(edges().from, edges().to);
  frame.before(bar.node);

  /** What the trades need of a chart. */
  function stage() {
    const at = (place) => time.logicalToCoordinate(0) + place * time.options().barSpacing;
    const xOf = (ms) => (rows.length ? at(placeOf(rows, step, ms)) : NaN);
    const placeAt = (x) => (x - time.logicalToCoordinate(0)) / time.options().barSpacing;
    return {
      host: pane, candles, time, feed, xOf,
      get look() { return look; },
      get rows() { return rows; },
      get places() { return places; },
      get barWidth() { return time.options().barSpacing; },
      get pane() { return chart.paneSize(0); },
      get narrow() { return pane.clientWidth < NARROW; },
      yOf: (price) => candles.priceToCoordinate(price) ?? NaN,
      timeAt: (x) => timeAt(rows, step, placeAt(x)),
      centre(ms) {
        const range = time.getVisibleLogicalRange();
        const [place, half] = [placeOf(rows, step, ms), (range.to - range.from) / 2];
        time.setVisibleLogicalRange({ from: place - half, to: place + half });
      },
    };
  }

  const room = () => Math.max(50, Math.floor(pane.clientWidth / ROOM));
  function ask(from, to) {
    asked += 1;
    model.send({ kind: "look", ask: asked, from, to, most: room(), hidden: [...trades.hidden] });
  }

  /** The moments at both edges. */
  function edges() {
    const range = rows.length ? time.getVisibleLogicalRange() : null;
    return range && { from: momentOf(rows, step, range.from), to: momentOf(rows, step, range.to), count: range.to - range.from };
  }

  function hear(message, buffers) {
    if (message.kind !== "bars" || message.ask !== asked) return; // overtaken by a later look
    const before = edges();
    const { buffer, byteOffset, byteLength } = buffers[0];
    const flat = new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength));
    rows = Array.from({ length: flat.length / FIELDS }, (_, at) => flat.subarray(at * FIELDS, (at + 1) * FIELDS));
    step = message.step;
    root.dataset.merged = message.merged;
    feed.about.step = step;
    feed.trades = new Map((message.trades ?? []).map((trade) => [trade.id, trade]));
    feed.crowds = message.crowds ?? [];
    draw();
    trades.news();
    if (before) time.setVisibleLogicalRange({ from: placeOf(rows, step, before.from), to: placeOf(rows, step, before.to) });
    else time.fitContent();
    say();
    requestAnimationFrame(() => requestAnimationFrame(() => bar.update()));
  }

  function draw() {
    const newest = rows.slice(-200).map((row) => Array.from(row));
    const five = 4 - Math.floor(Math.log10(newest.at(-1)[4])); // digits that matter: extremes are where recordings have stray ones
    places = Math.min(decimals(newest), Math.max(2, five));
    chart.applyOptions(chartOptions(look, false, places));
    candles.applyOptions(candleOptions(look, places));
    candles.setData(rows.map(([ms, open, high, low, close]) => ({ time: ms / 1000, open, high, low, close })));
    volume.setData(rows.map(([ms, open, , , close, value]) => ({ time: ms / 1000, value, color: faded(close >= open ? look.up : look.down, 0.34) })));
  }

  function say() {
    const seen = edges();
    const bars = Math.round(step / about.step);
    setText(merged, `${about.bars.toLocaleString("en-US")} bars${bars > 1 ? `, ${bars.toLocaleString("en-US")} a candle` : ""}`);
    setText(span, seen ? `${show.time(Math.max(seen.from, about.from))} – ${show.time(Math.min(seen.to, about.to))}` : "loading");
  }

  /** Ask anew where finer candles have room, too many are in sight, or the view leaves what is here. */
  function settle() {
    const seen = edges();
    if (!seen) return;
    say();
    bar.update();
    const finer = step > about.step && seen.count < room() / 3;
    const past = seen.from < rows[0][0] && rows[0][0] > about.from;
    const later = seen.to > rows[rows.length - 1][0] + step && rows[rows.length - 1][0] + step < about.to;
    if (finer || past || later || seen.count > 2 * room()) ask(seen.from, seen.to);
  }

  function moved() {
    clearTimeout(timer);
    timer = setTimeout(settle, CALM_MS);
  }

  const repaint = () => {
    look = tokens(root);
    if (rows.length) draw();
    trades.line();
  };
  const whole = () => {
    rows = [];
    ask(about.from, about.to);
  };
  const light = matchMedia("(prefers-color-scheme: light)");
  model.on("msg:custom", hear);
  light.addEventListener("change", repaint);
  pane.addEventListener("dblclick", whole);
  time.subscribeVisibleLogicalRangeChange(moved);
  say();
  requestAnimationFrame(() => { // it is in its place by then: its width and colours are known
    repaint();
    whole();
  });

  return () => {
    clearTimeout(timer);
    model.off("msg:custom", hear);
    light.removeEventListener("change", repaint);
    chart.remove();
  };
}

/** The time of a place, also between bars. */
function momentOf(rows, step, place) {
  const last = rows.length - 1;
  if (place <= 0) return rows[0][0] + place * step;
  if (place >= last) return rows[last][0] + (place - last) * step;
  const at = Math.floor(place);
  return rows[at][0] + (place - at) * (rows[at + 1][0] - rows[at][0]);
}
