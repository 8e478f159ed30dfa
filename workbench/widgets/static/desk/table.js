// A table for traders: sortable, keyed rows that change in place, a detail per row, all by keyboard, files at the corner.
import { el, memory, setAttr, setClass, setText } from "./dom.js";
import { bare } from "./files.js";

const MOST_SHOWN = 300; // rows on screen; more are found by the filter, and in the file

export class Table {
  /**
   * columns: {id, label, text(row), sort?(row), tone?(row), title?(row), paint?(row, td), right?, wide?}, and for files
   * csv?(row), export? (its name there), kind? ("time": csv gives epoch ms) and currency?(row).
   * key(row) names a row; detail?(row) gives the node shown below an opened one; foot?(rows) a list of cells.
   */
  constructor({ name, caption, columns, key, detail, foot, empty, onOpen }) {
    Object.assign(this, { name, columns, key, detail, foot, empty, onOpen, wanted: "" });
    this.rows = new Map();
    this.opened = null;
    this.order = memory.get(`sort.${name}`, null);
    this.head = el("tr");
    this.body = el("tbody");
    this.feet = el("tfoot");
    this.blank = el("div", { class: "blank", hidden: true });
    this.more = el("p", { class: "more muted", hidden: true });
    this.table = el("table", { class: "grid" }, el("caption", { class: "hush", text: caption }), el("thead", {}, this.head), this.body, this.feet);
    this.node = el("div", { class: "scroll", tabindex: "-1" }, this.table, this.blank, this.more);
    this.body.addEventListener("click", (event) => this.click(event));
    this.body.addEventListener("keydown", (event) => this.press(event));
    columns.forEach((column) => this.head.append(this.heading(column)));
  }

  heading(column) {
    const button = el("button", { type: "button", text: column.label, onclick: () => this.sortBy(column.id) });
    return el("th", { scope: "col", "data-column": column.id, class: cssOf(column) }, button);
  }

  sortBy(id) {
    const down = this.order?.id === id ? !this.order.down : Boolean(this.columns.find((c) => c.id === id).right);
    this.order = { id, down };
    memory.set(`sort.${this.name}`, this.order);
    this.update(this.given);
  }

  update(given) {
    this.given = given;
    const found = this.sorted(given).filter((row) => this.holds(row));
    const rows = found.slice(0, MOST_SHOWN);
    const keys = rows.map((row) => this.key(row));
    const wanted = new Set(keys);
    for (const [key, row] of this.rows) if (!wanted.has(key)) this.forget(key, row);
    rows.forEach((row, i) => this.put(keys[i], row, i));
    this.arrange(keys);
    this.showHead();
    this.showFoot(rows);
    setAttr(this.blank, "hidden", rows.length ? "hidden" : null);
    if (!rows.length) this.blank.replaceChildren(...[this.wanted ? el("p", { text: `No row has “${this.wanted}”.` }) : this.empty()].flat());
    setAttr(this.more, "hidden", found.length > rows.length ? null : "hidden");
    setText(this.more, `${rows.length} of ${found.length.toLocaleString("en-US")} rows shown; the file has all.`);
  }

  /** Whether every word of the filter stands somewhere in the row. */
  holds(row) {
    if (!this.wanted) return true;
    const text = this.columns.map((column) => column.text(row)).join("\n").toLowerCase();
    return this.wanted.split(/\s+/).every((word) => text.includes(word));
  }

  /** A field that keeps the rows with its words. */
  filter(label) {
    const take = (event) => {
      this.wanted = event.target.value.trim().toLowerCase();
      this.update(this.given);
    };
    return el("input", { type: "search", class: "filter", "aria-label": label, placeholder: "Filter", oninput: take });
  }

