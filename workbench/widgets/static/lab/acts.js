// What hands do in the lab, and what is asked of the kernel for it.

const REST_MS = 220;

export class Acts {
  /** `view` holds chart, brush, form and pane once they are made. */
  constructor(lab, view) {
    Object.assign(this, { lab, view });
    this.nameOfMatches = "";
    this.going = null; // {symbol, timeframe, first, last, then} where a window is to be shown once its chart is here
    this.rest = 0;
  }

  listen() {
    const { lab, view } = this;
    Object.assign(lab.hears, {
      chart: (part) => this.arrived(part),
      save: (told) => this.saved(told),
      trained: () => this.refresh(true),
      labels: () => this.refresh(false),
      hello: () => this.refresh(true),
      refused: ({ asked }) => asked === "chart" && (view.chart.waiting = false),
    });
  }

  /** Another chart, or the same around a moment. */
  open(symbol, timeframe, around) {
    this.view.brush?.set(null);
    this.lab.pending = null;
    this.lab.chosen = null;
    this.askChart(symbol, timeframe, around);
  }

  askChart(symbol, timeframe, around) {
    this.lab.ask("chart", around === undefined ? { symbol, timeframe } : { symbol, timeframe, around });
  }

  more(ms) {
    const { symbol, timeframe } = this.lab.chart;
    this.askChart(symbol, timeframe, ms);
  }

  arrived(part) {
    const { lab, view } = this;
    const before = view.chart.part;
    const other = part.symbol !== lab.chart.symbol || part.timeframe !== lab.chart.timeframe || part.before !== before?.before;
    lab.chart = { symbol: part.symbol, timeframe: part.timeframe };
    view.chart.show(part);
    view.brush.cursor = null;
    view.brush.window = lab.pending ? this.spanOf(lab.pending) : null;
    if (other) {
      lab.findings = { state: "none", items: [] };
      this.refresh(true);
    }
    const going = this.going;
    this.going = null;
    if (going) this.arrive(going);
    view.update();
  }

  /** What depends on labels: records and proposals; recognitions too where they may be others. */
  refresh(recognise) {
    const { lab } = this;
    if (!lab.chart.symbol) return;
    const { symbol, timeframe } = lab.chart;
    if (recognise && lab.trained) {
      lab.findings = { state: "loading", items: lab.findings.items };
      const { rows } = this.view.chart;
      lab.ask("recognise", { symbol, timeframe, around: rows[rows.length >> 1][0] });
    }
    lab.records = { ...lab.records, state: "loading" };
    lab.ask("records");
    if (lab.labels.length) lab.ask("propose", { timeframe, skipped: [...lab.skipped] });
    else lab.proposals = { state: "none", items: [] };
  }

  spanOf({ first, last }) {
    const span = { first: this.view.chart.indexOf(first), last: this.view.chart.indexOf(last) };
    return span.first >= 0 && span.last > span.first ? span : null;
  }

  /** The window under the hand has changed; `final`: look at it once the hand rests. */
  brushed(final) {
    const { lab, view } = this;
    const { window, whole } = view.brush;
    if (final || !window) clearTimeout(this.rest);
    if (!window || !whole) {
      if (!window) lab.pending = null;
      view.update();
      return;
    }
    const rows = view.chart.rows;
    const fresh = !lab.pending;
    lab.pending = { ...lab.chart, first: rows[window.first][0], last: rows[window.last][0], id: lab.pending?.id ?? null };
    if (fresh) view.form.open(null, this.lastRule, "");
    if (final) this.rest = setTimeout(() => this.examine(), REST_MS);
    view.update();
  }

  get lastRule() {
    return this.lab.labels.findLast((one) => one.rule)?.rule ?? null;
  }

  /** Ask for what resembles the window, and how it ended. */
  examine() {
    clearTimeout(this.rest);
    const { lab } = this;
    if (!lab.pending) return;
    const { symbol, timeframe, first, last } = lab.pending;
    this.nameOfMatches = "";
    lab.matches = { state: "loading", items: [], of: lab.labelOf(lab.pending.id)?.pattern ?? null };
    lab.ask("similar", { symbol, timeframe, first, last });
    this.measure();
  }

  measure() {
    const { lab, view } = this;
    if (!lab.pending || view.form.outcome !== "rule") return;
    const { symbol, timeframe, first, last } = lab.pending;
    lab.ask("ending", { symbol, timeframe, first, last, rule: view.form.rule });
  }

  /** The window is meant: on to its name. A finger's keyboard stays down until the name is touched. */
  name(by) {
    this.examine();
    if (by === "keys" || matchMedia("(pointer: fine)").matches) this.view.form.name.focus({ preventScroll: by !== "keys" });
  }

