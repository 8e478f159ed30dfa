// The header: who, in what state, how much, when, how healthy, and how to stop.
import { el, setAttr, setClass, setText } from "./dom.js";
import * as show from "./format.js";
import { mark, showChip } from "./marks.js";

/** `person`: who has logged in, where this is a page of its own. */
export function header(store, { openView, halt, person }) {
  const state = el("span", { class: "state" });
  const equity = figure("Equity");
  const day = figure("Day P&L");
  const run = figure("P&L");
  const chip = el("span", { class: "chip", hidden: true });
  equity.label.append(" ", chip);
  const clock = figure("Market");
  const dots = el("ul", { class: "dots", "aria-label": "Health by bot" });
  const view = el("button", { type: "button", class: "quiet", text: "View", title: "Theme, colours and keys (?)", onclick: openView });
  const node = el(
    "header", { class: "top" },
    el("div", { class: "who" }, el("span", { class: "logo", "aria-hidden": "true" }), el("h1", { text: "Workbench" }), state),
    el("div", { class: "sums" }, equity.node, day.node, run.node),
    clock.node,
    el("span", { class: "spring" }),
    dots,
    badge(person),
    view,
    halt.button,
  );
  const update = () => {
    const { total, market, phase } = store.view;
    const old = store.silentMs !== null || Boolean(store.view.trouble) || store.view.notices.some((n) => n.code === "off");
    setClass(node, "stale", old);
    showState(state, store.view, old);
    showChip(chip, store.view);
    showSum(equity, total?.equity, false, total, phase);
    showSum(day, total?.day_pnl, true, total, phase);
    showSum(run, total?.pnl, true, total, phase);
    showClock(clock, market, phase);
    showDots(dots, store.bots);
  };
  return { node, update };
}

function badge(person) {
  if (!person) return null;
  const words = person.name === "you" ? person.role : `${person.name}, ${person.role}`; // nobody but the admin has no name
  return el("span", { class: "person outside", title: `Logged in as ${words}`, text: words });
}

function figure(label) {
  const name = el("span", { class: "label", text: label });
  const value = el("span", { class: "value", text: show.UNKNOWN });
  return { node: el("div", { class: "figure-box" }, name, value), label: name, value };
}

function showState(node, view, old) {
  const running = view.desk !== null;
  const stopped = view.state === "halted" && !old; // a halt holds whether or not a desk runs
  const word = view.state === null ? "waiting" : (running || stopped) && !old ? view.state : running ? "stale" : "not running";
  setText(node, word.toUpperCase());
  setAttr(node, "data-state", word);
  setAttr(node, "title", running ? `Commands are executed by ${view.desk.holder}` : "Nobody executes commands now");
}

function showSum(box, value, signed, total, phase) {
  setText(box.value, show.money(value, signed));
  setClass(box.node, "known", Boolean(value));
  setAttr(box.value, "data-tone", signed ? show.tone(value?.amount) : null);
  const reason = phase === "loading" ? "not heard yet" : total?.unknown || "no bot tells it";
  setAttr(box.value, "title", value ? null : `Unknown: ${reason}`);
}

function showClock(box, market, phase) {
  const pace = market ? (market.ended ? "ended" : market.paused ? "paused" : "") : "";
  setText(box.label, `Market time${pace ? `, ${pace}` : ""}`);
  const text = market ? show.time(market.time) : show.UNKNOWN;
  if (!box.zone) {
    box.stamp = el("span");
    box.zone = el("small", { class: "zone" });
    box.value.replaceChildren(box.stamp, " ", box.zone);
    box.node.classList.add("clock");
  }
  setText(box.stamp, text);
  setText(box.zone, market ? show.ZONE : "");
  const hover = market ? `${show.timeUtc(market.time)}\n${market.source}, bars of ${market.timeframe}, run ${market.run_id}` : null;
  setAttr(box.value, "title", hover ?? (phase === "loading" ? "Not heard yet" : "Unknown: the venue does not answer"));
}

function showDots(list, bots) {
  while (list.children.length > bots.length) list.lastChild.remove();
  while (list.children.length < bots.length) list.append(el("li", {}, mark(), el("span", { class: "hush" })));
  bots.forEach((bot, i) => {
    const [sign, words] = list.children[i].children;
    const said = `${bot.id}: ${bot.word}${bot.reason ? `, ${bot.reason}` : ""}`;
    setAttr(sign, "data-health", bot.word);
    setAttr(list.children[i], "title", said);
    setText(words, said);
  });
}
