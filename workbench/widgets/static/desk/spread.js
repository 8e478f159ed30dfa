// How the returns of finished trades are spread, and what they amount to.
import { el, facts, panel, setAttr, setText } from "./dom.js";
import { bare } from "./files.js";
import * as show from "./format.js";

const COLUMNS = [
  { label: "From", right: true, sort: (bin) => bin.from },
  { label: "To", right: true, sort: (bin) => bin.to },
  { label: "Trades", right: true, sort: (bin) => bin.count },
];

export function spreadPanel(store) {
  let shown = null;
  const save = store.files.buttons(() => ({ name: "profit distribution", table: bare(COLUMNS, binsOf(shown)) }));
  const { node, body, chip } = panel("Profit distribution", "spread", [save]);
  const chart = el("div", { class: "columns histogram" });
  const feet = el("div", { class: "columns-feet muted" }, el("span"), el("span", { text: "return of a trade" }), el("span"));
  const figures = el("div");
  const blank = el("p", { class: "blank" });
  body.append(chart, feet, figures, blank);
  return {
    node, chip, money: true,
    update(view) {
      if (view === shown && view) return;
      shown = view;
      const bins = binsOf(view);
      for (const part of [chart, feet, figures]) setAttr(part, "hidden", bins.length ? null : "hidden");
      setAttr(blank, "hidden", bins.length ? "hidden" : null);
      setText(blank, view ? "No trade has been finished in this run." : "Asking the bots for their trades.");
      if (!bins.length) return;
      draw(chart, bins);
      setText(feet.firstChild, edge(bins[0].from));
      setText(feet.lastChild, edge(bins.at(-1).to));
      figures.replaceChildren(facts(factsOf(view)));
    },
  };
}

const edge = (value) => show.percent(value, Math.abs(value) < 0.001 ? 2 : 1);

function binsOf(view) {
  const { edges = [], counts = [] } = view?.spread ?? {};
  return counts.map((count, i) => ({ from: edges[i], to: edges[i + 1], count }));
}

function draw(chart, bins) {
  const most = Math.max(...bins.map(({ count }) => count));
  chart.replaceChildren(...bins.map(({ from, to, count }) => {
    const bar = el("i", { class: "column", "data-tone": from < 0 ? "down" : "up" });
    bar.style.setProperty("--part", (count / most).toFixed(4));
    const words = `${edge(from)} to ${edge(to)}: ${show.count(count)} trades`;
    return el("span", { title: words, role: "img", "aria-label": words }, bar);
  }));
}

function factsOf({ record, currency, unknown }) {
  if (!record) return [["Not added up", unknown.join(" · ")]];
  const cash = (value) => (value === null ? show.UNKNOWN : `${show.signed(value)} ${currency}`);
  return [
    ["Trades", show.count(record.trades)],
    ["Won", `${show.fixed((record.wins / record.trades) * 100, 1)} %, ${show.count(record.wins)} to ${show.count(record.losses)}`],
    ["Sum", cash(record.total)],
    ["Profit factor", record.profit_factor === null ? `${show.UNKNOWN} no loss yet` : show.fixed(record.profit_factor)],
    ["Mean", cash(record.mean)],
    ["Median", cash(record.median)],
    ["Best", cash(record.best)],
    ["Worst", cash(record.worst)],
  ];
}
