// The label of one window: its name, how it ended, a note. Everything typed stays text.
import { el, segmented, setAttr, setText } from "../desk/dom.js";
import * as words from "./words.js";

const FIELDS = [["target", "Target", "%", 100], ["stop", "Stop", "%", 100], ["horizon", "Horizon", "bars", 1], ["cost", "Costs", "%", 100]];
const USUAL = "rule";

export class Form {
  /** onRule() hears that the rule changed; onSave(), onCancel(), onDelete() of what was pressed. */
  constructor(usual, { onRule, onSave, onCancel, onDelete }) {
    this.usual = usual;
    this.outcome = USUAL;
    this.onRule = onRule;
    this.names = el("datalist", { id: `names-${crypto.getRandomValues(new Uint32Array(1))[0]}` });
    this.name = el("input", { type: "text", maxlength: "60", autocomplete: "off", spellcheck: "false", list: this.names.id, placeholder: "Name this pattern", "aria-label": "Name of the pattern" });
    this.used = el("div", { class: "used", role: "group", "aria-label": "Names already used" });
    this.note = el("textarea", { rows: "2", maxlength: "2000", placeholder: "Note", "aria-label": "Note" });
    this.shared = el("input", { type: "checkbox" });
    this.about = el("p", { class: "about" });
    this.ended = el("p", { class: "ended", "aria-live": "polite" });
    this.save = el("button", { type: "submit", class: "main", text: "Save label" });
    this.remove = el("button", { type: "button", class: "quiet", text: "Delete", onclick: onDelete, hidden: true });
    const cancel = el("button", { type: "button", class: "quiet", text: "Cancel", onclick: onCancel });
    this.node = el("form", { class: "label-form", hidden: true },
      this.about, el("label", { class: "field" }, el("span", { text: "Name" }), this.name), this.names, this.used,
      el("div", { class: "field" }, el("span", { text: "Outcome" }), this.choices()), this.ruleRow(), this.ended,
      el("label", { class: "field" }, el("span", { text: "Note" }), this.note),
      el("label", { class: "consent" }, this.shared, el("span", { text: "Others may learn from it" })),
      el("div", { class: "acts" }, this.save, cancel, el("span", { class: "spring" }), this.remove));
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      onSave();
    });
    this.node.addEventListener("keydown", (event) => this.key(event, onSave, onCancel));
  }

  key(event, onSave, onCancel) {
    const send = event.key === "Enter" && (event.target === this.note ? event.ctrlKey || event.metaKey : event.target.matches("input:not([type=checkbox])"));
    if (event.key === "Escape") onCancel();
    else if (send) onSave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  choices() {
    const choices = [["rule", "By rule"], ["success", "Success"], ["failure", "Failure"], ["open", "Open"]];
    this.picker = segmented("How it ended", choices, this.outcome, (value) => this.choose(value));
    return this.picker;
  }

  choose(value) {
    this.outcome = value;
    [...this.picker.children].forEach((button, at) => setAttr(button, "aria-pressed", String(["rule", "success", "failure", "open"][at] === value)));
    setAttr(this.rules, "hidden", value === "rule" ? null : "hidden");
    setAttr(this.ended, "hidden", value === "rule" ? null : "hidden");
    if (value === "rule") this.onRule();
  }

  ruleRow() {
    this.side = el("select", { "aria-label": "Side", onchange: () => this.onRule() }, el("option", { value: "buy", text: "Long" }), el("option", { value: "sell", text: "Short" }));
    this.numbers = Object.fromEntries(FIELDS.map(([name, label, unit]) => {
      const input = el("input", { type: "number", step: "any", min: "0", inputmode: "decimal", "aria-label": `${label}, ${unit}`, oninput: () => this.onRule() });
      return [name, input];
    }));
    const fields = FIELDS.map(([name, label, unit]) => el("label", {}, el("span", { text: `${label}, ${unit}` }), this.numbers[name]));
    this.rules = el("div", { class: "rules" }, el("label", {}, el("span", { text: "Side" }), this.side), ...fields);
    return this.rules;
  }

  get rule() {
    const numbers = FIELDS.map(([name, , , factor]) => [name, Number((Number(this.numbers[name].value) / factor).toFixed(10))]);
    return { side: this.side.value, ...Object.fromEntries(numbers) };
  }

  get said() {
    return { pattern: this.name.value.trim(), outcome: this.outcome, rule: this.rule, note: this.note.value.trim(), shared: this.shared.checked };
  }

  /** Begin with a label that is there, or with the rule that was used last. */
  open(label, lastRule, name = "") {
    const rule = label?.rule ?? lastRule ?? this.usual;
    this.name.value = label?.pattern ?? name;
    this.note.value = label?.note ?? "";
    this.shared.checked = label?.shared ?? false;
    this.side.value = rule.side;
    for (const [key, , , factor] of FIELDS) this.numbers[key].value = String(Number((rule[key] * factor).toPrecision(8)));
    this.outcome = label && !label.rule ? label.outcome : USUAL;
    this.choose(this.outcome);
    this.remove.hidden = !label;
    setText(this.save, label ? "Save change" : "Save label");
  }

  update(lab, count) {
    const { pending } = lab;
    this.node.hidden = !pending;
    if (!pending) return;
    setText(this.about, words.windowWords(pending, count));
    const names = lab.patterns.map((one) => one.name);
    if (this.shown !== names.join("\n")) {
      this.shown = names.join("\n");
      this.names.replaceChildren(...names.map((name) => el("option", { value: name })));
      this.used.replaceChildren(...lab.patterns.slice(0, 8).map((one) => this.chip(one)));
    }
    const wrong = this.outcome === USUAL && !lab.ending ? "" : words.ended(lab.ending);
    setText(this.ended, wrong);
    setAttr(this.ended, "data-outcome", lab.ending?.outcome);
    this.save.disabled = !this.name.value.trim() && document.activeElement !== this.name ? true : false;
  }

  chip(one) {
    const pick = () => {
      this.name.value = one.name;
      this.save.disabled = false;
      this.name.focus();
    };
    return el("button", { type: "button", class: "chip outside", text: one.name, title: `${one.name}, ${one.labels} labels`, onclick: pick });
  }
}
