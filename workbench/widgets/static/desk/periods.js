// Profit by day, week and month of the viewer's calendar: columns for the last of them, a table for all.
import { el, memory, panel, segmented, setAttr, setText } from "./dom.js";
import { filled, firstDay, label } from "./calendar.js";
import * as show from "./format.js";
import { Table } from "./table.js";

const UNITS = [["day", "Day"], ["week", "Week"], ["month", "Month"]];
const COLUMNS = { day: 31, week: 26, month: 24 };

export function periodsPanel(store) {
  let unit = memory.get("periods.unit", "day");
  if (!(unit in COLUMNS)) unit = "day";
  let shown = null;
  let drawn = "";
  const pick = (value) => {
    unit = value;
    memory.set("periods.unit", unit);
    update(shown);
  };
  const table = new Table({
    name: "profit by period",
    caption: "Profit by period",
    key: (row) => `${row.unit} ${row.day}`,
    columns: columns(),
    empty: () => el("p", { text: "Nothing was earned or lost yet: no trade has been finished." }),
  });
  const { node, body, chip } = panel("Profit by period", "periods", [segmented("Period", UNITS, unit, pick), table.exporter(store.files)]);
  const note = el("p", { class: "panel-note muted" });
  const chart = el("div", { class: "columns" });
  const feet = el("div", { class: "columns-feet muted" }, el("span"), el("span"));
  body.append(note, chart, feet, table.node);

  function update(view) {
    shown = view;
    const periods = view?.periods?.[unit] ?? [];
    const today = store.view.market ? show.date(store.view.market.time) : "";
    const fresh = JSON.stringify([unit, today, periods, view?.zone]);
    if (fresh === drawn) return;
    drawn = fresh;
    setText(note, noteOf(view, unit));
    const told = (period) => ({ ...period, unit, now: period.day === (today && firstDay(today, unit)), currency: view.currency });
    const columnsShown = filled(periods, unit, today, COLUMNS[unit]).map(told);
    draw(chart, columnsShown);
    for (const part of [chart, feet]) setAttr(part, "hidden", columnsShown.length ? null : "hidden");
    [columnsShown[0], columnsShown.at(-1)].forEach((period, i) => setText(feet.children[i], period ? label(period.day, unit) : ""));
    table.update([...periods].reverse().map(told));
  }
  return { node, chip, money: true, update };
}

function noteOf(view, unit) {
  if (!view) return "";
  if (!view.record) return `Not added up: ${view.unknown.join(" · ")}`;
  const at = view.converted ? ", other currencies at the prices of now" : "";
  return `Trades by the ${unit} in which they closed, after fees, in ${view.currency || "–"}${at}; ${view.zone}.`;
}

function columns() {
  const figure = (id, name, text, more = {}) => ({ id, label: name, right: true, text, sort: (row) => row[id], ...more });
  return [
    { id: "day", label: "Period", export: "First day", text: (row) => `${label(row.day, row.unit)}${row.now ? ", so far" : ""}`, sort: (row) => row.day },
    figure("profit", "Profit", (row) => `${show.signed(row.profit)} ${row.currency}`, { tone: (row) => show.tone(row.profit), currency: (row) => row.currency }),
    figure("trades", "Trades", (row) => show.count(row.trades)),
    figure("wins", "Won", (row) => `${show.fixed((row.wins / row.trades) * 100, 0)} %`, { export: "Won trades", sort: (row) => row.wins / row.trades, csv: (row) => row.wins }),
  ];
}

/** Columns from a common zero. */
function draw(chart, periods) {
  const gains = periods.map(({ profit }) => profit);
  const [most, least] = [Math.max(...gains, 0), Math.min(...gains, 0)];
  const height = most - least || 1;
  chart.style.setProperty("--zero", (most / height).toFixed(4));
  chart.replaceChildren(...periods.map((period) => column(period, height)));
}

function column(period, height) {
  const bar = el("i", { class: "column", "data-tone": show.tone(period.profit) });
  bar.style.setProperty("--part", (Math.abs(period.profit) / height).toFixed(4));
  const words = `${label(period.day, period.unit)}${period.now ? ", so far" : ""}: ${show.signed(period.profit)} ${period.currency}, ${show.count(period.trades)} trades`;
  return el("span", { title: words, role: "img", "aria-label": words }, bar);
}
