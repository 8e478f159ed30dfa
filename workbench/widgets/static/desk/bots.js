// The bots: one row each, its detail below, their sum at the foot.
import { el, facts, panel, setAttr, setText } from "./dom.js";
import * as show from "./format.js";
import { Table } from "./table.js";
import { mark, named } from "./marks.js";

export function botsPanel(store, paper) {
  const table = new Table({
    name: "bots",
    caption: "Bots with their health, equity and profit; Enter opens a row",
    key: (row) => row.id,
    columns: columns(store, paper),
    detail: (row) => detail(row, store),
    foot: (rows) => foot(rows, store.view.total),
    empty: () => blank(store),
  });
  const { node, body, chip } = panel("Bots", "bots", [table.exporter(store.files)]);
  body.append(table.node);
  return { node, chip, table, update: () => table.update(store.bots) };
}

const sum = (row, key) => row.status?.[key]?.amount ?? null;
const moneyColumn = (id, label, key, signed) => ({
  id,
  label,
  right: true,
  text: (row) => show.money(row.status?.[key], signed),
  sort: (row) => sum(row, key),
  tone: signed ? (row) => show.tone(sum(row, key)) : undefined,
  title: (row) => (sum(row, key) === null ? unknown(row, label) : null),
  stale: (row) => !row.ok,
  currency: (row) => row.status?.[key]?.currency,
});
const unknown = (row, label) => `${label} unknown: ${row.reason || (row.status ? "the bot does not tell it" : "never heard from")}`;

function columns(store, paper) {
  return [
    { id: "bot", label: "Bot", text: (row) => row.id, paint: (row, td) => named(td, row.id, row.colour, paper), css: "name" },
    { id: "health", label: "Health", text: (row) => row.word, paint: health, title: (row) => row.reason },
    { id: "state", label: "State", text: (row) => row.status?.state ?? show.UNKNOWN, paint: state, wide: true, csv: (row) => row.status?.state },
    {
      id: "control", label: "Control", wide: true,
      text: (row) => (row.status ? (row.status.gated ? "gated" : "supervised") : show.UNKNOWN),
      title: (row) => row.status && (row.status.gated ? "Asks before each order" : "Watched; paused or reduced on a breach"),
    },
    { ...moneyColumn("equity", "Equity", "equity", false), wide: true },
    moneyColumn("pnl", "P&L", "pnl", true),
    { ...moneyColumn("day_pnl", "Day P&L", "day_pnl", true), wide: true },
    {
      id: "positions", label: "Open", export: "Open positions", right: true, wide: true,
      text: (row) => show.count(row.status?.positions.length), sort: (row) => row.status?.positions.length ?? null,
      stale: (row) => !row.ok,
    },
    {
      id: "trades", label: "Trades", right: true, wide: true,
      text: (row) => show.count(row.status?.trades), sort: (row) => row.status?.trades ?? null, stale: (row) => !row.ok,
    },
    {
      id: "age", label: "Data age", export: "Data age s", right: true, wide: true,
      text: (row) => age(row, store), title: (row) => show.timeUtc(row.data_at),
      sort: (row) => (row.data_at === null ? null : Math.max(0, Math.round((store.now - row.data_at) / 1000))),
      tone: (row) => (row.word === "stale" ? "warning" : null),
    },
  ];
}

const age = (row, store) => {
  if (row.data_at === null) return show.UNKNOWN;
  const text = show.span(store.now - row.data_at);
  return row.word === "stale" ? `◷ stale ${text}` : text;
};

function health(row, td) {
  if (!td.firstChild) td.append(mark(), el("span"), el("small", { class: "narrow" }), el("small", { class: "why muted outside wide" }));
  const [sign, word, held, why] = td.children;
  setAttr(sign, "data-health", row.word);
  setText(word, row.word);
  const still = row.status && row.status.state !== "running"; // a phone has no column for it
  setText(held, still ? ` ${row.status.state}` : "");
  setText(why, row.ok ? "" : row.reason);
}

function state(row, td) {
  const word = row.status?.state ?? show.UNKNOWN;
  setText(td, word);
  setAttr(td, "data-state", word);
}

function foot(rows, total) {
  const cell = (value, signed) => ({
    text: show.money(value, signed), tone: signed ? show.tone(value?.amount) : null, title: value ? null : total?.unknown,
  });
  const all = (pick) => (rows.every((row) => row.status) ? rows.reduce((n, row) => n + pick(row.status), 0) : null);
  const healthy = rows.filter((row) => row.ok).length;
  return [
    { text: "Total" }, { text: `${healthy} of ${rows.length} healthy` }, null, null,
    cell(total?.equity), cell(total?.pnl, true), cell(total?.day_pnl, true),
    { text: show.count(all((status) => status.positions.length)) }, { text: show.count(all((status) => status.trades)) }, null,
  ];
}

function detail(row, store) {
  const { status } = row;
  return facts([
    ["Health", row.ok ? "live, ready, fresh" : `${row.word}${row.reason ? `: ${row.reason}` : ""}`],
    ["Answers in", row.latency === null ? show.UNKNOWN : `${show.count(row.latency)} ms`],
    ["Data", row.data_at === null ? show.UNKNOWN : `${show.ago(row.data_at, store.now)}`],
    ["Acted on the market up to", show.time(status?.market_time)],
    ["Equity", show.money(status?.equity)],
    ["Realised", show.money(status?.realised, true)],
    ["Day P&L", show.money(status?.day_pnl, true)],
    ["Open positions", show.count(status?.positions.length)],
    ["Trades", show.count(status?.trades)],
    ["Control", status ? (status.gated ? "gated: asks before each order" : "supervised: watched, paused on a breach") : show.UNKNOWN],
    ["Does", row.capabilities.join(", ") || show.UNKNOWN],
    ["Tags", row.tags.join(", ") || "none"],
    ["Says", status?.detail || "nothing"],
  ]);
}

function blank(store) {
  if (store.view.phase === "loading") return el("p", { text: "Waiting for the desk's first figures." });
  return [
    el("p", { text: "No bot is registered." }),
    el("p", { class: "muted" }, "Start the research bots with ", el("code", { text: "workbench up" }), ", or name yours under ", el("code", { text: "[[bots]]" }), " in workbench.toml."),
  ];
}
