// What was recognised on the chart, how sure, and beside which of one's own examples.
import { el, panel, setAttr, setText } from "../desk/dom.js";
import * as show from "../desk/format.js";
import { mini } from "./mini.js";
import * as words from "./words.js";

export class Found {
  /** onTrain(), onPick(finding), onLabel(finding): "this is right", and it becomes a label. */
  constructor({ onTrain, onPick, onLabel }) {
    this.onPick = onPick;
    this.onLabel = onLabel;
    this.train = el("button", { type: "button", class: "main small train", text: "Train", onclick: onTrain });
    this.panel = panel("Recognised", "found", [this.train]);
    this.node = this.panel.node;
    this.bar = el("progress", { max: "1", value: "0", "aria-label": "Training" });
    this.step = el("span", { class: "muted" });
    this.progress = el("div", { class: "progress", hidden: true }, this.bar, this.step);
    this.learned = el("p", { class: "learned" });
    this.list = el("ul", { class: "found-list", role: "listbox", "aria-label": "Recognised windows" });
    this.beside = el("div", { class: "beside" });
    this.blank = el("p", { class: "blank" });
    this.panel.body.append(this.progress, this.learned, el("div", { class: "found-body" }, this.list, this.beside), this.blank);
    this.list.addEventListener("keydown", (event) => this.key(event));
  }

  update(lab) {
    const { training, trained, findings } = lab;
    this.lab = lab;
    this.train.disabled = Boolean(training);
    setAttr(this.progress, "hidden", training ? null : "hidden");
    if (training) this.bar.value = training.done;
    setText(this.step, training?.words ?? "");
    setText(this.learned, trained ? `${trained.words}${trained.stale ? " Labels have changed since: train again." : ""}` : "");
    const where = lab.chart.symbol ? ` on ${words.where(lab.chart)}` : "";
    setText(this.panel.heading, `Recognised${where}`);
    setText(this.blank, this.why(lab));
    this.blank.hidden = findings.items.length > 0;
    if (findings.items !== this.shown) this.fill(findings.items);
    for (const row of this.list.children) setAttr(row, "aria-selected", String(row.dataset.key === lab.chosen));
    this.compare(lab.finding);
  }

  why({ findings, trained, labels, training }) {
    if (training) return "";
    if (findings.state === "loading") return "Looking through the chart";
    if (findings.state === "refused") return findings.words;
    if (trained) return "None of your patterns is on this chart.";
    return labels.length ? "Three labels of a pattern are enough to begin: then press Train." : "Nothing is learned yet: label windows of a pattern, then press Train.";
  }

  fill(items) {
    this.shown = items;
    this.list.replaceChildren(...items.map((one) => this.row(one)));
    if (items.length) this.list.firstChild.tabIndex = 0;
  }

  row(one) {
    const chance = el("span", { class: "chance" }, el("span", { class: "meter" }), el("span", { class: "figure", text: words.share(one.probability) }));
    chance.style.setProperty("--part", one.probability);
    return el("li", { role: "option", tabindex: "-1", "data-key": one.key, onclick: () => this.onPick(one) },
      el("b", { class: "outside name", text: one.pattern }), el("span", { class: "muted", text: words.when(one) }), chance);
  }

  key(event) {
    const rows = [...this.list.children];
    const at = rows.indexOf(event.target.closest("li"));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (at < 0) return;
    if (to !== undefined) {
      const row = rows[Math.min(Math.max(to, 0), rows.length - 1)];
      for (const other of rows) other.tabIndex = other === row ? 0 : -1;
      row.focus();
      row.click();
    } else if (event.key === "Enter") rows[at].click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  compare(one) {
    const own = (one?.nearest ?? []).map((near) => ({ ...near, label: this.lab.exampleOf(near.id) }));
    const mark = one ? one.key + own.map((near) => near.id + Boolean(near.label)).join() : "";
    if (mark === this.compared) return;
    this.compared = mark;
    if (!one) {
      this.beside.replaceChildren();
      return;
    }
    const chance = `${words.share(one.probability)} ${one.pattern}`;
    const rarity = one.p === null ? "" : `${words.share(one.p, 1)} of unlabelled history is as much like it`;
    const picture = el("figure", { class: "this" }, mini(one.mini, 210, 120), el("figcaption", {}, el("b", { class: "outside", text: chance }), el("span", { class: "muted", text: words.windowWords(one, one.bars) })));
    const examples = own.filter((near) => near.label).map(({ label, likeness }) => el("figure", {}, mini(label.mini, 150, 120),
      el("figcaption", {}, el("b", { class: "outside", text: label.pattern }), el("span", { class: "muted", text: `${words.share(likeness)} alike · ${label.symbol} ${show.time(label.first)}` }))));
    const right = el("button", { type: "button", class: "quiet", text: "Label it so", onclick: () => this.onLabel(one) });
    this.beside.replaceChildren(
      el("div", { class: "pair" }, picture, el("div", { class: "examples" }, el("h3", { text: examples.length ? "Your nearest examples" : "The examples it was learned from are gone" }), el("div", { class: "row" }, ...examples))),
      el("p", { class: "why" }, el("span", { class: "muted", text: rarity }), right));
  }
}
