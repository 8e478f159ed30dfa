// Tables as CSV (RFC 4180). Text that a spreadsheet would run as a formula is disarmed.
import { el } from "./dom.js";

export function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/** Numbers travel unformatted: `column.csv`, else what it sorts by, else its text. */
export function toCsv(columns, rows) {
  const read = (column, row) => (column.csv ?? column.sort ?? column.text)(row);
  const lines = rows.map((row) => columns.map((column) => cell(read(column, row))));
  return [columns.map((column) => cell(column.export ?? column.label)), ...lines].map((line) => line.join(",")).join("\r\n");
}

export function download(name, columns, rows) {
  const address = URL.createObjectURL(new Blob([toCsv(columns, rows), "\r\n"], { type: "text/csv" }));
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
