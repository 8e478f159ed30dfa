// Recorded candles on lightweight-charts, with pixels for bars and bars for pixels. Knows nothing of labels.
import { CandlestickSeries, createChart, HistogramSeries } from "lightweight-charts";
import { candleOptions, chartOptions, faded, tokens } from "../candles/look.js";
import { decimals, indexAt } from "../candles/places.js";

const NARROW = 560;
const EDGE = 25; // bars from the end of a part at which more is asked for

export class LabChart {
  /** `onMove()` hears of panning, zooming and new sizes, `onEdge(ms)` that bars around a moment are wanted. */
  constructor(host, { onMove, onEdge }) {
    this.host = host;
    this.onEdge = onEdge;
    this.rows = [];
    this.part = null;
    this.places = 2;
    this.look = tokens(host);
    this.chart = createChart(host, { autoSize: true, ...chartOptions(this.look, this.narrow, this.places) });
    this.candles = this.chart.addSeries(CandlestickSeries, { ...candleOptions(this.look, 2), lastValueVisible: false, priceLineVisible: false });
    this.volume = this.chart.addSeries(HistogramSeries, {
      priceScaleId: "volume", lastValueVisible: false, priceLineVisible: false, priceFormat: { type: "volume" },
    });
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.86, bottom: 0.01 }, visible: false });
    this.time.subscribeVisibleLogicalRangeChange(() => {
      onMove();
      this.atEdge();
    });
    this.sizes = new ResizeObserver(() => onMove());
    this.sizes.observe(host);
  }

  get narrow() {
    return this.host.clientWidth < NARROW;
  }

  get time() {
    return this.chart.timeScale();
  }

  get barWidth() {
    return this.time.options().barSpacing;
  }

  /** A part of a chart came. What was in sight stays there where the new part has it. */
  show(part) {
    const same = this.part?.symbol === part.symbol && this.part?.timeframe === part.timeframe;
    const seen = same ? this.sight() : null;
    this.part = part;
    this.rows = part.bars;
    this.waiting = false;
    this.places = Math.min(decimals(this.rows), tick(this.rows[this.rows.length - 1][4]));
    this.paint();
    if (seen) this.lookAt(seen.from, seen.to);
    else this.toEnd();
  }

  paint() {
    this.look = tokens(this.host);
    this.chart.applyOptions(chartOptions(this.look, this.narrow, this.places));
    this.candles.applyOptions(candleOptions(this.look, this.places));
    const shade = (row) => faded(row[4] >= row[1] ? this.look.up : this.look.down, 0.3);
    this.candles.setData(this.rows.map(([ms, open, high, low, close]) => ({ time: ms / 1000, open, high, low, close })));
    this.volume.setData(this.rows.map((row) => ({ time: row[0] / 1000, value: row[5], color: shade(row) })));
  }

  toEnd() {
    const shown = Math.max(40, Math.round(this.host.clientWidth / 8));
    const last = this.rows.length - 1;
    this.time.setVisibleLogicalRange({ from: last - shown, to: last + 4 });
  }

  /** First and last moment in sight. */
  sight() {
    const range = this.time.getVisibleLogicalRange();
    if (!range || !this.rows.length) return null;
    const clip = (at) => this.rows[Math.min(Math.max(Math.round(at), 0), this.rows.length - 1)][0];
    return { from: clip(range.from), to: clip(range.to) };
  }

  lookAt(from, to) {
    this.time.setVisibleLogicalRange({ from: indexAt(this.rows, from), to: indexAt(this.rows, to) });
  }

  /** Bring bars first … last to the middle, with as much again on both sides. */
  centre(first, last) {
    const room = Math.max(last - first + 1, 24);
    this.time.setVisibleLogicalRange({ from: first - 1.5 * room, to: last + 1.5 * room });
  }

  /** Move just so far that a bar is in sight. */
  reach(at) {
    const range = this.time.getVisibleLogicalRange();
    if (!range) return;
    const off = at < range.from + 2 ? at - range.from - 2 : at > range.to - 2 ? at - range.to + 2 : 0;
    if (off) this.time.setVisibleLogicalRange({ from: range.from + off, to: range.to + off });
  }

  zoom(factor, at) {
    const range = this.time.getVisibleLogicalRange();
    if (!range) return;
    const middle = at ?? (range.from + range.to) / 2;
    this.time.setVisibleLogicalRange({ from: middle - (middle - range.from) * factor, to: middle + (range.to - middle) * factor });
  }

  atEdge() {
    const range = this.time.getVisibleLogicalRange();
    if (!range || this.waiting || !this.part) return;
    const wanted = range.from < EDGE && this.part.before ? this.rows[0][0]
      : range.to > this.rows.length - EDGE && this.part.after ? this.rows[this.rows.length - 1][0] : null;
    if (wanted === null) return;
    this.waiting = true;
    this.onEdge(wanted);
  }

  /** Bar number of the first or last bar of a window; −1 where it is not in this part. */
  indexOf(ms) {
    const at = indexAt(this.rows, ms);
    return at >= 0 && this.rows[at][0] === ms ? at : -1;
  }

  /** The middle of a bar in pixels, also for bars out of sight. */
  xOf(index) {
    const origin = this.time.logicalToCoordinate(0);
    return origin === null ? NaN : origin + index * this.barWidth;
  }

  /** The bar at a pixel, always one that is there. */
  barAt(x) {
    const at = Math.round((x - this.time.logicalToCoordinate(0)) / this.barWidth);
    return Math.min(Math.max(at, 0), this.rows.length - 1);
  }

  still(on) {
    this.chart.applyOptions({ handleScroll: { pressedMouseMove: !on, horzTouchDrag: !on, vertTouchDrag: false } });
  }

  get pane() {
    return this.chart.paneSize(0);
  }

  destroy() {
    this.sizes.disconnect();
    this.chart.remove();
  }
}

/** Decimals that a price of this size is told in: recordings hold more than a market's tick. */
function tick(price) {
  return price >= 100 ? 2 : price >= 1 ? 4 : price >= 0.01 ? 5 : 8;
}
