// Every label, and what became of each pattern, as tables.
import { el, panel, setText } from "../desk/dom.js";
import * as show from "../desk/format.js";
import { Table } from "../desk/table.js";
import * as words from "./words.js";

const paintName = (row, td) => {
  setText(td, row.pattern);
  td.classList.add("outside");
};
const MARK = { success: "up", failure: "down" };

export function labelTable({ onEdit, onDelete, onLook }) {
  const columns = [
    { id: "pattern", label: "Pattern", text: (row) => row.pattern, paint: paintName },
    { id: "market", label: "Market", text: (row) => words.where(row) },
    { id: "first", label: `From (${show.ZONE})`, text: (row) => show.time(row.first), sort: (row) => row.first, title: (row) => show.timeUtc(row.first), wide: true },
    { id: "bars", label: "Bars", text: (row) => show.count(row.bars), sort: (row) => row.bars, right: true },
    { id: "outcome", label: "Outcome", text: (row) => words.OUTCOMES[row.outcome], tone: (row) => MARK[row.outcome], title: (row) => words.ruleWords(row.rule) },
    { id: "note", label: "Note", text: (row) => row.note, title: (row) => row.note, wide: true, css: "outside" },
  ];
  const detail = (row) => el("div", { class: "row-acts" },
    el("span", { class: "muted", text: `${words.ruleWords(row.rule)} · seen until ${show.time(row.seen)}${row.shared ? " · shared" : ""}` }),
    el("button", { type: "button", class: "quiet", text: "Look", onclick: () => onLook(row) }),
    el("button", { type: "button", class: "quiet", text: "Edit", onclick: () => onEdit(row) }),
    el("button", { type: "button", class: "quiet", text: "Delete", onclick: () => onDelete(row) }));
  const empty = () => [el("p", { text: "No label yet." }), el("p", { text: "Drag over the chart, or press A on it, to brush a window." })];
  const table = new Table({ name: "labels", caption: "Your labels", columns, key: (row) => row.id, detail, empty });
  return framed("Your labels", "labels", table);
}

export function recordTable() {
  const columns = [
    { id: "pattern", label: "Pattern", text: (row) => row.pattern, paint: paintName },
    { id: "rate", label: "Success", text: (row) => `${row.won} of ${row.decided}`, sort: (row) => (row.decided ? row.won / row.decided : null), right: true },
    { id: "interval", label: "95 %", text: (row) => (row.low === null ? show.UNKNOWN : `${show.fixed(row.low * 100, 0)} – ${words.share(row.high)}`), sort: (row) => row.low, right: true, wide: true },
    { id: "chance", label: "By chance", text: (row) => words.share(row.chance), sort: (row) => row.chance, right: true },
    { id: "p", label: "p", text: (row) => show.fixed(row.p, 3), sort: (row) => row.p, right: true, title: (row) => `after ${row.tries} tries` },
    { id: "later", label: "Out of sample", text: (row) => (row.later_decided ? `${row.later_won} of ${row.later_decided}` : show.UNKNOWN), title: (row) => (row.later_decided ? "" : "nothing has been decided since the labels were made"), right: true, wide: true },
    { id: "words", label: "Verdict", text: (row) => row.words, title: (row) => row.words, css: "verdict" },
  ];
  const detail = (row) => el("p", { class: "said", text: row.words });
  const empty = () => [el("p", { text: "No pattern yet." }), el("p", { text: "What you label is counted here, beside what chance would do." })];
  const table = new Table({ name: "records", caption: "What became of each pattern", columns, key: (row) => row.pattern, detail, empty });
  return framed("Is it real?", "records", table);
}

function framed(title, css, table) {
  const made = panel(title, css, [table.exporter()]);
  made.body.append(table.node);
  return { node: made.node, update: (rows) => table.update(rows) };
}
