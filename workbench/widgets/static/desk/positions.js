// Every open position of every bot.
import { el, panel, setText } from "./dom.js";
import * as show from "./format.js";
import { swatch } from "./marks.js";
import { Table } from "./table.js";

export function positionsPanel(store, paper) {
  const table = new Table({
    name: "positions",
    caption: "Open positions",
    key: (row) => `${row.bot.id}\n${row.symbol}\n${row.nth}`,
    columns: columns(paper),
    empty: () => el("p", { text: store.view.phase === "loading" ? "Waiting for the desk's first figures." : "No open position." }),
  });
  const { node, body, chip } = panel("Open positions", "positions", [table.exporter()]);
  body.append(table.node);
  return { node, chip, table, update: () => table.update(store.bots.flatMap(held)) };
}

const held = (bot) => (bot.status?.positions ?? []).map((position, nth) => ({ ...position, bot, nth, currency: quote(position.symbol) }));
const quote = (symbol) => symbol.split("/")[1] ?? "";
const stale = (row) => !row.bot.ok;

function columns(paper) {
  const figure = (id, label, format, more = {}) => ({
    id, label, right: true, text: (row) => format(row[id]), sort: (row) => row[id], stale, ...more,
  });
  return [
    { id: "bot", label: "Bot", text: (row) => row.bot.id, paint: (row, td) => named(row, td, paper), css: "name" },
    { id: "symbol", label: "Market", text: (row) => row.symbol, css: "outside" },
    figure("amount", "Amount", show.amount, { wide: true }),
    figure("entry", "Entry", show.price, { wide: true, title: (row) => `Opened ${show.time(row.opened)}, ${show.timeUtc(row.opened)}` }),
    figure("mark", "Mark", show.price),
    figure("unrealised", "Unrealised", (value) => value, {
      text: (row) => `${show.signed(row.unrealised)} ${row.currency}`.trim(), tone: (row) => show.tone(row.unrealised),
    }),
    figure("stop", "Stop", show.price, { wide: true, title: (row) => (row.stop === null ? "The bot has set no stop" : null) }),
    figure("value", "Value", (value) => value, { wide: true, text: (row) => `${show.fixed(row.value)} ${row.currency}`.trim() }),
  ];
}

function named(row, td, paper) {
  if (!td.firstChild) td.append(swatch(), el("span", { class: "outside" }));
  td.firstChild.style.setProperty("--shade", row.bot.colour[paper()]);
  setText(td.lastChild, row.bot.id);
}
