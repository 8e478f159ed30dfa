// A reply of the grammar as nodes: title, texts, tables to take along, pictures, questions, what may be done next. Everything in it is text.
import { el } from "./dom.js";
import * as show from "./format.js";
import { Table } from "./table.js";

let born = 0;

/** `onLine(line)` is called when a question is answered by its button; `files` saves tables. */
export function replyNode(reply, onLine, files) {
  const parts = reply.parts.map((part) => PARTS[part.type]?.(part, onLine, files)).filter(Boolean);
  const notes = reply.notes.length ? el("ul", { class: "reply-notes muted" }, ...reply.notes.map((text) => el("li", { class: "outside", text }))) : null;
  const error = reply.error ? el("p", { class: "reply-error outside", role: "alert", text: reply.error }) : null;
  return el("article", { class: "reply", "data-ok": String(reply.ok) }, el("h3", { class: "outside", text: reply.title }), error, ...parts, notes);
}

const PARTS = { text: textPart, table: tablePart, chart: chartPart, question: questionPart, choices: choicesPart };

function textPart({ text, tone }) {
  return el("p", { class: "reply-text outside", "data-tone": { warning: "warning", bad: "down", good: "up" }[tone], "data-muted": tone === "muted" ? "" : null, text });
}

function tablePart(part, _onLine, files) {
  const why = new Map(part.why.map(([row, name, words]) => [`${row}\n${name}`, words]));
  const name = part.title || `table ${(born += 1)}`;
  const said = part.columns.filter((_, i) => !part.rows.length || part.rows.some((row) => row[i] !== "")); // a column that says nothing is left out
  const rows = part.rows.map((cells, at) => ({ at, cells, raws: part.raws[at] }));
  const table = new Table({
    name: `reply ${name}`,
    caption: part.title || "Answer",
    key: (row) => String(row.at),
    columns: part.columns.map((column, i) => columnOf(column, i, why, part.currencies[i])).filter((_, i) => said.includes(part.columns[i])),
    empty: () => el("p", { text: "Nothing." }),
  });
  table.order = null; // the answer's own order, until the viewer sorts
  table.update(rows);
  const more = part.left_out ? el("p", { class: "muted", text: `${part.left_out.toLocaleString("en-US")} more rows: narrow the question, or ask in a terminal with --json` }) : null;
  const head = el("header", { class: "reply-head" }, el("h4", { class: "outside", text: part.title }), el("span", { class: "spring" }), table.exporter(files));
  return el("section", { class: "reply-table" }, head, table.node, more);
}

function columnOf({ name, right, shape }, i, why, currencies) {
  return {
    id: `${i}`,
    label: name,
    right,
    kind: shape === "time" ? "time" : null,
    currency: currencies && ((row) => currencies[row.at]),
    css: shape === "bot" ? "name outside" : "outside",
    text: (row) => row.cells[i],
    sort: (row) => row.raws[i] ?? (right ? null : row.cells[i]),
    csv: (row) => row.raws[i] ?? (row.cells[i] === show.UNKNOWN ? "" : row.cells[i]),
    title: (row) => why.get(`${row.at}\n${name}`) ?? null,
    tone: (row) => (shape === "change" || shape === "percent" ? toneOf(row.raws[i]) : null),
  };
}

const toneOf = (value) => (value > 0 ? "up" : value < 0 ? "down" : null);

function chartPart({ caption, picture, trouble }) {
  const shown = picture.startsWith("data:image/svg+xml;base64,") ? el("img", { src: picture, alt: caption }) : el("p", { class: "muted", text: trouble });
  return el("figure", { class: "reply-chart" }, shown, el("figcaption", { class: "muted outside", text: caption }));
}

function questionPart({ text, answer, until }, onLine) {
  const go = el("button", { type: "button", class: "quiet", text: "Yes, do it", onclick: () => onLine(answer) });
  const last = until ? el("span", { class: "muted", text: `until ${show.time(until, true)}` }) : null;
  return el("div", { class: "reply-question", "data-tone": "warning" }, el("p", { class: "outside", text }), el("code", { class: "outside", text: answer }), go, last);
}

function choicesPart({ text, rows }, onLine) {
  const button = ([label, line]) => el("button", { type: "button", class: "quiet", title: line, text: label, onclick: () => onLine(line) });
  return el("div", { class: "reply-choices" }, el("p", { class: "outside", text }), ...rows.map((row) => el("div", {}, ...row.map(button))));
}
