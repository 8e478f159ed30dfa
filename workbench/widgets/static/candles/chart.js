// The candles themselves on lightweight-charts: closed bars, the forming one, volume; panning, zooming and staying put.
import { CandlestickSeries, createChart, HistogramSeries } from "lightweight-charts";
import { candleOptions, chartOptions, faded, tokens } from "./look.js";
import { decimals, placeOf, timeAt } from "./places.js";
import { fan, ribbon } from "./underlay.js";

const NARROW = 560;

export class CandleChart {
  constructor(host, feed, tints) {
    this.host = host;
    this.feed = feed;
    this.tints = tints;
    this.look = tokens(host);
    this.places = 2;
    this.calm = null; // the price range that is held while bars form
    this.muted = false;
    this.ahead = 0; // bars of room that the first look left for the forecast
    this.chart = createChart(host, { autoSize: true, ...chartOptions(this.look, this.narrow, this.places) });
    this.candles = this.chart.addSeries(CandlestickSeries, {
      ...candleOptions(this.look, this.places), autoscaleInfoProvider: (original) => this.hold(original()),
    });
    this.volume = this.chart.addSeries(HistogramSeries, {
      priceScaleId: "volume", lastValueVisible: false, priceLineVisible: false, priceFormat: { type: "volume" },
    });
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0.01 }, visible: false });
    this.layers = [ribbon(this), fan(this)];
    for (const layer of this.layers) this.candles.attachPrimitive(layer);
    host.addEventListener("dblclick", (event) => this.reset(event));
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

  /** All bars with the forming one at the end. */
  get rows() {
    const { rev, rows, parts: { forming } } = this.feed;
    if (this.joined?.rev !== rev) this.joined = { rev, all: forming ? [...rows, forming] : rows };
    return this.joined.all;
  }

  /** Draw everything anew. */
  restore() {
    this.places = decimals(this.feed.rows);
    this.calm = null;
    this.chart.applyOptions(chartOptions(this.look, this.narrow, this.places));
    this.candles.applyOptions(candleOptions(this.look, this.places));
    const rows = this.feed.rows;
    this.candles.setData(rows.map((row) => this.candle(row)));
    this.volume.setData(rows.map((row) => this.bar(row)));
    this.drawn = null;
    this.form();
    this.seat();
  }

  /** Bars that closed or were put right. */
  close(fresh) {
    const newest = this.feed.rows[this.feed.rows.length - 1]?.[0];
    if (fresh.some((row) => row[0] < (this.drawn ?? newest) && row[0] !== newest)) {
      const range = this.time.getVisibleLogicalRange();
      this.candles.setData(this.feed.rows.map((row) => this.candle(row)));
      this.volume.setData(this.feed.rows.map((row) => this.bar(row)));
      if (range) this.time.setVisibleLogicalRange(range);
      this.drawn = null;
      return;
    }
    for (const row of fresh) this.update(row, false);
  }

  /** The forming bar: hollow until it is over. */
  form() {
    const row = this.feed.parts.forming;
    if (row) this.update(row, true);
    else if (this.drawn !== null && this.drawn !== undefined && this.drawn > (this.feed.rows.at(-1)?.[0] ?? 0)) this.restore();
  }

  update(row, forming) {
    if (this.drawn && row[0] < this.drawn) return;
    this.candles.update(this.candle(row, forming));
    this.volume.update(this.bar(row, forming));
    this.drawn = row[0];
  }

  candle(row, forming = false) {
    const point = { time: row[0] / 1000, open: row[1], high: row[2], low: row[3], close: row[4] };
    if (!forming) return point;
    const colour = this.muted ? this.look.muted : row[4] >= row[1] ? this.look.up : this.look.down;
    return { ...point, color: faded(colour, 0.22), borderColor: colour, wickColor: colour };
  }

  bar(row, forming = false) {
    const colour = row[4] >= row[1] ? this.look.up : this.look.down;
    return { time: row[0] / 1000, value: row[5], color: faded(colour, forming ? 0.18 : 0.34) };
  }

  /** Figures that are too old are muted. */
  mute(on) {
    if (on === this.muted) return;
    this.muted = on;
    this.candles.applyOptions({ priceLineColor: on ? this.look.muted : "" });
    this.form();
  }

  /** Keep the price axis still while bars stay inside it: an axis that jumps cannot be read. */
  hold(found) {
    const range = found?.priceRange;
    if (!range) return found;
    const room = (range.maxValue - range.minValue || Math.abs(range.maxValue) * 0.001 || 1) * 0.06;
    const held = this.calm;
    const fits = held && range.minValue >= held.minValue && range.maxValue <= held.maxValue
      && range.maxValue - range.minValue >= 0.7 * (held.maxValue - held.minValue);
    if (!fits) this.calm = { minValue: Math.max(range.minValue - room, 0), maxValue: range.maxValue + room };
    return { ...found, priceRange: this.calm };
  }

  /** The first look: the newest bars, with room for the forecast. */
  seat() {
    const ahead = Math.min((this.feed.parts.overlay?.horizon ?? 4) + 3, this.narrow ? 14 : 30);
    const width = Math.max(this.host.clientWidth - (this.narrow ? 60 : 76), 100);
    const shown = Math.max(30, Math.round(width / 8));
    const last = this.rows.length - 1;
    this.ahead = ahead;
    this.time.applyOptions({ rightOffset: ahead });
    this.time.setVisibleLogicalRange({ from: last + ahead - shown, to: last + ahead });
  }

  /** A forecast came or changed. The first one makes itself room, unless somebody has moved the chart. */
  outlook() {
    const { overlay } = this.feed.parts;
    if (overlay && this.ahead === 7 && Math.abs(this.time.scrollPosition() - this.ahead) < 0.5) this.seat();
    this.layers.forEach((layer) => layer.requestUpdate?.());
  }

  reset(event) {
    if (event.defaultPrevented) return;
    this.calm = null;
    this.chart.priceScale("right").applyOptions({ autoScale: true });
    this.seat();
  }

  repaint() {
    this.look = tokens(this.host);
    this.layers.forEach((layer) => layer.requestUpdate?.());
    const range = this.time.getVisibleLogicalRange();
    if (this.feed.rev >= 0) this.restore();
    if (range) this.time.setVisibleLogicalRange(range);
  }

  tintOf(regime) {
    const tint = this.tints[regime] ?? this.tints.unknown;
    return this.look.dark ? tint.dark : tint.light;
  }

  /** Bring a moment to the middle, the zoom unchanged. */
  centre(ms) {
    const range = this.time.getVisibleLogicalRange();
    const place = placeOf(this.rows, this.feed.about.step, ms);
    if (!range || place === null) return;
    const half = (range.to - range.from) / 2;
    this.time.setVisibleLogicalRange({ from: place - half, to: place + half });
  }

  xOf(ms) {
    const place = placeOf(this.rows, this.feed.about.step, ms);
    return place === null ? NaN : this.time.logicalToCoordinate(0) + place * this.barWidth;
  }

  yOf(price) {
    return this.candles.priceToCoordinate(price) ?? NaN;
  }

  priceAt(y) {
    return this.candles.coordinateToPrice(y);
  }

  /** Number of the bar at a pixel, also off the data. */
  placeAt(x) {
    return (x - this.time.logicalToCoordinate(0)) / this.barWidth;
  }

  timeAt(x) {
    return timeAt(this.rows, this.feed.about.step, this.placeAt(x));
  }

  still(on) {
    this.chart.applyOptions({ handleScroll: !on, handleScale: !on });
  }

  get pane() {
    return this.chart.paneSize(0);
  }

  destroy() {
    this.chart.remove();
  }
}
