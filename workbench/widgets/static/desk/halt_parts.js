// The dialog's words, its list of bots, and what to do when the page cannot help.
import { el, setAttr, setText } from "./dom.js";
import * as show from "./format.js";

const TAKER_FEE = 0.001; // what venues commonly take of a market order; said as an estimate

/** {title, lead, effects} for the state the dialog is in. */
export function inWords(dialog, halted) {
  const { phase, report, store } = dialog;
  if (phase === "asked" || phase === "working") return { title: "Halting all bots", lead: "", effects: [] };
  if (phase === "done") return { title: report.title, lead: "", effects: [] };
  if (halted) {
    const lead = "Nothing may grow until a person releases it. Halting again tells every bot once more.";
    return { title: "The desk is halted", lead, effects: [] };
  }
  if (store.view.state === "halted") {
    const lead = "Nothing is latched: they stay halted until you resume them (workbench ask '/resume all'). Halting latches the desk.";
    return { title: "Every bot is halted", lead, effects: effectsOf(store) };
  }
  return { title: "Halt all bots?", lead: consequence(store), effects: effectsOf(store) };
}

/** What the dialog says to whom its button is not for. */
export function notYours(role) {
  const lead = `Halting is for operators and admins, and you are ${role}. Call one of them. At a terminal of the desk's machine it is: workbench ask '/halt all'`;
  return { title: "You cannot halt from here", lead, effects: [] };
}

/** "Halt 4 bots, close 3 positions worth 12,340.00 USD, about −12.34 USD in fees." */
export function consequence(store) {
  const bots = store.bots;
  const held = bots.flatMap((bot) => bot.status?.positions ?? []);
  const worth = sums(held);
  const plural = (n, word) => `${show.count(n)} ${word}${n === 1 ? "" : "s"}`;
  const fees = [...worth].map(([currency, value]) => `${show.signed(-value * TAKER_FEE)} ${currency}`.trim());
  const closing = held.length ? `, close ${plural(held.length, "position")} worth ${listed(worth)}, about ${fees.join(" and ")} in fees at 0.10 %` : ", no open position is known";
  const unheard = bots.filter((bot) => !bot.status).length;
  return `Halt ${plural(bots.length, "bot")}${closing}.${unheard ? ` ${plural(unheard, "bot")} never told what ${unheard === 1 ? "it holds" : "they hold"}.` : ""}`;
}

function effectsOf(store) {
  const names = store.bots.map((bot) => bot.id);
  return [
    names.length ? `For ${names.slice(0, 12).join(", ")}${names.length > 12 ? ` and ${names.length - 12} more` : ""}.` : "No bot is known here; the latch holds for whichever comes.",
    "First the halt is written to the ledger; from then on nothing may grow, even if the desk's process is dead.",
    "Then entries are blocked, open orders cancelled, and positions closed at the market price.",
    "Then the venue itself is read, and each bot is named as confirmed or not confirmed.",
    "It lasts until a person releases it.",
  ];
}

function sums(held) {
  const worth = new Map();
  for (const { symbol, value } of held) {
    const currency = symbol.split("/")[1] ?? "";
    worth.set(currency, (worth.get(currency) ?? 0) + Math.abs(value ?? NaN));
  }
  return worth;
}

const listed = (worth) => [...worth].map(([currency, value]) => `${show.fixed(value)} ${currency}`.trim()).join(" and ");

/** Shown whenever this page is not, or may not be, heard. */
export function instead() {
  return el(
    "div", { class: "halt-instead", role: "alert", hidden: true },
    el("p", {}, el("b", { text: "This page cannot be sure to reach the bots now." }), " Do not wait for it. In a terminal, in the desk's folder, run"),
    el("p", {}, el("code", { text: "workbench ask '/halt all'" })),
    el("p", { text: "It needs neither this page nor a running desk. If that fails too, revoke the bots' API keys at the venue." }),
  );
}

/** Every bot by name, with what is known of it. */
export class BotList {
  constructor() {
    this.node = el("ul", { class: "halt-bots" });
    this.rows = new Map();
  }

  update(expected, found, busy) {
    const known = new Map(found.map((row) => [row.id, row]));
    const names = [...new Set([...expected, ...known.keys()])];
    for (const [name, row] of this.rows) if (!names.includes(name)) this.rows.delete(name) && row.node.remove();
    for (const name of names) {
      if (!this.rows.has(name)) this.rows.set(name, this.add(name));
      paint(this.rows.get(name), known.get(name), busy);
    }
    setAttr(this.node, "hidden", names.length ? null : "hidden");
  }

  add(name) {
    const sign = el("i", { class: "halt-sign", "aria-hidden": "true" });
    const outcome = el("b");
    const why = el("span", { class: "outside muted" });
    const node = el("li", {}, sign, el("span", { class: "outside halt-name", text: name }), outcome, why);
    this.node.append(node);
    return { node, outcome, why };
  }
}

function paint(row, found, busy) {
  const outcome = found?.confirmed ? "confirmed" : found ? "not confirmed" : busy ? "waiting" : "not confirmed";
  setAttr(row.node, "data-outcome", outcome);
  setText(row.outcome, outcome === "waiting" ? "telling it" : outcome);
  const left = found?.left ? `left open: ${found.left}` : "";
  const said = found && !found.confirmed ? [found.outcome, left, found.why] : found || busy ? [left] : ["nothing was heard of it"];
  setText(row.why, said.filter(Boolean).join("; "));
}
