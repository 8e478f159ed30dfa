// Where the risk comes from: each name's share of volatility and of CVaR. Shares add up to the whole; a hedge is below 0.
import { el, panel, setAttr, setText } from "./dom.js";
import * as show from "./format.js";
import { bare } from "./files.js";
import { swatch } from "./marks.js";

const KINDS = [["volatility", "Vol."], ["cvar", "CVaR"]];
const share = (value) => (typeof value === "number" ? `${show.fixed(value * 100, 1)} %` : show.UNKNOWN);

const COLUMNS = [
  { label: "Name", text: (row) => row.name },
  { label: "Share of volatility", right: true, sort: (row) => row.volatility },
  { label: "Share of CVaR", right: true, sort: (row) => row.cvar },
];

export function sharesPanel(title, key, paper, files) {
  let shown = [];
  const save = files.buttons(() => ({ name: title.toLowerCase(), table: bare(COLUMNS, shown) }));
  const { node, body } = panel(title, `shares ${key}`, [save]);
  const list = el("ul", { class: "share-list" });
  const blank = el("p", { class: "blank", text: "Nothing is at risk, or it cannot be told." });
  body.append(list, blank);
  const rows = new Map();
  return {
    node,
    update(view) {
      const found = view[key];
      shown = found;
      const then = new Map((view.what_if?.[key] ?? []).map((row) => [row.name, row]));
      const names = found.map((row) => row.name);
      for (const [name, row] of rows) if (!names.includes(name)) rows.delete(name) && row.node.remove();
      const scale = scaleOf([...found, ...then.values()]);
      list.style.setProperty("--zero", scale.zero.toFixed(4));
      found.forEach((row, i) => {
        if (!rows.has(row.name)) rows.set(row.name, line(row.name));
        const held = rows.get(row.name);
        held.swatch.style.setProperty("--shade", row.colour ? row.colour[paper()] : "var(--wb-accent)");
        for (const [kind] of KINDS) draw(held[kind], row[kind], then.get(row.name)?.[kind], scale);
        if (list.children[i] !== held.node) list.insertBefore(held.node, list.children[i] ?? null);
      });
      setAttr(blank, "hidden", found.length ? "hidden" : null);
    },
  };
}

function scaleOf(rows) {
  const values = rows.flatMap((row) => KINDS.map(([kind]) => row[kind] ?? 0));
  const [most, least] = [Math.max(...values, 0.01), Math.min(...values, 0)];
  return { width: most - least, zero: -least / (most - least) };
}

function line(name) {
  const shade = swatch();
  const kinds = Object.fromEntries(KINDS.map(([kind, label]) => [kind, bar(label)]));
  const node = el("li", {}, el("div", { class: "share-name" }, shade, el("span", { class: "outside", text: name, title: name })), ...KINDS.map(([kind]) => kinds[kind].node));
  return { node, swatch: shade, ...kinds };
}

function bar(label) {
  const fill = el("i", { class: "bar" });
  const ghost = el("i", { class: "ghost", hidden: true });
  const figure = el("span", { class: "figure" });
  return { node: el("div", { class: "share-bar" }, el("span", { class: "muted", text: label }), el("span", { class: "track", "aria-hidden": "true" }, fill, ghost), figure), fill, ghost, figure };
}

function draw(held, value, then, scale) {
  setText(held.figure, then === undefined ? share(value) : `${share(value)} → ${share(then)}`);
  const place = (node, at) => {
    node.style.setProperty("--part", (Math.abs(at ?? 0) / scale.width).toFixed(4));
    node.dataset.side = (at ?? 0) < 0 ? "below" : "above";
  };
  place(held.fill, value);
  place(held.ghost, then);
  held.ghost.hidden = then === undefined;
}
