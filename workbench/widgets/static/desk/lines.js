// Equity lines as the chart draws them: one currency, one way of reading, one table of times. Pure.

export const TOTAL = "total";

/** Lines of the total's currency in drawing order, and the names of those in another, which cannot share its axis. */
export function linesOf(view, paper) {
  const bots = view.order.filter((id) => view.equity.has(id) && id !== TOTAL);
  const all = bots.map((id) => line(id, view.bots.get(id).id, view.equity.get(id), view.bots.get(id).status, view.bots.get(id).colour));
  if (view.equity.has(TOTAL)) all.push(line(TOTAL, "Total", view.equity.get(TOTAL), view.total, null));
  const drawn = all.filter((one) => one.t.length);
  const currency = drawn.at(-1)?.currency ?? "";
  return {
    currency,
    lines: drawn.filter((one) => one.currency === currency).map((one) => ({ ...one, shade: one.colour?.[paper] ?? null })),
    left: drawn.filter((one) => one.currency !== currency).map((one) => one.label),
  };
}

function line(id, label, { t, v, currency }, sums, colour) {
  return { id, label, t, v, currency, colour, base: baseOf(sums, v) };
}

/** What the account started with: equity less profit where both are told, else its first recorded worth. */
function baseOf(sums, v) {
  const [equity, pnl] = [sums?.equity?.amount, sums?.pnl?.amount];
  return Number.isFinite(equity) && Number.isFinite(pnl) ? equity - pnl : v[0];
}

/** Whether what stands at a line's end is old: its bot is not well, or the sum is not known now. */
export const isStale = (view, id) => (id === TOTAL ? !view.total?.equity : !view.bots.get(id)?.ok);

/** How the values of a line are read: all of them at once, for a fall is seen from the peak before it. */
export const READINGS = {
  pnl: (values, base) => values.map((value) => value - base),
  return: (values, base) => values.map((value) => (base > 0 ? (value / base - 1) * 100 : null)),
  equity: (values) => values,
  drawdown: (values) => drawdown(values),
};

/** Fall from the running peak, in percent, at most 0; null where nothing above 0 has been yet. */
export function drawdown(values) {
  let peak = 0;
  return values.map((value) => {
    peak = Math.max(peak, value);
    return peak > 0 ? (value / peak - 1) * 100 : null;
  });
}

/** [times, values, values …] with null where a line has no point at that time. */
export function tableOf(lines, reading) {
  const read = READINGS[reading];
  const same = lines.every(({ t }) => t.length === lines[0].t.length && t[0] === lines[0].t[0] && t.at(-1) === lines[0].t.at(-1) && t.every((at, i) => at === lines[0].t[i]));
  if (same) return [lines[0].t, ...lines.map(({ v, base }) => read(v, base))];
  const times = [...new Set(lines.flatMap(({ t }) => t))].sort((a, b) => a - b);
  const row = new Map(times.map((at, i) => [at, i]));
  const columns = lines.map(({ t, v, base }) => {
    const column = new Array(times.length).fill(null);
    const values = read(v, base);
    t.forEach((at, i) => (column[row.get(at)] = values[i]));
    return column;
  });
  return [times, ...columns];
}

/** The newest value of `column` at or before row `i`, or null. */
export function valueAt(column, i) {
  for (let at = Math.min(i, column.length - 1); at >= 0; at -= 1) if (column[at] !== null && column[at] !== undefined) return column[at];
  return null;
}
