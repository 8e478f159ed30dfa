// Limits with what is left of them, the drawdown ladder, who may trade, and what is held by cluster and venue.
import { el, panel, setAttr, setText } from "./dom.js";
import * as show from "./format.js";
import { swatch } from "./marks.js";
import { bare } from "./files.js";
import { Table } from "./table.js";

const percent = (value) => (typeof value === "number" ? `${show.fixed(value * 100, 1).replace(/\.0$/, "")} %` : show.UNKNOWN);
const figure = (id, label, text, more = {}) => ({ id, label, right: true, text, sort: (row) => row[id], ...more });
const cash = (id) => (row) => (typeof row[id] === "number" ? show.fixed(row[id]) : show.UNKNOWN);

export function limitsPanel(files) {
  const table = new Table({
    name: "limits",
    caption: "Limits, the tightest first",
    key: (row) => `${row.name}\n${row.scope}`,
    columns: [
      { id: "scope", label: "Of", text: (row) => row.scope, css: "name outside" },
      { id: "name", label: "Limit", text: (row) => row.name, css: "outside" },
      { id: "room", label: "Used", text: (row) => percent(row.part), sort: (row) => row.part, paint: roomBar },
      figure("used", "Held", cash("used"), { wide: true }),
      figure("cap", "Cap", cash("cap"), { title: (row) => (row.tightened ? `${show.fixed(row.before)} before it was tightened` : null), tone: (row) => (row.tightened ? "warning" : null) }),
      figure("headroom", "Left", cash("headroom"), { wide: true, tone: (row) => (row.headroom !== null && row.headroom <= 0 ? "down" : null) }),
      { id: "why", label: "Tightened because", text: (row) => row.why || "", css: "outside reason", wide: true, title: (row) => row.why },
    ],
    detail: (row) => el("p", { class: "outside", text: row.why ? `${show.fixed(row.before)} was tightened to ${show.fixed(row.cap)}: ${row.why}` : "As it was set; nothing tightens it now." }),
    empty: () => el("p", { text: "No limit is known here." }),
  });
  const { node, body, chip } = panel("Limits", "limits", [table.exporter(files)]);
  body.append(table.node);
  const order = (rows) => [...rows].sort((a, b) => (b.part ?? 9) - (a.part ?? 9)); // the unknown may be the worst
  return { node, chip, money: true, update: (view) => table.update(order(view.limits)) };
}

function roomBar(row, td) {
  if (!td.firstChild) td.append(el("span", { class: "room", "aria-hidden": "true" }, el("i")), el("span", { class: "figure" }));
  const [track, words] = td.children;
  const part = row.part;
  track.firstChild.style.setProperty("--part", Math.min(1, Math.max(0, part ?? 0)).toFixed(3));
  setAttr(track, "data-full", part === null || part >= 1 ? "over" : part >= 0.8 ? "near" : "");
  setText(words, percent(part));
}

export function ladderPanel(paper, files) {
  let shown = [];
  const save = files.buttons(() => ({ name: "drawdown ladder", table: bare(LADDER, shown) }));
  const { node, body } = panel("Drawdown ladder", "ladder", [save]);
  const list = el("ul", { class: "rungs" });
  const blank = el("p", { class: "blank", text: "The ladder begins when equity has been recorded." });
  body.append(list, blank);
  const rows = new Map();
  return {
    node,
    update({ drawdowns }) {
      shown = drawdowns;
      const names = drawdowns.map((row) => row.name);
      for (const [name, row] of rows) if (!names.includes(name)) rows.delete(name) && row.node.remove();
      drawdowns.forEach((row, i) => {
        if (!rows.has(row.name)) rows.set(row.name, rung(row.name));
        climb(rows.get(row.name), row, paper);
        const held = rows.get(row.name).node;
        if (list.children[i] !== held) list.insertBefore(held, list.children[i] ?? null);
      });
      setAttr(blank, "hidden", drawdowns.length ? "hidden" : null);
    },
  };
}

const LADDER = [
  { label: "Name", text: (row) => row.name },
  ...[["Drawdown", "drawdown"], ["Step", "step"], ["Next step", "next"], ["Limits at", "factor"]].map(([label, id]) => ({ label, right: true, sort: (row) => row[id] })),
];

function rung(name) {
  const [shade, fall, bar, words] = [swatch(), el("span", { class: "figure" }), el("span", { class: "room", "aria-hidden": "true" }, el("i")), el("span", { class: "muted outside rung-words" })];
  return { node: el("li", {}, shade, el("span", { class: "outside rung-name", text: name, title: name }), bar, fall, words), shade, fall, bar, words };
}

function climb(held, row, paper) {
  held.shade.style.setProperty("--shade", row.colour ? row.colour[paper()] : "var(--wb-text)");
  setText(held.fall, typeof row.drawdown === "number" ? `${show.fixed(-row.drawdown * 100, 2)} %` : show.UNKNOWN);
  const part = row.next ? row.drawdown / row.next : row.step ? 1 : 0;
  held.bar.firstChild.style.setProperty("--part", Math.min(1, Math.max(0, part || 0)).toFixed(3));
  setAttr(held.bar, "data-full", row.step ? "over" : part >= 0.8 ? "near" : "");
  const factor = typeof row.factor === "number" ? `limits at ${percent(row.factor)}` : "limits unknown";
  const next = row.next ? `next step at ${percent(row.next)}` : "no further step";
  setText(held.words, `${row.step ? `below the ${percent(row.step)} step` : "above the first step"}; ${factor}; ${next}`);
}

export function statesPanel(halt, files) {
  let shown = [];
  const columns = ["scope", "state", "why"].map((id) => ({ label: show.words(id), text: (row) => row[id] }));
  const save = files.buttons(() => ({ name: "who may trade", table: bare(columns, shown) }));
  const { node, body } = panel("Who may trade", "states", [save]);
  const list = el("ul", { class: "standing" });
  body.append(list);
  let said = "";
  return {
    node,
    update({ states }) {
      shown = states;
      const fresh = JSON.stringify(states);
      if (fresh !== said) list.replaceChildren(...states.map((row) => standing(row, halt)));
      said = fresh;
    },
  };
}

function standing({ scope, state, why }, halt) {
  const held = state === "halted";
  const release = held && halt.releases ? el("button", { type: "button", class: "quiet", text: "Release…", onclick: () => halt.open(scope) }) : null;
  return el(
    "li", {}, el("span", { class: "outside standing-name", text: scope }), el("span", { class: "state", "data-state": state, text: state.toUpperCase() }),
    el("span", { class: "outside muted standing-why", text: why, title: why }), release,
  );
}

export function groupsPanel(files) {
  const table = new Table({
    name: "groups",
    caption: "Exposure by cluster and venue",
    key: (row) => `${row.kind}\n${row.name}`,
    columns: [
      { id: "kind", label: "Kind", text: (row) => row.kind, css: "muted" },
      { id: "name", label: "Name", text: (row) => row.name, css: "name outside" },
      figure("gross", "Gross", cash("gross")),
      figure("net", "Net", (row) => show.signed(row.net)),
    ],
    empty: () => el("p", { text: "Nothing is held." }),
  });
  const { node, body, chip } = panel("Clusters and venues", "groups", [table.exporter(files)]);
  body.append(table.node);
  return { node, chip, money: true, update: (view) => table.update(view.groups) };
}
