// Tables to take along: CSV made here, Parquet made by the kernel. Numbers as they are, times in UTC, the rest text.
import { el } from "./dom.js";
import { toCsv } from "./csv.js";
import { iso } from "./format.js";

const PATIENCE_MS = 30000;

/** The columns and rows of a table as they are exported; money brings its currency along. */
export function bare(columns, rows) {
  const told = columns.flatMap((column) => {
    const name = column.export ?? column.label;
    const one = { name, kind: column.kind || (column.right ? "number" : "text"), read: column.csv ?? column.sort ?? column.text };
    return column.currency ? [one, { name: `${name} currency`, kind: "text", read: column.currency }] : [one];
  });
  const value = ({ kind, read }, row) => {
    const found = read(row) ?? null;
    return kind === "time" && typeof found === "number" ? iso(found) : found;
  };
  return { columns: told.map(({ name, kind }) => ({ name, kind })), rows: rows.map((row) => told.map((column) => value(column, row))) };
}

export class Files {
  /** `ask` sends a message to the kernel, which answers {"kind": "exported", "id", "error"} with the file. */
  constructor(ask) {
    this.ask = ask;
    this.waiting = new Map();
  }

  csv(name, table) {
    save(`${name}.csv`, new Blob([toCsv(table), "\r\n"], { type: "text/csv" }));
  }

  /** Resolves when the file is there. Rejects with the kernel's words, or after a while. */
  parquet(name, table) {
    const id = Math.random().toString(36).slice(2);
    const heard = new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      setTimeout(() => reject(new Error("the page's kernel does not answer")), PATIENCE_MS);
    });
    this.ask({ kind: "export", id, ...table });
    return heard.then((bytes) => save(`${name}.parquet`, new Blob([bytes], { type: "application/vnd.apache.parquet" }))).finally(() => this.waiting.delete(id));
  }

  hear(message, buffers) {
    const waiting = message.kind === "exported" ? this.waiting.get(message.id) : null;
    if (!waiting) return;
    if (message.error) waiting.reject(new Error(message.error));
    else waiting.resolve(buffers[0]);
  }

  /** The buttons at a table's corner; `read()` gives its name and the bare table. */
  buttons(read) {
    const status = el("span", { class: "muted", role: "status" });
    const button = (format, words) => el("button", { type: "button", class: "quiet", title: `Download as ${words}`, text: words, onclick: () => this.save(format, read(), status) });
    return el("span", { class: "exports" }, status, button("csv", "CSV"), button("parquet", "Parquet"));
  }

  async save(format, { name, table }, status) {
    status.textContent = "";
    try {
      await this[format](name, table);
    } catch (error) {
      status.textContent = `Not saved: ${error.message}`;
    }
  }
}

function save(name, blob) {
  const address = URL.createObjectURL(blob);
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
