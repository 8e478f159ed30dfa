// Between times and places on the chart. A place is a bar's number, fractions and numbers off the data allowed. Pure.

/** Number of the last bar that opens at or before `ms`; −1 before the first. */
export function indexAt(rows, ms) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle][0] <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The place of a time: between bars by share, off the data by steps. */
export function placeOf(rows, step, ms) {
  if (!rows.length) return null;
  const at = indexAt(rows, ms);
  if (at < 0) return (ms - rows[0][0]) / step;
  if (at >= rows.length - 1) return rows.length - 1 + (ms - rows[rows.length - 1][0]) / step;
  return at + (ms - rows[at][0]) / (rows[at + 1][0] - rows[at][0]);
}

/** The time of a place, on a bar's open: places are snapped to bars. */
export function timeAt(rows, step, place) {
  if (!rows.length) return null;
  const at = Math.round(place);
  if (at < 0) return rows[0][0] + at * step;
  if (at >= rows.length) return rows[rows.length - 1][0] + (at - rows.length + 1) * step;
  return rows[at][0];
}

/** Open, high, low or close of `row` within `reach` pixels of `y`, the nearest; null where none is. */
export function snapped(row, y, yOf, reach) {
  if (!row) return null;
  let best = null;
  for (const [name, price] of [["open", row[1]], ["high", row[2]], ["low", row[3]], ["close", row[4]]]) {
    const off = Math.abs(yOf(price) - y);
    if (off <= reach && (best === null || off < best.off)) best = { name, price, off };
  }
  return best;
}

/** Decimals that nine in ten of the newest prices do with: recordings hold a few stray ones. From 2 to 8. */
export function decimals(rows) {
  const counts = rows.slice(-200).flatMap((row) => row.slice(1, 5).map(places)).sort((a, b) => a - b);
  const most = counts[Math.floor(0.9 * (counts.length - 1))] ?? 2;
  return Math.max(2, Math.min(most, 8));
}

function places(price) {
  const text = String(price);
  const at = text.indexOf(".");
  return at < 0 || text.includes("e") ? 0 : text.length - at - 1;
}
