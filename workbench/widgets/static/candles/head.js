// The line above the chart: market, chip, the bar under the cross-hair, what the forecast says, and how old all this is.
import { el, setAttr, setText } from "../desk/dom.js";
import * as show from "../desk/format.js";

export function heading(chart, feed) {
  const symbol = el("strong", { class: "symbol outside" });
  const timeframe = el("span", { class: "tf" });
  const chip = el("span", { class: "chip", hidden: true });
  const price = el("span", { class: "last figure" });
  const change = el("span", { class: "change figure" });
  const state = el("span", { class: "state", role: "status" });
  const bar = el("p", { class: "ohlc figure" });
  const said = el("p", { class: "said" });
  const first = el("p", { class: "first" }, symbol, timeframe, chip, price, change, el("span", { class: "spring" }), state);
  let hovered = null; // open time of the bar under the cross-hair

  chart.chart.subscribeCrosshairMove((at) => {
    const ms = at.time === undefined ? null : at.time * 1000;
    if (ms === hovered) return;
    hovered = ms;
    update();
  });

  function update() {
    const newest = feed.newest;
    const health = feed.health();
    setText(symbol, feed.about.symbol);
    setText(timeframe, feed.about.timeframe);
    const mode = feed.parts.mode;
    chip.hidden = !mode;
    setText(chip, mode ? mode.words + (mode.paused ? " · PAUSED" : "") : "");
    setAttr(chip, "data-mode", mode?.mode);
    setText(price, newest ? show.fixed(newest[4], chart.places) : show.UNKNOWN);
    day(newest);
    setText(state, stateWords(feed, health));
    setAttr(state, "data-state", health.state);
    setAttr(state, "title", health.words);
    describe(newest);
    forecast(newest);
  }

  /** Against the close a day earlier, or the oldest bar where there is less. */
  function day(newest) {
    const from = newest && feed.rows.findLast((row) => row[0] <= newest[0] - 86400000);
    const share = from ? newest[4] / from[4] - 1 : null;
    setText(change, share === null ? "" : `${show.percent(share)} 24 h`);
    setAttr(change, "data-tone", share === null ? "" : show.tone(share * 100));
  }

  function describe(newest) {
    const row = hovered === null ? newest : chart.rows.findLast((one) => one[0] === hovered) ?? newest;
    if (!row) return setText(bar, "");
    const figure = (value) => show.fixed(value, chart.places);
    const forming = feed.parts.forming && row[0] === feed.parts.forming[0];
    const words = ["O", "H", "L", "C"].map((name, i) => `${name}\u00a0${figure(row[i + 1])}`);
    words.push(`V\u00a0${show.amount(row[5])}`);
    setText(bar, `${show.time(row[0])}  ${words.join("  ")}${forming ? "  forming" : ""}`);
    setAttr(bar, "title", `${show.timeUtc(row[0])}, shown in ${show.ZONE}`);
    setAttr(bar, "data-tone", row[4] >= row[1] ? "up" : "down");
  }

  function forecast(newest) {
    const seen = feed.parts.overlay;
    const parts = [];
    if (seen) parts.push(fanWords(seen, chart.places));
    if (seen?.so_far) parts.push(`so far ${show.percent(seen.so_far.miss)} from its middle, ${seen.so_far.inside ? "inside" : "outside"} the band`);
    if (seen?.record) parts.push(`last ${seen.record.n}: ${Math.round(100 * seen.record.inside)} % held, off by ${show.fixed(100 * seen.record.miss, 2)} %`);
    const sure = feed.parts.confidence;
    if (sure) parts.push(`80 % bands held ${Math.round(100 * sure.held)} % of ${show.count(sure.n)}`);
    const regime = feed.parts.ribbon?.at(-1);
    said.replaceChildren();
    if (regime) {
      const swatch = el("span", { class: "tint", style: `background: ${chart.tintOf(regime[2])}` });
      said.append(el("span", { class: "regime" }, swatch, `${regime[2]} ${Math.round(100 * regime[3])} %`));
    }
    if (parts.length) said.append(el("span", { class: "fan-words outside", text: parts.join(" · ") }));
    said.hidden = !newest || (!regime && !parts.length);
  }

  return { node: el("header", { class: "head" }, first, bar, said), update };
}

function fanWords(seen, places) {
  const end = seen.fan[seen.fan.length - 1];
  return `${seen.by}, ${span(seen.horizon * seen.step)}, 80 %: ${show.fixed(end[0], places)} – ${show.fixed(end[end.length - 1], places)}`;
}

const span = (ms) => (ms % 3600000 === 0 ? `${ms / 3600000} h` : `${Math.round(ms / 60000)} min`);

function stateWords(feed, { state, words }) {
  const age = feed.newsAt === null ? "" : show.span(Date.now() - feed.newsAt);
  if (state === "live") return `live · ${age}`;
  if (state === "quiet") return `quiet · ${age}`;
  if (state === "loading") return words || "loading";
  return state === "down" ? `◷ stale · ${words}` : `◷ stale · ${age || "never heard"}`;
}
