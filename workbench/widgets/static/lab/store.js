// What the page knows of the lab, and how it asks. An answer that a newer question has overtaken is dropped.
import { Files } from "../desk/files.js";

export class Lab {
  /** `send` goes to the kernel; `onChange()` is called at most once a frame. */
  constructor(send, onChange) {
    this.send = send;
    this.onChange = onChange;
    this.files = new Files(send);
    this.page = `p-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
    this.turn = 0;
    this.newest = {}; // kind → turn of the newest question
    this.hears = {}; // kind → what else happens with an answer
    this.labels = [];
    this.patterns = [];
    this.received = []; // labels of others that are learned from
    this.offers = []; // patterns that others share
    this.trained = null;
    this.training = null; // {done, words} while it learns
    this.chart = { symbol: "", timeframe: "" };
    this.matches = { state: "none", items: [], of: null };
    this.proposals = { state: "none", items: [] };
    this.findings = { state: "none", items: [] };
    this.records = { state: "none", items: [] };
    this.pending = null; // the window that is brushed: {first, last} in ms, symbol, timeframe, id of the label it edits
    this.ending = null;
    this.chosen = null; // key of the finding that is compared, or id of the selected label
    this.skipped = new Set();
    this.notice = null; // {words, tone}
  }

  ask(kind, more = {}) {
    this.turn += 1;
    this.newest[kind] = this.turn;
    this.send({ kind, page: this.page, turn: this.turn, ...more });
    return this.turn;
  }

  hear(message, buffers) {
    if (!message || typeof message !== "object") return;
    this.files.hear(message, buffers);
    const { kind } = message;
    const mine = message.page === this.page;
    const asked = kind === "refused" ? message.asked : kind === "trained" ? "train" : kind;
    if (message.page && kind !== "trained" && !(mine && message.turn >= (this.newest[asked] ?? 0))) return;
    if (kind === "refused") this.refuse(message);
    else this.take(message);
    this.hears[kind]?.(message);
    this.changed();
  }

  take(message) {
    const { kind } = message;
    if (kind === "hello" || kind === "labels") this.restore(message);
    else if (kind === "similar") this.matches = { ...this.matches, state: "ready", items: message.matches };
    else if (kind === "propose") this.proposals = { state: "ready", items: message.matches };
    else if (kind === "recognise") this.findings = { state: "ready", items: message.findings };
    else if (kind === "records") this.records = { state: "ready", items: message.records };
    else if (kind === "ending") this.ending = message.ending;
    else if (kind === "training") this.training = message;
    else if (kind === "undo" || kind === "accept") this.say(message.words);
    else if (kind === "trained") {
      this.training = null;
      this.trained = message.trained;
      this.say("learned");
    }
  }

  restore({ labels, patterns, trained, received, offers }) {
    if (!labels) return;
    this.received = received;
    this.offers = offers;
    this.labels = labels;
    this.patterns = patterns;
    this.trained = trained;
  }

  refuse({ asked, words }) {
    const part = { similar: "matches", propose: "proposals", recognise: "findings", records: "records" }[asked];
    if (part) this[part] = { state: "refused", items: [], words };
    if (asked === "train") this.training = null;
    if (asked === "ending") this.ending = null;
    else if (!part) this.say(words, "warning");
  }

  say(words, tone = "") {
    this.notice = { words, tone };
    this.changed();
  }

  changed() {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => {
      this.queued = false;
      this.onChange(this);
    });
  }

  labelOf(id) {
    return this.labels.find((one) => one.id === id) ?? null;
  }

  /** A label that was learned from, whoever's it is. */
  exampleOf(id) {
    return this.labelOf(id) ?? this.received.find((one) => one.id === id) ?? null;
  }

  get finding() {
    return this.findings.items.find((one) => one.key === this.chosen) ?? null;
  }
}
