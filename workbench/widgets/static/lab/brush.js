// Brushing a window: by mouse or finger, and by keys alone. Tells bar numbers; knows nothing of what they mean.

const GRIP = 12;
const LEAST = 8;
const LEAP = 20;

export class Brush {
  /**
   * onChange(final) hears of each change; `final` once the hand has rested. onDone(): the window is meant.
   * onKey(name): "undo", "delete", "cancel", "next", "previous", "keys".
   */
  constructor(host, chart, { onChange, onDone, onKey, onTool }) {
    Object.assign(this, { host, chart, onChange, onDone, onKey, onTool });
    this.window = null; // {first, last}
    this.cursor = null;
    this.anchor = null;
    this.tool = "brush";
    this.drag = null;
    host.addEventListener("pointerdown", (event) => this.press(event), true);
    host.addEventListener("pointermove", (event) => this.move(event), true);
    host.addEventListener("keydown", (event) => this.key(event));
    host.addEventListener("blur", () => this.leave());
    this.release = (event) => this.lift(event);
    window.addEventListener("pointerup", this.release, true);
    window.addEventListener("pointercancel", this.release, true);
    this.choose("brush");
  }

  choose(tool) {
    this.tool = tool;
    this.chart.still(tool === "brush");
    this.host.dataset.tool = tool;
    this.onTool?.(tool);
  }

  set(window) {
    this.window = window;
    this.anchor = null;
    if (window) this.cursor = window.last;
  }

  at(event) {
    const box = this.host.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const { width, height } = this.chart.pane;
    return x >= 0 && y >= 0 && x < width && y < height ? x : null;
  }

  /** The end of the window whose edge is under a pixel. */
  gripAt(x) {
    if (!this.window) return null;
    const half = this.chart.barWidth / 2;
    const edges = { first: this.chart.xOf(this.window.first) - half, last: this.chart.xOf(this.window.last) + half };
    return Object.keys(edges).find((end) => Math.abs(edges[end] - x) <= GRIP) ?? null;
  }

  press(event) {
    if (event.button !== 0 || event.target.closest(".tag, a")) return;
    const x = this.at(event);
    if (x === null || !this.chart.rows.length) return;
    const grip = this.gripAt(x);
    if (!grip && this.tool !== "brush" && !event.shiftKey) return;
    const bar = this.chart.barAt(x);
    const fixed = grip ? this.window[grip === "first" ? "last" : "first"] : bar;
    this.drag = { fixed, from: x, moved: Boolean(grip), before: this.window };
    this.chart.still(true);
    event.preventDefault();
    event.stopPropagation();
    this.host.focus({ preventScroll: true });
  }

  move(event) {
    const x = this.at(event);
    if (!this.drag) {
      this.host.classList.toggle("gripping", x !== null && this.gripAt(x) !== null);
      return;
    }
    event.stopPropagation();
    const box = this.host.getBoundingClientRect();
    const to = event.clientX - box.left;
    if (!this.drag.moved && Math.abs(to - this.drag.from) < 4) return;
    this.drag.moved = true;
    this.span(this.drag.fixed, this.chart.barAt(Math.min(Math.max(to, 0), this.chart.pane.width)));
    this.onChange(false);
  }

  lift() {
    if (!this.drag) return;
    const { moved } = this.drag;
    this.drag = null;
    this.chart.still(this.tool === "brush");
    if (!moved) return;
    this.cursor = this.window.last;
    this.onChange(true);
    if (this.whole) this.onDone("pointer");
  }

  span(one, other) {
    this.window = { first: Math.min(one, other), last: Math.max(one, other) };
  }

  get whole() {
    return Boolean(this.window) && this.window.last - this.window.first + 1 >= LEAST;
  }

  leave() {
    this.anchor = null;
    this.onChange(false);
  }

  key(event) {
    if (event.target !== this.host || !this.chart.rows.length) return;
    const done = event.ctrlKey || event.metaKey ? this.withControl(event) : this.plain(event);
    if (!done) return;
    event.preventDefault();
    event.stopPropagation();
  }

  withControl(event) {
    if (event.key.toLowerCase() !== "z") return false;
    this.onKey("undo");
    return true;
  }

  plain(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -LEAP, PageDown: LEAP, Home: -Infinity, End: Infinity };
    if (event.key in steps) return this.step(steps[event.key], event.shiftKey);
    const acts = {
      a: () => this.begin(), A: () => this.begin(), Enter: () => this.finish(), Escape: () => this.cancel(),
      "+": () => this.chart.zoom(0.8, this.cursor), "=": () => this.chart.zoom(0.8, this.cursor), "-": () => this.chart.zoom(1.25, this.cursor),
      b: () => this.choose("brush"), p: () => this.choose("pan"), u: () => this.onKey("undo"), Delete: () => this.onKey("delete"),
      Backspace: () => this.onKey("delete"), n: () => this.onKey("next"), N: () => this.onKey("previous"), "?": () => this.onKey("keys"),
    };
    if (event.altKey || !acts[event.key]) return false;
    acts[event.key]();
    return true;
  }

  /** The bar that keys act on: at first the newest in sight. */
  start() {
    if (this.cursor !== null) return;
    const right = this.chart.barAt(this.chart.pane.width - 40);
    this.cursor = Math.min(right, this.chart.rows.length - 1);
  }

  step(by, extend) {
    this.start();
    if (extend && this.anchor === null) this.anchor = this.window && this.cursor === this.window.last ? this.window.first : this.cursor;
    this.cursor = Math.min(Math.max(this.cursor + by, 0), this.chart.rows.length - 1);
    this.chart.reach(this.cursor);
    if (this.anchor !== null) this.span(this.anchor, this.cursor);
    this.onChange(this.anchor !== null);
    return true;
  }

  begin() {
    this.start();
    this.anchor = this.cursor;
    this.span(this.anchor, this.cursor);
    this.onChange(true);
  }

  finish() {
    this.anchor = null;
    if (this.whole) this.onDone("keys");
  }

  cancel() {
    if (this.window) this.set(null);
    else this.choose("pan");
    this.anchor = null;
    this.onKey("cancel");
  }

  destroy() {
    window.removeEventListener("pointerup", this.release, true);
    window.removeEventListener("pointercancel", this.release, true);
  }
}
