// The answer in one line: how much is held, how much it moves, how much a bad day costs. A what-if stands below each.
import { el, setAttr, setText } from "./dom.js";
import * as show from "./format.js";
import { showChip } from "./marks.js";

const share = (value, places = 2) => (typeof value === "number" ? `${show.fixed(value * 100, places)} %` : show.UNKNOWN);

export function figuresStrip() {
  const chip = el("span", { class: "chip", hidden: true });
  const boxes = FIGURES.map((figure) => ({ figure, ...box(figure.label) }));
  boxes[0].label.append(" ", chip);
  const node = el("div", { class: "risk-figures" }, ...boxes.map((one) => one.node));
  return {
    node,
    update(view, deskView) {
      showChip(chip, deskView);
      for (const { figure, label, value, under, other } of boxes) {
        if (figure.name) setText(label, figure.name(view));
        setText(value, figure.text(view.figures, view.currency));
        setAttr(value, "title", value.textContent === show.UNKNOWN ? view.unknown[0] ?? "not computed" : figure.hover?.(view) ?? null);
        setText(under, figure.under(view.figures, view.currency));
        const then = view.what_if?.figures;
        setText(other, then ? `→ ${(figure.then ?? figure.text)(then, view.currency, view.figures)}` : "");
        setAttr(other, "title", then ? view.what_if.label : null);
        setAttr(other, "hidden", then ? null : "hidden");
      }
    },
  };
}

function box(name) {
  const label = el("span", { class: "label", text: name });
  const value = el("span", { class: "value", text: show.UNKNOWN });
  const under = el("span", { class: "under muted" });
  const other = el("span", { class: "other", hidden: true });
  return { node: el("div", { class: "figure-box" }, label, value, other, under), label, value, under, other };
}

const cash = (value, currency) => (typeof value === "number" ? `${show.fixed(value)} ${currency}` : show.UNKNOWN);
const percent = (part) => show.fixed(part * 100, 1).replace(/\.0$/, "");
const level = (view) => `${percent(view.confidence)} %`;
const tail = (key) => ({
  text: (f, currency) => cash(f[key].historical.money, currency),
  then: (f, currency, now) => beside(f[key], now[key], currency),
  under: (f, currency) => `${share(f[key].historical.share)} of equity; normal law ${cash(f[key].parametric.money, currency)}`,
});

/** Like with like: where a supposed market has no history, the normal law now and then. */
function beside(then, now, currency) {
  if (then.historical.money !== null || then.parametric.money === null) return cash(then.historical.money, currency);
  return `${cash(then.parametric.money, currency)}, now ${cash(now.parametric.money, currency)}, by the normal law`;
}

const FIGURES = [
  { label: "Gross exposure", text: (f, c) => cash(f.gross, c), under: (f) => `${share(f.gross_share, 1)} of equity` },
  { label: "Net exposure", text: (f, c) => (typeof f.net === "number" ? `${show.signed(f.net)} ${c}` : show.UNKNOWN), under: (f) => `${share(f.net_share, 1)} of equity` },
  { label: "Volatility", text: (f) => (typeof f.volatility_year === "number" ? `${share(f.volatility_year, 1)} a year` : show.UNKNOWN), under: (f) => `${share(f.volatility_bar, 3)} a bar` },
  { label: "VaR", name: (view) => `VaR ${level(view)}, a bar`, hover: (view) => `A loss this large or larger in ${percent(1 - view.confidence)} of 100 bars`, ...tail("var") },
  { label: "CVaR", name: (view) => `CVaR ${level(view)}, a bar`, hover: (view) => `The mean loss of the worst ${percent(1 - view.confidence)} of 100 bars`, ...tail("cvar") },
];