  save() {
    const { lab, view } = this;
    const said = view.form.said;
    if (!lab.pending) return;
    if (!said.pattern) {
      lab.say("a label needs a name", "warning");
      view.form.name.focus();
      return;
    }
    const { id, ...window } = lab.pending;
    const before = lab.labelOf(id);
    const moved = Boolean(before) && (before.first !== window.first || before.last !== window.last);
    lab.ask("save", { ...window, ...said, id, moved });
  }

  saved({ label, fresh }) {
    const { lab, view } = this;
    lab.say(fresh ? `kept: ${label.pattern}` : `changed: ${label.pattern}`);
    if (lab.matches.state !== "none") {
      this.nameOfMatches = label.pattern;
      lab.matches = { ...lab.matches, of: label.pattern, items: lab.matches.items.filter((one) => one.key !== label.key) };
    }
    lab.proposals = { ...lab.proposals, items: lab.proposals.items.filter((one) => one.key !== label.key) };
    if (lab.pending?.first === label.first && lab.pending?.symbol === label.symbol) this.cancel();
    view.update();
  }

  cancel() {
    this.lab.pending = null;
    this.lab.ending = null;
    this.view.brush.set(null);
    this.view.pane.focus({ preventScroll: true });
    this.view.update();
  }

  /** Label a window that was found, with the rule used last. */
  same(one, pattern) {
    const { symbol, timeframe, first, last } = one;
    const rule = this.lastRule ?? this.view.form.usual;
    this.lab.ask("save", { symbol, timeframe, first, last, pattern, outcome: "rule", rule, note: "", shared: false, id: null });
  }

  skip(one) {
    this.lab.skipped.add(one.key);
    this.lab.changed();
  }

  /** Show a window on its chart, ready to be named; with an id: the label of that id, with `edit` to be changed. */
  look(one, id = null, edit = false) {
    const { chart } = this.view;
    const going = { symbol: one.symbol, timeframe: one.timeframe, first: one.first, last: one.last, id, edit };
    const here = chart.part?.symbol === one.symbol && chart.part?.timeframe === one.timeframe && this.spanOf(one);
    if (here) {
      this.arrive(going);
      return;
    }
    this.going = going;
    this.lab.pending = null;
    this.askChart(one.symbol, one.timeframe, one.first);
  }

  arrive({ symbol, timeframe, first, last, id, edit }) {
    const { lab, view } = this;
    const span = this.spanOf({ first, last });
    if (!span) {
      lab.say("its candles are not here any more", "warning");
      return;
    }
    view.chart.centre(span.first, span.last);
    lab.chosen = id;
    if (id === null || edit) {
      view.brush.set(span);
      lab.pending = { symbol, timeframe, first, last, id };
      view.form.open(lab.labelOf(id), this.lastRule, this.nameOfMatches);
      this.measure();
    }
    view.update();
    view.pane.scrollIntoView({ block: "nearest" });
    (edit ? view.form.name : view.pane).focus({ preventScroll: true });
  }

  edit(label) {
    this.look(label, label.id, true);
  }

  remove(label) {
    if (!label) return;
    if (this.lab.pending?.id === label.id) this.cancel();
    this.lab.ask("delete", { id: label.id });
    this.lab.say(`deleted: ${label.pattern}. U brings it back`);
  }

  delete() {
    const chosen = this.lab.labelOf(this.lab.chosen);
    if (chosen) this.remove(chosen);
    else this.cancel();
  }

  undo() {
    this.lab.ask("undo");
  }

  train() {
    this.lab.training = { done: 0, words: "reading labels" };
    this.lab.ask("train");
    this.lab.changed();
  }

  /** Choose a band or a row; `move`: bring it into sight. */
  pick(kind, id, move) {
    const { lab, view } = this;
    lab.chosen = id;
    const one = kind === "finding" ? lab.finding : lab.labelOf(id);
    const span = one && this.spanOf(one);
    if (move && span) view.chart.centre(span.first, span.last);
    else if (move && one) this.look(one, id);
    if (kind === "label" && one && !move) this.rename(one, span);
    view.update();
  }

  /** Edit a label that is in sight, without moving the chart. */
  rename(label, span) {
    const { lab, view } = this;
    view.brush.set(span);
    lab.pending = { symbol: label.symbol, timeframe: label.timeframe, first: label.first, last: label.last, id: label.id };
    view.form.open(label, this.lastRule);
  }

  next() {
    this.jump(1);
  }

  previous() {
    this.jump(-1);
  }

  jump(by) {
    const { lab } = this;
    const here = (one) => one.symbol === lab.chart.symbol && one.timeframe === lab.chart.timeframe;
    const all = [...lab.labels.filter(here).map((one) => ["label", one.id, one.first]), ...lab.findings.items.map((one) => ["finding", one.key, one.first])];
    if (!all.length) return;
    all.sort((a, b) => a[2] - b[2]);
    const at = all.findIndex(([, id]) => id === lab.chosen);
    const [kind, id] = all[(at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by + all.length) % all.length];
    this.pick(kind, id, true);
  }
}
