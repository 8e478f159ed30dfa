// Patterns that others share: seen before they are learned from, and given back at any time.
import { el } from "../desk/dom.js";
import { Cards, button } from "./cards.js";
import { mini } from "./mini.js";

export class OfferCards extends Cards {
  constructor({ onTake }) {
    super("From others", "others");
    this.onTake = onTake;
  }

  update(lab) {
    this.node.hidden = !lab.offers.length;
    this.show(lab.offers, "", (one) => this.one(one));
  }

  one(one) {
    const whole = `${one.pattern} of ${one.owner}`;
    const ended = `${one.labels} label${one.labels === 1 ? "" : "s"}, ${one.won} of ${one.decided} decided a success`;
    const act = one.accepted
      ? button("Give back", `Learn from ${whole} no longer`, () => this.onTake(one, false))
      : button("Learn from it", `Learn from ${whole} too; it stays theirs`, () => this.onTake(one, true), "main small");
    return el("li", { class: "card", "data-key": whole },
      el("div", { class: "picture" }, ...one.minis.map((bars) => mini(bars))),
      el("div", { class: "facts" }, el("b", { class: "outside", text: one.pattern }), el("span", { class: "outside where", text: `of ${one.owner}` }), el("span", { class: "muted", text: one.accepted ? `${ended} · accepted` : ended })),
      el("div", { class: "acts" }, act));
  }
}
