// Every finished trade, newest first.
import { el, facts, panel } from "./dom.js";
import * as show from "./format.js";
import { named } from "./marks.js";
import { Table } from "./table.js";

export function tradesPanel(store, paper) {
  const table = new Table({
    name: "trades",
    caption: "Finished trades; Enter opens a row",
    key: (row) => `${row.bot}\n${row.symbol}\n${row.opened}\n${row.closed}\n${row.amount}\n${row.pnl}`,
    columns: columns(paper),
    detail,
    empty: () => el("p", { text: store.pages.get("overview")?.view ? "No trade has been finished in this run." : "Asking the bots for their trades." }),
  });
  const { node, body, chip } = panel("Closed trades", "trades", [table.filter("Filter closed trades"), table.exporter(store.files)]);
  const note = el("p", { class: "panel-note muted", hidden: true });
  body.append(note, table.node);
  let shown = null;
  return {
    node, chip, money: true,
    update(view) {
      if (view === shown) return; // thousands of rows need not be compared each second
      shown = view;
      const words = [...(view?.unknown ?? []), ...(view?.left_out ? [`${show.count(view.left_out)} older trades are in the sums, and not in this list`] : [])];
      note.hidden = !words.length;
      note.textContent = words.join(" · ");
      table.update((view?.trades ?? []).map((row) => ({ ...row, colour: view.colours[row.bot] })));
    },
    repaint() {
      shown = null;
    },
  };
}

function columns(paper) {
  const figure = (id, label, format, more = {}) => ({ id, label, right: true, text: (row) => format(row[id]), sort: (row) => row[id], ...more });
  const moment = (id, label) => figure(id, label, show.time, { kind: "time", wide: true, title: (row) => show.timeUtc(row[id]) });
  const currency = (row) => row.currency;
  return [
    { id: "bot", label: "Bot", text: (row) => row.bot, paint: (row, td) => named(td, row.bot, row.colour, paper), css: "name" },
    { id: "symbol", label: "Market", text: (row) => row.symbol, css: "outside" },
    moment("closed", "Closed"),
    moment("opened", "Opened"),
    figure("amount", "Amount", show.amount, { wide: true }),
    figure("entry", "Entry", show.price, { wide: true }),
    figure("exit", "Exit", show.price, { wide: true }),
    figure("pnl", "P&L", show.signed, { text: (row) => `${show.signed(row.pnl)} ${row.currency}`, tone: (row) => show.tone(row.pnl), currency }),
    figure("gained", "Return", show.percent, { tone: (row) => show.tone(row.gained * 100) }),
    figure("fees", "Fees", show.fixed, { wide: true, currency }),
    { id: "reason", label: "Reason", text: (row) => row.reason, css: "outside", wide: true, title: (row) => row.reason },
  ];
}

function detail(row) {
  return facts([
    ["Opened", `${show.time(row.opened, true)} ${show.ZONE}`],
    ["Closed", `${show.time(row.closed, true)} ${show.ZONE}`],
    ["Opened, UTC", show.timeUtc(row.opened)],
    ["Closed, UTC", show.timeUtc(row.closed)],
    ["Held for", show.span(row.closed - row.opened)],
    ["Side", row.amount < 0 ? "short" : "long"],
    ["Amount", show.amount(row.amount)],
    ["Entry → exit", `${show.price(row.entry)} → ${show.price(row.exit)}`],
    ["P&L after fees", `${show.signed(row.pnl)} ${row.currency}`],
    ["Fees", `${show.fixed(row.fees)} ${row.currency}`],
    ["Reason", row.reason || "none given"],
  ]);
}
