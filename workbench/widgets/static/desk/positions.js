// Every open position of every bot.
import { el, facts, panel } from "./dom.js";
import * as show from "./format.js";
import { named } from "./marks.js";
import { Table } from "./table.js";

export function positionsPanel(store, paper) {
  const table = new Table({
    name: "positions",
    caption: "Open trades; Enter opens a row",
    key: (row) => `${row.bot.id}\n${row.symbol}\n${row.nth}`,
    columns: columns(paper),
    detail: (row) => facts([
      ["Opened", `${show.time(row.opened)} ${show.ZONE}`],
      ["Opened, UTC", show.timeUtc(row.opened)],
      ["Held for", show.span(store.view.market ? store.view.market.time - row.opened : null)],
      ["Amount", show.amount(row.amount)],
      ["Entry", show.price(row.entry)],
      ["Mark", show.price(row.mark)],
      ["Unrealised", `${show.signed(row.unrealised)} ${row.currency}`],
      ["Of what was put in", show.percent(row.unrealised / Math.abs(row.amount * row.entry))],
      ["To the stop", row.stop === null ? "the bot has set no stop" : show.percent(row.stop / row.mark - 1)],
      ["Money", row.bot.status?.mode ?? show.UNKNOWN],
    ]),
    empty: () => el("p", { text: store.view.phase === "loading" ? "Waiting for the desk's first figures." : "No open trade." }),
  });
  const { node, body, chip } = panel("Open trades", "positions", [table.filter("Filter open trades"), table.exporter(store.files)]);
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
    { id: "bot", label: "Bot", text: (row) => row.bot.id, paint: (row, td) => named(td, row.bot.id, row.bot.colour, paper), css: "name" },
    { id: "symbol", label: "Market", text: (row) => row.symbol, css: "outside" },
    figure("amount", "Amount", show.amount, { wide: true }),
    figure("entry", "Entry", show.price, { wide: true, title: (row) => `Opened ${show.time(row.opened)}, ${show.timeUtc(row.opened)}` }),
    figure("mark", "Mark", show.price),
    figure("unrealised", "Unrealised", (value) => value, {
      text: (row) => `${show.signed(row.unrealised)} ${row.currency}`.trim(), currency: (row) => row.currency, tone: (row) => show.tone(row.unrealised),
    }),
    { id: "opened", label: "Opened", kind: "time", right: true, wide: true, text: (row) => show.time(row.opened), sort: (row) => row.opened, title: (row) => show.timeUtc(row.opened) },
    figure("stop", "Stop", show.price, { wide: true, title: (row) => (row.stop === null ? "The bot has set no stop" : null) }),
    figure("value", "Value", (value) => value, { wide: true, currency: (row) => row.currency, text: (row) => `${show.fixed(row.value)} ${row.currency}`.trim() }),
  ];
}
