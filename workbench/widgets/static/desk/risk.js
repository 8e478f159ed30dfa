// How much risk the bots carry together, and why. Python side: workbench/dashboard/risk_page.py.
import { el, setAttr, setText } from "./dom.js";
import * as show from "./format.js";
import { showChip } from "./marks.js";
import { sharesPanel } from "./risk_shares.js";
import { figuresStrip } from "./risk_figures.js";
import { heatPanel } from "./risk_heat.js";
import { ladderPanel, limitsPanel, groupsPanel, statesPanel } from "./risk_tables.js";
import { whatIfBar } from "./risk_what_if.js";

const STALE_MS = 15000;

export class RiskPage {
  static id = "risk";
  static title = "Risk";

  constructor(desk) {
    this.store = desk.store;
    this.note = el("p", { class: "risk-note muted", role: "status" });
    this.unknown = el("ul", { class: "unknown" });
    this.whatIf = whatIfBar((choice) => desk.ask({ kind: "choose", page: RiskPage.id, choice }));
    this.figures = figuresStrip();
    const { files } = desk.store;
    this.parts = [
      heatPanel(desk.paper, files),
      sharesPanel("Share of risk by bot", "by_bot", desk.paper, files),
      sharesPanel("Share of risk by market", "by_symbol", desk.paper, files),
      limitsPanel(files),
      ladderPanel(desk.paper, files),
      statesPanel(desk.halt, files),
      groupsPanel(files),
    ];
    this.body = el("div", { class: "risk-panels" }, ...this.parts.map((part) => part.node));
    this.lead = el("div", { class: "risk-lead" }, this.figures.node, this.whatIf.node);
    this.node = el("div", { class: "risk" }, this.note, this.lead, this.unknown, this.body);
  }

  update() {
    const told = this.store.pages.get(RiskPage.id);
    const view = told?.view;
    const age = told?.at ? Date.now() - told.at : null;
    setText(this.note, noteOf(told, age));
    setAttr(this.note, "hidden", this.note.textContent ? null : "hidden");
    setAttr(this.note, "data-tone", told?.trouble ? "warning" : null);
    for (const node of [this.lead, this.unknown, this.body]) setAttr(node, "hidden", view ? null : "hidden");
    this.node.classList.toggle("stale", age !== null && age > STALE_MS);
    if (!view) return;
    this.figures.update(view, this.store.view);
    this.whatIf.update(view);
    this.showUnknown(view.unknown);
    for (const part of this.parts) {
      part.update(view);
      if (part.chip && part.money) showChip(part.chip, this.store.view);
    }
  }

  repaint() {
    this.update();
  }

  showUnknown(words) {
    const said = JSON.stringify(words);
    if (this.unknown.dataset.said !== said) this.unknown.replaceChildren(...words.map((text) => el("li", {}, el("b", { text: "Unknown" }), el("span", { class: "outside", text }))));
    this.unknown.dataset.said = said;
    if (!words.length) this.unknown.hidden = true;
  }
}

function noteOf(told, age) {
  if (!told) return "Reading positions, prices and limits. The first figures take a second or two.";
  if (told.trouble) return `The risk cannot be computed now: ${told.trouble}.${told.at ? ` Shown is what was known ${show.span(age)} ago.` : " Run workbench doctor."}`;
  return age > STALE_MS ? `◷ stale: computed ${show.span(age)} ago` : "";
}
