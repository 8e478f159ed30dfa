// Tables as CSV (RFC 4180). Text that a spreadsheet would run as a formula is disarmed.

export function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const text = /^\s*[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/** `columns`: {name}; `rows`: lists of numbers, texts and null, in their order. */
export function toCsv({ columns, rows }) {
  return [columns.map(({ name }) => name), ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
}
