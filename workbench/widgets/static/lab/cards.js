// Windows as cards: those similar to the brushed one, and those to label next.
import { el, panel, setText } from "../desk/dom.js";
import { mini } from "./mini.js";
import * as words from "./words.js";

/** A panel of cards that are drawn anew when the list behind them is another one. */
export class Cards {
  constructor(title, css) {
    this.panel = panel(title, css);
    this.list = el("ul", { class: "cards" });
    this.blank = el("p", { class: "blank" });
    this.panel.body.append(this.list, this.blank);
    this.node = this.panel.node;
  }

  show(items, blank, make) {
    this.blank.hidden = !blank;
    setText(this.blank, blank);
    if (items === this.shown) return;
    this.shown = items;
    this.list.replaceChildren(...items.map(make));
  }
}

export function card(one, headline, ...acts) {
  return el("li", { class: "card", "data-key": one.key },
    el("div", { class: "picture" }, mini(one.mini)),
    el("div", { class: "facts" }, headline, el("span", { class: "outside where", text: `${one.symbol} · ${words.bars(one.bars)}` }),
      el("span", { class: "muted", text: words.when(one) })),
    el("div", { class: "acts" }, ...acts));
}

export function button(text, label, onclick, css = "quiet") {
  return el("button", { type: "button", class: css, text, title: label, "aria-label": label, onclick });
}

export class SimilarCards extends Cards {
  constructor(hands) {
    super("Similar windows", "similar");
    this.hands = hands;
    this.name = "";
  }

  update(lab, name) {
    const { state, items, words: why } = lab.matches;
    this.node.hidden = state === "none";
    const blank = { loading: "Looking through every market of this bar length", refused: why }[state] ?? (items.length ? "" : "Nothing here looks like it");
    const of = lab.matches.of;
    setText(this.panel.heading, of ? `Similar to ${of}` : "Similar windows");
    if (name !== this.name) {
      this.name = name;
      this.shown = null;
    }
    this.show(items, items.length ? "" : blank, (one) => this.one(one, name));
  }

  one(one, name) {
    const headline = el("b", { text: `${words.share(one.likeness)} alike` });
    const same = name ? button(`Label`, `Label it ${name} too`, () => this.hands.same(one, name), "main small") : null;
    return card(one, headline, same, button("Look", "Look at it on the chart", () => this.hands.look(one)));
  }
}

export class ProposalCards extends Cards {
  constructor(hands) {
    super("Label next", "proposals");
    this.hands = hands;
  }

  update(lab) {
    const { state, items, words: why } = lab.proposals;
    const seen = items.filter((one) => !lab.skipped.has(one.key));
    const blank = { none: "Label a window, and the most doubtful ones are asked for here.", loading: "Looking for doubtful windows", refused: why }[state];
    const rest = lab.labels.length ? "No doubtful window of this bar length is left." : "Label a window, and the most doubtful ones are asked for here.";
    if (this.was !== items || this.count !== seen.length) this.shown = null;
    this.was = items;
    this.count = seen.length;
    this.show(seen, seen.length ? "" : blank ?? rest, (one) => this.one(one));
    this.shown = seen;
  }

  one(one) {
    const chance = one.probability === null ? `${words.share(one.likeness)} alike` : words.share(one.probability);
    const headline = el("span", { class: "question" }, el("b", { class: "outside", text: `${one.pattern}?` }), el("span", { class: "muted", text: chance }));
    return card(one, headline,
      button("Yes", `Label it ${one.pattern}`, () => this.hands.same(one, one.pattern), "main small"),
      button("Look", "Look at it on the chart", () => this.hands.look(one)),
      button("Skip", "Do not ask for it again", () => this.hands.skip(one)));
  }
}
