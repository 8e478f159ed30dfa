// Profit and loss by bot as bars from a common zero, the total below.
import { el, panel, segmented, setAttr, setText } from "./dom.js";
import * as show from "./format.js";
import { swatch } from "./marks.js";

export function barsPanel(store, paper) {
  let key = "pnl";
  const rows = new Map();
  const list = el("ul", { class: "bars" });
  const total = line("Total", "total");
  const blank = el("p", { class: "blank" });
  const pick = (value) => {
    key = value;
    update();
  };
  const { node, body, chip } = panel("P&L by bot", "pnl", [segmented("Span", [["pnl", "Run"], ["day_pnl", "Day"]], key, pick)]);
  const foot = el("ul", { class: "bars sum" }, total.node);
  body.append(list, foot, blank);

  function update() {
    const bots = store.bots;
    const wanted = new Set(bots.map((row) => row.id));
    for (const [id, row] of rows) if (!wanted.has(id)) rows.delete(id) && row.node.remove();
    const scale = scaleOf(bots, key);
    list.style.setProperty("--zero", scale.zero.toFixed(4));
    bots.forEach((bot, i) => {
      if (!rows.has(bot.id)) rows.set(bot.id, line(bot.id));
      const row = rows.get(bot.id);
      row.swatch.style.setProperty("--shade", bot.colour[paper()]);
      draw(row, bot.status?.[key], scale, bot.reason || "never heard from", !bot.ok);
      if (list.children[i] !== row.node) list.insertBefore(row.node, list.children[i] ?? null);
    });
    draw(total, store.view.total?.[key], { width: 0 }, store.view.total?.unknown);
    setAttr(foot, "hidden", bots.length ? null : "hidden");
    setAttr(blank, "hidden", bots.length ? "hidden" : null);
    setText(blank, store.view.phase === "loading" ? "Waiting for the desk's first figures." : "No bot, no profit, no loss.");
  }
  return { node, chip, update };
}

/** Where zero lies and what the whole width means. Only one currency can be compared: of several, no bar. */
function scaleOf(bots, key) {
  const amounts = bots.map((bot) => bot.status?.[key]?.amount ?? 0);
  const currencies = new Set(bots.map((bot) => bot.status?.[key]?.currency).filter(Boolean));
  const [most, least] = [Math.max(...amounts, 0), Math.min(...amounts, 0)];
  const width = currencies.size > 1 ? 0 : most - least;
  return { width, zero: width ? -least / width : 0 };
}

function line(name, css = "") {
  const shade = swatch();
  const figure = el("span", { class: "figure" });
  const bar = el("i", { class: "bar" });
  const label = el("span", { class: "outside bar-name", text: name, title: name });
  const node = el("li", { class: css || null }, css ? null : shade, label, el("span", { class: "track", "aria-hidden": "true" }, bar), figure);
  return { node, figure, bar, swatch: shade };
}

function draw(row, value, scale, reason, stale = false) {
  const amount = value?.amount ?? null;
  setText(row.figure, show.money(value, true));
  setAttr(row.figure, "data-tone", show.tone(amount));
  setAttr(row.figure, "title", amount === null ? `Unknown: ${reason}` : null);
  row.node.classList.toggle("stale", stale);
  const part = scale.width && amount ? Math.abs(amount) / scale.width : 0;
  row.bar.style.setProperty("--part", part.toFixed(4));
  row.bar.dataset.tone = show.tone(amount);
}
