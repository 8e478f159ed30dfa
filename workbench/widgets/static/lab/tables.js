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

export function labelTable(files, { onEdit, onDelete, onLook }) {
  const columns = [
    { id: "pattern", label: "Pattern", text: (row) => row.pattern, paint: paintName },
    { id: "market", label: "Market", text: (row) => words.where(row) },
    { id: "first", label: `From (${show.ZONE})`, text: (row) => show.time(row.first), kind: "time", export: "From", sort: (row) => row.first, title: (row) => show.timeUtc(row.first), wide: true },
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
  return framed("Your labels", "labels", table, files);
}

const known = (told) => told && told.known > 0;
const counts = (told) => (known(told) ? `${told.won} of ${told.known}` : show.UNKNOWN);
const between = (told) => (known(told) ? `${show.fixed(told.low * 100, 0)} – ${words.share(told.high)}` : show.UNKNOWN);
const chance = (told) => (known(told) ? words.share(told.chance) : show.UNKNOWN);

export function recordTable(files) {
  const columns = [
    { id: "pattern", label: "Pattern", text: (row) => row.pattern, paint: paintName },
    { id: "labels", label: "Labels", text: (row) => `${row.won} of ${row.decided}`, sort: (row) => row.labels, title: (row) => `${row.labels} labels, ${row.decided} of them decided`, right: true, wide: true },
    { id: "later", label: "Since", text: (row) => counts(row.since), sort: (row) => row.since?.won ?? null, title: (row) => (known(row.since) ? "recognised after the newest bar that was seen when labelling" : "nothing recognised since has been decided"), right: true },
    { id: "interval", label: "95 %", text: (row) => between(row.since), right: true, wide: true },
    { id: "chance", label: "By chance", text: (row) => chance(row.since), right: true },
    { id: "words", label: "Verdict", text: (row) => words.sentence(row.words), title: (row) => words.sentence(row.words), css: "verdict" },
  ];
  const empty = () => [el("p", { text: "No pattern yet." }), el("p", { text: "What you label is counted here, beside what chance would do." })];
  const table = new Table({ name: "records", caption: "What became of each pattern", columns, key: (row) => row.pattern, detail: recordDetail, empty });
  return framed("Is it real?", "records", table, files);
}

/** Both parts of the record in full, then its cuts. */
function recordDetail(row) {
  if (!row.seen) return el("p", { class: "said", text: words.sentence(row.words) });
  const line = (name, told) => el("tr", {}, el("th", { scope: "row", class: "outside", text: name }),
    ...[counts(told), between(told), chance(told), known(told) ? show.percent(told.mean) : show.UNKNOWN, known(told) ? show.fixed(told.p, 3) : show.UNKNOWN].map((text) => el("td", { text })));
  const heads = ["", "Success", "95 %", "By chance", "Mean, net", `p after ${row.since.trials} tries`];
  return el("div", { class: "record" },
    el("p", { class: "said", text: `${words.sentence(row.words)}. Only what came after the labels can be evidence; bars that were seen then may have been chosen by hindsight.` }),
    el("table", {}, el("thead", {}, el("tr", {}, ...heads.map((text) => el("th", { scope: "col", text })))),
      el("tbody", {}, line("since the labels", row.since), line("bars seen then", row.seen), ...row.cuts.map((cut) => line(`since, ${cut.cut}`, cut.since)))));
}

function framed(title, css, table, files) {
  const made = panel(title, css, [table.exporter(files)]);
  made.body.append(table.node);
  return { node: made.node, update: (rows) => table.update(rows) };
}
