// Taking a halt back: a code of six letters, good once and for a minute, typed by a person.
import { el, setAttr, setText } from "./dom.js";

export class ReleasePart {
  /** `denied`: why whoever looks may not release, "" where that is allowed. */
  constructor(store, ask, denied = "") {
    Object.assign(this, { store, ask, denied, phase: "offer", scope: "desk", told: null });
    this.lead = el("p");
    this.code = el("code", { class: "release-code" });
    this.left = el("span", { class: "muted" });
    this.typed = el("input", { class: "typed", type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: "12", "aria-label": "Type the code to release" });
    this.go = el("button", { type: "submit", class: "quiet strong", text: "Release" });
    this.form = el("form", { class: "release-form" }, el("p", {}, "Code ", this.code, " ", this.left), el("label", {}, "Type it ", this.typed), this.go);
    this.begins = el("button", { type: "button", class: "quiet strong", text: "Release…", onclick: () => this.offer() });
    this.said = el("p", { role: "status", "aria-live": "polite" });
    this.node = el("section", { class: "release", hidden: true }, this.lead, this.form, this.begins, this.said);
    this.form.addEventListener("submit", (event) => this.send(event));
  }

  begin(scope) {
    Object.assign(this, { scope, phase: "offer", told: null });
    this.typed.value = "";
  }

  offer() {
    this.phase = "waiting";
    this.id = Math.random().toString(36).slice(2);
    this.ask({ kind: "release", scope: this.scope, id: this.id });
    this.update(true);
  }

  send(event) {
    event.preventDefault();
    if (this.phase !== "code") return;
    this.ask({ kind: "release", scope: this.scope, code: this.typed.value, id: this.id });
    this.phase = "sent";
    this.typed.value = "";
    this.update(true);
  }

  hear(message) {
    if (message.id !== this.id || message.phase === "sent") return;
    this.phase = message.phase;
    this.told = message;
  }

  /** Seconds the code is still good for. */
  get seconds() {
    return Math.max(0, Math.ceil(((this.told?.expires ?? 0) - this.store.now) / 1000));
  }

  update(visible) {
    setAttr(this.node, "hidden", visible ? null : "hidden");
    if (!visible) return;
    if (this.denied) {
      setText(this.lead, this.denied);
      for (const part of [this.form, this.begins, this.said]) setAttr(part, "hidden", "hidden");
      return;
    }
    if (this.phase === "code" && this.seconds === 0) Object.assign(this, { phase: "refused", told: { error: "The code has run out." } });
    const name = this.scope === "desk" ? "the desk" : this.scope;
    const lead = { code: this.told?.words, done: this.told?.title }[this.phase] ?? `Release ${name}: its bots may trade again once they are resumed. It asks for a code that is good once, for 60 s.`;
    setText(this.lead, lead);
    setAttr(this.form, "hidden", this.phase === "code" ? null : "hidden");
    setAttr(this.begins, "hidden", this.phase === "offer" || this.phase === "refused" ? null : "hidden");
    setText(this.code, this.phase === "code" ? this.told.code : "");
    setText(this.left, `good for ${this.seconds} s`);
    setText(this.said, this.words());
    setAttr(this.said, "data-tone", this.phase === "refused" ? "warning" : null);
  }

  words() {
    if (this.phase === "waiting") return "Asking for a code.";
    if (this.phase === "sent") return "Releasing.";
    if (this.phase === "refused") return this.told.error;
    return this.phase === "done" ? (this.told.notes ?? []).join(" ") : "";
  }
}
