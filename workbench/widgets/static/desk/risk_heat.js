// Who holds what: bots down, markets across, shaded by size; long and short differ in hue and in sign.
import { el, panel, setAttr, setText } from "./dom.js";
import * as show from "./format.js";
import { bare } from "./files.js";
import { swatch } from "./marks.js";

export function heatPanel(paper, files) {
  let shown = null;
  const save = files.buttons(() => ({ name: "exposure", table: bare(COLUMNS, shown ? cellsOf(shown) : []) }));
  const { node, body, chip } = panel("Exposure by bot and market", "heat", [save]);
  const table = el("table", { class: "heatmap" });
  const blank = el("p", { class: "blank", text: "No bot holds anything, and no order is open." });
  const legend = el("p", { class: "heat-legend muted" }, el("i", { class: "heat-key", "data-side": "long" }), "long ", el("i", { class: "heat-key", "data-side": "short" }), "short");
  body.append(el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Exposure by bot and market" }, table, blank), legend);
  let shape = "";
  let cells = [];
  return {
    node, chip, money: true,
    update(view) {
      shown = view;
      const fresh = JSON.stringify([view.bots.map((bot) => bot.id), view.symbols]);
      if (fresh !== shape) cells = build(table, view);
      shape = fresh;
      const none = !view.bots.length || !view.symbols.length;
      setAttr(blank, "hidden", none ? null : "hidden");
      setAttr(table, "hidden", none ? "hidden" : null);
      if (!none) fill(cells, view, paper());
    },
  };
}

const COLUMNS = [
  { label: "Bot", text: (cell) => cell.bot },
  { label: "Market", text: (cell) => cell.symbol },
  { label: "Exposure", right: true, sort: (cell) => cell.value, currency: (cell) => cell.currency },
];
const cellsOf = ({ bots, symbols, exposure, currency }) => bots.flatMap(({ id }, i) => symbols.map((symbol, k) => ({ bot: id, symbol, value: exposure[i][k], currency })));

/** The table's empty cells: [row of bot][market…, sum], the last row being the sums. */
function build(table, { bots, symbols }) {
  const th = (text, scope, css) => el("th", { scope, class: css }, el("span", { class: "outside", text, title: text }));
  const head = el("tr", {}, el("td"), ...symbols.map((name) => th(name, "col")), th("All markets", "col", "sum"));
  const rows = [...bots.map((bot) => bot.id), "All bots"].map((name, i) => {
    const tds = Array.from({ length: symbols.length + 1 }, (_, k) => el("td", { class: k === symbols.length || i === bots.length ? "sum" : null }));
    const title = th(name, "row", i === bots.length ? "sum" : "bot");
    if (i < bots.length) title.prepend(swatch());
    return { title, tds, tr: el("tr", {}, title, ...tds) };
  });
  table.replaceChildren(el("caption", { class: "hush", text: "Signed exposure by bot and market" }), el("thead", {}, head), el("tbody", {}, ...rows.map((row) => row.tr)));
  return rows;
}

function fill(rows, view, paper) {
  const { exposure, bots, symbols, currency } = view;
  const most = Math.max(...exposure.flat().map((v) => Math.abs(v ?? 0)), 1e-9);
  const total = (values) => (values.some((v) => v === null) ? null : values.reduce((n, v) => n + v, 0));
  bots.forEach((bot, i) => {
    rows[i].title.firstChild.style.setProperty("--shade", bot.colour[paper]);
    symbols.forEach((symbol, k) => paint(rows[i].tds[k], exposure[i][k], most, `${bot.id} in ${symbol}`, currency));
    paint(rows[i].tds[symbols.length], total(exposure[i]), 0, `${bot.id}, all markets`, currency);
  });
  symbols.forEach((symbol, k) => paint(rows[bots.length].tds[k], total(exposure.map((row) => row[k])), 0, `${symbol}, all bots`, currency));
  paint(rows[bots.length].tds[symbols.length], total(exposure.flat()), 0, "everything", currency);
}

function paint(td, value, most, name, currency) {
  setText(td, value === null ? show.UNKNOWN : value === 0 ? "·" : show.signed(value, Math.abs(value) >= 100 ? 0 : 2));
  setAttr(td, "title", `${name}: ${value === null ? "unknown" : `${show.signed(value)} ${currency}`}`);
  setAttr(td, "data-side", value > 0 ? "long" : value < 0 ? "short" : null);
  td.style.setProperty("--part", most ? (Math.abs(value ?? 0) / most).toFixed(3) : "0");
}
