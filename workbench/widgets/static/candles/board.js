// The drawings as this page shows them: what the ledger says, with this page's own acts on top until it has heard of them.

export class Board {
  /** `ask` sends to the kernel. `me`: whose drawings may be changed here. */
  constructor(ask, me, onChange) {
    this.ask = ask;
    this.me = me;
    this.onChange = onChange;
    this.known = new Map();
    this.waiting = []; // own acts that no answer has covered yet
    this.turn = 0;
    this.answered = 0; // the newest turn of ours that the kernel has answered
    this.selected = null;
    this.trouble = "";
    this.items = new Map();
  }

  /** {kind: "drawings", items, turn} with the last act it covers; {kind: "refused", turn, words}. */
  hear(message) {
    if (message.kind === "drawings") {
      this.known = new Map(message.items.map((drawing) => [drawing.id, drawing]));
      this.waiting = this.waiting.filter((act) => message.page !== this.page || act.turn > message.turn);
    } else if (message.kind === "refused") {
      this.waiting = this.waiting.filter((act) => message.page !== this.page || act.turn !== message.turn);
      this.trouble = message.words;
    } else return;
    if (message.page === this.page) this.answered = message.turn;
    this.settle();
  }

  settle() {
    this.items = new Map(this.known);
    for (const act of this.waiting) {
      for (const drawing of act.put) this.items.set(drawing.id, { ...drawing, user: this.me });
      for (const id of act.drop) this.items.delete(id);
    }
    if (this.selected && !this.items.has(this.selected)) this.selected = null;
    this.onChange();
  }

  put(drawing) {
    this.act({ put: [drawing], drop: [] });
  }

  drop(id) {
    this.act({ put: [], drop: [id] });
  }

  act({ put, drop }) {
    this.turn += 1;
    this.trouble = "";
    this.waiting.push({ turn: this.turn, put, drop });
    this.ask({ kind: "draw", page: this.page, turn: this.turn, put, drop });
    this.settle();
  }

  /** "undo" or "redo": the ledger knows the steps, of this page and of every other. */
  turnBack(kind) {
    this.turn += 1;
    this.ask({ kind, page: this.page, turn: this.turn });
  }

  select(id) {
    if (this.selected === id) return;
    this.selected = id;
    this.onChange();
  }

  get current() {
    return this.items.get(this.selected) ?? null;
  }

  own(drawing) {
    return drawing.user === this.me;
  }

  get page() {
    this.name ??= fresh("p");
    return this.name;
  }
}

/** An id that nobody else makes. */
export function fresh(prefix = "d") {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  return `${prefix}-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
