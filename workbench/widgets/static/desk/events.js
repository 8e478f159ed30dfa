// What happened last, newest first.
import { el, panel, setAttr, setText } from "./dom.js";
import { bare } from "./files.js";
import * as show from "./format.js";

const COLUMNS = [
  { label: "Number", right: true, sort: (event) => event.seq },
  { label: "At", kind: "time", sort: (event) => event.at },
  { label: "Kind", text: (event) => event.kind },
  { label: "Source", text: (event) => event.source },
  { label: "Words", text: (event) => event.words },
];

export function eventsPanel(store) {
  const list = el("ol", { class: "events" });
  const blank = el("p", { class: "blank" });
  const save = store.files.buttons(() => ({ name: "events", table: bare(COLUMNS, store.view.events) }));
  const { node, body } = panel("Last events", "events-panel", [save]);
  body.append(el("div", { class: "scroll", tabindex: "0" }, list, blank));
  const rows = new Map();
  return {
    node,
    update() {
      const { events, phase } = store.view;
      const wanted = new Set(events.map((event) => event.seq));
      for (const [seq, row] of rows) if (!wanted.has(seq)) rows.delete(seq) && row.node.remove();
      let at = list.firstChild;
      for (const event of events) {
        if (!rows.has(event.seq)) rows.set(event.seq, line(event));
        const row = rows.get(event.seq);
        setText(row.when, show.ago(event.at, store.now));
        if (row.node === at) at = at.nextSibling;
        else list.insertBefore(row.node, at);
      }
      setAttr(blank, "hidden", events.length ? "hidden" : null);
      setText(blank, phase === "loading" ? "Waiting for the desk's first figures." : "Nothing has happened yet.");
    },
  };
}

function line(event) {
  const when = el("time", { title: `${show.time(event.at, true)} ${show.ZONE}\n${show.timeUtc(event.at)}` });
  const kind = el("b", { class: "outside", text: show.words(event.kind) });
  const source = el("span", { class: "muted outside", text: event.source });
  const said = el("span", { class: "outside said", text: event.words, title: event.words });
  return { node: el("li", {}, when, kind, source, said), when };
}
