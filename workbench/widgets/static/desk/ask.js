// A tab that asks in the one grammar: a line with completion and history, and what came of it.
import { el, memory, setAttr, setText } from "./dom.js";
import * as show from "./format.js";
import { OfferList } from "./offers.js";
import { replyNode } from "./reply.js";

const KEPT_LINES = 50;
const KEPT_REPLIES = 12;
const UNHEARD_MS = 4000;

export class AskPage {
  constructor(desk, { id, title, about }) {
    Object.assign(this, { desk, id, title, replies: [], asking: new Map(), begun: false, at: null });
    this.history = memory.get(`lines.${id}`, []);
    this.input = el("input", {
      class: "ask-line", type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false", role: "combobox",
      "aria-expanded": "false", "aria-autocomplete": "list", "aria-label": "A command", placeholder: "/help",
    });
    this.offers = new OfferList(this.input, (word) => this.take(word));
    this.go = el("button", { type: "submit", class: "ask-go", text: "Ask" });
    this.chips = el("div", { class: "ask-chips", "aria-label": "Suggestions" });
    this.status = el("p", { class: "ask-status muted", role: "status", hidden: true });
    this.results = el("div", { class: "ask-results", "aria-live": "polite" });
    const form = el("form", { class: "ask-form" }, el("span", { class: "ask-box" }, this.input, this.offers.node), this.go);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.offers.hide();
      this.send(this.input.value);
    });
    this.input.addEventListener("input", () => this.complete());
    this.input.addEventListener("keydown", (event) => this.press(event));
    this.node = el("div", { class: "ask" }, el("p", { class: "ask-about muted", text: about }), form, this.chips, this.status, this.results);
    desk.store.dialogs.add(this);
  }

  /** The tab was opened: the first time it asks its first line by itself. */
  repaint() {
    if (this.begun) return;
    this.begun = true;
    this.linesId = freshId();
    this.desk.ask({ kind: "lines", id: this.linesId, page: this.id });
  }

  update() {
    const [oldest] = this.asking.values();
    if (!oldest) return;
    const silent = !oldest.heard && Date.now() - oldest.at > UNHEARD_MS;
    const words = silent ? "No answer: the page's kernel is not there. Reload the page." : `${oldest.words || "Asking"} … ${Math.round((Date.now() - oldest.at) / 1000)} s`;
    setText(this.status, words);
  }

  send(line) {
    const text = line.trim();
    if (!text) return;
    const id = freshId();
    this.asking.set(id, { line: text, at: Date.now(), heard: false, words: "" });
    this.remember(text);
    this.input.value = text;
    this.desk.ask({ kind: "ask", id, line: text, theme: this.desk.paper(), zone: show.ZONE });
    this.showWaiting();
  }

  /** What the kernel says; `lines` and `offers` answer this page's own questions only. */
  hear(message) {
    if (message.kind === "lines" && message.id === this.linesId) this.offer(message.lines);
    else if (message.kind === "offers" && message.id === this.completing && message.line === this.input.value) this.offers.show(message.offers);
    else if (message.kind === "asked" && this.asking.has(message.id)) this.told(message);
  }

  offer(lines) {
    this.chips.replaceChildren(...lines.map((line) => el("button", { type: "button", class: "quiet outside", text: line, onclick: () => this.send(line) })));
    const untouched = !this.replies.length && !this.asking.size && !this.input.value; // who was faster is not interrupted
    if (lines.length && untouched) this.send(lines[0]);
  }

  told(message) {
    const asked = this.asking.get(message.id);
    asked.heard = true;
    if (message.phase === "working") asked.words = message.words;
    if (message.phase === "done") this.keep(message.reply, asked.line);
    if (message.phase === "refused") this.keep({ title: asked.line, ok: false, error: message.error, notes: [], parts: [] }, asked.line);
    if (message.phase === "done" || message.phase === "refused") this.asking.delete(message.id);
    this.showWaiting();
  }

  keep(reply, line) {
    this.replies = [{ reply, line }, ...this.replies].slice(0, KEPT_REPLIES);
    const node = replyNode(reply, (answer) => this.send(answer), this.desk.store.files);
    node.prepend(el("code", { class: "reply-line outside", text: line }));
    this.results.prepend(node);
    while (this.results.children.length > KEPT_REPLIES) this.results.lastChild.remove();
  }

  showWaiting() {
    setAttr(this.status, "hidden", this.asking.size ? null : "hidden");
    setAttr(this.go, "disabled", this.asking.size ? "disabled" : null);
    this.update();
  }

  complete() {
    this.offers.hide(); // those of an earlier text must not be taken for this one
    this.completing = freshId();
    this.desk.ask({ kind: "complete", id: this.completing, line: this.input.value });
  }

  /** Replace the half-typed last word. */
  take(word) {
    this.input.value = `${this.input.value.replace(/\S*$/, "")}${word} `;
    this.input.focus();
    this.complete();
  }

  press(event) {
    if (this.offers.press(event)) return;
    if (event.key === "ArrowUp" || event.key === "ArrowDown") this.recall(event.key === "ArrowUp" ? 1 : -1);
    else if (event.key === "Escape") this.input.value = "";
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  recall(step) {
    const at = Math.min(Math.max((this.at ?? -1) + step, -1), this.history.length - 1);
    this.at = at;
    this.offers.hide();
    this.input.value = at < 0 ? "" : this.history[at];
  }

  remember(line) {
    this.at = null;
    this.history = [line, ...this.history.filter((other) => other !== line)].slice(0, KEPT_LINES);
    memory.set(`lines.${this.id}`, this.history);
  }

  destroy() {
    this.desk.store.dialogs.delete(this);
  }
}

const freshId = () => Math.random().toString(36).slice(2);
