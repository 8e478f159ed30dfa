// What the page knows of the desk: a snapshot, brought up to date by differences.
import { Files } from "./files.js";

const SILENT_MS = 10000;
const DIALOGS = new Set(["halt", "release", "asked", "offers", "lines", "opened", "exported"]);

export class Store {
  /** `ask` sends a message to the kernel. */
  constructor(ask) {
    this.ask = ask;
    this.view = empty();
    this.heardAt = Date.now();
    this.skew = null; // this browser's clock less the desk's, at the least delay seen
    this.askedAt = 0;
    this.pages = new Map(); // page id → {view, at, trouble}, newest
    this.dialogs = new Set(); // hear what the kernel says of a halt, a release, a question or a file
    this.files = new Files(ask);
    this.dialogs.add(this.files);
    this.version = 0; // rises with each change of the equity lines
    this.listeners = new Set();
  }

  /** Call `listener` after changes, at most once a frame. */
  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  changed() {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => {
      this.queued = false;
      for (const listener of this.listeners) listener(this);
    });
  }

  /** The desk's clock, in epoch milliseconds. */
  get now() {
    return Date.now() - (this.skew ?? 0);
  }

  /** For how long nothing has come from the kernel, or null where that is still normal. */
  get silentMs() {
    const silent = Date.now() - this.heardAt;
    return silent > SILENT_MS ? silent : null;
  }

  hear(message, buffers) {
    if (!message || typeof message !== "object") return;
    if (message.kind === "snapshot") this.restore(message);
    else if (message.kind === "diff") this.apply(message);
    else if (message.kind === "page") this.turn(message);
    else if (DIALOGS.has(message.kind)) for (const dialog of this.dialogs) dialog.hear(message, buffers);
    else return;
    this.heardAt = Date.now();
    this.changed();
  }

  restore(message) {
    if (message.seq === undefined || message.seq < this.view.seq) return;
    const { bots, equity, ...rest } = message;
    this.view = { ...empty(), ...rest, bots: new Map(Object.entries(bots)), equity: new Map(Object.entries(equity)) };
    this.skew = null;
    this.version += 1;
    this.compare();
  }

  apply(message) {
    const { view } = this;
    if (message.seq <= view.seq) return;
    if (message.seq !== view.seq + 1) {
      this.catchUp();
      return;
    }
    view.seq = message.seq;
    Object.assign(view, message.set);
    for (const [id, row] of Object.entries(message.bots ?? {})) view.bots.set(id, row);
    if (message.set?.order) keepOnly(view.bots, message.set.order);
    if (message.events) view.events = [...message.events, ...view.events].slice(0, 60);
    if (message.equity) this.extend(message.equity);
    if (message.set?.as_of) this.compare();
  }

  /** Figures of one page, whole, or the same as before; where it failed the old ones stay and grow old. */
  turn({ page, view, same, trouble }) {
    const held = this.pages.get(page) ?? { view: null, at: null };
    if (same && !held.view) this.ask({ kind: "look", page });
    else if (same) this.pages.set(page, { ...held, at: Date.now(), trouble: "" });
    else this.pages.set(page, view ? { view, at: Date.now(), trouble: "" } : { ...held, trouble: trouble || "no answer" });
  }

  extend({ set = {}, add = {}, drop = [] }) {
    const { equity } = this.view;
    for (const name of drop) equity.delete(name);
    for (const [name, line] of Object.entries(set)) equity.set(name, line);
    for (const [name, tail] of Object.entries(add)) {
      const line = equity.get(name);
      line.t.push(...tail.t);
      line.v.push(...tail.v);
    }
    this.version += 1;
  }

  compare() {
    if (!this.view.as_of) return;
    const skew = Date.now() - this.view.as_of;
    this.skew = this.skew === null ? skew : Math.min(this.skew, skew);
  }

  /** Tell the kernel that a page is here, and what it knows. */
  catchUp() {
    if (Date.now() - this.askedAt < 1000) return;
    this.askedAt = Date.now();
    this.ask({ kind: "hello", seq: this.view.phase === "loading" ? -1 : this.view.seq });
  }

  /** The desk is latched as halted; else HALTED means that each bot has been halted and not resumed. */
  get latched() {
    return this.view.state === "halted" && this.bots.every((bot) => bot.trading === "halted");
  }

  /** Bots in the desk's order. */
  get bots() {
    return this.view.order.map((id) => this.view.bots.get(id)).filter(Boolean);
  }
}

function empty() {
  return {
    seq: -1, phase: "loading", as_of: null, state: null, desk: null, market: null, total: null,
    notices: [], order: [], bots: new Map(), equity: new Map(), events: [], trouble: null,
  };
}

function keepOnly(map, names) {
  const wanted = new Set(names);
  for (const name of [...map.keys()]) if (!wanted.has(name)) map.delete(name);
}
