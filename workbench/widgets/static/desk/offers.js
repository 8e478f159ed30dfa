// The list under a line being typed: arrows choose, Tab or Enter takes, Escape closes. Up from the line is not ours.
import { el, setAttr } from "./dom.js";

let born = 0;

export class OfferList {
  constructor(input, onTake) {
    Object.assign(this, { input, onTake, offers: [], at: -1 });
    this.node = el("ul", { class: "offers", role: "listbox", id: `offers-${(born += 1)}`, hidden: true });
    input.setAttribute("aria-controls", this.node.id);
    input.addEventListener("blur", () => setTimeout(() => this.hide(), 150)); // a click on an offer comes first
  }

  show(offers) {
    this.offers = document.activeElement === this.input ? offers : [];
    this.at = -1;
    this.node.replaceChildren(...this.offers.map(([word, about], i) => this.item(word, about, i)));
    this.mark();
  }

  item(word, about, i) {
    const node = el("li", { role: "option", id: `${this.node.id}-${i}`, "aria-selected": "false" }, el("b", { class: "outside", text: word }), el("span", { class: "muted outside", text: about }));
    node.addEventListener("mousedown", (event) => {
      event.preventDefault();
      this.take(i);
    });
    return node;
  }

  hide() {
    this.show([]);
  }

  /** Whether the key was ours. */
  press(event) {
    const { length } = this.offers;
    if (!length) return false;
    if (event.key === "ArrowDown") this.at = (this.at + 1) % length;
    else if (event.key === "ArrowUp" && this.at >= 0) this.at -= 1;
    else if (event.key === "Tab" && !event.shiftKey) this.take(Math.max(this.at, 0));
    else if (event.key === "Enter" && this.at >= 0) this.take(this.at);
    else if (event.key === "Escape") this.hide();
    else return false;
    this.mark();
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  take(i) {
    const [word] = this.offers[i];
    this.hide();
    this.onTake(word);
  }

  mark() {
    setAttr(this.node, "hidden", this.offers.length ? null : "hidden");
    this.input.setAttribute("aria-expanded", String(this.offers.length > 0));
    setAttr(this.input, "aria-activedescendant", this.at >= 0 ? `${this.node.id}-${this.at}` : null);
    [...this.node.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === this.at)));
  }
}
