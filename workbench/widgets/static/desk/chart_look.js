// How the chart looks: scales, axes and lines, in the page's tokens.
import uPlot from "uplot";
import * as show from "./format.js";

const DAY_MS = 86400000;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export function options(chart, size, hooks) {
  const token = (name) => getComputedStyle(chart.node).getPropertyValue(`--wb-${name}`).trim();
  const font = `11px ${token("sans")}`;
  const axis = { stroke: token("muted"), font, ticks: { show: false }, border: { show: false } };
  const grid = { stroke: token("line"), width: 1 };
  return {
    ...size,
    ms: 1,
    tzDate: (at) => uPlot.tzDate(new Date(at), show.ZONE),
    padding: [10, 0, 0, 20], // at the left half a date's width
    legend: { show: false },
    cursor: { drag: { x: false, y: false, setScale: false }, points: { size: 6, width: 1.5 }, bind: { dblclick: () => null } },
    scales: {
      x: { time: true, range: () => chart.window.over(chart.table[0]) },
      y: { range: calm() },
    },
    axes: [
      { ...axis, grid: { ...grid, dash: [2, 4] }, values: dates, space: 90, size: 26 },
      { ...axis, side: 1, grid, size: 74, gap: 8, values: (_, splits) => splits.map((v) => figure(chart.mode, v)), space: 40 },
    ],
    series: [{}, ...chart.lines.map((line, i) => ({
      label: line.id,
      show: chart.shown(i),
      stroke: line.shade ?? token("text"),
      width: line.shade ? 1.5 : 2.25,
      points: { show: false },
      spanGaps: true,
    }))],
    hooks: { ...hooks, drawAxes: [(plot) => zero(plot, chart, token("muted"))] },
  };
}

function figure(mode, value) {
  const places = Math.abs(value) >= 1000 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const text = mode === "equity" ? show.fixed(value, places) : show.signed(value, places);
  return mode === "return" || mode === "drawdown" ? `${text} %` : text;
}

/** Day and month where a day begins, hours and minutes within it, in the viewer's zone. */
function dates(_plot, splits, _axis, _space, step) {
  let day = "";
  return splits.map((at) => {
    const [date, clock] = show.time(at).split(" ");
    const [year, month, number] = date.split("-");
    const words = step >= 28 * DAY_MS ? `${MONTHS[month - 1]} ${year}` : `${Number(number)} ${MONTHS[month - 1]}`;
    const fresh = date !== day;
    day = date;
    return step >= DAY_MS || fresh ? words : clock;
  });
}

/** Keeps the y axis still while the lines stay well inside it: an axis that jumps cannot be read. */
function calm() {
  let held = null;
  return (_plot, min, max) => {
    if (min === null || max === null) return held ?? [-1, 1];
    const room = (max - min || Math.max(Math.abs(max) * 0.001, 1)) * 0.08;
    const fits = held && min - room * 0.25 >= held[0] && max + room * 0.25 <= held[1] && max - min >= 0.6 * (held[1] - held[0]);
    if (!fits) held = [min - room, max + room];
    return held;
  };
}

/** The line between gain and loss. */
function zero(plot, chart, colour) {
  if (chart.mode === "equity" || plot.scales.y.min > 0 || plot.scales.y.max < 0) return;
  const { ctx, bbox } = plot;
  const y = Math.round(plot.valToPos(0, "y", true)) + 0.5;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}
