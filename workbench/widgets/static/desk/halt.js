// The emergency stop: says what will happen, asks for the typed word, shows bot by bot what came of it, and releases.
import { el, setAttr, setText } from "./dom.js";
import * as show from "./format.js";
import { BotList, inWords, instead, notYours } from "./halt_parts.js";
import { ReleasePart } from "./release.js";

const WORD = "halt";
const UNHEARD_MS = 3000; // an answer takes milliseconds: later than this, nobody has heard

export class HaltDialog {
  /** `works`: this page's kernel can halt; else the dialog says what to type. `person`: who looks, and may do what. */
  constructor(store, ask, works, person) {
    const may = (act) => !person || person.may.includes(act);
    Object.assign(this, { store, ask, works: works && may("halt"), releases: works && may("release"), person, phase: "ask", report: null, sentAt: 0, dialogId: "" });
    this.button = el("button", { type: "button", class: "halt", "aria-haspopup": "dialog", text: "Halt", onclick: () => this.open() });
    this.denied = works && !this.works;
    this.release = new ReleasePart(store, ask, this.releases ? "" : `Releasing is for admins, and you are ${an(person?.role)}.`);
    this.build();
    store.dialogs.add(this);
  }

  build() {
    this.title = el("h2", { id: `halt-title-${Math.random().toString(36).slice(2)}` });
    this.words = el("p", { class: "halt-lead" });
    this.effects = el("ul", { class: "halt-effects" });
    this.error = el("p", { class: "halt-error", role: "alert", hidden: true });
    this.bots = new BotList();
    this.notes = el("ul", { class: "halt-notes muted" });
    this.typed = el("input", { class: "typed", type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false", "aria-label": `Type ${WORD} to confirm`, placeholder: WORD });
    this.go = el("button", { type: "submit", class: "halt-go", text: "Halt all bots", disabled: true });
    this.close = el("button", { type: "button", class: "quiet", text: "Cancel", onclick: () => this.node.close() });
    this.form = el("form", { class: "halt-form" }, el("label", {}, "Type ", el("b", { text: WORD }), " to confirm ", this.typed), this.go);
    this.instead = instead();
    this.progress = el("p", { class: "halt-progress", role: "status", "aria-live": "polite" });
    const foot = el("div", { class: "halt-foot" }, el("span", { class: "spring" }), this.close);
    this.node = el(
      "dialog", { class: "halt-dialog", "aria-labelledby": this.title.id },
      this.title, this.words, this.effects, this.form, this.progress, this.error, this.bots.node, this.notes, this.instead, this.release.node, foot,
    );
    this.typed.addEventListener("input", () => (this.go.disabled = this.typed.value.trim().toLowerCase() !== WORD));
    this.form.addEventListener("submit", (event) => this.send(event));
    this.node.addEventListener("keydown", (event) => event.stopPropagation());
    this.node.addEventListener("close", () => this.closed());
  }

  open(scope = "desk") {
    if (this.node.open) return;
    this.release.begin(scope);
    this.node.showModal();
    this.update();
    if (!this.form.hidden) this.typed.focus();
  }

  closed() {
    if (this.phase === "done") Object.assign(this, { phase: "ask", report: null }); // its report was read
    this.typed.value = "";
    this.go.disabled = true;
    this.button.focus();
  }

  send(event) {
    event.preventDefault();
    if (this.go.disabled || !this.works) return;
    Object.assign(this, { phase: "asked", report: null, sentAt: Date.now(), dialogId: Math.random().toString(36).slice(2) });
    this.expected = this.store.bots.map((bot) => bot.id);
    this.ask({ kind: "halt", typed: this.typed.value, id: this.dialogId });
    this.typed.value = "";
    this.go.disabled = true;
    this.update();
  }

  /** What the kernel says; a page that was reloaded meanwhile hears of it too. */
  hear(message) {
    if (message.kind === "release") this.release.hear(message);
    else this.take(message);
    this.update();
  }

  take(message) {
    if (message.id !== this.dialogId) return;
    this.phase = { sent: "working", working: "working", done: "done", refused: "refused" }[message.phase] ?? this.phase;
    if (message.phase !== "sent") this.report = message;
  }

  get unheard() {
    const silent = this.store.silentMs !== null;
    const waited = this.phase === "asked" && Date.now() - this.sentAt > UNHEARD_MS;
    return (!this.works && !this.denied) || this.phase === "refused" || waited || (silent && this.phase !== "done");
  }

  update() {
    const halted = this.store.latched;
    const busy = this.phase === "asked" || this.phase === "working";
    setText(this.button, busy ? "Halting…" : halted ? "Halted" : "Halt");
    setAttr(this.button, "data-busy", busy ? "true" : null);
    if (!this.node.open) return;
    const asking = !busy && this.phase !== "done";
    const { title, lead, effects } = this.denied ? notYours(an(this.person.role)) : inWords(this, halted);
    setText(this.title, title);
    setText(this.words, lead);
    setAttr(this.words, "hidden", lead ? null : "hidden");
    this.list(this.effects, asking && this.works ? effects : []);
    setAttr(this.form, "hidden", asking && this.works ? null : "hidden");
    setText(this.go, halted ? "Halt again" : "Halt all bots");
    setText(this.progress, busy ? this.pace() : "");
    setAttr(this.progress, "hidden", busy ? null : "hidden");
    const error = this.report?.error ?? "";
    setText(this.error, error);
    setAttr(this.error, "hidden", error ? null : "hidden");
    this.bots.update(busy || this.phase === "done" ? this.expected ?? [] : [], this.report?.bots ?? [], busy);
    this.list(this.notes, this.phase === "done" ? this.report.notes : []);
    setAttr(this.instead, "hidden", this.unheard ? null : "hidden");
    this.release.update(this.works && !busy && (halted || this.release.scope !== "desk" || this.release.phase !== "offer"));
    setText(this.close, asking ? "Cancel" : "Close");
  }

  pace() {
    const waited = show.span(Date.now() - this.sentAt);
    if (this.phase === "asked") return `Sent ${waited} ago; waiting for this page's Python to take it.`;
    if (!this.report?.latched) return `Latching in the ledger, ${waited}.`;
    return `Latched: nothing may grow. Stopping and reading the venue, ${waited}. Keep this page open until every bot is named.`;
  }

  list(node, lines) {
    const said = JSON.stringify(lines);
    if (node.dataset.said === said) return;
    node.dataset.said = said; // so that a tick costs no layout
    node.replaceChildren(...lines.map((line) => el("li", { class: "outside", text: line })));
    setAttr(node, "hidden", lines.length ? null : "hidden");
  }
}

const an = (role) => `${role === "viewer" ? "a" : "an"} ${role}`;
