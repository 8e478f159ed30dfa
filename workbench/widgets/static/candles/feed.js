// What the page knows of its chart: a snapshot, brought up to date by small differences. Knows no chart library.

export class ChartFeed {
  /** `ask` sends a message to the kernel; `onChange(what)` hears what changed: a set of part names and "bars", "all". */
  constructor(ask, onChange) {
    this.ask = ask;
    this.onChange = onChange;
    this.rev = -1;
    this.rows = []; // closed bars, rising: [ms, open, high, low, close, volume]
    this.fresh = []; // closed bars that came or changed since `take`
    this.parts = { forming: null, overlay: null, ribbon: null, confidence: null, status: null, mode: null, trading: null };
    this.trades = new Map(); // finished ones by id, oldest first
    this.crowds = []; // of those that are only counted: none on a live chart
    this.about = { symbol: "", timeframe: "", step: 60000 };
    this.heardAt = Date.now(); // the kernel
    this.newsAt = null; // the market, by this browser's clock
    this.asked = 0;
  }

  hear(message) {
    if (message.kind !== "chart" && message.kind !== "diff" && message.kind !== "beat") return;
    this.heardAt = Date.now();
    if ("age_ms" in message) this.newsAt = message.age_ms === null ? null : this.heardAt - message.age_ms;
    if (message.kind === "chart") this.restore(message);
    else if (message.kind === "diff" && message.since <= this.rev) this.apply(message);
    else if (message.rev > this.rev) this.catchUp();
  }

  restore(message) {
    if (message.rev === undefined || message.rev < 0) return;
    this.rev = message.rev;
    this.rows = message.bars;
    this.fresh = [];
    this.trades = new Map((message.trades ?? []).map((trade) => [trade.id, trade]));
    this.about = { symbol: message.symbol, timeframe: message.timeframe, step: message.step };
    for (const name of Object.keys(this.parts)) this.parts[name] = message[name] ?? null;
    this.onChange(new Set(["all"]));
  }

  apply(message) {
    if (message.rev <= this.rev) return; // heard before
    this.rev = message.rev;
    const changed = new Set();
    for (const row of message.bars ?? []) this.place(row);
    if (message.bars) changed.add("bars");
    for (const trade of message.trades ?? []) this.trades.set(trade.id, trade);
    if (message.trades) changed.add("trades");
    for (const name of Object.keys(this.parts)) {
      if (!(name in message)) continue;
      this.parts[name] = message[name];
      changed.add(name);
    }
    this.onChange(changed);
  }

  place(row) {
    let at = this.rows.length;
    while (at > 0 && this.rows[at - 1][0] >= row[0]) at -= 1;
    if (this.rows[at]?.[0] === row[0]) this.rows[at] = row;
    else this.rows.splice(at, 0, row);
    this.fresh.push(row);
  }

  /** Closed bars that came or changed since the last call. */
  take() {
    const fresh = this.fresh;
    this.fresh = [];
    return fresh;
  }

  /** Ask for what is missing, at most once a second. */
  catchUp() {
    if (Date.now() - this.asked < 1000) return;
    this.asked = Date.now();
    this.ask({ kind: "hello", rev: this.rev });
  }

  /** The newest bar of all, forming or not. */
  get newest() {
    return this.parts.forming ?? this.rows[this.rows.length - 1] ?? null;
  }

  /** "live", "quiet", "stale", "down" or "loading": also when it is the kernel that has fallen silent. */
  health(now = Date.now(), patience = 4500) {
    if (this.rev < 0) return { state: "loading", words: "waiting for the first bars" };
    if (now - this.heardAt > patience) return { state: "stale", words: "no word from the kernel; run the notebook again" };
    return this.parts.status ?? { state: "loading", words: "" };
  }
}