  sorted(given) {
    const column = this.columns.find((c) => c.id === this.order?.id);
    if (!column) return given;
    const value = column.sort ?? column.text;
    const sign = this.order.down ? -1 : 1;
    const missing = (v) => v === null || v === undefined;
    return [...given].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (missing(x) || missing(y)) return missing(x) - missing(y); // the unknown comes last, either way
      return sign * (typeof x === "string" ? x.localeCompare(y) : x - y);
    });
  }

  put(key, row) {
    let held = this.rows.get(key);
    if (!held) {
      const cells = this.columns.map((column) => el("td", { class: cssOf(column) }));
      held = { tr: el("tr", { tabindex: "-1", "aria-expanded": this.detail ? "false" : null }, ...cells), cells };
      held.tr.wbKey = key;
      this.rows.set(key, held);
    }
    held.row = row;
    this.columns.forEach((column, i) => fill(held.cells[i], column, row));
    if (key === this.opened) this.showDetail(held);
  }

  forget(key, held) {
    held.tr.remove();
    held.below?.remove();
    this.rows.delete(key);
    if (this.opened === key) this.opened = null;
  }

  arrange(keys) {
    let at = this.body.firstChild;
    for (const key of keys) {
      const { tr, below } = this.rows.get(key);
      for (const node of below ? [tr, below] : [tr]) {
        if (node === at) at = at.nextSibling;
        else this.body.insertBefore(node, at);
      }
    }
    const first = keys.length ? this.rows.get(keys[0]).tr : null;
    if (first && !this.body.querySelector('tr[tabindex="0"]')) first.tabIndex = 0;
  }

  showHead() {
    for (const th of this.head.children) {
      const mine = th.dataset.column === this.order?.id;
      setAttr(th, "aria-sort", mine ? (this.order.down ? "descending" : "ascending") : null);
    }
  }

  showFoot(rows) {
    if (!this.foot) return;
    if (!this.footCells) {
      this.footCells = this.columns.map((column) => el("td", { class: cssOf(column) }));
      this.feet.append(el("tr", {}, ...this.footCells));
    }
    setAttr(this.feet, "hidden", rows.length ? null : "hidden");
    this.foot(rows).forEach((cell, i) => {
      setText(this.footCells[i], cell?.text ?? "");
      setAttr(this.footCells[i], "title", cell?.title);
      setAttr(this.footCells[i], "data-tone", cell?.tone);
    });
  }

  toggle(held) {
    const key = held.tr.wbKey;
    const was = this.opened;
    this.close();
    if (was !== key && this.detail) {
      this.opened = key;
      setAttr(held.tr, "aria-expanded", "true");
      this.showDetail(held);
    }
    this.onOpen?.(this.opened);
  }

  showDetail(held) {
    if (!held.below) {
      held.below = el("tr", { class: "detail" }, el("td", { colspan: this.columns.length }));
      held.tr.after(held.below);
    }
    held.below.firstChild.replaceChildren(this.detail(held.row));
  }

  close() {
    const held = this.rows.get(this.opened);
    this.opened = null;
    if (!held) return false;
    setAttr(held.tr, "aria-expanded", "false");
    held.below?.remove();
    held.below = null;
    return true;
  }

  heldBy(target) {
    const tr = target.closest("tr");
    return tr && tr.parentNode === this.body && tr.wbKey !== undefined ? this.rows.get(tr.wbKey) : null;
  }

  click(event) {
    const held = this.heldBy(event.target);
    if (!held) return;
    this.focus(held.tr);
    this.toggle(held);
  }

  press(event) {
    const held = this.heldBy(event.target);
    if (!held || event.ctrlKey || event.metaKey || event.altKey) return;
    const lines = [...this.body.children].filter((tr) => tr.wbKey !== undefined);
    const at = lines.indexOf(held.tr);
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: lines.length - 1 };
    if (event.key in steps) this.focus(lines[Math.min(Math.max(steps[event.key], 0), lines.length - 1)]);
    else if (event.key === "Enter" || event.key === " ") this.toggle(held);
    else if (event.key !== "Escape" || !this.close()) return;
    event.preventDefault();
    event.stopPropagation();
  }

  focus(tr) {
    for (const other of this.body.querySelectorAll('tr[tabindex="0"]')) other.tabIndex = -1;
    tr.tabIndex = 0;
    tr.focus({ preventScroll: false });
  }

  /** The buttons at the panel's corner: the rows that the filter keeps, in the order shown. */
  exporter(files) {
    const rows = () => this.sorted(this.given ?? []).filter((row) => this.holds(row));
    return files.buttons(() => ({ name: this.name, table: bare(this.columns, rows()) }));
  }
}

function cssOf(column) {
  return [column.right && "right", column.wide && "wide", column.css].filter(Boolean).join(" ") || null;
}

function fill(td, column, row) {
  if (column.paint) column.paint(row, td);
  else setText(td, column.text(row));
  setAttr(td, "title", column.title?.(row));
  setAttr(td, "data-tone", column.tone?.(row));
  setClass(td, "stale", column.stale?.(row));
}
