// Which stretch of time the chart shows. Pure: knows nothing of pixels.

const LEAST_POINTS = 8;

export class SpanWindow {
  constructor() {
    this.range = null; // null: the whole run
  }

  get whole() {
    return this.range === null;
  }

  reset() {
    this.range = null;
  }

  /** The stretch to show of `times`; a window at the newest end moves along with it. */
  over(times) {
    const [first, last] = [times[0], times.at(-1)];
    if (this.whole) return [first, last];
    if (this.atEnd && last > this.range[1]) this.range = [this.range[0] + last - this.range[1], last];
    return this.range;
  }

  /** Zoom by `factor` (under 1: closer) around the moment `at`. */
  zoom(times, at, factor) {
    const [from, to] = this.over(times);
    this.place(times, at - (at - from) * factor, at + (to - at) * factor);
  }

  /** Move by `shift` milliseconds. */
  pan(times, shift) {
    if (this.whole) return;
    const [from, to] = this.range;
    const free = Math.max(times[0] - from, Math.min(times.at(-1) - to, shift));
    this.place(times, from + free, to + free);
  }

  place(times, from, to) {
    const [first, last] = [times[0], times.at(-1)];
    const least = Math.min(last - first, (LEAST_POINTS * (last - first)) / Math.max(times.length - 1, 1));
    const width = Math.max(to - from, least);
    if (width >= last - first) {
      this.reset();
      return;
    }
    const start = Math.max(first, Math.min(from, last - width));
    this.range = [start, start + width];
    this.atEnd = start + width >= last;
  }
}
